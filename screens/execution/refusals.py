"""Why a key does nothing now: one sentence, and what does instead."""

from collections.abc import Callable, Mapping

from cc4tui.domain.run import DONE_STATES, TaskRunState
from cc4tui.screens.execution.body import ExecutionBody
from cc4tui.screens.execution.model import TaskView
from cc4tui.screens.execution.offers import IN_THE_PAST, is_offered
from cc4tui.screens.looks import TASK_RUN_LOOKS


def why_not(tab: ExecutionBody, action: str) -> str | None:
    """Why an action that intervenes does nothing now; None if it would, or is of another kind."""
    if is_offered(tab, action):
        return None
    about_task, about_run = _ABOUT_TASK.get(action), _ABOUT_RUN.get(action)
    if about_task is None and about_run is None:
        return None
    if tab.model is None:
        return "No run is shown: there is nothing to do that with."
    if tab.as_of is not None and action not in IN_THE_PAST:
        return "This is how the run was, and cannot be changed: End goes back to now."
    if about_run is not None:
        return about_run
    if tab.diff.is_open and action in ("diff", "dismiss"):
        return "The diff fills the tab: Esc goes back."
    task = tab.selected
    if task is None or about_task is None:
        return "No task is selected: T goes to the list of tasks."
    return about_task(task)


def _is(task: TaskView) -> str:
    return f"{task.id} is {TASK_RUN_LOOKS[task.state].word}"


def _stop(task: TaskView) -> str:
    return f"{_is(task)}: there is nothing to stop."


def _retry(task: TaskView) -> str:
    if task.is_active:
        return f"{_is(task)}: s stops it, then R tries it again; M redirects an agent at work."
    if task.state in DONE_STATES:
        return f"{_is(task)}: m follows up on what it did, f does it in another way."
    return f"{_is(task)}: it has not been tried yet, and begins when it can."


def _redirect(task: TaskView) -> str:
    return f"{_is(task)}: no agent works on it that could be interrupted; m writes to it."


def _message(task: TaskView) -> str:
    return f"{_is(task)} and was never begun: there is nobody to write to."


def _fork(task: TaskView) -> str:
    return f"{_is(task)}: nobody has worked on it yet, so there is no try to go on from."


def _skip(task: TaskView) -> str:
    if task.is_active:
        return f"{_is(task)}: s stops it, then K passes over it."
    return f"{_is(task)}: it is done, what waits for it waits no more."


def _files(task: TaskView) -> str:
    if task.attempts:
        return f"{_is(task)}: no agent works on it; A opens a shell in what it left."
    return f"{_is(task)}: nobody has worked on it yet, so it has no files."


def _attach(task: TaskView) -> str:
    return f"{_is(task)}: nobody has worked on it yet; there is nothing to attach to."


def _hang_up(task: TaskView) -> str:
    return f"No terminal is open for {task.id}; A opens one."


def _diff(task: TaskView) -> str:
    if task.state is TaskRunState.RUNNING and not task.attempts:
        return f"{_is(task)}: its agent has not begun yet."
    return f"{_is(task)}: nobody has worked on it yet, so it changed nothing."


def _dismiss(task: TaskView) -> str:
    if not task.is_active:
        return "No pane is in focus that could be taken away: an arrow key goes to one."
    return f"{_is(task)}: only the pane of a task that is over is taken away."


_ABOUT_TASK: Mapping[str, Callable[[TaskView], str]] = {
    "stop_task": _stop,
    "retry_task": _retry,
    "redirect": _redirect,
    "message": _message,
    "fork": _fork,
    "skip_task": _skip,
    "shell": _files,
    "editor": _files,
    "attach": _attach,
    "hang_up": _hang_up,
    "diff": _diff,
    "dismiss": _dismiss,
}
_ABOUT_RUN: Mapping[str, str] = {
    "pause": "The run is over: nothing is started any more.",
    "stop_run": "The run is over: there is nothing to stop.",
    "judge_changes": "Nothing waits for a judgement.",
    "search": "There is no log to search yet: Enter shows the task's whole.",
}
