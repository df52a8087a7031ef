"""One line that names the tasks whose panes find no room."""

from collections.abc import Collection, Sequence
from datetime import datetime

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.execution.model import TaskView
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, Span, cleaned, fit, strip_of, width_of
from cc4tui.screens.looks import TASK_RUN_LOOKS
from cc4tui.screens.options import Clock
from cc4tui.screens.times import duration


class MoreStrip(Widget):
    """Hidden while every pane has room; a click brings a task to the front.

    Args:
        clock: For elapsed times.
    """

    DEFAULT_CSS = """
    MoreStrip { height: 1; background: $panel; display: none; }
    MoreStrip.-some { display: block; }
    """
    ALLOW_SELECT = False

    class Picked(Message):
        """A task was clicked."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self._tasks: Sequence[TaskView] = ()
        self._unseen: Collection[str] = ()
        self._targets: list[tuple[int, int, str]] = []

    def show(self, tasks: Sequence[TaskView], unseen: Collection[str] = ()) -> None:
        """Name these tasks.

        Args:
            tasks: In the order in which they are named.
            unseen: Those that have ended since somebody looked.
        """
        self._tasks, self._unseen = tasks, unseen
        self.set_class(bool(tasks), "-some")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw as many as fit, and how many more there are."""
        width = self.size.width
        now = self.clock()
        line: list[Span] = [(f" +{len(self._tasks)} ", "muted")]
        at = width_of(tuple(line))
        self._targets = []
        for task in self._tasks:
            item = fit(cleaned(_item(task, now, new=task.id in self._unseen)), 30)
            end = at + width_of(item)
            if end > width:
                break
            self._targets.append((at, end, task.id))
            line += item
            at = end
        return strip_of(tuple(line), width, ink(self.app), self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Bring the task under the mouse to the front."""
        event.stop()
        for start, end, task_id in self._targets:
            if start <= event.x < end:
                self.post_message(self.Picked(task_id))
                return


def _item(task: TaskView, now: datetime, *, new: bool) -> Line:
    look = TASK_RUN_LOOKS[task.state]
    return (
        (f"  {look.sign} ", look.ink),
        ("new " if new else "", "key"),
        (f"{task.id} ", "muted"),
        (task.title, "text"),
        (f" {duration(task.seconds(now))}", "muted"),
    )
