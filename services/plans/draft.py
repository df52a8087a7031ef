"""A plan while it is being read: mutable, and the same for every dialect.

Readers fill drafts; `assembly.py` resolves what they name, checks it and freezes it into a Plan.
"""

from dataclasses import dataclass, field
from typing import Any

from cc4tui.domain.plan import Diagnostic, FileRef, PlanTaskState, Severity, Step
from cc4tui.services.plans.text import printable


MAX_TASKS = 20_000
"""Tasks in one plan (R16)."""
MAX_SAID = 500
"""Diagnostics of one code in one file; a file with more has one cause, not a thousand."""


@dataclass(slots=True, eq=False)
class TaskDraft:
    """A task as far as its reader knows it."""

    id: str
    title: str
    line: int
    """From 0, like every line in a draft."""
    end: int
    """Exclusive."""
    batch: "BatchDraft"
    state: PlanTaskState | None = None
    """By its own mark, tick or status; None = it says nothing."""
    around: PlanTaskState | None = None
    """What the headings around it say: (COMPLETE), a tick, or a section named after a status."""
    column: int = 0
    id_is_made: bool = False
    body: str = ""
    goal: str = ""
    steps: list[Step] = field(default_factory=list)
    files: list[FileRef] = field(default_factory=list)
    depends: list[str] = field(default_factory=list)
    strict: bool = True
    """An unknown name in `depends` is an error; else it was a word of a sentence."""
    outside: bool = False
    """What it depends on may stand in other files."""
    acceptance: list[str] = field(default_factory=list)
    verify: list[str] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    """agent, fallback, model, effort, mode, priority, budget, timeout, retries, rehearse."""
    labels: list[str] = field(default_factory=list)
    optional: bool = False
    parallel: bool | None = None
    """As marked; None = as the dialect has it."""
    mark: tuple[int, int] | None = None
    """Line and column of the character in its box."""
    mirrors: list[tuple[int, int]] = field(default_factory=list)
    """Marks of the same task told again elsewhere."""


@dataclass(slots=True, eq=False)
class BatchDraft:
    """A batch as far as its reader knows it."""

    id: str
    title: str
    line: int
    name: str = ""
    """As it is called in dependencies: ``Phase 2``."""
    prefix: str = ""
    """For made ids."""
    goal: str = ""
    depends: list[str] | None = None
    """None = nothing declared; empty = declared to wait for nothing."""
    strict: bool = True
    """An unknown name in `depends` is an error; else it was a word of a sentence."""
    acceptance: list[str] = field(default_factory=list)
    parallel: bool | None = None
    options: dict[str, Any] = field(default_factory=dict)
    verify: list[str] = field(default_factory=list)
    declared_tasks: int | None = None
    """``(3 tasks)`` in the heading."""
    family: int = 0
    """Batches with the same number, other than 0, are neighbours under one parent heading, which
    alone declares what they wait for: among themselves they stay in order."""
    above: list[str] = field(default_factory=list)
    """The headings around it, outermost first, as they would be written."""
    names: list[str] = field(default_factory=list)
    """Names of the headings around it: who waits for them waits for it too."""
    tasks: list[TaskDraft] = field(default_factory=list)


@dataclass(slots=True)
class OfferDraft:
    """What may be a batch of tasks."""

    kind: str
    line: int
    batch: BatchDraft


@dataclass(slots=True)
class GroupDraft:
    """A box above other boxes: done when all of them are."""

    mark: tuple[int, int]
    done: bool
    tasks: list[TaskDraft]


@dataclass(slots=True)
class PlanDraft:
    """A plan as far as its reader knows it."""

    dialect: str
    title: str = ""
    goal: str = ""
    batches: list[BatchDraft] = field(default_factory=list)
    order: list[TaskDraft] = field(default_factory=list)
    """Every task in document order."""
    offers: list[OfferDraft] = field(default_factory=list)
    groups: list[GroupDraft] = field(default_factory=list)
    defaults: dict[str, Any] = field(default_factory=dict)
    state: PlanTaskState | None = None
    """What the front matter says of the whole."""
    headings: set[str] = field(default_factory=set)
    """Names of all headings, also of those without tasks: waiting for them is no mistake."""
    sequential: bool = False
    """Unmarked tasks of a batch run one after the other (R8)."""
    ordered: bool = True
    """Batches wait for the batch before them."""
    full: bool = False
    """It holds as many tasks as a plan may; the rest was not read."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    said: dict[str, int] = field(default_factory=dict)
    """How often each code came up; only the first `MAX_SAID` are kept."""

    def too_many(self, line: int) -> None:
        """Say from where on a plan with too many tasks is not read."""
        self.full = True
        text = f"too much for one plan ({MAX_TASKS} tasks); from here on nothing is read"
        self.error("E09", line, text, "split the plan")

    def error(self, code: str, line: int, message: str, hint: str = "", col: int = 0) -> None:
        """Note an error at a line counted from 0."""
        self._note(code, Severity.ERROR, line, col, (message, hint))

    def warn(self, code: str, line: int, message: str, hint: str = "", col: int = 0) -> None:
        """Note a warning at a line counted from 0."""
        self._note(code, Severity.WARNING, line, col, (message, hint))

    def _note(
        self, code: str, severity: Severity, line: int, col: int, texts: tuple[str, str]
    ) -> None:
        count = self.said[code] = self.said.get(code, 0) + 1
        if count <= MAX_SAID:
            message, hint = (printable(text) for text in texts)
            self.diagnostics.append(Diagnostic(code, severity, line + 1, col + 1, message, hint))
