"""What the pipeline needs of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol


if TYPE_CHECKING:
    from cc4tui.domain.notes import Idea, IdeaStatus, Lesson
    from cc4tui.domain.run import AttemptRecord, RunRecord, TaskRunRecord, TaskRunState
    from cc4tui.domain.spending import Work
    from cc4tui.events import Event


@dataclass(frozen=True, slots=True)
class TaskUpdate:
    """A fenced change of one task run: refused unless state and fence are as expected."""

    task: str
    expect: frozenset[TaskRunState]
    """States it may be in now; an empty set accepts any."""
    fence: int | None = None
    """Fence it must have now; None accepts any."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Fields of TaskRunRecord to set; `usage` as TokenUsage."""


@dataclass(frozen=True, slots=True)
class AttemptUpdate:
    """A change of one attempt; inserts it when it is new."""

    task: str
    attempt: int
    values: Mapping[str, Any] = field(default_factory=dict)
    """Fields of AttemptRecord to set."""


@dataclass(frozen=True, slots=True)
class Write:
    """One transaction of the journal: all of it is stored, or none."""

    run: str
    run_values: Mapping[str, Any] = field(default_factory=dict)
    """Fields of RunRecord to set."""
    new_tasks: tuple[TaskRunRecord, ...] = ()
    """Tasks that joined the run since it was made: its plan was edited."""
    tasks: tuple[TaskUpdate, ...] = ()
    attempts: tuple[AttemptUpdate, ...] = ()
    events: tuple[Event, ...] = ()
    durable: bool = False
    """Wait until the disk has it (synchronous=FULL): for committed and merged."""


@dataclass(frozen=True, slots=True)
class Request:
    """What another process asks the owner of the repository's lock to do."""

    id: int
    kind: str
    """cancel_run, pause_run, cancel_task, retry_task, skip_task, message, fork or answer."""
    run: str
    task: str | None
    data: Mapping[str, Any]
    created: datetime


class Journal(Protocol):
    """Runs, their tasks, attempts and events. One writer: calls are queued, batched and atomic."""

    async def create_run(self, run: RunRecord, tasks: Sequence[TaskRunRecord]) -> None:
        """Store a new run with all its tasks in one transaction."""

    async def commit(self, write: Write) -> tuple[Event, ...]:
        """Store one transaction; return its events with `seq` and `ts` given.

        Raises:
            StaleWriteError: a TaskUpdate met another state or fence; nothing is stored.
        """

    async def runs(self, limit: int = 100) -> list[RunRecord]:
        """Newest first."""

    async def run(self, run_id: str) -> RunRecord | None:
        """One run by its exact id."""

    async def task_runs(self, run_id: str) -> list[TaskRunRecord]:
        """In document order."""

    async def attempts(self, run_id: str, task: str | None = None) -> list[AttemptRecord]:
        """By task position, then number."""

    async def works(self, run_id: str | None = None) -> list[Work]:
        """Attempts with the batches of their tasks: of one run, or of all, the oldest run first."""

    async def events(self, run_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """Events with seq > after, in order."""

    async def add_request(
        self, kind: str, run: str, task: str | None, data: Mapping[str, Any]
    ) -> int:
        """Ask the owner for something; may be called by any process."""

    async def take_requests(self, run: str) -> list[Request]:
        """Requests not taken yet, oldest first; each is handed out once."""


class Notebook(Protocol):
    """Ideas and lessons. May be written by any process at any time."""

    async def add_idea(
        self, text: str, tags: Sequence[str] = (), priority: str | None = None
    ) -> Idea: ...

    async def ideas(self) -> list[Idea]:
        """Newest first, deleted ones left out."""

    async def idea(self, idea_id: int) -> Idea | None: ...

    async def update_idea(
        self,
        idea_id: int,
        *,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        priority: str | None = None,
        status: IdeaStatus | None = None,
        plan: str | None = None,
        task: str | None = None,
    ) -> Idea:
        """Set what is not None; empty, priority, plan and task are taken away.

        Raises NotFoundError.
        """

    async def delete_idea(self, idea_id: int) -> None:
        """Hide it; `restore_idea` brings it back. Raises NotFoundError."""

    async def restore_idea(self, idea_id: int) -> Idea: ...

    async def add_lesson(
        self, text: str, title: str = "", source: str = "person", tags: Sequence[str] = ()
    ) -> Lesson: ...

    async def lessons(self, limit: int = 500) -> list[Lesson]:
        """Newest first, deleted ones left out."""

    async def search_lessons(self, query: str, limit: int = 50) -> list[Lesson]:
        """Best match first; `query` is what a person typed (any characters), prefixes match."""

    async def lesson(self, lesson_id: int) -> Lesson | None: ...

    async def update_lesson(
        self,
        lesson_id: int,
        *,
        text: str | None = None,
        title: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Lesson:
        """Set what is not None. Raises NotFoundError."""

    async def delete_lesson(self, lesson_id: int) -> None:
        """Hide it. Raises NotFoundError."""

    async def restore_lesson(self, lesson_id: int) -> Lesson: ...


class Store(Journal, Notebook, Protocol):
    """The database of one repository."""

    async def close(self) -> None:
        """Finish what is queued, then close."""
