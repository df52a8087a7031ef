"""What screens and the command line may ask for, and what they get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol


if TYPE_CHECKING:
    from cc4tui.domain.agent import AgentEvent
    from cc4tui.domain.agent_spec import AgentSpec
    from cc4tui.domain.forecast import Forecast
    from cc4tui.domain.plan import Plan
    from cc4tui.events import Event
    from cc4tui.ports.place import RepositoryInfo
    from cc4tui.ports.runs import RunView
    from cc4tui.ports.storage import Journal, Notebook


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan of the repository, for lists."""

    path: str
    """Relative to the repository."""
    title: str
    dialect: str
    tasks: int
    done: int
    errors: int
    offers: int = 0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person chose for a run; None = from the plan, then the configuration."""

    agent: str | None = None
    agent_command: str | None = None
    model: str | None = None
    workers: int | None = None
    mode: str | None = None
    land: str | None = None
    land_when: str = "any"
    base: str | None = None
    batches: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    retries: int | None = None
    timeout: float | None = None
    budget: str | None = None
    """Of the whole run, as `values.budget` reads it."""
    keep_going: bool = False
    redo: bool = False
    accept_offers: bool = False
    new: bool = False
    ignore_limits: bool = False
    """Try agents at once that an earlier run found limited."""
    hold_edits: bool = False
    """Edits of the plan during the run wait for `apply_plan_edit` instead of counting at once."""


@dataclass(frozen=True, slots=True)
class SavedWork:
    """Work that no branch held, kept by a ref of its own. Texts are raw: clean them to show."""

    name: str
    """``<run>/<task as refs spell it>/<attempt>/<n>``; what the methods below want."""
    run: str
    task: str
    attempt: int
    commit: str
    date: datetime
    subject: str
    files: tuple[str, ...]
    """Paths that it changes."""


class Against(StrEnum):
    """What a task's work is compared with."""

    START = "start"
    """The commit that it began from."""
    MERGED = "merged"
    """The integration branch: as it is now, or as it was right before the task was merged."""


@dataclass(frozen=True, slots=True)
class TaskChanges:
    """What a task changed. Texts are raw: clean them to show."""

    text: str
    """Unified diff as git prints it."""
    against: Against
    commit: str
    """What it is compared with; empty when there is nothing to compare."""
    live: bool = False
    """Whether it shows the files of an agent at work as they were a moment ago."""


@dataclass(frozen=True, slots=True)
class OutputSize:
    """How much an agent has written, in bytes."""

    out: int
    err: int


OutputNote = tuple[datetime, OutputSize]
"""How much an agent had written at a time."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """What an agent waits for a person for. Texts are raw: clean them to show."""

    run: str
    task: str
    attempt: int
    name: str
    """For the answer."""
    kind: str
    """``permission`` or ``question``."""
    tool: str
    summary: str
    details: str
    choices: tuple[str, ...]
    rule: str
    """What a lasting yes would allow; empty if it cannot be made a rule."""
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's answer to a request."""

    request: str
    allow: bool
    text: str = ""
    """Why not, or the answer to a question."""
    always: str = ""
    """``run`` or ``repository`` makes a rule of a yes."""
    rule: str = ""
    """That rule; empty = the narrowest that fits."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How a task is to be done from its next attempt on; empty = as before."""

    agent: str = ""
    """A configured agent."""
    model: str = ""
    hint: str = ""
    """Added to its prompt."""


class MessageWay(StrEnum):
    """What becomes of a message to a task."""

    LIVE = "live"
    """Its agent listens: it hears it while it works."""
    QUEUED = "queued"
    """Waits until the attempt has ended, which then goes on with it, in its session if it can."""
    RESUMED = "resumed"
    """The task has ended without success: it goes on from where it was left."""
    FIRST = "first"
    """No agent has begun: its first one gets it."""
    FOLLOW_UP = "follow_up"
    """The task is done: a new one follows up on it, from what merged, in its session if it can."""

    @property
    def sentence(self) -> str:
        """The same for people."""
        return _WAYS[self]


