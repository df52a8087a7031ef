"""A pane: one agent's heading above its live output."""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.domain.text import clean_line
from cc4tui.ports import CommandCenter, OutputNote, OutputSize
from cc4tui.screens.execution.feed import Call, Feed, last_line, read_call, when_said
from cc4tui.screens.execution.heads import pane_lines
from cc4tui.screens.execution.model import AttemptView, Heard, TaskView
from cc4tui.screens.execution.todo_list import TodoList
from cc4tui.screens.guard import attempt
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, strip_of
from cc4tui.screens.options import Clock
from cc4tui.screens.widgets.compositor import repaint
from cc4tui.screens.widgets.covered import CoveredContainer, Kept
from cc4tui.screens.widgets.log_source import FileSource, MemorySource
from cc4tui.screens.widgets.log_view import LogView


TALL = 8
"""Rows from which a pane has a second line of heading."""

TODO_FROM, TODO_WIDTH = 110, 38
"""Cells of a pane from which the agent's own list stands beside its output, and its width."""
FLOOD_REST = 0.25
"""Seconds until a pane is painted again whose whole content has just been replaced."""
PATIENCE = 30
"""Looks without news, ten a second, after which an agent is silent."""
LATE_SECONDS = 2.0
"""A pane that opens later after the start finds output whose time it does not know."""


class PaneHead(Kept):
    """Draws the lines that its pane makes; a change costs no layout.

    Args:
        make: Makes the lines for a width and a height in cells.
    """

    DEFAULT_CSS = """
    PaneHead { height: 1; background: $panel; }
    """
    ALLOW_SELECT = False

    def __init__(self, make: Callable[[int, int], list[Line]]) -> None:
        super().__init__()
        self.is_active = False
        """Whether keys go to its pane."""
        self._make = make
        self._lines: list[Line] = []
        self._made_for = Size(0, 0)

    def update(self, *, is_active: bool | None = None) -> None:
        """Draw anew, if the lines are other ones now."""
        if is_active is not None and is_active is not self.is_active:
            self.is_active = is_active
            self.refresh()
        self._made_for = self.size
        lines = self._make(*self.size) if self.size else []
        if lines != self._lines:
            self._lines = lines
            repaint(self)

    def render_line(self, y: int) -> Strip:
        """Draw one of the lines."""
        if self._made_for != self.size:
            self._made_for = self.size
            self._lines = self._make(*self.size)
        line = self._lines[y] if y < len(self._lines) else ()
        colours, base = ink(self.app), self.base
        if self.is_active:
            base += colours.style("cursor")
            if colours.theme.ansi:  # reversed: one colour only
                line = tuple((text, "") for text, _ in line)
        return strip_of(line, self.size.width, colours, base)


