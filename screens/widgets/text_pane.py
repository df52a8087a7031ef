"""A pane of text that wraps, scrolls and can be selected; it never interprets what it shows."""

from collections.abc import Callable, Iterable

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from cc4tui.screens.lines import Line, cleaned, strip_of, wrap
from cc4tui.screens.widgets.line_view import LineView


REST = 0.04
"""Seconds after which a cursor that has not moved again rests."""


class TextPane(LineView, can_focus=True):
    """Shows lines; long ones continue below each other at spaces.

    Args:
        widget_id: Of the widget.
    """

    DEFAULT_CSS = """
    TextPane {
        height: 1fr; padding: 0 1; background: $background;
        overflow-x: hidden; overflow-y: auto;
    }
    """

    def __init__(self, lines: Iterable[Line] = (), *, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._lines: list[Line] = [cleaned(line) for line in lines]
        self._wrapped: list[Line] = []
        self._width = 0
        self._soon: Timer | None = None

    def set_lines(self, lines: Iterable[Line], *, keep_place: bool = False) -> None:
        """Show other lines, from their top unless `keep_place`."""
        if self._soon is not None:
            self._soon.stop()
        before = len(self._wrapped)
        self._lines = [cleaned(line) for line in lines]
        self._width = 0
        self._rewrap()
        if not keep_place:
            self.scroll_to(y=0, animate=False, force=True)
        self.refresh(Region(0, 0, self.size.width, max(before, len(self._wrapped))))

    def set_lines_soon(self, make: Callable[[], Iterable[Line]]) -> None:
        """Show what `make` gives, once the cursor rests: a held key must not wait for this pane."""
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(REST, lambda: self.set_lines(make()))

    @property
    def text(self) -> str:
        """What the pane shows, unwrapped."""
        return "\n".join("".join(text for text, _ in line) for line in self._lines)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows for ``height: auto``."""
        return sum(len(wrap(line, width, _indent(line, width))) for line in self._lines)

    def on_resize(self) -> None:
        """Wrap again for the new width; a frame may have come before."""
        self._rewrap()
        self.refresh()

    def on_show(self) -> None:
        """Wrap what came while the pane was hidden and had no width."""
        self._rewrap()
        self.refresh()

    def _rewrap(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or width == self._width:
            return
        self._width = width
        self._wrapped = [
            row for line in self._lines for row in wrap(line, width, _indent(line, width))
        ]
        self.set_lines_count(len(self._wrapped))

    def render_line(self, y: int) -> Strip:
        """Draw one visible line, with what is selected of it."""
        width = self.scrollable_content_region.width
        base, colours = self.paint
        row = round(self.scroll_y) + y
        if row >= len(self._wrapped):
            return Strip.blank(width, base)
        strip = strip_of(self._wrapped[row], width, colours, base)
        selection = self.text_selection
        span = None if selection is None else selection.get_span(row)
        if span is not None:
            start, end = span
            end = width if end == -1 else end
            chosen = self.screen.get_component_rich_style("screen--selection")
            before, middle, after = strip.divide([start, end, width])
            lit = Segment.apply_style(middle, post_style=chosen)
            strip = Strip.join([before, Strip(lit), after])
        return strip.apply_offsets(0, row)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it stands on the screen."""
        text = "\n".join("".join(text for text, _ in line).rstrip() for line in self._wrapped)
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()


def _indent(line: Line, width: int) -> int:
    """Continued lines stand below the first one's text, beside its label or bullet."""
    if not line:
        return 0
    first = line[0][0]
    lead = len(first) - len(first.lstrip(" "))
    if first.endswith("  ") or first.strip() in ("–", "-", "•", "✓", "○", "+", "o"):
        lead = len(first)
    return lead if lead < width // 2 else 0