_WAYS = {
    MessageWay.LIVE: "its agent hears it at once, after the tool call that runs",
    MessageWay.QUEUED: "it waits until this try has ended, and is gone on with then,"
    " in the same session if that can be resumed",
    MessageWay.RESUMED: "the task goes on with it from where it was left,"
    " in the same session if that can be resumed",
    MessageWay.FIRST: "no agent has begun yet: the first one gets it",
    MessageWay.FOLLOW_UP: "the task is done: a new one follows up on it, from what merged,"
    " in the same session if that can be resumed",
}


@dataclass(frozen=True, slots=True)
class TrustQuestion:
    """Commands by someone else that need the person's yes before a run."""

    key: str
    """Hash that the answer is stored under."""
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """Another cc4tui that works in this repository."""

    pid: int | None
    since: datetime | None
    command: str
    """As it was typed; cleaned."""

    @property
    def named(self) -> str:
        """`cc4tui run plan.md` (process 123, since 14:02)."""
        pid = "process unknown" if self.pid is None else f"process {self.pid}"
        since = f", since {self.since.astimezone():%H:%M}" if self.since else ""
        return f"`{self.command or 'cc4tui'}` ({pid}{since})"


class Terminal(Protocol):
    """A program at a terminal of its own; it goes on whether somebody looks or not."""

    @property
    def title(self) -> str:
        """What it is, in a few words; raw, clean it to show."""

    @property
    def note(self) -> str:
        """What a person should know of it, as a sentence; raw, clean it to show."""

    async def read(self, limit: int) -> bytes:
        """What it wrote next, as soon as there is something; nothing when it has ended."""

    def write(self, data: bytes) -> None:
        """Type."""

    def resize(self, columns: int, rows: int) -> None:
        """Tell it how large its terminal is."""

    async def ended(self) -> str:
        """Wait until it is gone and its changes are saved; what became of them, a sentence."""

    def hang_up(self) -> None:
        """Have it end."""


