"""Looks for text in a log of any size, a slice of time at once, without keeping what it finds."""

import asyncio
import re
import time

from cc4tui.screens.widgets.ansi import PLAIN, Pen, Span, read_line
from cc4tui.screens.widgets.log_lines import LineReader
from cc4tui.screens.widgets.palette import FOUND, FOUND_HERE


_PIECE = 2**18
"""Bytes that are looked through at once."""
_SLICE = 0.012
"""Seconds after which other work gets its turn."""
_SGR = re.compile(rb"\x1b\[[0-9;:]*m")


class LogSearch:
    """One search: any case when the needle is all lower case.

    Args:
        reader: The log.
        needle: What to find; not a pattern.
    """

    def __init__(self, reader: LineReader, needle: str) -> None:
        self.needle = needle
        self.here: int | None = None
        """Start of the line that the view went to."""
        self.count: int | None = None
        """Hits in the whole log; None until they are counted."""
        self._reader = reader
        self._folds = needle == needle.lower()
        self._bytes = needle.encode("utf-8", "replace")

    @property
    def told(self) -> str:
        """How it went, in a few words."""
        if self.count is None:
            return f"searching “{self.needle}”"
        if not self.count:
            return f"“{self.needle}” does not occur"
        return f"{self.count} hit{'' if self.count == 1 else 's'} of “{self.needle}”, n N"

    async def find(self, offset: int, *, forward: bool) -> int | None:
        """Start of the nearest line with a hit, at or after `offset`, or before it."""
        pause = _Pause()
        while True:
            await pause.turn()
            at = await (self._next(offset, pause) if forward else self._previous(offset, pause))
            if at is None:
                return None
            line = self._reader.line_at(at)
            end = self._reader.line_end(line)
            if self._is_shown(line, end):
                return line
            offset = end + 1 if forward else line

    async def _next(self, offset: int, pause: "_Pause") -> int | None:
        overlap = len(self._bytes) - 1
        while offset < self._reader.size:
            await pause.turn()
            found = self._read(offset, _PIECE + overlap).find(self._bytes)
            if found >= 0:
                return offset + found
            offset += _PIECE
        return None

    async def _previous(self, offset: int, pause: "_Pause") -> int | None:
        overlap = len(self._bytes) - 1
        while offset > self._reader.begin:
            await pause.turn()
            low = max(offset - _PIECE, self._reader.begin)
            count = min(offset + overlap, self._reader.size) - low
            found = self._read(low, count).rfind(self._bytes)
            if found >= 0:
                return low + found
            offset = low
        return None

    async def count_all(self) -> None:
        """Count the hits of the whole log."""
        pause = _Pause()
        count = 0
        offset = self._reader.begin
        rest = b""
        while offset < self._reader.size:
            await pause.turn()
            piece = self._read(offset, _PIECE)
            if not piece:
                break
            offset += len(piece)
            piece = rest + piece
            cut = piece.rfind(b"\n") + 1
            rest, piece = piece[cut:][-_PIECE:], piece[:cut]
            count += _SGR.sub(b"", piece).count(self._bytes)
        self.count = count + _SGR.sub(b"", rest).count(self._bytes)

    def _read(self, offset: int, count: int) -> bytes:
        data = self._reader.source.read(offset, count)
        return data.lower() if self._folds else data

    def _is_shown(self, line: int, end: int) -> bool:
        """Whether the hit is in what a person sees, not within an escape sequence."""
        spans, _ = read_line(self._reader.text(line, end), PLAIN)
        return bool(self._hits("".join(text for text, _ in spans)))

    def _hits(self, text: str) -> list[tuple[int, int]]:
        hay = text.lower() if self._folds else text
        if len(hay) != len(text):  # a few characters change their length; positions would be off
            hay = text
        out: list[tuple[int, int]] = []
        at = hay.find(self.needle)
        while at >= 0:
            out.append((at, at + len(self.needle)))
            at = hay.find(self.needle, at + len(self.needle))
        return out

    def mark(self, line: int, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        """The spans with the hits lit up."""
        hits = self._hits("".join(text for text, _ in spans))
        flag = FOUND_HERE if line == self.here else FOUND
        return lit(spans, hits, flag) if hits else spans


def lit(spans: tuple[Span, ...], ranges: list[tuple[int, int]], flag: int) -> tuple[Span, ...]:
    """The spans, cut where ranges of characters begin and end, with a pen flag set inside them.

    Args:
        spans: Text with its pens.
        ranges: From and to (exclusive), in order, not overlapping.
        flag: Bit to set.
    """
    out: list[Span] = []
    at = 0
    for text, pen in spans:
        end = at + len(text)
        here = at
        for start, stop in ranges:
            a, b = max(start, here), min(stop, end)
            if a < b:
                out += _piece(text, here - at, a - at, pen)
                out += _piece(text, a - at, b - at, pen._replace(flags=pen.flags | 1 << flag))
                here = b
        out += _piece(text, here - at, len(text), pen)
        at = end
    return tuple(out)


def _piece(text: str, start: int, end: int, pen: Pen) -> list[Span]:
    return [(text[start:end], pen)] if start < end else []


class _Pause:
    """Lets the event loop run when a slice of time is used up."""

    def __init__(self) -> None:
        self._until = time.monotonic() + _SLICE

    async def turn(self) -> None:
        if time.monotonic() > self._until:
            await asyncio.sleep(0)
            self._until = time.monotonic() + _SLICE
