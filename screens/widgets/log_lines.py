"""Finds lines in a byte source by offset, without an index: opening any log costs nothing.

A line is known by the offset of its first byte, as in `less`. Only the blocks around the visible
part are ever read.
"""

from collections import OrderedDict

from cc4tui.screens.widgets.ansi import PLAIN, Pen, pen_after
from cc4tui.screens.widgets.log_source import ByteSource


BLOCK = 64 * 1024
_BLOCKS_KEPT = 4
LINE_CAP = 16 * 1024
"""Bytes of one line that are shown."""


class LineReader:
    """Moves over the lines of a source.

    Args:
        source: May grow at any time; `refresh` takes notice.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.size = 0
        """Bytes that were there at the last `refresh`; nothing after them is looked at."""
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._bare = (0, 0)
        """A range that is known to hold no line end, for lines of many megabytes."""
        self.beginnings = 0
        """How often the source had become shorter: what was known of it holds no longer."""

    def refresh(self) -> bool:
        """Look for growth; True when there is more than before, or something else."""
        size = self.source.size()
        grown = size != self.size
        if size < self.size:
            self._blocks.clear()
            self._bare, self.beginnings = (0, 0), self.beginnings + 1
        if grown:
            self._blocks.pop(self.size // BLOCK, None)
            self.size = size
        return grown

    @property
    def begin(self) -> int:
        """Start of the first line that the source still holds."""
        return self.source.begin()

    def last_line(self) -> int | None:
        """Start of the last line; None when there is none."""
        return self.line_before(self.size)

    def line_before(self, start: int) -> int | None:
        """Start of the line that ends right before `start`; None before the first one."""
        if start <= self.begin:
            return None
        return self.line_at(start - 1)

    def line_after(self, start: int) -> int | None:
        """Start of the line after the one that begins at `start`; None after the last one."""
        end = self.line_end(start)
        return end + 1 if end + 1 < self.size else None

    def line_at(self, offset: int) -> int:
        """Start of the line that holds the byte at `offset`; its line end belongs to it."""
        low, high = self._bare
        stop = offset
        while stop > self.begin:
            if low < stop <= high:
                stop = low
                continue
            number = (stop - 1) // BLOCK
            base = number * BLOCK
            found = self._block(number).rfind(b"\n", max(self.begin - base, 0), stop - base)
            if found >= 0:
                self._note_bare(base + found + 1, offset)
                return base + found + 1
            stop = base
        self._note_bare(self.begin, offset)
        return self.begin

    def line_end(self, start: int) -> int:
        """Offset of the line end after `start`; the size when there is none yet."""
        low, high = self._bare
        at = start
        while at < self.size:
            if low <= at < high:
                at = high
                continue
            number = at // BLOCK
            base = number * BLOCK
            found = self._block(number).find(b"\n", at - base)
            if found >= 0:
                self._note_bare(start, base + found)
                return base + found
            at = base + BLOCK
        self._note_bare(start, self.size)
        return self.size

    def _note_bare(self, start: int, end: int) -> None:
        if end - start > BLOCK:
            low, high = self._bare
            joins = start <= high and low <= end
            self._bare = (min(start, low), max(end, high)) if joins else (start, end)

    def text(self, start: int, end: int) -> str:
        """The line from `start` to `end` as text, cut to what is shown of it.

        A line over the cap keeps its head, and says how much is missing; but one that was drawn
        over and over with carriage returns keeps what was drawn last.
        """
        size = end - start
        if size <= LINE_CAP:
            return self.read(start, size).decode("utf-8", "replace")
        tail = self.read(end - LINE_CAP, LINE_CAP).rstrip(b"\r")
        if b"\r" in tail:
            return tail.rsplit(b"\r", 1)[1].decode("utf-8", "replace")
        head = self.read(start, LINE_CAP).decode("utf-8", "replace")
        return f"{head}\x1b[0;2m … +{(size - LINE_CAP) // 1024} KiB\x1b[0m"

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`, from the blocks in memory where they are."""
        count = min(count, self.size - offset)
        out: list[bytes] = []
        while count > 0:
            number, at = divmod(offset, BLOCK)
            piece = self._block(number)[at : at + count]
            if not piece:
                break
            out.append(piece)
            offset += len(piece)
            count -= len(piece)
        return b"".join(out)

    def pen_at(self, start: int) -> Pen:
        """The pen that earlier lines leave: looks back to the last reset, 64 KiB at most."""
        low = max(start - BLOCK, self.begin)
        before = self.read(low, start - low)
        reset = max(before.rfind(b"\x1b[0m"), before.rfind(b"\x1b[m"))
        before = before[max(reset, 0) :]
        if b"\x1b[" not in before:
            return PLAIN
        return pen_after(before.decode("utf-8", "replace"))

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is not None:
            self._blocks.move_to_end(number)
            return block
        base = number * BLOCK
        block = self.source.read(base, min(BLOCK, self.size - base))
        begin = self.begin
        if begin > base:
            block = bytes(min(begin - base, BLOCK)) + block
        self._blocks[number] = block
        if len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return block

    def close(self) -> None:
        """Close the source and forget what was read."""
        self._blocks.clear()
        self.source.close()
