"""Lines as lists' and panes' own drawing has them: spans of text with an ink, measured in cells."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cc4tui.domain.text import clean_line
from cc4tui.screens.glyphs import plain
from cc4tui.screens.ink import Ink


Span = tuple[str, str]
"""Text and the name of its ink."""
Line = tuple[Span, ...]

ELLIPSIS = "…"


def cleaned(line: Iterable[Span]) -> Line:
    """The line without anything that a terminal would obey. Every line passes here to be drawn.

    A joiner at the end of a span would swallow what is drawn next to it.
    """
    return tuple((clean_line(text, limit=16_384).rstrip("\u200d"), ink) for text, ink in line)


def width_of(line: Line) -> int:
    """Cells that the line takes."""
    return sum(cell_len(text) for text, _ in line)


def fit(line: Line, width: int) -> Line:
    """The line cut to `width` cells; an ellipsis tells that something is missing."""
    if width_of(line) <= width:
        return line
    return (*_cut(line, max(width - 1, 0)), (ELLIPSIS, "muted")) if width > 0 else ()


def _cut(line: Line, room: int) -> Iterator[Span]:
    for text, ink in line:
        size = cell_len(text)
        if size > room:
            if room:
                yield set_cell_size(text, room), ink
            return
        yield text, ink
        room -= size


def cell(text: str, width: int, ink: str, *, end: bool = False) -> Span:
    """Text in exactly `width` cells, for columns; `end` puts it at their right side."""
    (text, _), *more = fit(cleaned(((text, ink),)), width) or (("", ink),)
    text += "".join(rest for rest, _ in more)
    gap = " " * (width - cell_len(text))
    return (gap + text if end else text + gap), ink


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of `width` cells; the left one is cut to make room."""
    room = width - width_of(right) - 1
    if room < width // 3:
        right, room = (), width
    left = fit(left, room)
    gap = width - width_of(left) - width_of(right)
    return (*left, (" " * gap, ""), *right)


def wrap(line: Line, width: int, indent: int = 0) -> list[Line]:
    """The line on as many lines as it needs, broken at spaces where there are any.

    Args:
        line: Cleaned spans.
        width: Cells that a line may have.
        indent: Cells before every line but the first.
    """
    if width_of(line) <= width:
        return [line]
    out: list[list[Span]] = [[]]
    used = 0
    for word, ink in _words(line, max(width - indent, 1)):
        size = cell_len(word.rstrip())
        if used + size > width and out[-1]:
            out.append([(" " * indent, "")] if indent else [])
            used = indent
        out[-1].append((word, ink))
        used += cell_len(word)
    return [tuple(row) for row in out]


def _words(line: Line, width: int) -> Iterator[Span]:
    """Words with the spaces after them; those wider than a line come in pieces."""
    for text, ink in line:
        start = 0
        for at, char in enumerate(text):
            if char == " " and text[at + 1 : at + 2] != " ":
                yield from ((piece, ink) for piece in _pieces(text[start : at + 1], width))
                start = at + 1
        if start < len(text):
            yield from ((piece, ink) for piece in _pieces(text[start:], width))


def _pieces(word: str, width: int) -> list[str]:
    return [word] if cell_len(word) <= width else chop_cells(word, width)


def strip_of(line: Line, width: int, ink: Ink, base: Style) -> Strip:
    """The line as a strip of exactly `width` cells, drawn on `base`."""
    segments = [Segment(plain(text), base + ink.style(name)) for text, name in line if text]
    return Strip(segments).adjust_cell_length(width, base)
