"""Reads what an agent writes from the files it writes into, while it runs and afterwards."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from cc4tui.domain.agent import AgentEvent, StderrSaid
from cc4tui.ports import AgentStream, OutputSize
from cc4tui.services.agents.lines import LineSplitter
from cc4tui.services.agents.redaction import RedactedStream, Redactor
from cc4tui.services.agents.streams import TEXT_CAP, LineStream


CHUNK = 256 * 1024
"""Bytes read at once: bounds the events that one call returns."""
LITTLE = 64 * 1024
"""Bytes that are read and decoded at once, in a millisecond, instead of in a thread."""
HEAD = TAIL = 4096
"""Bytes of standard error that a conclusion is drawn from."""


class FileOutputReader:
    """Follows `out` and `err` of an attempt's folder by offset.

    The same for running and finished attempts: a last line without a line end is given back once
    `ended` says that nothing will follow. Much is read and decoded in a thread, because one line
    may be megabytes of JSON. Secrets are masked before anything else sees them, and once more in
    what was decoded: an agent may have spelled them in its own way.
    """

    def __init__(
        self,
        folder: Path,
        stream: AgentStream,
        redactor: Redactor | None = None,
        until: OutputSize | None = None,
    ) -> None:
        self._redactor = redactor or Redactor()
        self._out_mask, self._err_mask = self._redactor.stream(), self._redactor.stream()
        self._ended = folder / "ended"
        self._out = FileTail(folder / "out", until.out if until else None)
        self._err = FileTail(folder / "err", until.err if until else None)
        self._stream = stream
        self._err_lines = LineSplitter(TEXT_CAP)
        self._turn = asyncio.Lock()

    def reach(self, until: OutputSize | None) -> None:
        """From now on read nothing after that; None = all."""
        self._out.limit = until.out if until else None
        self._err.limit = until.err if until else None

    async def read(self) -> list[AgentEvent]:
        """What came since the last call; an empty list when nothing did."""
        async with self._turn:
            if not self.has_news():
                return []
            if self._is_little():
                return self._read()
            return await asyncio.to_thread(self._read)

    def _is_little(self) -> bool:
        """Whether reading it takes less than a thread would: some lines, and no end of a long one.

        Threads of sixteen panes together keep the interpreter from whoever presses a key.
        """
        tails = (self._out, self._err)
        return not any(tail.is_open_line for tail in tails) and (
            sum(tail.news() for tail in tails) <= LITTLE
        )

    def has_news(self) -> bool:
        """Whether there is something to read, or may be now that the agent has ended."""
        return (
            self._out.has_news()
            or self._err.has_news()
            or (self._is_waiting() and self._ended.exists())
        )

    def _is_waiting(self) -> bool:
        """Whether the end may bring something that was read already."""
        lines = self._out.is_open_line or self._err.is_open_line
        return lines or self._out_mask.waits or self._err_mask.waits

    def _read(self) -> list[AgentEvent]:
        """Piece by piece until something was said: no events means that nothing is left to read."""
        while not (events := self._read_piece()):
            if not self.has_news():
                break
        return events

    def _read_piece(self) -> list[AgentEvent]:
        over = self._ended.exists()  # asked before reading: what is read then is all there is
        said = self._stream.feed(self._masked(self._out, self._out_mask, over))
        errors = self._err_lines.feed(self._masked(self._err, self._err_mask, over))
        told = [*said, *(event for line in errors for event in self._heard(line))]
        return told if self._redactor.is_idle else [self._redactor.event(it) for it in told]

    def _heard(self, line: bytes) -> Iterator[AgentEvent]:
        text = line.decode("utf-8", "replace")
        yield StderrSaid(text)
        if isinstance(self._stream, LineStream):
            yield from self._stream.hear_error(text)

    def _masked(self, tail: "FileTail", mask: RedactedStream, over: bool) -> bytes:
        data = tail.read(over)
        return mask.feed(data, over=over and not tail.has_news())


class FileTail:
    """Reads a growing file piece by piece; a file that does not exist yet has nothing to say."""

    def __init__(self, path: Path, limit: int | None = None) -> None:
        self._name = str(path)  # asked for many times a second
        self.limit = limit
        """Nothing after that offset is read."""
        self._offset = 0
        self.is_open_line = False
        """Whether what was read ends within a line."""

    def news(self) -> int:
        """Bytes that were not read yet."""
        return max(self._size() - self._offset, 0)

    def has_news(self) -> bool:
        """Whether the file is longer than what was read of it."""
        return self.news() > 0

    def read(self, over: bool) -> bytes:
        """The next piece; when the file is `over`, its last line gets the end it lacks."""
        try:
            data = self._next_piece()
        except FileNotFoundError:
            data = b""
        if data:
            self.is_open_line = not data.endswith(b"\n")
        if over and self.is_open_line and not self.has_news():
            self.is_open_line = False
            data += b"\n"
        return data

    def _size(self) -> int:
        try:
            size = os.stat(self._name).st_size  # noqa: PTH116
        except FileNotFoundError:
            return 0
        return size if self.limit is None else min(size, self.limit)

    def _next_piece(self) -> bytes:
        descriptor = os.open(self._name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            start, data = self._data(descriptor)
            lost = start > self._offset
            self._offset = start + len(data)
        finally:
            os.close(descriptor)
        return b"\n" + data if lost else data

    def _data(self, descriptor: int) -> tuple[int, bytes]:
        """The next data and where it begins; once more if it was freed while it was read."""
        while True:
            start, end = _data_from(descriptor, self._offset)
            if self.limit is not None:
                start, end = min(start, self.limit), min(end, self.limit)
            if end <= start:
                return start, b""
            data = os.pread(descriptor, min(CHUNK, end - start), start)
            if _data_from(descriptor, start)[0] == start:
                return start, data


def _data_from(descriptor: int, offset: int) -> tuple[int, int]:
    """Where data begins at or after `offset`, and ends.

    A cap on disk may have freed the middle of a huge output; it would read as zeros.
    """
    try:
        start = os.lseek(descriptor, offset, os.SEEK_DATA)
        return start, os.lseek(descriptor, start, os.SEEK_HOLE)
    except (OSError, AttributeError):  # the system or the file system cannot tell
        return offset, offset + CHUNK


def stderr_tail(folder: Path) -> str:
    """What an attempt's standard error begins and ends with; all of it when it is short."""
    try:
        with (folder / "err").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size <= HEAD + TAIL:
                return file.read(HEAD + TAIL).decode("utf-8", "replace")
            head = file.read(HEAD)
            file.seek(size - TAIL)
            tail = file.read(TAIL)
    except FileNotFoundError:
        return ""
    return f"{head.decode('utf-8', 'replace')}\n…\n{tail.decode('utf-8', 'replace')}"
