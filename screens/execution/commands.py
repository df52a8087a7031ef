"""What a person can do to a run: each destructive step is asked for and says what is saved."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from textual.dom import DOMNode

from cc4tui.ports import CommandCenter, MessageWay
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.editor import open_in_editor
from cc4tui.screens.execution.diff_text import read_diff
from cc4tui.screens.execution.model import RunModel, TaskView
from cc4tui.screens.execution.tasks import details
from cc4tui.screens.guard import tell
from cc4tui.screens.lines import Line
from cc4tui.screens.messages import Undoable
from cc4tui.screens.times import duration


STOP = "s"
"""The answer that stops."""
SKIP = "s"
"""The answer that skips."""
_MOMENTS = {
    MessageWay.LIVE: ("after the tool call that runs", "now: what it does is interrupted"),
    MessageWay.QUEUED: ("when this try has ended", "now: its agent is ended, and goes on with it"),
}
"""Between which moments there is a choice."""
_FORKING = (
    "A new task goes on from what that try left, or has done so far, in a copy of its session if it"
    " has ended and its agent can copy one. The try, its branch and its session stay as they are."
)


class RunCommands:
    """Asks where needed, then has it done.

    Args:
        node: Whose app shows the dialogs.
        center: Does it.
    """

    def __init__(self, node: DOMNode, center: CommandCenter) -> None:
        self._node = node
        self._center = center

    async def stop_task(self, run_id: str, task: TaskView, now: datetime) -> None:
        """Stop one task, after a yes."""
        choices = (
            Choice("n", "Keep working", "nothing changes"),
            Choice(STOP, f"Stop {task.id}", "its agent ends, its work is saved"),
        )
        dialog = ChoiceDialog(f"Stop {task.id}?", _about_stopping(task, now), choices)
        if await self._node.app.push_screen_wait(dialog) == STOP:
            await self._center.cancel_task(run_id, task.id)
            tell(self._node.app, f"{task.id} is being stopped; what it changed is saved.")

    async def stop_run(self, model: RunModel) -> None:
        """Stop everything that goes on, after a yes."""
        choices = (
            Choice("n", "Keep working", "nothing changes"),
            Choice(STOP, "Stop the run", "agents end, their work is saved"),
        )
        title = f"Stop the run of {model.run.plan}?"
        dialog = ChoiceDialog(title, _about_stopping_all(model), choices)
        if await self._node.app.push_screen_wait(dialog) == STOP:
            await self._center.cancel_run(model.run.id)
            tell(self._node.app, "The run is being stopped; all work is saved.")

    async def pause(self, model: RunModel) -> None:
        """Start nothing new in a run, or go on where it is paused; `u` takes that back."""
        run, held = model.run.id, not model.held
        await self._center.pause_run(run, paused=held)

        async def undo() -> None:
            await self._center.pause_run(run, paused=not held)

        label = "run paused" if held else "pause ended"
        self._node.post_message(Undoable(label, undo))
        said = "Nothing new is started; agents at work go on." if held else "The run goes on."
        tell(self._node.app, f"{said} u takes it back.")

    async def edit(self, run: str, task: TaskView, place: tuple[str, int] | None) -> None:
        """Open files of a task's worktree in the editor.

        Args:
            run: Its id.
            task: Whose agent is at work.
            place: A file, and the line there; None = whatever it has changed so far.
        """
        assert task.attempt is not None
        folder = Path(task.attempt.worktree)
        if place is None:
            told = await self._center.task_changes(run, task.id)
            files = [file.path for file in read_diff(told.text).files if file.status != "D"]
        else:
            files = [place[0]]
        await open_in_editor(self._node.app, folder, files, place[1] if place else 1)

    async def retry(self, run_id: str, task: TaskView) -> None:
        """Try a task again, perhaps by another agent or with a hint."""
        from cc4tui.screens.dialogs.again import RetryDialog

        before = task.attempt.agent if task.attempt is not None else ""
        dialog = RetryDialog(task.id, details(task), await self._center.agents(), before)
        wish = await self._node.app.push_screen_wait(dialog)
        if wish is not None:
            await self._center.retry_task(run_id, task.id, wish)
            tell(self._node.app, f"{task.id} will be tried again.")

    async def message(self, run_id: str, task: TaskView, *, interrupt: bool) -> None:
        """Write to a task's agent; what becomes of it stands above the words."""
        from cc4tui.screens.dialogs.message import MessageDialog

        way = await self._center.message_way(run_id, task.id)
        lines = [*details(task)[:1], ((_sentence(way.sentence), "muted"),)]
        when = _MOMENTS.get(way) if task.has_agent else None
        title = f"{'Redirect' if interrupt else 'Message to'} {task.id}"
        dialog = MessageDialog(title, lines, when, interrupt=interrupt)
        words = await self._node.app.push_screen_wait(dialog)
        if words is not None:
            await self._center.tell_agent(run_id, task.id, words.text, interrupt=words.interrupt)
            tell(self._node.app, f"Sent to {task.id}.")

    async def fork(self, run_id: str, task: TaskView, attempt: int | None) -> None:
        """Go on from a try in a new task, with other words."""
        from cc4tui.screens.dialogs.message import MessageDialog

        number = attempt or len(task.attempts)
        lines = [*details(task)[:1], ((_FORKING, "muted"),)]
        dialog = MessageDialog(f"Fork try {number} of {task.id}", lines)
        words = await self._node.app.push_screen_wait(dialog)
        if words is not None:
            await self._center.fork_attempt(run_id, task.id, words.text, number)
            tell(self._node.app, f"A new task goes on from try {number} of {task.id}.")

    async def skip(self, model: RunModel, task: TaskView) -> None:
        """Pass over a task, after a yes that names what may start then."""
        choices = (
            Choice("n", "Leave it", "nothing changes"),
            Choice(SKIP, f"Skip {task.id}", "it counts as done, nothing of it lands"),
        )
        dialog = ChoiceDialog(f"Skip {task.id}?", _about_skipping(model, task), choices)
        if await self._node.app.push_screen_wait(dialog) == SKIP:
            await self._center.skip_task(model.run.id, task.id)
            tell(self._node.app, f"{task.id} is skipped.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _about_skipping(model: RunModel, task: TaskView) -> Iterator[Line]:
    yield from details(task)
    waiting = [other.id for other in model.tasks.values() if task.id in other.waits_for]
    if waiting:
        yield ((f"What waits for it may start then: {', '.join(waiting)}.", "text"),)
    yield (("Its branch, if it has one, is kept.", "muted"),)


def _about_stopping(task: TaskView, now: datetime) -> Iterator[Line]:
    yield from details(task)
    attempt = task.attempt
    if attempt is not None:
        worked = f"{attempt.agent} has worked {duration(task.seconds(now))} on it."
        yield ((worked, "text"),)
    yield ((f"What it changed is saved and stays visible (d). R tries {task.id} again.", "muted"),)


def _about_stopping_all(model: RunModel) -> Iterator[Line]:
    for task in model.active[:8]:
        yield from details(task)[:1]
    if len(model.active) > 8:
        yield ((f"and {len(model.active) - 8} more", "muted"),)
    waiting = len(model.tasks) - len(model.active) - model.done - len(list(model.problems()))
    if waiting:
        yield ((f"{waiting} tasks that have not started will not start.", "text"),)
    yield ()
    yield (("What agents changed is saved, what merged stays on its branch.", "muted"),)
