"""Where a log view reads its bytes: a file that grows, or text that is handed in."""

import os
import stat
from bisect import bisect_right
from pathlib import Path
from typing import Protocol


_BLOCK = 64 * 1024
"""Bytes in one piece: a piece of megabytes is copied whenever it has to grow."""


class ByteSource(Protocol):
    """Bytes that grow at the end; offsets stay valid, unless it becomes shorter and begins anew."""

    def begin(self) -> int:
        """The first offset that is still held."""

    def size(self) -> int:
        """The offset after the last byte; cheap enough to ask many times a second."""

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer at the end."""

    def close(self) -> None:
        """Give back what it holds."""


class FileSource:
    """A file, read by offset, that may not exist yet. Nothing of it stays in memory.

    One that takes its place is shown instead, from its begin: for once its size is told as 0.

    Reading happens while the screen is drawn, where nothing may fail: an error is kept, and raised
    when the size is asked for the next time.
    """

    def __init__(self, path: Path, limit: int | None = None) -> None:
        self._path = path
        self._limit = limit
        """Nothing after that offset is shown."""
        self._fd: int | None = None
        self._error: OSError | None = None

    def begin(self) -> int:
        """A file holds everything."""
        return 0

    def size(self) -> int:
        """0 until the file exists.

        Raises:
            OSError: it cannot be read, or could not be read before.
        """
        if self._error is not None:
            raise self._error
        if self._fd is not None and self._is_replaced():
            self.close()
            return 0
        if self._fd is None:
            self._fd = self._open()
        size = 0 if self._fd is None else os.fstat(self._fd).st_size
        return size if self._limit is None else min(size, self._limit)

    def _is_replaced(self) -> bool:
        """Whether another file has its name. One that was deleted is still shown."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        assert self._fd is not None
        return not os.path.samestat(there, os.fstat(self._fd))

    def read(self, offset: int, count: int) -> bytes:
        """What the file holds there now; nothing when it cannot be read."""
        try:
            if self._fd is None:
                self._fd = self._open()
            return b"" if self._fd is None else os.pread(self._fd, count, offset)
        except OSError as error:
            self._error = error
            return b""

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int | None:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(f"{self._path} is not a file")
        return fd


class MemorySource:
    """Text that is handed in; the oldest lines go when it holds more than `limit` bytes."""

    def __init__(self, limit: int = 4 * 2**20) -> None:
        self._limit = limit
        self._blocks: list[bytearray] = []
        self._starts: list[int] = []
        """The offset of each block."""
        self._begin = self._size = 0

    def append(self, text: str) -> None:
        """Add text, whole lines as a rule."""
        data = text.encode("utf-8", "replace")
        if self._blocks and len(self._blocks[-1]) + len(data) <= _BLOCK:
            self._blocks[-1] += data
        else:
            self._blocks.append(bytearray(data))
            self._starts.append(self._size)
        self._size += len(data)
        if self._size - self._begin > self._limit:
            self._drop(self._size - self._limit)

    def _drop(self, before: int) -> None:
        """Forget the lines that begin before an offset."""
        while self._blocks:
            block, start = self._blocks[0], self._starts[0]
            found = block.find(b"\n", max(before - start, 0))
            if found >= 0:
                self._begin = start + found + 1
                return
            del self._blocks[0], self._starts[0]
        self._begin = self._size

    def begin(self) -> int:
        """Where the oldest line that is held begins."""
        return self._begin

    def size(self) -> int:
        """Everything that was ever added."""
        return self._size

    def read(self, offset: int, count: int) -> bytes:
        """What is still held of that range."""
        end, offset = offset + count, max(offset, self._begin)
        out: list[bytearray] = []
        for at in range(max(bisect_right(self._starts, offset) - 1, 0), len(self._blocks)):
            start = self._starts[at]
            if start >= end:
                break
            out.append(self._blocks[at][max(offset - start, 0) : end - start])
        return b"".join(out)

    def close(self) -> None:
        """Nothing to give back: another view may show the text later."""
