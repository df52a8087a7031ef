"""The list of a run's tasks: problems first, then what runs, what waits, what is done."""

from datetime import datetime

from cc4tui.domain.run import ACTIVE_STATES, DONE_STATES, TaskRunState
from cc4tui.screens.execution.model import PROBLEM_STATES, RunModel, TaskView
from cc4tui.screens.execution.numbers import look_of
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, Span
from cc4tui.screens.looks import TASK_RUN_LOOKS
from cc4tui.screens.times import duration
from cc4tui.screens.widgets.row_list import Row


_WORD_WIDTH = max(len(look.word) for look in TASK_RUN_LOOKS.values())

EMPTY: tuple[Line, ...] = ((("This run has no tasks.", "muted"),),)


def ordered(model: RunModel) -> list[TaskView]:
    """The tasks as the list shows them."""
    return sorted(model.tasks.values(), key=_rank)


def _rank(task: TaskView) -> tuple[int, int, int]:
    if task.state in PROBLEM_STATES:
        return 0, PROBLEM_STATES.index(task.state), task.position
    if task.state in ACTIVE_STATES:
        return 1, 0, task.position
    if task.state in DONE_STATES:
        return 4, -task.ended, task.position
    return (2 if task.state is TaskRunState.READY else 3), 0, task.position


def draw_task(task: TaskView, now: datetime, width: int) -> Row:
    """A row: state, id and title; on the right what one asks next.

    Args:
        task: The task.
        now: For the time it takes so far.
        width: Cells of the row.
    """
    look = look_of(task, now)
    title_ink = "text" if task.state not in DONE_STATES else "muted"
    left: list[Span] = [
        (f"{look.sign} {look.word:<{_WORD_WIDTH}} ", look.ink),
        (f"{task.id} ", "muted"),
        (task.title, title_ink),
    ]
    if task.state in PROBLEM_STATES and task.reason and width >= 64:
        left.append((f"  {task.reason}", "muted"))
    return Row(tuple(left), _right(task, now))


def _right(task: TaskView, now: datetime) -> Line:
    letters: Line = ((f"{sign('✉', '@')} {len(task.told)}  ", "wait"),) if task.told else ()
    return (*letters, *_time(task, now))


def _time(task: TaskView, now: datetime) -> Line:
    if (parked := task.waits_until(now)) is not None:
        left = duration((parked.until - now).total_seconds())
        return ((f"{parked.agent} in {left}", "wait"),)
    if task.attempts:
        tries = f"{len(task.attempts)} tries  " if len(task.attempts) > 1 else ""
        return ((tries, "wait"), (duration(task.seconds(now)), "muted"))
    if task.state is TaskRunState.PENDING and task.waits_for:
        more = f" +{len(task.waits_for) - 1}" if len(task.waits_for) > 1 else ""
        return ((f"after {task.waits_for[-1]}{more}", "muted"),)
    return ()


def details(task: TaskView) -> list[Line]:
    """All of why a task is where it is, for dialogs."""
    look = TASK_RUN_LOOKS[task.state]
    lines: list[Line] = [((f"{look.sign} {look.word}  ", look.ink), (task.title, "title"))]
    if task.reason:
        lines.append(((task.reason, "text"),))
    if task.note:
        lines.append(((task.note, "muted"),))
    return lines
