"""Cuts a stream of bytes into lines, whatever the size of the pieces and of the lines."""

DEFAULT_CAP = 64 * 1024 * 1024
"""Bytes of one line that are kept; real agents write single lines of several megabytes."""


class LineSplitter:
    """Gives back whole lines as they are completed.

    A line longer than `cap` bytes keeps its head and its tail, half each, with a note of what is
    left out between them: a program that never writes a newline must not fill the memory.
    """

    def __init__(self, cap: int = DEFAULT_CAP) -> None:
        self._half = max(cap // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their line ends (LF or CRLF)."""
        first, *lines = data.split(b"\n")
        self._keep(first)
        if not lines:
            return []
        lines.insert(0, self._take())
        rest = lines.pop()
        for number, line in enumerate(lines[1:], 1):
            if len(line) > self._half or line.endswith(b"\r"):
                self._keep(line)
                lines[number] = self._take()
        self._keep(rest)
        return lines

    def flush(self) -> bytes | None:
        """The last line when no line end followed it, else None."""
        return self._take() if self._head else None

    def _keep(self, piece: bytes) -> None:
        room = self._half - len(self._head)
        if room > 0:
            self._head += piece[:room]
            piece = piece[room:]
        self._tail += piece
        if len(self._tail) > 2 * self._half:  # shortened now and then: linear on the whole
            self._shorten()

    def _shorten(self) -> None:
        surplus = len(self._tail) - self._half
        if surplus > 0:
            del self._tail[:surplus]
            self._dropped += surplus

    def _take(self) -> bytes:
        self._shorten()
        note = b" [... %d bytes left out ...] " % self._dropped if self._dropped else b""
        line = bytes(self._head) + note + bytes(self._tail)
        self._head, self._tail, self._dropped = bytearray(), bytearray(), 0
        return line.removesuffix(b"\r")
