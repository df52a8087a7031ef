"""The timeline, drawn: a row for each worker, time to the right."""

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cc4tui.domain.text import clean_line
from cc4tui.screens.bindings import bindings
from cc4tui.screens.execution.model import RunModel, TaskView
from cc4tui.screens.execution.pane import PaneHead
from cc4tui.screens.execution.timeline import Phase, Stint, Timeline, timeline
from cc4tui.screens.glyphs import sign
from cc4tui.screens.guard import attempt
from cc4tui.screens.lines import Line, Span, cleaned, spread, strip_of, width_of
from cc4tui.screens.looks import TASK_RUN_LOOKS
from cc4tui.screens.options import Clock
from cc4tui.screens.planning.forecast_rows import between
from cc4tui.screens.times import duration
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.line_view import LineView


SCALES = (0.1, 0.2, 0.5, 1, 2, 3, 6, 12, 30, 60, 120, 180, 360, 720, 2160, 8640)
"""Seconds of a cell; ten cells are a time that people say."""
TICK = 10
"""Cells between two times on the axis."""
MANY = 500
"""Tasks up to which the timeline is made anew at once; else beside the screen."""
REST = 10
"""Times as long as that took, until it is done again."""
_HEAD = 1
"""Rows above the workers: the time."""
_MARGIN = 4
"""Cells left of the time: the number of the worker."""

Cell = tuple[str, str, bool, bool]
"""Character, ink, whether it is bold, whether the cursor is on it."""

_BARS: Mapping[Phase, tuple[str, str, str]] = {
    Phase.WAITING: ("░", ".", "wait"),
    Phase.WORKING: ("▄", "=", "run"),
    Phase.VERIFYING: ("◆", "V", "accent"),
    Phase.MERGING: ("⇄", "M", "good"),
}
"""Glyph, its ASCII form and its ink."""
_CRITICAL = ("█", "#")
"""Work on the critical path."""