class CommandCenter(Protocol):
    """Everything a screen or a front end can ask for; `cc4tui.runtime.Runtime` is the real one."""

    @property
    def repository(self) -> RepositoryInfo: ...

    @property
    def notebook(self) -> Notebook: ...

    @property
    def journal(self) -> Journal: ...

    async def plans(self) -> list[PlanSummary]:
        """Plans of the repository, most recently changed first."""

    async def read_plan(self, path: str) -> Plan: ...

    async def plan_source(self, path: str) -> str:
        """The plan's text, as near as it can be read; raw, clean it to show."""

    async def create_plan(self, path: str, title: str) -> None:
        """Write a new plan from the template.

        Raises UsageError when there is a file already, or the path is no place for a plan.
        """

    async def forecast(self, plan: str, options: RunOptions) -> Forecast:
        """How a run would go: order, clashes of files, time from past runs, problems.

        Raises PlanError, UsageError with a sentence to show.
        """

    async def time_left(self, run: str) -> tuple[float, float] | None:
        """Seconds that a run still takes, between the first and the second; None = not known."""

    def watch_plans(self) -> AsyncIterator[set[str]]:
        """Paths of plans that changed on disk, as they change."""

    async def agents(self) -> list[AgentSpec]:
        """Configured agents, the default one first."""

    async def trust_question(self, plan: str, options: RunOptions) -> TrustQuestion | None:
        """What must be confirmed before this run; None = nothing."""

    async def trust(self, question: TrustQuestion) -> None: ...

    async def start_run(self, plan: str, options: RunOptions) -> str:
        """Start (or continue) a run in this process; returns its id at once.

        Raises PlanError, UsageError, UnfitError with a sentence to show.
        """

    async def resume(self, run: str | None = None, *, accept_changes: bool = False) -> str:
        """Continue a run in this process; returns its id at once.

        Args:
            run: None = the newest unfinished one.
            accept_changes: Land although the repository executes something else than before.
        """

    async def reconcile(self) -> str:
        """Put right what a dead process left, once; what was done, as a sentence, or nothing.

        Until then no state of an unfinished run is certain. A run whose agents were left working
        goes on in this process.
        """

    @property
    def active_run(self) -> str | None:
        """The run that goes on in this process."""

    def other_instance(self) -> Instance | None:
        """Who else works in this repository, so that nothing can be started here."""

    async def leave(self, why: str) -> None:
        """Stop working on the run of this process and let its agents work on."""

    async def pause_run(self, run: str, *, paused: bool) -> None:
        """Start nothing new in a run that goes on, or go on; agents at work stay at work."""

    async def cancel_run(self, run: str) -> None: ...

    async def cancel_task(self, run: str, task: str) -> None: ...

    async def retry_task(self, run: str, task: str, wish: Retry | None = None) -> None:
        """Try a task again that ended without success.

        Args:
            wish: By another agent or model, or with a hint, from now on.
        """

    async def skip_task(self, run: str, task: str, reason: str = "") -> None:
        """Pass over a task that nobody works on: what waits for it may start."""

    async def fork_attempt(
        self, run: str, task: str, text: str, attempt: int | None = None
    ) -> None:
        """Make a new task that goes on from an attempt's work, with a copy of its session.

        Args:
            text: What it is to do.
            attempt: None = the newest one.
        """

    async def open_requests(self, run: str | None = None) -> list[OpenRequest]:
        """What agents wait for, oldest first: of one run, or of all that go on."""

    async def answer(self, run: str, decision: Decision) -> None:
        """Answer what an agent waits for, wherever its run goes on."""

    async def tell_agent(self, run: str, task: str, text: str, *, interrupt: bool = False) -> None:
        """Hand a message to a task's agent; `message_way` tells what becomes of it."""

    async def message_way(self, run: str, task: str) -> MessageWay:
        """What would become of a message to this task now.

        Raises UsageError when nobody can be told anything about it.
        """

    async def attach(self, run: str, task: str) -> Terminal:
        """Open the screen of a task's agent, in its session; a shell where that cannot be.

        An agent at work is not disturbed: the shell is opened beside it.

        Raises UsageError when nobody has worked on it yet.
        """

    async def apply_plan_edit(self, run: str) -> None:
        """Take over an edit of the plan that is held."""

    async def run_view(self, run: str) -> RunView: ...

    def subscribe(self) -> AsyncIterator[Event]:
        """Events of this repository's runs from now on, those of other processes included."""

    async def task_changes(
        self, run: str, task: str, against: Against | None = None
    ) -> TaskChanges:
        """What a task changed, also while its agent is at work.

        Args:
            run: Its id.
            task: Its id in there.
            against: None = of a merged task what its merge brought in, else what it did.
        """

    async def task_lines(self, run: str, task: str) -> tuple[int, int] | None:
        """Lines that a task added and removed so far; None when nobody knows.

        It asks git: call it when something has happened, not in every frame.
        """

    async def saved(self) -> list[SavedWork]:
        """Everything that was saved because no branch held it, newest first."""

    async def saved_diff(self, name: str) -> str:
        """What a saved work changes, as a unified diff; raw, clean it to show."""

    async def restore_saved(
        self, name: str, branch: str | None = None, *, worktree: Path | None = None
    ) -> str:
        """Make a branch of a saved work and return its name; no file is touched.

        Args:
            worktree: A folder that does not exist; the branch is checked out in it.
        """

    async def promote_idea(self, idea: int, plan: str) -> str:
        """Write the idea as a task into the plan file; returns the task's id."""

    async def restore_plan(self, plan: str) -> None:
        """Undo the last promote_idea of this plan."""

    def agent_output(
        self, run: str, task: str, attempt: int, until: OutputSize | None = None
    ) -> OutputReader:
        """Reads what an agent said, decoded, from its files.

        Args:
            run: Its id.
            task: Its id in there.
            attempt: Its number.
            until: Nothing after that; None = all, and what comes.
        """

    async def output_times(self, run: str, task: str, attempt: int) -> list[OutputNote]:
        """When an agent had written how much, the oldest first, as far as it was noted."""


class OutputReader(Protocol):
    """Reads an attempt's output incrementally; the same for running and finished attempts."""

    def has_news(self) -> bool:
        """Whether `read` might give something back; cheap enough to ask ten times a second."""

    async def read(self) -> list[AgentEvent]:
        """What came since the last call; an empty list when nothing did. Never blocks the loop."""

    def reach(self, until: OutputSize | None) -> None:
        """From now on read nothing after that; None = all."""
