"""The rows of a plan's tree: what is folded is left out, problems come first."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from cc4tui.domain.plan import Batch, Diagnostic, Plan, PlanTaskState, Severity, Task
from cc4tui.domain.run import DONE_STATES, TaskRunState


class Kind(Enum):
    """What a row of the tree stands for."""

    PROBLEMS = "problems"
    PROBLEM = "problem"
    BATCH = "batch"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A row; which of the last fields is set depends on its kind."""

    kind: Kind
    key: str
    line: int
    """In the plan's file, for the editor."""
    depth: int = 0
    folded: bool = False
    offered: bool = False
    """Part of something that may be a batch: it runs only when that is accepted."""
    batch: Batch | None = None
    task: Task | None = None
    problem: Diagnostic | None = None


PROBLEMS_KEY = "!"

_TOLD_AFTER_THE_END = DONE_STATES | {
    TaskRunState.FAILED,
    TaskRunState.CANCELLED,
    TaskRunState.NO_CHANGE,
}


def telling_states(
    states: Mapping[str, TaskRunState], *, active: bool
) -> Mapping[str, TaskRunState]:
    """The states worth showing: of a run that is over, only how tasks ended."""
    if active:
        return states
    return {task: state for task, state in states.items() if state in _TOLD_AFTER_THE_END}


def tree_rows(plan: Plan, folded: Collection[str]) -> Iterator[TreeRow]:
    """The rows that are seen, from the top. They hold no state: that is looked up when drawn.

    Args:
        plan: As read.
        folded: Keys of rows whose children are hidden.
    """
    yield from _problem_rows(plan, folded)
    single = len(plan.batches) == 1 and not plan.batches[0].title
    for batch in plan.batches:
        yield from _batch_rows(batch, folded, bare=single)
    for offer in plan.offers:
        yield from _batch_rows(offer.batch, folded, offered=True)


def _problem_rows(plan: Plan, folded: Collection[str]) -> Iterator[TreeRow]:
    if not plan.diagnostics:
        return
    hidden = PROBLEMS_KEY in folded
    first = plan.diagnostics[0].line
    yield TreeRow(Kind.PROBLEMS, PROBLEMS_KEY, first, folded=hidden)
    if hidden:
        return
    ordered = sorted(plan.diagnostics, key=lambda d: (d.severity is not Severity.ERROR, d.line))
    for at, problem in enumerate(ordered):
        yield TreeRow(Kind.PROBLEM, f"!{at}", problem.line, depth=1, problem=problem)


def _batch_rows(
    batch: Batch,
    folded: Collection[str],
    *,
    bare: bool = False,
    offered: bool = False,
) -> Iterator[TreeRow]:
    key = f"{'?' if offered else '#'}{batch.id}@{batch.line}"
    hidden = key in folded
    if not bare:
        yield TreeRow(Kind.BATCH, key, batch.line, folded=hidden, offered=offered, batch=batch)
    if hidden:
        return
    for task in batch.tasks:
        yield TreeRow(
            Kind.TASK,
            f"={task.id}",
            task.line,
            depth=0 if bare else 1,
            offered=offered,
            batch=batch,
            task=task,
        )


def task_row(plan: Plan, task_id: str) -> TreeRow | None:
    """The row of a task, folded or not; None when there is no such task."""
    for batch in plan.batches:
        for task in batch.tasks:
            if task.id == task_id:
                return TreeRow(Kind.TASK, f"={task.id}", task.line, 1, batch=batch, task=task)
    return None


def problem_row(problem: Diagnostic) -> TreeRow:
    """The row of a problem."""
    return TreeRow(Kind.PROBLEM, PROBLEMS_KEY, problem.line, 1, problem=problem)


def only_offers(plan: Plan) -> bool:
    """Whether a run has to accept what is offered, as nothing is certain to be a task."""
    return bool(plan.offers) and not any(True for _ in plan.tasks())


def is_done(task: Task, state: TaskRunState | None) -> bool:
    """Whether nothing is left to do, by the plan or by the run."""
    return task.state is PlanTaskState.DONE or state in DONE_STATES


def row_text(row: TreeRow) -> str:
    """What the filter looks at; headings hold nothing, so that only tasks and problems match."""
    if row.task is not None and row.kind is Kind.TASK:
        names = " ".join([*(ref.path for ref in row.task.files), *row.task.labels])
        return f"{row.task.id} {row.task.title} {names}"
    if row.problem is not None:
        return f"{row.problem.code} {row.problem.message}"
    return ""


def fold_keys(plan: Plan) -> set[str]:
    """Keys of everything that can be folded."""
    rows = tree_rows(plan, ())
    return {row.key for row in rows if row.kind in (Kind.BATCH, Kind.PROBLEMS)}