class PaneLayout(Layout):
    """The heading above the output; a tall pane has two lines of heading.

    What the agent has yet to do stands at the right, where that is shown.
    """

    name = "pane"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Place the heading, and the output below it."""
        head = min(2 if size.height >= TALL else 1, size.height)
        beside = TODO_WIDTH if len([it for it in children if it.display]) > 2 else 0
        below, width = size.height - head, size.width - beside
        places = (
            Region(0, 0, size.width, head),
            Region(0, head, width, below),
            Region(width, head, beside, below),
        )
        return [
            WidgetPlacement(place, NULL_OFFSET, Spacing(), widget)
            for widget, place in zip(children, places, strict=False)
        ]


class AgentPane(CoveredContainer, can_focus=True):
    """Shows one task; it can be given another one, so that a grid needs no new widgets.

    Args:
        center: Reads agents' output.
        clock: For elapsed times.
    """

    DEFAULT_CSS = """
    AgentPane { background: $background; }
    """
    LAYOUT: ClassVar[Layout] = PaneLayout()

    class Opened(Message):
        """A double click on the pane."""

        def __init__(self, pane: "AgentPane") -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, center: CommandCenter, clock: Clock) -> None:
        super().__init__()
        self.task_view: TaskView | None = None
        self.run_id = ""
        self.raw = False
        """Whether the output is shown as the agent wrote it."""
        self.pinned = False
        """Whether it stays whatever else needs a place."""
        self.number = 0
        """Digit that goes here with alt."""
        self.head = PaneHead(self._head_lines)
        self.log_view = LogView(MemorySource(), empty=(("nothing said yet", "muted"),))
        self.feed: Feed | None = None
        self._center = center
        self.clock = clock
        self._as_of: datetime | None = None
        """The time as of which it shows its output; None = now."""
        self._notes: Sequence[OutputNote] | None = None
        """When the agent had written how much; None while nobody asks when it said what."""
        self._until: OutputSize | None = None
        """How much there was then; None = nobody noted it, or all."""
        self._known: tuple[object, ...] = ()
        """The run, task, digit and pin that are shown."""
        self.changed: tuple[int, int] | None = None
        """Lines that the task added and removed; None while that is not known."""
        self._told_action = ""
        """What the heading says that the agent did last."""
        self._rests_until = 0.0
        """When a flood is painted again; by the monotonic clock."""
        self._looks = 0
        """How often nothing new was found, one after the other."""
        self._shown: AttemptView | None = None
        """The try that is shown."""
        self._heard = Heard()
        self._late = False
        """Whether what comes first was written before the pane looked."""
        self._older = False
        """Whether an older try is shown because a person asked for it."""
        self._todos: TodoList | None = None
        """Made when there is first something to show."""

    @property
    def layout(self) -> Layout:
        """Style sheets only know the layouts that Textual brings."""
        return self.LAYOUT

    def compose(self) -> ComposeResult:
        """The heading above the output."""
        yield self.head
        yield self.log_view

    # --- what it shows ----------------------------------------------------------------------

    @property
    def task_id(self) -> str | None:
        """The task that is shown."""
        return None if self.task_view is None else self.task_view.id

    def show(
        self, run_id: str, task: TaskView, number: int = 0, as_of: datetime | None = None
    ) -> None:
        """Show a task, or its news.

        Args:
            run_id: Its run.
            task: What to show.
            number: Digit that goes here with alt; 0 = none.
            as_of: A time; the task and its output are shown as they were then. None = now.
        """
        if (run_id, task.id) != (self.run_id, self.task_id):
            self.run_id, self._shown, self._older, self.feed = run_id, None, False, None
            self._until, self._told_action, self.changed = None, "", None
            self._forget_times()
            self.log_view.set_empty(_waiting_for(task))
            self.log_view.set_source(MemorySource(), wrapped=True)
        moved, self._as_of = as_of != self._as_of, as_of
        self._older = self._older and not moved
        before, self._known = self._known, (run_id, task, number, self.pinned)
        if before == self._known and not moved:  # most news are about one of many tasks
            return
        self.task_view, self.number = task, number
        newest = task.attempt
        if newest is None and self._shown is not None:
            self._shown, self.feed, self._told_action = None, None, ""
            self.log_view.set_empty(_waiting_for(task))
            self.log_view.set_source(MemorySource(), wrapped=True)
        elif newest is not None and not self._older and (moved or newest != self._shown):
            self._show_attempt(newest)
        self.refresh_head()

    @property
    def attempt_number(self) -> int | None:
        """The try that is shown."""
        return None if self._shown is None else self._shown.number

    def show_attempt(self, by: int) -> None:
        """Show an earlier (-1) or a later (+1) try."""
        task, shown = self.task_view, self._shown
        if task is None or shown is None:
            return
        numbers = [one.number for one in task.attempts]
        at = numbers.index(shown.number) + by
        if 0 <= at < len(numbers):
            self._older = at < len(numbers) - 1
            self._show_attempt(task.attempts[at])
            self.refresh_head()

    def _show_attempt(self, shown: AttemptView) -> None:
        before, self._shown = self._shown, shown
        other = before is None or before.number != shown.number
        if other:
            self._forget_times()
        if self._as_of is not None and shown.finished is None:
            attempt(self, self._cut(self._as_of, shown), group="cut", latest=True)
        elif other or self._until is not None:
            self._until, self.feed = None, None
            self._show_source()
        elif self.raw and before is not None and before.folder != shown.folder:
            self._show_source()

    async def _cut(self, when: datetime, shown: AttemptView) -> None:
        """Show as much as the agent had written at a time; all of it if nobody noted that."""
        task = self.task_view
        assert task is not None
        notes = await self._center.output_times(self.run_id, task.id, shown.number)
        until = _size_at(notes, when)
        still = self.task_view is task and self._as_of == when and self._shown is shown
        if still and (self.feed is None or until != self._until):
            self._until, self.feed, self._told_action = until, None, ""
            self._show_source()
            self.refresh_head()

    async def toggle_times(self) -> None:
        """Tell before each line when it was written, as far as that is known; or do not."""
        task, shown = self.task_view, self._shown
        if self._notes is not None or task is None or shown is None:
            self._forget_times()
            return
        notes = await self._center.output_times(self.run_id, task.id, shown.number)
        if self.task_view is task and shown.number == self.attempt_number:
            self._notes, self.feed = notes, None
            self._show_source()
            self.log_view.set_stamps(self._when_said)

    def _forget_times(self) -> None:
        if self._notes is not None:
            self._notes = None
            self.log_view.set_stamps(None)

    def _when_said(self, offset: int) -> datetime | None:
        if not self.raw:
            marks = self.feed.marks if self.feed is not None else None
        else:
            marks = [(size.out, when) for when, size in self._notes or ()]
        return when_said(marks or (), offset)

    def toggle_raw(self) -> None:
        """Show the output as it was written, or in a structured way."""
        self.raw = not self.raw
        self._show_source()

    def call_near(self, offset: int | None) -> int | None:
        """Number of the tool call of which is told at an offset; None = the last one in sight."""
        feed = self.feed
        if feed is None or self.raw:
            return None
        at = self.log_view.last_line_seen
        return feed.calls.before(at) if offset is None else feed.calls.at(offset)

    async def read_call(self, number: int) -> Call | None:
        """A tool call of the try that is shown, with its result."""
        task, shown = self.task_view, self._shown
        if task is None or shown is None:
            return None
        reader = self._center.agent_output(self.run_id, task.id, shown.number, self._until)
        return await read_call(reader, number)

    def read_alone(self, alone: bool) -> None:
        """Fill the tab, where keys go to the log; or stand among the others."""
        self.can_focus = not alone
        self.log_view.set_reading(alone)
        if not alone:
            self.log_view.stop_search()
        self._show_todos()

    def _show_todos(self) -> None:
        """The agent's own list stands beside the log where that is read and has room."""
        todos = self.feed.todos if self.feed is not None and not self.raw else ()
        wanted = bool(todos) and not self.can_focus and self.size.width >= TODO_FROM
        if wanted and self._todos is None:
            self._todos = TodoList()
            self.mount(self._todos)
        if self._todos is not None:
            self._todos.display = wanted
            self._todos.show(todos)

    def on_resize(self) -> None:
        """There may be room for the list now, or none any more."""
        self._show_todos()

    def _show_source(self) -> None:
        self._show_todos()
        shown = self._shown
        if shown is None or self.task_view is None:
            return
        self._looks = 0
        self._heard, self._late = Heard(), shown.seconds(self.clock()) > LATE_SECONDS
        if self.raw and shown.folder:
            self._show_file(Path(shown.folder) / "out")
            return
        if self.feed is None:
            reader = self._center.agent_output(
                self.run_id, self.task_view.id, shown.number, self._until
            )
            notes = None if self._notes is None else _notes_until(self._notes, self._until)
            self.feed = Feed(reader, self._until, notes)
        self.log_view.set_source(self.feed.source, wrapped=True)

    def _show_file(self, path: Path) -> None:
        try:
            limit = self._until.out if self._until is not None else None
            self.log_view.set_source(FileSource(path, limit), wrapped=False)
        except OSError as error:
            self._tell_unreadable(error)

    # --- news -------------------------------------------------------------------------------

    def has_news(self) -> bool:
        """Whether the agent said something since; asked on every tick while it is in sight.

        One that has long been silent is looked at every third time.
        """
        self._looks += 1
        if self.feed is None or self.raw or (self._looks > PATIENCE and self._looks % 3):
            return False
        try:
            found = self.feed.has_news()
        except OSError as error:
            self._tell_unreadable(error)
            return False
        if found:
            self._looks = 0
        return found

    async def pull(self) -> None:
        """Take what the agent said since."""
        feed = self.feed
        try:
            if feed is not None and not self.raw:
                await feed.pull()
        except OSError as error:
            self._tell_unreadable(error)

    def poll(self) -> bool:
        """Show what was taken; without an `await`, so that all panes are painted at once.

        A flood is shown a few times a second: painting it is most of what it costs.

        Returns:
            Whether there was something.
        """
        now = time.monotonic()
        if now < self._rests_until:
            return False
        try:
            came = self.log_view.poll()
        except OSError as error:
            self._tell_unreadable(error)
            return False
        if self.log_view.is_flooded:
            self._rests_until = now + FLOOD_REST
        if came:
            self._hear()
            self._show_todos()
            if self.raw and self._notes is not None and not self._late and self._until is None:
                size = OutputSize(self.log_view.window.reader.size, 0)
                self._notes = [*self._notes, (datetime.now(UTC), size)]
        if self.raw:
            action = self._last_shown() if came else self._told_action
        else:
            action = self.feed.last_action if self.feed is not None else ""
        if action != self._told_action:
            self._told_action = action
            self.refresh_head()
        return came

    def _last_shown(self) -> str:
        """The last line of what is shown that is not empty, a few lines back at most."""
        reader = self.log_view.window.reader
        line = reader.last_line()
        for _ in range(5):
            if line is None:
                break
            if found := last_line(reader.text(line, reader.line_end(line))):
                return found
            line = reader.line_before(line)
        return self._told_action

    def _hear(self) -> None:
        """Note when the agent wrote, for the limits in the heading."""
        last = None if self._late else self.clock()
        ended = self._heard.finished
        if ended is None and self.feed is not None and self.feed.finished:
            ended = last
        waits = self.feed.waits if self.feed is not None else 0.0
        again = last + timedelta(seconds=waits) if last is not None and waits else None
        self._heard, self._late = Heard(True, last, ended, again), False

    def _tell_unreadable(self, error: OSError) -> None:
        """Say in the pane why there is no output; another task, or `l`, tries anew."""
        self.feed = None
        source = MemorySource()
        source.append(f"\x1b[31mThis output cannot be read: {clean_line(str(error))}\x1b[0m\n")
        self.log_view.set_source(source, wrapped=True)

    def set_changed(self, changed: tuple[int, int] | None) -> None:
        """Tell how many lines the task added and removed."""
        if changed != self.changed:
            self.changed = changed
            self.refresh_head()

    def refresh_head(self) -> None:
        """Draw the heading anew: a second passed, or the task moved on."""
        self.head.update()

    def _head_lines(self, width: int, height: int) -> list[Line]:
        task = self.task_view
        if task is None:
            return []
        doing = self._hint() or self._told_action
        return pane_lines(
            task,
            self.clock(),
            width,
            number=self.number,
            pinned=self.pinned,
            doing=doing,
            tall=height > 1,
            heard=self._heard if self._as_of is None else None,
            changed=self.changed,
        )

    def _hint(self) -> str:
        """What differs from the usual view of the newest output."""
        parts = []
        if self._older and self._shown is not None:
            parts.append(f"try {self._shown.number} is shown")
        if self.raw:
            parts.append("raw output")
        if self._as_of is not None and self._until is None and self._is_open_then:
            parts.append("its whole output, times unknown")
        if self.log_view.search is not None:
            parts.append(self.log_view.search.told)
        elif not self.log_view.following:
            parts.append("End follows")
        return " · ".join(parts)

    @property
    def _is_open_then(self) -> bool:
        """Whether the try had not ended at the time as of which it is shown."""
        return self._shown is not None and self._shown.finished is None

    def on_descendant_focus(self) -> None:
        """Keys go to its output."""
        self.head.update(is_active=True)

    def on_descendant_blur(self) -> None:
        """Keys go elsewhere."""
        self.head.update(is_active=False)

    def on_focus(self) -> None:
        """Keys go here."""
        self.head.update(is_active=True)

    def on_blur(self) -> None:
        """Keys go elsewhere."""
        self.head.update(is_active=False)

    def on_click(self, event: events.Click) -> None:
        """A second click opens."""
        if event.chain == 2:
            event.stop()
            self.post_message(self.Opened(self))


def _size_at(notes: Sequence[OutputNote], when: datetime) -> OutputSize | None:
    """How much had been written at a time; None when nothing was noted."""
    if not notes:
        return None
    at = bisect_right(notes, when, key=lambda note: note[0])
    return notes[at - 1][1] if at else OutputSize(0, 0)


def _notes_until(notes: Sequence[OutputNote], until: OutputSize | None) -> Sequence[OutputNote]:
    return notes if until is None else [note for note in notes if note[1].out <= until.out]


def _waiting_for(task: TaskView) -> Line:
    if task.attempts:
        return (("nothing said yet", "muted"),)
    others = ", ".join(task.waits_for[:6])
    return ((f"waits for {others}" if others else "not started yet", "muted"),)
