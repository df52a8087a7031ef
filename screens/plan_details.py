"""Everything a plan says of a task, a batch or a problem, as lines to read."""

from collections.abc import Iterable, Iterator, Mapping

from cc4tui.domain.plan import Batch, Diagnostic, Plan, Severity, Task
from cc4tui.domain.run import TaskRunRecord
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, Span
from cc4tui.screens.looks import TASK_RUN_LOOKS
from cc4tui.screens.plan_rows import States, look_of
from cc4tui.screens.plan_tree import TreeRow
from cc4tui.screens.times import duration


_LABEL = 12
BODY_LINES = 500
"""Of a task's text; what is longer is better read in an editor."""

Records = Mapping[str, TaskRunRecord]


def row_lines(row: TreeRow, plan: Plan, states: States, records: Records) -> Iterable[Line]:
    """What is told of the row under the cursor."""
    if row.task is not None:
        return task_lines(row.task, plan, states, records)
    if row.problem is not None:
        return problem_lines(row.problem, plan.path)
    if row.batch is not None:
        return batch_lines(row.batch, plan.path)
    return problems_lines(plan)


def _field(label: str, *spans: Span) -> Line:
    return ((f"{label:<{_LABEL}}", "muted"), *spans)


def task_lines(task: Task, plan: Plan, states: States, records: Records) -> Iterator[Line]:
    """A task whole.

    Args:
        task: To tell of.
        plan: That holds it.
        states: Of the newest run, where they say more than the plan does.
        records: Of the newest run.
    """
    look = look_of(task, states.get(task.id))
    yield ((f"{task.id}  ", "heading"), (task.title, "title"))
    yield ((f"{look.sign} {look.word}", look.ink), (f"   {plan.path}:{task.line}", "muted"))
    record = records.get(task.id)
    if record is not None and task.id in states:
        yield from _history(record)
    yield ()
    yield from _facts(task, plan, states)
    yield from _lists(task)
    yield from _body(task)


def _history(record: TaskRunRecord) -> Iterator[Line]:
    parts = [record.run]
    if record.attempts:
        parts.append(f"{record.attempts} {'try' if record.attempts == 1 else 'tries'}")
    if record.seconds is not None:
        parts.append(duration(record.seconds))
    if record.agent:
        parts.append(record.agent)
    yield (("  ".join(parts), "muted"),)
    if record.reason:
        yield ((record.reason, TASK_RUN_LOOKS[record.state].ink),)


def _facts(task: Task, plan: Plan, states: States) -> Iterator[Line]:
    if task.goal:
        yield _field("goal", (task.goal, "text"))
    if task.depends_on:
        yield _field("depends on", *_dependencies(task, plan, states))
    for at, ref in enumerate(task.files):
        note = f"  {ref.op.value}" if ref.op else ""
        lines = f"  lines {ref.lines}" if ref.lines else ""
        yield _field("files" if at == 0 else "", (ref.path, "link"), (note + lines, "muted"))
    for at, command in enumerate(task.run):
        yield _field("run" if at == 0 else "", (command, "accent"))
    for at, command in enumerate(task.verify):
        yield _field("verify" if at == 0 else "", (command, "accent"))
    chosen = [name for name in (task.agent, task.model, task.effort, task.mode) if name]
    if chosen:
        yield _field("done by", (" · ".join(chosen), "text"))
    if task.timeout is not None:
        yield _field("time limit", (duration(task.timeout), "text"))
    if task.labels or task.priority:
        labels = " ".join(f"#{label}" for label in task.labels)
        yield _field("labels", (f"{task.priority or ''} ".lstrip(), "wait"), (labels, "tag"))
    if not task.parallel:
        yield _field("alone", ("not beside its neighbours", "text"))


def _dependencies(task: Task, plan: Plan, states: States) -> Iterator[Span]:
    for at, name in enumerate(task.depends_on):
        if at:
            yield ", ", "muted"
        yield name, "text"
        other = plan.task(name)
        if other is not None:
            look = look_of(other, states.get(name))
            yield f" {look.sign}", look.ink


def _lists(task: Task) -> Iterator[Line]:
    if task.acceptance:
        yield ()
        yield (("acceptance", "muted"),)
        for criterion in task.acceptance:
            yield ((f"  {sign('–', '-')} ", "muted"), (criterion, "text"))
    if task.steps:
        yield ()
        done = sum(step.done for step in task.steps)
        yield ((f"steps {done}/{len(task.steps)}", "muted"),)
        for step in task.steps:
            mark = sign("✓", "+") if step.done else sign("○", "o")
            yield ((f"  {mark} ", "good" if step.done else "muted"), (step.text, "text"))


def _body(task: Task) -> Iterator[Line]:
    lines = task.body.strip("\n").splitlines()
    if not lines:
        return
    yield ()
    for line in lines[:BODY_LINES]:
        yield ((line, "text"),)
    if len(lines) > BODY_LINES:
        yield ((f"… {len(lines) - BODY_LINES} more lines: e opens them in your editor", "muted"),)


def batch_lines(batch: Batch, path: str) -> Iterator[Line]:
    """A batch."""
    yield ((f"{batch.id}  ", "heading"), (batch.title or "Tasks", "title"))
    yield ((f"{len(batch.tasks)} tasks   {path}:{batch.line}", "muted"),)
    yield ()
    if batch.goal:
        yield _field("goal", (batch.goal, "text"))
    if batch.depends_on:
        yield _field("after", (", ".join(batch.depends_on), "text"))
    if not batch.parallel:
        yield _field("order", ("one task after the other", "text"))
    for criterion in batch.acceptance:
        yield ((f"{sign('–', '-')} ", "muted"), (criterion, "text"))


def problem_lines(problem: Diagnostic, path: str) -> Iterator[Line]:
    """A problem with its place and what to do."""
    ink = "bad" if problem.severity is Severity.ERROR else "wait"
    yield ((f"{problem.code}  ", ink), (problem.message, "title"))
    yield ((f"{path}:{problem.line}:{problem.col}", "muted"),)
    if problem.hint:
        yield ()
        yield ((problem.hint, "text"),)


def problems_lines(plan: Plan) -> Iterator[Line]:
    """All problems of a plan."""
    for at, problem in enumerate(plan.diagnostics):
        if at:
            yield ()
        yield from problem_lines(problem, plan.path)
