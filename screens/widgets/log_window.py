"""Which rows of a log are seen: a place in it, and the rows from there; no widget, no styles."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cc4tui.screens.widgets.ansi import PLAIN, Pen, Span, cut, read_line, wrap
from cc4tui.screens.widgets.log_lines import LineReader


_LINES_KEPT = 1024

Mark = Callable[[int, tuple[Span, ...]], tuple[Span, ...]]
"""Lays highlights over a line: its start and spans in, spans out."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the screen."""

    line: int
    """Start of its line: the offset of its first byte."""
    number: int
    """Which row of its line it is, from 0."""
    column: int
    """Characters of the line before it."""
    spans: tuple[Span, ...]


class LogWindow:
    """Follows the end of a log, or stands at a row of it.

    Args:
        reader: The lines.
        wrapped: Whether long lines go on below; otherwise they are cut at the right edge.
    """

    def __init__(self, reader: LineReader, *, wrapped: bool = True) -> None:
        self.reader = reader
        self.wrapped = wrapped
        self.width = 80
        self.height = 1
        self.following = True
        self.mark: Mark | None = None
        self._top = (0, 0)
        """Start of the line and number of the row at the top, while not following."""
        self._lines: OrderedDict[tuple[int, int, Pen], tuple[list[LogRow], Pen]] = OrderedDict()
        self._pens: OrderedDict[int, Pen] = OrderedDict()
        self._beginnings = 0
        """How often the log had begun anew."""

    def forget(self) -> None:
        """Make rows anew: width, wrapping or marks have changed."""
        self._lines.clear()

    # --- rows -------------------------------------------------------------------------------

    def rows(self) -> list[LogRow]:
        """What is seen now, at most `height` rows."""
        if self.reader.beginnings != self._beginnings:
            self._beginnings, self.following = self.reader.beginnings, True
            self._lines.clear()
            self._pens.clear()
        if self.following:
            return self._last_rows()
        line, number = self._top
        line = max(line, self.reader.begin)
        out: list[LogRow] = []
        for start in self._lines_from(line):
            rows = self._rows_of(start)
            out += rows[number:] if start == line else rows
            if len(out) >= self.height:
                break
        return out[: self.height]

    def _last_rows(self) -> list[LogRow]:
        starts: list[int] = []
        start = self.reader.last_line()
        wanted = self.height // 2 if self.wrapped else self.height
        while True:
            while start is not None and len(starts) < wanted:
                starts.append(start)
                start = self.reader.line_before(start)
            out = [row for line in reversed(starts) for row in self._rows_of(line)]
            if start is None or wanted >= self.height or len(out) >= self.height:
                return out[-self.height :]
            wanted = self.height  # few of them were wrapped

    def _lines_from(self, line: int) -> Iterator[int]:
        start: int | None = line if line < self.reader.size else None
        while start is not None:
            yield start
            start = self.reader.line_after(start)

    def _rows_of(self, start: int) -> list[LogRow]:
        end = self.reader.line_end(start)
        pen = self._pens.get(start)
        if pen is None:
            pen = self._pens[start] = self.reader.pen_at(start)
        key = (start, end, pen)
        known = self._lines.get(key)
        if known is None:
            known = self._lines[key] = self._read(start, end, pen)
            if len(self._lines) > _LINES_KEPT:
                self._lines.popitem(last=False)
        self._pens[end + 1] = known[1]
        if len(self._pens) > _LINES_KEPT:
            self._pens.popitem(last=False)
        return known[0]

    def _count(self, start: int) -> int:
        """How many rows a line has, which no colour changes: those before it may be many."""
        if not self.wrapped:
            return 1
        if start in self._pens:
            return len(self._rows_of(start))
        spans, _ = read_line(self.reader.text(start, self.reader.line_end(start)), PLAIN)
        return len(wrap(spans, self.width))

    def _read(self, start: int, end: int, pen: Pen) -> tuple[list[LogRow], Pen]:
        spans, pen = read_line(self.reader.text(start, end), pen)
        if self.mark is not None:
            spans = self.mark(start, spans)
        parts = wrap(spans, self.width) if self.wrapped else [cut(spans, self.width)]
        rows: list[LogRow] = []
        column = 0
        for number, part in enumerate(parts):
            rows.append(LogRow(start, number, column, part))
            column += sum(len(text) for text, _ in part)
        return rows, pen

    # --- moving -----------------------------------------------------------------------------

    def scroll(self, by: int) -> None:
        """Move by rows, down if positive; going down to the end follows it again."""
        if by < 0:
            self._stop_following()
            self._up(-by)
        elif not self.following:
            self._down(by)
        self._follow_at_end()

    def go_to(self, offset: int, above: int = 0) -> None:
        """Show the line that holds the byte at `offset`, with `above` rows before it."""
        self.following = False
        offset = max(min(offset, self.reader.size - 1), self.reader.begin)
        self._top = (self.reader.line_at(offset), 0)
        self._up(above)
        self._follow_at_end()

    def go_to_begin(self) -> None:
        """Show the first line."""
        self.go_to(self.reader.begin)

    def follow(self) -> None:
        """Show the end, and whatever comes."""
        self.following = True

    def _stop_following(self) -> None:
        if self.following:
            rows = self._last_rows()
            self._top = (rows[0].line, rows[0].number) if rows else (self.reader.begin, 0)
            self.following = False

    def _up(self, count: int) -> None:
        line, number = self._top
        while count > number:
            before = self.reader.line_before(line)
            if before is None:
                self._top = (line, 0)
                return
            count -= number + 1
            line, number = before, self._count(before) - 1
        self._top = (line, number - count)

    def _down(self, count: int) -> None:
        line, number = self._top
        while True:
            left = len(self._rows_of(line)) - 1 - number
            if count <= left:
                self._top = (line, number + count)
                return
            after = self.reader.line_after(line)
            if after is None:
                self._top = (line, number + left)
                return
            count -= left + 1
            line, number = after, 0

    def _follow_at_end(self) -> None:
        """Follow when the last row is in sight."""
        if self.following:
            return
        rows = self.rows()
        if not rows:
            self.following = True
            return
        last = rows[-1]
        is_last_row = last.number == len(self._rows_of(last.line)) - 1
        if is_last_row and self.reader.line_after(last.line) is None:
            self.following = True

    # --- where ------------------------------------------------------------------------------

    def share(self) -> tuple[float, float]:
        """Where the rows that are seen lie in the log: from and to, 0 to 1."""
        begin = self.reader.begin
        whole = max(self.reader.size - begin, 1)
        rows = self.rows()
        if not rows:
            return 0.0, 1.0
        end = self.reader.size if self.following else self.reader.line_end(rows[-1].line)
        return (rows[0].line - begin) / whole, (end - begin) / whole
