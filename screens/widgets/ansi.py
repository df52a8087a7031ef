"""Coloured output as spans of clean text: a small SGR reader, four times as fast as Rich's.

Colours carry over line ends, as in a terminal: each call gets the pen of the line before and
returns the pen for the one after. Nothing but text and pens comes out, whatever goes in.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes

from cc4tui.domain.text import CONTROL, UNSAFE, parse_sgr, sign_for


TAB_SIZE = 8

Colour = int | tuple[int, int, int]
"""An index into the terminal's palette of 256, or red, green and blue."""


class Pen(NamedTuple):
    """How text is drawn until the next SGR sequence."""

    ink: Colour | None = None
    paper: Colour | None = None
    flags: int = 0
    """Bit n is set for SGR code n of 1, 2, 3, 4, 7, 9; bit 5 is an overline (53)."""

    def has(self, code: int) -> bool:
        """Whether the attribute of this SGR code is on."""
        return bool(self.flags & (1 << code))


PLAIN = Pen()
OVERLINE = 5

Span = tuple[str, Pen]

_OFF = {22: (1, 2), 23: (3,), 24: (4,), 27: (7,), 29: (9,), 55: (OVERLINE,)}


@lru_cache(4096)
def repen(pen: Pen, parameters: str) -> Pen:
    """The pen after an SGR sequence with these parameters."""
    for code, *colour in parse_sgr(parameters):
        if code == 0:
            pen = PLAIN
        elif code < 10 or code == 53:
            pen = pen._replace(flags=pen.flags | 1 << (code if code < 10 else OVERLINE))
        elif code in _OFF:
            pen = pen._replace(flags=pen.flags & ~sum(1 << n for n in _OFF[code]))
        elif code in (38, 48):
            pen = _recolour(pen, code, _wide_colour(colour))
        else:
            pen = _recolour(pen, *_palette_colour(code))
    return pen


def _wide_colour(colour: list[int]) -> Colour:
    kind, first, *rest = colour
    return first if kind == 5 else (first, rest[0], rest[1])


def _palette_colour(code: int) -> tuple[int, Colour | None]:
    """30 to 49 and 90 to 107 as (38 or 48, index); 39 and 49 mean the default."""
    bright = 8 if code >= 90 else 0
    ground = 38 if code < 40 or 90 <= code < 100 else 48
    index = code % 10
    return ground, None if index == 9 else index + bright


def _recolour(pen: Pen, ground: int, colour: Colour | None) -> Pen:
    return pen._replace(ink=colour) if ground == 38 else pen._replace(paper=colour)


def read_line(line: str, pen: Pen = PLAIN) -> tuple[tuple[Span, ...], Pen]:
    r"""Read one line of output.

    Args:
        line: Raw text without its line end. Only what follows its last carriage return is kept:
            what a terminal would show in the end of a progress bar drawn over and over.
        pen: As the line before left it.

    Returns:
        Clean spans, tabs as spaces, and the pen for the next line.
    """
    if UNSAFE.search(line) is None:
        return (((_expand(line, 0), pen),) if line else ()), pen
    line = line.rstrip("\r")
    if "\r" in line:
        drawn_over, line = line.rsplit("\r", 1)
        pen = pen_after(drawn_over, pen)
    spans: list[Span] = []
    column = 0
    for text, after in _pieces(line, pen):
        if text:
            if "\t" in text:
                text = _expand(text, column)
            column += len(text) if text.isascii() else cell_len(text)
            spans.append((text, pen))
        pen = after
    return tuple(spans), pen


def _pieces(line: str, pen: Pen) -> Iterator[tuple[str, Pen]]:
    """Text up to each sequence, and the pen after it."""
    start = 0
    held = ""
    for match in CONTROL.finditer(line):
        held += line[start : match.start()] + sign_for(match)
        start = match.end()
        if match[1] is not None:
            pen = repen(pen, match[1])
            yield held, pen
            held = ""
    yield held + line[start:], pen


def pen_after(text: str, pen: Pen = PLAIN) -> Pen:
    """The pen that `text` leaves behind."""
    for match in CONTROL.finditer(text):
        if match[1] is not None:
            pen = repen(pen, match[1])
    return pen


def _expand(text: str, column: int) -> str:
    """Tabs as spaces up to the next multiple of 8 cells."""
    if "\t" not in text:
        return text
    out: list[str] = []
    for number, piece in enumerate(text.split("\t")):
        if number:
            gap = TAB_SIZE - column % TAB_SIZE
            out.append(" " * gap)
            column += gap
        out.append(piece)
        column += cell_len(piece)
    return "".join(out)


def wrap(spans: tuple[Span, ...], width: int) -> list[tuple[Span, ...]]:
    """The spans on rows of at most `width` cells, broken after spaces where there are any."""
    text = "".join([piece for piece, _ in spans])
    if width < 1 or (len(text) <= width and (text.isascii() or cell_len(text) <= width)):
        return [spans]
    return list(_cut(spans, row_starts(text, width)))


def cut(spans: tuple[Span, ...], width: int) -> tuple[Span, ...]:
    """The spans up to `width` cells.

    Textual's own way to cut a line measures it again and again: 60 ms for one that is long and not
    in ASCII.
    """
    out: list[Span] = []
    for text, pen in spans:
        head = text if len(text) <= width and text.isascii() else _head(text, width)
        if head:
            out.append((head, pen))
        width -= len(head) if head.isascii() else cell_len(head)
        if width <= 0 or len(head) < len(text):
            break
    return tuple(out)


def _head(text: str, width: int) -> str:
    """As much of the text as fits."""
    if text.isascii():
        return text[:width]
    looked_at = _GLANCE * width
    while True:
        graphemes, cells = split_graphemes(text[:looked_at])
        if cells > width or looked_at >= len(text):
            break
        looked_at *= _GLANCE
    end = 0
    for _, stop, size in graphemes:
        width -= size
        if width < 0:
            return text[:end]
        end = stop
    return text


_GLANCE = 4
"""Characters for each cell that are looked at first: some letters have marks upon marks."""
_REST = "\0"
"""The second cell of a wide character."""


def row_starts(text: str, width: int) -> list[int]:
    """Character positions at which rows begin, the first one left out."""
    if text.isascii():
        return _breaks(text, width)
    graphemes, _ = split_graphemes(text)
    cells = "".join([text[start] + _REST * (size - 1) for start, _, size in graphemes if size])
    places = [start for start, _, size in graphemes for _ in range(size)]
    return [places[at] for at in _breaks(cells, width)]


def _breaks(cells: str, width: int) -> list[int]:
    breaks: list[int] = []
    at = 0
    while len(cells) - at > width:
        stop = at + width
        space = cells.rfind(" ", at + width // 3, stop + 1)
        if space >= 0:
            stop = space + 1
        elif cells[stop] == _REST:
            stop -= 1
        at = max(stop, at + 1)
        if at == len(cells):
            break
        breaks.append(at)
    return breaks


def _cut(spans: tuple[Span, ...], breaks: list[int]) -> Iterator[tuple[Span, ...]]:
    row: list[Span] = []
    at = 0
    left = iter([*breaks, -1])
    stop = next(left)
    for text, pen in spans:
        begin = 0
        while 0 <= stop <= at + len(text):
            if stop > at + begin:
                row.append((text[begin : stop - at], pen))
            yield tuple(row)
            row = []
            begin = stop - at
            stop = next(left)
        if begin < len(text):
            row.append((text[begin:], pen))
        at += len(text)
    yield tuple(row)
