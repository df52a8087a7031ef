"""How plans and the rows of their trees are drawn."""

from collections.abc import Iterator, Mapping

from cc4tui.domain.plan import Plan, Severity, Task
from cc4tui.domain.run import TaskRunState
from cc4tui.ports import PlanSummary
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, Span, cell
from cc4tui.screens.looks import PLAN_TASK_LOOKS, TASK_RUN_LOOKS, Look
from cc4tui.screens.plan_tree import Kind, TreeRow, is_done
from cc4tui.screens.widgets.row_list import Row


States = Mapping[str, TaskRunState]

NO_PLANS: tuple[Line, ...] = (
    (("This repository has no plan yet.", "title"),),
    (),
    (("A plan is a Markdown file with tasks. Put one at ", "muted"), ("plans/first.md", "quote")),
    (),
    (("    # Plan: Quicker uploads", "quote"),),
    (("    ## Batch 1: Groundwork", "quote"),),
    (("    - [ ] 1.1 Measure the upload path", "quote"),),
    (("    - [ ] 1.2 Stream to disk (depends on 1.1)", "quote"),),
    (),
    (("It shows up here when you save it; ", "muted"), ("r", "key"), (" runs it.", "muted")),
)
NO_TASKS: tuple[Line, ...] = (
    (("No task was found in this file.", "title"),),
    (),
    (("Tasks are checkboxes or headings: ", "muted"), ("- [ ] 1.1 What to do", "quote")),
    (("e", "key"), (" opens it in your editor; what you save is read at once.", "muted")),
)


def draw_plan(plan: PlanSummary, width: int) -> Row:
    """One line of the list of plans."""
    left: Line = ((plan.path, "text"),)
    if width >= 60 and plan.title:
        left = (*left, (f"  {plan.title}", "muted"))
    return Row(left, tuple(_plan_right(plan)))


def _plan_right(plan: PlanSummary) -> Iterator[Span]:
    if plan.errors:
        yield f"{plan.errors} {sign('✗', 'x')}  ", "bad"
    if plan.tasks:
        whole = plan.done == plan.tasks
        yield f"{plan.done}/{plan.tasks}", "good" if whole else "muted"
    elif plan.offers:
        yield "offers", "wait"
    else:
        yield "no tasks", "muted"


def look_of(task: Task, state: TaskRunState | None) -> Look:
    """The run's word on a task, or else the plan's."""
    return PLAN_TASK_LOOKS[task.state] if state is None else TASK_RUN_LOOKS[state]


def draw_tree_row(row: TreeRow, width: int, plan: Plan, states: States) -> Row:
    """One line of the tree.

    Args:
        row: To draw.
        width: Cells there are.
        plan: That the row is of.
        states: Of the plan's tasks in the newest run, where they say more than the plan does.
    """
    match row.kind:
        case Kind.TASK:
            return _draw_task(row, width, states)
        case Kind.BATCH:
            return _draw_batch(row, states)
        case Kind.PROBLEMS:
            return _draw_problems(row, plan)
        case Kind.PROBLEM:
            return _draw_problem(row)


def _arrow(row: TreeRow) -> Span:
    return (f"{sign('▸', '+') if row.folded else sign('▾', '-')} ", "muted")


def _draw_batch(row: TreeRow, states: States) -> Row:
    assert row.batch is not None
    tasks = row.batch.tasks
    done = sum(is_done(task, states.get(task.id)) for task in tasks)
    name = f"{row.batch.id}  " if row.batch.id else ""
    left: Line = (_arrow(row), (name, "heading"), (row.batch.title or "Tasks", "title"))
    if row.offered:
        left = (*left, ("  offered: run it to accept", "wait"))
    ink = "good" if tasks and done == len(tasks) else "muted"
    return Row(left, ((f"{done}/{len(tasks)}", ink),))


def _draw_task(row: TreeRow, width: int, states: States) -> Row:
    task = row.task
    assert task is not None
    state = states.get(task.id)
    look = look_of(task, state)
    left: Line = (
        ("  " * row.depth, ""),
        (f"{look.sign} ", look.ink),
        (f"{task.id}  ", "muted"),
        (task.title, "muted" if is_done(task, state) else "text"),
    )
    if task.optional:
        left = (*left, ("  optional", "muted"))
    return Row(left, tuple(_task_right(task, state, width)))


def _task_right(task: Task, state: TaskRunState | None, width: int) -> Iterator[Span]:
    if width >= 64 and task.files:
        more = f" +{len(task.files) - 1}" if len(task.files) > 1 else ""
        yield f"{task.files[0].path}{more}  ", "muted"
    if task.needs and state is None:
        ids = task.needs if len(task.needs) < 4 else (*task.needs[:3], "…")
        yield f"after {' '.join(ids)}", "muted"
    if state is not None:
        look = TASK_RUN_LOOKS[state]
        yield cell(look.word, 10, look.ink, end=True)


def _draw_problems(row: TreeRow, plan: Plan) -> Row:
    count = len(plan.diagnostics)
    word = "problem" if count == 1 else "problems"
    left: Line = (_arrow(row), (f"{count} {word}", "bad" if plan.errors else "wait"))
    if plan.errors:
        left = (*left, ("  errors must be gone before it runs", "muted"))
    return Row(left)


def _draw_problem(row: TreeRow) -> Row:
    problem = row.problem
    assert problem is not None
    error = problem.severity is Severity.ERROR
    ink = "bad" if error else "wait"
    glyph = sign("✗", "x") if error else sign("▲", "!")
    left: Line = (
        ("  ", ""),
        (f"{glyph} ", ink),
        (f"{problem.code} ", ink),
        (problem.message, "text"),
    )
    return Row(left, ((f"line {problem.line}", "muted"),))