class TimelineView(LineView, can_focus=True):
    """Draws what is seen only; the cursor is on a stint. Follows the run until it is scrolled."""

    DEFAULT_CSS = """
    TimelineView { height: 1fr; background: $background; overflow: auto auto; }
    """
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.TIMELINE)

    class Moved(Message):
        """The cursor, the scale or what is followed is another one."""

    class Chosen(Message):
        """A stint was clicked twice."""

    class Picked(Message):
        """A time was pointed at, in seconds since the start of the run."""

        def __init__(self, seconds: float) -> None:
            super().__init__()
            self.seconds = seconds

    def __init__(self) -> None:
        super().__init__()
        self.told = Timeline()
        """What is drawn."""
        self.following = True
        """Whether the end of the run stays in sight."""
        self._cursor: tuple[str, float] | None = None
        """Task and start of the stint under the cursor; None = the newest one."""
        self._scale: float | None = None
        """Seconds of a cell; None = so that all of the run fits."""
        self._critical: frozenset[str] = frozenset()
        self._moment: float | None = None
        """Seconds since the start of the run of the moment that is shown elsewhere; None = now."""
        self._picked: int | None = None
        """Cell from the start at which the time is held with the mouse."""

    # --- content ----------------------------------------------------------------------------

    def show(self, told: Timeline) -> None:
        """Draw this one."""
        self.told, self._critical = told, frozenset(told.critical)
        self._fit()

    def clear(self) -> None:
        """Another run: nothing that was chosen holds for it."""
        self._cursor, self._scale, self.following = None, None, True

    def _fit(self) -> None:
        """Say how much there is to scroll, and keep the end in sight."""
        cells = int(self.told.seconds / self.scale) + 2
        size = Size(_MARGIN + cells, len(self.told.rows) + _HEAD)
        if size != self.virtual_size:
            self.set_reactive(ScrollView.virtual_size, size)
            self._scroll_update(size)
        if self.following:
            self.scroll_to(x=self.max_scroll_x, animate=False, force=True)
        self.refresh()

    @property
    def scale(self) -> float:
        """Seconds of a cell."""
        if self._scale is not None:
            return self._scale
        room = max(self.size.width - _MARGIN - 2, 1)
        return next((one for one in SCALES if self.told.seconds / one <= room), SCALES[-1])

    def on_resize(self) -> None:
        """Another room, another scale."""
        self._fit()
        self.post_message(self.Moved())

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Whoever scrolls away from the end does not follow it."""
        super().watch_scroll_x(old_value, new_value)
        if self.following != (new_value >= self.max_scroll_x):
            self.following = not self.following
            self.post_message(self.Moved())

    # --- cursor -----------------------------------------------------------------------------

    @property
    def _place(self) -> tuple[int, int] | None:
        """Row of the cursor, and its stint's place there."""
        rows = self.told.rows
        if self._cursor is not None:
            for row, stints in enumerate(rows):
                for at, stint in enumerate(stints):
                    if (stint.task, stint.start) == self._cursor:
                        return row, at
        newest = [(stints[-1].start, row, len(stints) - 1) for row, stints in enumerate(rows)]
        return max(newest)[1:] if newest else None

    @property
    def current(self) -> Stint | None:
        """The stint under the cursor."""
        place = self._place
        return None if place is None else self.told.rows[place[0]][place[1]]

    def select(self, task_id: str) -> None:
        """Put the cursor on a task's last stint, if it has one."""
        place = self.told.place_of(task_id)
        if place is not None:
            self._move(*place)

    def _move(self, row: int, at: int) -> None:
        stint = self.told.rows[row][at]
        self._cursor = (stint.task, stint.start)
        self._reveal(row, stint)
        self.refresh()
        self.post_message(self.Moved())

    def _reveal(self, row: int, stint: Stint) -> None:
        if not self.size:
            return
        width, height = self.size.width - _MARGIN, self.size.height - _HEAD
        start, end = self._cells(stint)
        x, y = round(self.scroll_x), round(self.scroll_y)
        if end > x + width:
            x = end - width
        x = min(x, start)
        y = max(min(y, row), row - height + 1)
        self.scroll_to(x, y, animate=False, force=True)

    def action_beside(self, by: int) -> None:
        """To the stint before or after, in the same row."""
        place = self._place
        if place is not None and 0 <= place[1] + by < len(self.told.rows[place[0]]):
            self._move(place[0], place[1] + by)

    def action_row(self, by: int) -> None:
        """To the stint of another row at the same time."""
        place, here = self._place, self.current
        if place is not None and here is not None:
            row = min(max(place[0] + by, 0), len(self.told.rows) - 1)
            if row != place[0]:
                self._move(row, self.told.near(row, (here.start + here.end) / 2))

    def action_page(self, by: int) -> None:
        """Show what was before, or what came after."""
        self.scroll_relative(x=by * max(self.size.width - _MARGIN - TICK, 1), animate=False)

    def action_begin(self) -> None:
        """To the begin of the run."""
        if self.told.rows:
            self._move(0, 0)
            self.scroll_to(0, 0, animate=False, force=True)

    def action_follow(self) -> None:
        """To its end; what comes is followed."""
        self._cursor, self.following = None, True
        self._fit()
        self.post_message(self.Moved())

    def action_scale(self, by: int) -> None:
        """Draw less time in more detail (1), or more time (-1); the cursor stays in sight."""
        at = min(max(SCALES.index(self.scale) - by, 0), len(SCALES) - 1)
        self._set_scale(SCALES[at])

    def action_fit(self) -> None:
        """All of the run at once."""
        self._set_scale(None)

    def _set_scale(self, scale: float | None) -> None:
        self._scale = scale
        self._fit()
        place, here = self._place, self.current
        if place is not None and here is not None and not self.following:
            self._reveal(place[0], here)
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        """The cursor looks alive."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks quiet."""
        self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the time: where nobody worked, and above the rows."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.x >= _MARGIN and self._stint_at(offset) is None:
            event.stop()
            self.capture_mouse()
            self._pick(offset.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag through the time."""
        if self._picked is not None:
            event.stop()
            self._pick(event.x)

    def on_mouse_up(self) -> None:
        """Let go of it."""
        if self._picked is not None:
            self._picked = None
            self.release_mouse()

    def _pick(self, x: int) -> None:
        at = max(x - _MARGIN, 0) + round(self.scroll_x)
        if at != self._picked:
            self._picked = at
            self.post_message(self.Picked((at + 1) * self.scale))

    def _stint_at(self, offset: Offset) -> tuple[int, int] | None:
        """Row and place of the stint that is drawn there."""
        row = offset.y - _HEAD + round(self.scroll_y)
        at = offset.x - _MARGIN + round(self.scroll_x)
        if offset.y < _HEAD or row >= len(self.told.rows):
            return None
        place = self.told.near(row, (at + 0.5) * self.scale)
        start, end = self._cells(self.told.rows[row][place])
        return (row, place) if start <= at < end else None

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a stint, a second one opens it."""
        offset = event.get_content_offset(self)
        place = self._stint_at(offset) if offset is not None and offset.x >= _MARGIN else None
        if place is not None:
            event.stop()
            self._move(*place)
            if event.chain == 2:
                self.post_message(self.Chosen())

    # --- drawing ----------------------------------------------------------------------------

    def _cells(self, stint: Stint) -> tuple[int, int]:
        """Where a stint begins and ends, in cells from the start; never less than one."""
        first = int(stint.start / self.scale)
        return first, max(int(stint.end / self.scale), first + 1)

    def render_line(self, y: int) -> Strip:
        """Draw what is seen of one row."""
        width = self.size.width
        base, colours = self.paint
        left, room = round(self.scroll_x), max(width - _MARGIN, 0)
        if y < _HEAD:
            return strip_of(self._axis(left, room), width, colours, base)
        row = y - _HEAD + round(self.scroll_y)
        if row >= len(self.told.rows):
            words = "    No agent has worked yet." if not self.told.rows and y == _HEAD else ""
            return strip_of(((words, "muted"),), width, colours, base)
        number: Cell = (f"{row + 1:>{_MARGIN - 1}} ", "muted", False, False)
        segments: list[Segment] = []
        for (name, bold, here), run in groupby(
            [number, *self._row(row, left, room)], key=lambda it: it[1:]
        ):
            style = base + colours.style(name)
            if bold:
                style += Style(bold=True)
            if here:
                style += colours.style("cursor" if self.has_focus else "quiet-cursor")
            segments.append(Segment("".join(it[0] for it in run), style))
        return Strip(segments).adjust_cell_length(width, base)

    def _axis(self, left: int, room: int) -> Line:
        """A time at every tenth cell, seconds since the start of the run."""
        first = left - left % TICK
        text = "".join(
            duration(round(at * self.scale)).ljust(TICK)[:TICK]
            for at in range(first, left + room, TICK)
        )
        return ((" " * _MARGIN, ""), (text[left - first :][:room], "muted"))

    def _row(self, row: int, left: int, room: int) -> list[Cell]:
        cells: list[Cell] = [(" ", "", False, False)] * room
        now = int(self.told.seconds / self.scale) - left
        if 0 <= now < room:
            cells[now] = (sign("│", "|"), "faint", False, False)
        here = self.current
        for stint in self.told.between(row, left * self.scale, (left + room) * self.scale):
            first = self._cells(stint)[0]
            for at, cell in enumerate(self._bar(stint, stint is here), first - left):
                if 0 <= at < room:
                    cells[at] = cell
        then = -1 if self._moment is None else int(self._moment / self.scale) - left
        if 0 <= then < room:
            text, ink, bold, _ = cells[then]
            free: Cell = (sign("┃", "!"), "alarm", True, True)
            cells[then] = free if text in (" ", sign("│", "|")) else (text, ink, bold, True)
        return cells

    def show_moment(self, seconds: float | None) -> None:
        """Mark the moment that is shown elsewhere, and keep it in sight."""
        if seconds == self._moment:
            return
        self._moment = seconds
        if seconds is not None and self.size:
            at, x = int(seconds / self.scale), round(self.scroll_x)
            width = self.size.width - _MARGIN
            if not x <= at < x + width:
                self.scroll_to(x=max(at - width // 2, 0), animate=False, force=True)
        self.refresh()

    def _bar(self, stint: Stint, here: bool) -> Iterator[Cell]:
        """The cells of a stint: its task where there is room, its phases, how it ended."""
        first, end = self._cells(stint)
        critical = stint.task in self._critical
        label = clean_line(stint.task)
        if cell_len(label) != len(label) or len(label) + 2 > end - first:
            label = ""
        look = TASK_RUN_LOOKS[stint.state]
        pieces = iter(stint.pieces)
        piece = next(pieces)
        for at in range(first, end):
            while piece.end <= at * self.scale and piece is not stint.pieces[-1]:
                piece = next(pieces)
            if at - first < len(label):
                yield label[at - first], "text", critical, here
            elif at == end - 1 and not stint.is_open:
                yield look.sign, look.ink, critical, here
            else:
                glyph, ink = _glyph(piece.phase, critical)
                yield glyph, ink, critical, here


def _glyph(phase: Phase, critical: bool) -> Span:
    glyph, plain, ink = _BARS[phase]
    if critical and phase is Phase.WORKING:
        glyph, plain = _CRITICAL
    return sign(glyph, plain), ink


_WORDS = 3
"""Rows above the drawing."""


class TimelinePane(Vertical):
    """The timeline below what it tells in words.

    Args:
        clock: For what goes on.
    """

    DEFAULT_CSS = """
    TimelinePane { display: none; height: 1fr; width: 1fr; background: $background; }
    TimelinePane > PaneHead { height: 3; }
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.is_open = False
        """Whether it is shown, or what was opened from it."""
        self.head = PaneHead(self._head_lines)
        self.view = TimelineView()
        self.clock = clock
        self._model: RunModel | None = None
        self._left: tuple[float, float] | None = None
        self._rest_until = 0.0
        """When a large run may be drawn anew; by the monotonic clock."""

    def compose(self) -> ComposeResult:
        """The words above the drawing."""
        yield self.head
        yield self.view

    @property
    def wanted_rows(self) -> int:
        """As many as show all of it."""
        return _WORDS + self.view.virtual_size.height + self.view.scrollbar_size_horizontal

    @property
    def task_id(self) -> str | None:
        """The task under the cursor."""
        stint = self.view.current
        return None if stint is None else stint.task

    def show(self, model: RunModel, as_of: datetime | None = None) -> None:
        """Tell of a run, or its news; mark a moment of it."""
        then = None if as_of is None else (as_of - model.run.started).total_seconds()
        self.view.show_moment(then)
        known, self._model = self._model, model
        if known is None or known.run.id != model.run.id:
            self.view.clear()
            self._rest_until = 0.0
        self.tick()

    def tick(self) -> None:
        """A second passed, or the run moved on."""
        model, now = self._model, self.clock()
        if model is None:
            return
        if len(model.tasks) <= MANY:
            self._draw(timeline(model, now))
        elif model.is_over or time.monotonic() >= self._rest_until:
            self._rest_until = math.inf
            attempt(self, self._draw_large(model, now), group="timeline", latest=True)

    def _draw(self, told: Timeline) -> None:
        self.view.show(told)
        self.head.update()

    async def _draw_large(self, model: RunModel, now: datetime) -> None:
        begin = time.monotonic()
        told = await asyncio.to_thread(timeline, model, now)
        self._rest_until = time.monotonic() + REST * (time.monotonic() - begin)
        if self._model is not None and self._model.run.id == model.run.id:
            self._draw(told)

    def show_left(self, left: tuple[float, float] | None) -> None:
        """Tell how long the run still takes, in seconds; None = nobody knows."""
        self._left = left
        self.head.update()

    def on_timeline_view_moved(self) -> None:
        """The words are about another stint."""
        self.head.update()
        self.refresh_bindings()

    # --- words ------------------------------------------------------------------------------

    def _head_lines(self, width: int, _height: int) -> list[Line]:
        model = self._model
        if model is None:
            return []
        hint = "" if self.view.following else "End follows "
        return [
            spread(cleaned(self._numbers(model)), ((hint, "wait"),), width),
            spread(cleaned(_legend(width)), (), width),
            spread(cleaned(self._about()), self._times(), width),
        ]

    def _numbers(self, model: RunModel) -> Iterator[Span]:
        told = self.view.told
        yield " timeline  ", "title"
        efficiency = "?" if told.efficiency is None else f"{told.efficiency:.2f}"
        yield f"efficiency {efficiency}  ", "text"
        if not model.is_over:
            left = "?" if self._left is None else between(*self._left)
            yield f"{left} left  ", "text"
        yield f"a cell is {self.view.scale:g} s  ", "muted"
        chain = sign(" › ", " > ").join(told.critical)
        if chain:
            yield f"critical path {chain}", "muted"

    def _about(self) -> Iterator[Span]:
        """What the cursor is on."""
        stint, model = self.view.current, self._model
        task: TaskView | None = model.tasks.get(stint.task) if stint and model else None
        if stint is None or task is None:
            return
        look = TASK_RUN_LOOKS[stint.state]
        yield f" {look.sign} {look.word}  ", look.ink
        yield f"{task.id} ", "muted"
        yield task.title, "title"

    def _times(self) -> Line:
        """When that was, and how long."""
        stint = self.view.current
        if stint is None:
            return ()
        took = [(phase.value, round(stint.seconds(phase))) for phase in Phase]
        parts = [f"{name} {duration(seconds)}  " for name, seconds in took if seconds]
        when = f"at {duration(stint.start)} for {duration(stint.end - stint.start)}  "
        return ((when, "text"), ("".join(parts), "muted"))


def _legend(width: int) -> Line:
    """What the glyphs mean; the first words go first where there is no room."""
    line: list[Span] = [(" ", "")]
    for phase in Phase:
        glyph, ink = _glyph(phase, critical=False)
        line += [(f"{glyph * 2} ", ink), (f"{phase.value}  ", "muted")]
    whole = (*line, (sign(*_CRITICAL) * 2, "run"), (" on the critical path", "text"))
    return whole if width_of(whole) <= width else tuple(line)
