"""Where a log view reads its bytes: a file that grows, or text that is handed in."""

import os
import stat
from pathlib import Path
from typing import Protocol


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
        self._data = bytearray()
        self._begin = 0

    def append(self, text: str) -> None:
        """Add text, whole lines as a rule."""
        self._data += text.encode("utf-8", "replace")
        excess = len(self._data) - self._limit
        if excess > 0:
            cut = self._data.find(b"\n", excess) + 1 or len(self._data)
            del self._data[:cut]
            self._begin += cut

    def begin(self) -> int:
        """Where the oldest line that is held begins."""
        return self._begin

    def size(self) -> int:
        """Everything that was ever added."""
        return self._begin + len(self._data)

    def read(self, offset: int, count: int) -> bytes:
        """What is still held of that range."""
        at = offset - self._begin
        return bytes(self._data[max(at, 0) : max(at + count, 0)])

    def close(self) -> None:
        """Nothing to give back: another view may show the text later."""
