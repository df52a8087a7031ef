"""Which verbs of the Execution tab make sense now: for footer, help and palette."""

from collections.abc import Callable, Mapping

from cc4tui.domain.run import DONE_STATES, TaskRunState
from cc4tui.screens.execution.body import ExecutionBody
from cc4tui.screens.execution.model import RETRYABLE_STATES, TaskView


def is_offered(tab: ExecutionBody, action: str) -> bool:
    """Whether an action would do something; those that need no more than a run always would.

    What was before can be looked at, not changed.
    """
    if tab.as_of is not None and action not in IN_THE_PAST:
        return False
    for_task = _FOR_TASK.get(action)
    if for_task is not None:
        task = tab.selected
        return task is not None and for_task(tab, task)
    for_tab = _FOR_TAB.get(action)
    return for_tab is None or for_tab(tab)


def _diff(tab: ExecutionBody, task: TaskView) -> bool:
    known = bool(task.attempts) and not tab.diff.is_open
    return known and (tab.as_of is None or task.state in _COMMITTED)


def _shell(tab: ExecutionBody, task: TaskView) -> bool:
    return task.has_agent  # afterwards the worktree is another's


def _attach(tab: ExecutionBody, task: TaskView) -> bool:
    return bool(task.attempts) and tab.terminals.shown is None


def _hang_up(tab: ExecutionBody, task: TaskView) -> bool:
    return tab.model is not None and tab.terminals.of(tab.model.run.id, task.id) is not None


def _dismiss(tab: ExecutionBody, task: TaskView) -> bool:
    pane = tab.grid.zoomed or tab.focused_pane
    return pane is not None and not tab.diff.is_open and not task.is_active


def _has_finished(tab: ExecutionBody) -> bool:
    panes = tab.grid.panes
    return not tab.is_whole and any(it.task_view and not it.task_view.is_active for it in panes)


def _pin(tab: ExecutionBody, task: TaskView) -> bool:
    pane = tab.grid.zoomed or tab.focused_pane
    return pane is not None and pane in tab.grid.panes and not tab.diff.is_open


def _shows_a_pane(tab: ExecutionBody) -> bool:
    return (tab.grid.zoomed or tab.focused_pane) is not None and not tab.diff.is_open


def _has_calls(tab: ExecutionBody) -> bool:
    pane = tab.grid.zoomed
    shown = pane is not None and not tab.diff.is_open and tab.terminals.shown is None
    return shown and pane is not None and not pane.raw and bool(pane.feed and pane.feed.calls.count)


def _can_be_told(tab: ExecutionBody, task: TaskView) -> bool:
    return task.state is not TaskRunState.SKIPPED or bool(task.attempts)


_COMMITTED = frozenset({TaskRunState.VERIFYING, TaskRunState.MERGING, *DONE_STATES})
"""States of tasks whose work is as it will be."""
IN_THE_PAST = frozenset(
    {
        *(
            "zoom",
            "show_call",
            "back",
            "timeline",
            "diff",
            "other_base",
            "toggle_raw",
            "toggle_times",
            "problems",
            "search",
        ),
        *("pager", "scrub", "return_to_now", "tasks", "focus_near", "focus_pane", "scroll_pane"),
    }
)
"""Actions that also make sense for how a run was."""
_FOR_TASK: Mapping[str, Callable[[ExecutionBody, TaskView], bool]] = {
    "zoom": lambda tab, task: not tab.is_whole,
    "stop_task": lambda tab, task: task.is_active,
    "shell": _shell,
    "attach": _attach,
    "hang_up": _hang_up,
    "editor": _shell,
    "pin": _pin,
    "retry_task": lambda tab, task: (
        task.state in RETRYABLE_STATES or task.waits_until(tab.now()) is not None
    ),
    "message": _can_be_told,
    "redirect": lambda tab, task: task.has_agent,
    "fork": lambda tab, task: bool(task.attempts),
    "skip_task": lambda tab, task: not task.is_active and task.state not in DONE_STATES,
    "diff": _diff,
    "dismiss": _dismiss,
}
_FOR_TAB: Mapping[str, Callable[[ExecutionBody], bool]] = {
    "back": lambda tab: tab.is_whole or tab.timeline_shown or tab.as_of is not None,
    "show_call": _has_calls,
    "search": lambda tab: tab.is_whole,
    "timeline": lambda tab: tab.model is not None,
    "scrub": lambda tab: tab.model is not None and not tab.diff.is_open,
    "return_to_now": lambda tab: tab.as_of is not None,
    "other_base": lambda tab: tab.diff.is_open,
    "pager": _shows_a_pane,
    "dismiss_all": lambda tab: bool(tab.more.display) or _has_finished(tab),
    "pause": lambda tab: tab.model is not None and not tab.model.is_over,
    "toggle_raw": _shows_a_pane,
    "toggle_times": _shows_a_pane,
    "other_try": _shows_a_pane,
    "problems": lambda tab: tab.model is not None and any(tab.model.problems()),
    "judge_changes": lambda tab: tab.model is not None and tab.model.quarantine is not None,
    "stop_run": lambda tab: tab.model is not None and not tab.model.is_over,
}
