"""A live log: draws the rows that are seen straight from bytes, whatever the size and the rate.

Textual's own log widgets keep a styled copy of every line and lay out the screen as lines come,
which at ten thousand lines a second freezes the app. This one keeps nothing: a tick compares a
size, and a repaint reads the lines that are in sight. Growth never causes a layout.
"""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.bindings import bindings
from cc4tui.screens.glyphs import sign
from cc4tui.screens.guard import attempt
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, fit
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.ansi import Span, read_line
from cc4tui.screens.widgets.compositor import repaint
from cc4tui.screens.widgets.log_lines import LineReader
from cc4tui.screens.widgets.log_search import LogSearch, lit
from cc4tui.screens.widgets.log_source import ByteSource
from cc4tui.screens.widgets.log_window import LogRow, LogWindow
from cc4tui.screens.widgets.palette import CHOSEN, Palette


WHEEL_ROWS = 3
_STRIPS_KEPT = 512
LEFT = 1
"""Empty cells before every row."""
STAMP = 9
"""Cells of the time before a line."""
Stamp = Callable[[int], datetime | None]
"""When the line was written that begins at an offset; None when that is not known."""
_SELECTION_CAP = 4 * 2**20
"""Bytes of a log that a selection may copy."""


class LogView(Widget):
    """Shows the lines of a source, follows their end, scrolls, searches.

    Args:
        source: Bytes that grow; nothing is read before the first paint.
        wrapped: Whether long lines go on below.
        empty: Shown while there is nothing to show.
        bar: Whether a bar at the right tells the place while the end is not followed.
        widget_id: Of the widget.
    """

    DEFAULT_CSS = """
    LogView { height: 1fr; width: 1fr; background: $background; }
    """
    """It draws all of its region by itself: borders, padding and tints have no effect."""
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.LOG)

    class Searched(Message):
        """A search moved on: its hits are counted, or there is none in that direction."""

        def __init__(self, view: "LogView") -> None:
            super().__init__()
            self.view = view

    class Clicked(Message):
        """A line was clicked."""

        def __init__(self, view: "LogView", offset: int) -> None:
            super().__init__()
            self.view = view
            self.offset = offset

    def __init__(
        self,
        source: ByteSource,
        *,
        wrapped: bool = True,
        empty: Line = (),
        bar: bool = True,
        widget_id: str | None = None,
    ) -> None:
        super().__init__(id=widget_id)
        self.window = LogWindow(LineReader(source), wrapped=wrapped)
        self.search: LogSearch | None = None
        self._empty = empty
        self._bar = bar
        self._rows: list[LogRow] | None = None
        """What is seen; None when it has to be found anew."""
        self._share: tuple[float, float] | None = None
        """Where in the log it lies; found when the bar is drawn."""
        self._strips: dict[LogRow, Strip] = {}
        self._palette: Palette | None = None
        self._stamp: Stamp | None = None
        """Tells when a line was written."""
        self.is_flooded = False
        """Whether more came at once than fits in, so that nobody can read all of it as it comes."""
        self._left = LEFT
        """Cells before a row."""
        self._chosen: Selection | None = None
        """What is selected with the mouse."""
        self._grabbed = False

    # --- growth -----------------------------------------------------------------------------

    def poll(self) -> bool:
        """Take notice of what the source got since; call it on every tick while in sight.

        Returns:
            Whether there was something.
        """
        before = self.window.reader.size
        grown = self.window.reader.refresh()
        screenful = self.window.height * self.window.width
        self.is_flooded = self.window.reader.size - before >= screenful > 0
        if grown and self._shows_growth():
            self._redraw()
        return grown

    def _shows_growth(self) -> bool:
        rows = self._rows
        return self.window.following or rows is None or len(rows) < self.window.height

    def set_source(self, source: ByteSource, *, wrapped: bool) -> None:
        """Show another log from its end."""
        self.window.reader.close()
        mark, width, height = self.window.mark, self.window.width, self.window.height
        self.window = LogWindow(LineReader(source), wrapped=wrapped)
        self.window.mark, self.window.width, self.window.height = mark, width, height
        self._strips.clear()
        self.stop_search()
        self.poll()
        self._redraw()

    def set_stamps(self, stamp: Stamp | None) -> None:
        """Tell before each line when it was written; None = do not."""
        self._stamp, self._left = stamp, LEFT + (STAMP if stamp is not None else 0)
        self._remake()

    def set_reading(self, reading: bool) -> None:
        """Take keys and let text be selected, or only show what comes."""
        self.can_focus = reading
        self._strips.clear()
        self.refresh()

    @property
    def allow_select(self) -> bool:
        """Text can be selected where keys go."""
        return self.can_focus

    def set_empty(self, empty: Line) -> None:
        """Say something else while there is nothing to show."""
        self._empty = empty
        self.refresh()

    def on_mount(self) -> None:
        """Show what is there already."""
        self.poll()

    def on_unmount(self) -> None:
        """Close the file."""
        self.window.reader.close()

    # --- drawing ----------------------------------------------------------------------------

    def _redraw(self) -> None:
        self._rows = None
        repaint(self)

    def _remake(self) -> None:
        """Width, colours or marks are other ones now."""
        self.window.forget()
        self._strips.clear()
        self._redraw()

    def _fit(self) -> None:
        """Wrap for the size that is drawn, which may be ahead of the message that tells of it."""
        width, height = max(self.size.width - self._left - self._bar, 1), max(self.size.height, 1)
        if (width, height) != (self.window.width, self.window.height):
            if width != self.window.width:
                self.window.forget()
                self._strips.clear()
            self.window.width, self.window.height = width, height
            self._rows = None

    def notify_style_update(self) -> None:
        """Take the colours of another theme."""
        super().notify_style_update()
        self._palette = None
        self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the rows of a part of the widget.

        Textual's way leads every line through caches and style rules that have nothing to add
        here, and takes twice as long.
        """
        if not self.is_attached:  # removed since the screen was laid out
            return [Strip.blank(crop.width)] * crop.height
        strips = [self.render_line(y) for y in crop.line_range]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        if y == 0 or self._rows is None:
            self._fit()
        palette = self._palette or self._colours()
        if self._rows is None:
            self._rows, self._share = self.window.rows(), None
        if y >= len(self._rows):
            return self._blank(y, palette)
        strip = self._strip(self._rows[y], palette)
        if self._bar and not self.window.following:
            row = strip.crop(0, self._left + self.window.width)
            return Strip.join([row, self._bar_cell(y, palette)])
        return strip

    def _colours(self) -> Palette:
        chosen = self.screen.get_component_rich_style("screen--selection")
        filters = self.get_line_filters()
        self._palette = Palette(ink(self.app), self.rich_style, chosen, filters)
        self._strips.clear()
        return self._palette

    def _blank(self, y: int, palette: Palette) -> Strip:
        line = fit(self._empty, self.size.width - LEFT) if y == 0 and not self._rows else ()
        segments = [Segment(text, palette.named(name)) for text, name in line]
        space = Segment(" " * LEFT, palette.base)
        return Strip([space, *segments]).adjust_cell_length(self.size.width, palette.base)

    def _strip(self, row: LogRow, palette: Palette) -> Strip:
        if self._chosen is None:
            strip = self._strips.get(row)
            if strip is None:
                if len(self._strips) > _STRIPS_KEPT:
                    self._strips.clear()
                strip = self._strips[row] = self._draw(row, row.spans, palette)
            return strip
        spans = row.spans
        span = self._chosen.get_span(row.line)
        if span is not None:
            start, end = span
            stop = len("".join(text for text, _ in spans)) if end == -1 else end - row.column
            spans = lit(spans, [(max(start - row.column, 0), max(stop, 0))], CHOSEN)
        return self._draw(row, spans, palette)

    def _draw(self, row: LogRow, spans: tuple[Span, ...], palette: Palette) -> Strip:
        """One strip of exactly the view's width: making strips is what drawing costs most."""
        segments = [Segment(text, palette.style(pen)) for text, pen in spans]
        segments.insert(0, self._margin(row, palette))
        width = self._left + self.window.width + self._bar
        used = self._left + sum(
            [len(text) if text.isascii() else cell_len(text) for text, _ in spans]
        )
        if used < width:
            segments.append(Segment(" " * (width - used), palette.base))
        strip = Strip(segments, max(used, width))
        if used > width:
            strip = strip.crop(0, width)
        return strip.apply_offsets(row.column - self._left, row.line) if self.can_focus else strip

    def _margin(self, row: LogRow, palette: Palette) -> Segment:
        """What stands before a row: when its line was written, if that is asked for and known."""
        if self._stamp is None:
            return Segment(" " * LEFT, palette.base)
        when = self._stamp(row.line) if row.number == 0 else None
        told = "" if when is None else f"{when.astimezone():%H:%M:%S}"
        return Segment(f"{' ' * LEFT}{told:<{STAMP}}", palette.named("muted"))

    def _bar_cell(self, y: int, palette: Palette) -> Strip:
        if self._share is None:
            self._share = self.window.share()
        top, end = self._share
        height = self.size.height
        first = min(int(top * height), height - 1)
        last = max(first, min(round(end * height), height) - 1)
        whole = top <= 0 and len(self._rows or ()) < height
        glyph = sign("┃", "#") if first <= y <= last and not whole else " "
        return Strip([Segment(glyph, palette.named("muted"))], 1)

    # --- moving -----------------------------------------------------------------------------

    @property
    def following(self) -> bool:
        """Whether the end is shown, and whatever comes."""
        return self.window.following

    def scroll_rows(self, by: int) -> None:
        """Move by rows, down if positive."""
        self.window.scroll(by)
        self._moved()

    def _moved(self) -> None:
        self._redraw()
        self.refresh_bindings()

    def action_row_up(self) -> None:
        """A row up."""
        self.scroll_rows(-1)

    def action_row_down(self) -> None:
        """A row down."""
        self.scroll_rows(1)

    def action_page_up(self) -> None:
        """A page up."""
        self.scroll_rows(-max(self.window.height - 1, 1))

    def action_page_down(self) -> None:
        """A page down."""
        self.scroll_rows(max(self.window.height - 1, 1))

    def action_begin(self) -> None:
        """The first line."""
        self.window.go_to_begin()
        self._moved()

    def action_follow(self) -> None:
        """The end, and whatever comes."""
        self.window.follow()
        self._moved()

    def action_toggle_wrap(self) -> None:
        """Wrap long lines, or cut them at the edge."""
        self.window.wrapped = not self.window.wrapped
        self._remake()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.scroll_rows(-WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.scroll_rows(WHEEL_ROWS)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the bar."""
        if self._bar and event.x == self.size.width - 1:
            event.stop()
            self._grabbed = True
            self.capture_mouse()
            self._go_to_share(event.y)

    def on_click(self, event: events.Click) -> None:
        """Tell which line it was, unless text was selected or the bar taken."""
        rows = self._rows or ()
        on_bar = self._bar and event.x == self.size.width - 1
        if self._chosen is None and event.chain == 1 and event.y < len(rows) and not on_bar:
            self.post_message(self.Clicked(self, rows[event.y].line))

    @property
    def last_line_seen(self) -> int:
        """Offset of the line in the last row that is shown; 0 without any."""
        return self._rows[-1].line if self._rows else 0

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the bar."""
        if self._grabbed:
            event.stop()
            self._go_to_share(event.y)

    def on_mouse_up(self) -> None:
        """Let go of the bar."""
        if self._grabbed:
            self._grabbed = False
            self.release_mouse()

    def _go_to_share(self, y: int) -> None:
        reader = self.window.reader
        share = max(y, 0) / max(self.size.height - 1, 1)
        if share >= 1:
            self.window.follow()
        else:
            self.window.go_to(reader.begin + int(share * (reader.size - reader.begin)))
        self._redraw()

    # --- searching --------------------------------------------------------------------------

    def start_search(self, needle: str) -> None:
        """Light up every hit, go to the nearest one upwards, count them all."""
        if not needle:
            self.stop_search()
            return
        search = self.search = LogSearch(self.window.reader, needle)
        self.window.mark = search.mark
        self._remake()
        attempt(self, self._first_hit(search), group="search", latest=True)

    def stop_search(self) -> None:
        """Show the log without highlights."""
        if self.search is not None:
            self.search = None
            self.window.mark = None
            self._remake()

    async def _first_hit(self, search: LogSearch) -> None:
        rows = self.window.rows()
        offset = self.window.reader.line_end(rows[-1].line) if rows else 0
        line = await search.find(offset, forward=False)
        if line is None:
            line = await search.find(offset, forward=True)
        self._go_to_hit(search, line)
        await search.count_all()
        self.post_message(self.Searched(self))

    def action_next_hit(self) -> None:
        """The next hit downwards."""
        self._step(forward=True)

    def action_previous_hit(self) -> None:
        """The next hit upwards."""
        self._step(forward=False)

    def _step(self, *, forward: bool) -> None:
        if self.search is not None:
            attempt(self, self._other_hit(self.search, forward), group="search", latest=True)

    async def _other_hit(self, search: LogSearch, forward: bool) -> None:
        reader = self.window.reader
        here = reader.size if search.here is None else search.here
        offset = min(reader.line_end(here) + 1, reader.size) if forward else here
        line = await search.find(offset, forward=forward)
        if line is None:  # round the end
            line = await search.find(reader.begin if forward else reader.size, forward=forward)
        self._go_to_hit(search, line)
        if search.count is None:
            await search.count_all()
            self.post_message(self.Searched(self))

    def _go_to_hit(self, search: LogSearch, line: int | None) -> None:
        if search is not self.search:
            return
        search.here = line
        if line is not None:
            self.window.go_to(line, above=self.window.height // 3)
        self._remake()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Going from hit to hit needs a search; the end is followed already or not."""
        if action in ("next_hit", "previous_hit"):
            return self.search is not None
        return action != "follow" or not self.window.following

    # --- selecting --------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, lines whole however they are wrapped."""
        reader = self.window.reader
        start = reader.begin if selection.start is None else selection.start.y
        stop = reader.size if selection.end is None else selection.end.y + 1
        out: list[str] = []
        line: int | None = start
        while line is not None and line < min(stop, start + _SELECTION_CAP):
            spans, _ = read_line(reader.text(line, reader.line_end(line)))
            text = "".join(piece for piece, _ in spans)
            first, last = selection.get_span(line) or (0, 0)
            out.append(text[max(first, 0) :] if last == -1 else text[max(first, 0) : max(last, 0)])
            line = reader.line_after(line)
        return "\n".join(out), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self._chosen = selection
        self.refresh()
