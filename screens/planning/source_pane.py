"""The text of a plan with one line lit, of any length: only what is seen is drawn."""

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cc4tui.domain.text import clean_line
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import strip_of
from cc4tui.screens.widgets.line_view import LineView


_WIDEST = 2000
"""Cells of a line that can be seen."""


class SourcePane(LineView, can_focus=False):
    """Lines with their numbers."""

    DEFAULT_CSS = """
    SourcePane { height: 1fr; width: 1fr; background: $background; overflow: hidden auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._ink = "muted"
        self.line = 0
        """The one that is lit, from 1; 0 = none."""
        self.column = 1

    def set_text(self, text: str) -> None:
        """Show another text."""
        self._lines = text.replace("\r\n", "\n").split("\n")
        size = Size(self.size.width, len(self._lines))
        self.set_reactive(ScrollView.virtual_size, size)
        self._scroll_update(size)
        self.refresh()

    def light(self, line: int, column: int, ink: str) -> None:
        """Light a line, bring it to the middle, and point at a column of it."""
        self.line, self.column, self._ink = line, column, ink
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        if self.line:
            top = max(self.line - 1 - self.size.height // 2, 0)
            self.scroll_to(y=top, animate=False, force=True)

    def on_resize(self) -> None:
        """Keep the line in sight."""
        self._reveal()

    def render_line(self, y: int) -> Strip:
        """One line with its number; the lit one has a mark, and its place is underlined."""
        base, colours = self.paint
        width, at = self.size.width, round(self.scroll_y) + y
        if at >= len(self._lines):
            return Strip.blank(width, base)
        here = at + 1 == self.line
        room = len(str(len(self._lines)))
        mark = sign("▶", ">") if here else " "
        text = clean_line(self._lines[at].expandtabs(4), limit=_WIDEST)
        head = ((f"{mark} ", self._ink), (f"{at + 1:>{room}}  ", self._ink if here else "faint"))
        if not here:
            return strip_of((*head, (text, "text")), width, colours, base)
        base += colours.style("quiet-cursor")
        point = min(max(self.column - 1, 0), len(text))
        end = min(max(point + 1, len(text.rstrip())), len(text))
        segments = [Segment(part, base + colours.style(name)) for part, name in head]
        segments.append(Segment(text[:point], base + colours.style("text")))
        lit = base + colours.style(self._ink) + Style(underline=True, bold=True)
        segments.append(Segment(text[point:end], lit))
        return Strip(segments).adjust_cell_length(width, base)
