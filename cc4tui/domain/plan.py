"""What a plan says: batches of tasks, as read from a person's file. See docs/writing-plans.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class PlanTaskState(StrEnum):
    """The state of a task as its plan says it (not as a run found it)."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"


class FileOp(StrEnum):
    """What a task does to a file it names."""

    CREATE = "create"
    MODIFY = "modify"
    TEST = "test"


class Severity(StrEnum):
    """How bad a diagnostic is; an error blocks a run, never the display."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file or folder that a task names."""

    path: str
    op: FileOp | None = None
    lines: str | None = None
    """Line ranges as written: ``10-40`` or ``27-54, 191-207``."""


@dataclass(frozen=True, slots=True)
class Step:
    """A checkbox below a task: detail of how, never a task by itself."""

    text: str
    done: bool
    line: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem of a plan at a place; line and col count from 1, col in characters."""

    code: str
    severity: Severity
    line: int
    col: int
    message: str
    hint: str = ""

    def render(self, path: str) -> str:
        """``path:line:col CODE message; hint``."""
        tail = f"; {self.hint}" if self.hint else ""
        return f"{path}:{self.line}:{self.col} {self.code} {self.message}{tail}"


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work that an agent gets."""

    id: str
    title: str
    """Cleaned of id, marks, bold and ticks; may hold any character a person can type."""
    state: PlanTaskState
    line: int
    """First line, from 1."""
    end_line: int
    """Last line of the task's own text, inclusive."""
    batch: str = ""
    """Id of the batch that holds it; empty in a plan without batches."""
    body: str = ""
    """Everything the task's text says beyond its fields: what the agent reads."""
    goal: str = ""
    """The objective, where the plan names one."""
    id_is_made: bool = False
    """The plan gave no id; this one was made from the batch and position (rule R9)."""
    steps: tuple[Step, ...] = ()
    files: tuple[FileRef, ...] = ()
    depends_on: tuple[str, ...] = ()
    """As written: ids of tasks, or names of batches."""
    waits_for: tuple[str, ...] = ()
    """Resolved task ids, barriers between batches and order inside a batch included."""
    needs: tuple[str, ...] = ()
    """Resolved task ids of what is declared only: what blocks it under --keep-going."""
    acceptance: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    """Commands that prove it, run on the merged tree."""
    run: tuple[str, ...] = ()
    """Commands that do it: such a task is done by the shell agent, with no model."""
    agent: str | None = None
    model: str | None = None
    fallback: tuple[str, ...] | None = None
    """Agents that do it when its own one is limited or cannot be used; None = not said."""
    effort: str | None = None
    mode: str | None = None
    priority: str | None = None
    budget: Mapping[str, float] | None = None
    """``tokens`` and/or ``usd``."""
    timeout: float | None = None
    """Seconds for one attempt."""
    retries: int | None = None
    labels: tuple[str, ...] = ()
    rehearse: str | None = None
    """What the rehearsal agent acts out: ``fail``, ``conflict``, ``hang``, ``nothing``."""
    optional: bool = False
    parallel: bool = True
    """May run beside its neighbours in the batch."""
    mark_offset: int | None = None
    """Byte offset of the character between the brackets of its checkbox; None if it has no box."""
    mirror_offsets: tuple[int, ...] = ()
    """The same for boxes that tell this task again elsewhere in the file (W06)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks that belong together; by default a barrier for the batches after it."""

    id: str
    title: str
    line: int
    tasks: tuple[Task, ...] = ()
    goal: str = ""
    depends_on: tuple[str, ...] = ()
    parallel: bool = True
    acceptance: tuple[str, ...] = ()
    name: str = ""
    """As people call it: ``Phase 2``; empty when its heading has no such name."""
    above: tuple[str, ...] = ()
    """The headings around it, outermost first: ``Phase 3: Implementation``."""
    inherits: bool = False
    """`depends_on` is what the heading around it declares for all batches below."""
    free: bool = False
    """Waits for no other batch, by its own word or its dialect's."""


@dataclass(frozen=True, slots=True)
class GroupMark:
    """The checkbox of a group: ticked when all tasks below it are done."""

    offset: int
    """Byte offset of the character between the brackets."""
    done: bool
    tasks: tuple[str, ...]
    """Ids of the tasks below it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may be a batch of tasks but is not certain: run only when accepted."""

    kind: str
    """``table``, ``bullets`` or ``fence``."""
    line: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan file as read. Truth for intent; never for what was done."""

    path: str
    title: str
    dialect: str
    batches: tuple[Batch, ...] = ()
    offers: tuple[Offer, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Front matter keys that default those of tasks: agent, model, mode, max_parallel, ..."""
    goal: str = ""
    sha256: str = ""
    """Of the file's bytes, to see that it changed."""
    why: tuple[str, ...] = ()
    """Why this dialect was chosen: what --explain prints."""
    groups: tuple[GroupMark, ...] = ()

    def tasks(self) -> Iterator[Task]:
        """Every task in document order."""
        for batch in self.batches:
            yield from batch.tasks

    def task(self, task_id: str) -> Task | None:
        """The first task of this id, or None."""
        return next((task for task in self.tasks() if task.id == task_id), None)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that block a run."""
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)
