"""Feeds the standard input of an agent without ever waiting for it."""

import os
import select

from .reactor import Reactor


class StdinFeed:
    """The write end of the agent's pipe and what is still to go through it."""

    def __init__(self, reactor: Reactor, fd: int) -> None:
        os.set_blocking(fd, False)
        self._reactor = reactor
        self._fd: int | None = fd
        self._pending = bytearray()
        self._at_end = False

    def write(self, data: bytes) -> None:
        """Add to what the agent will read."""
        self._pending += data
        self._flush()

    def close_when_empty(self) -> None:
        """End of input, after what was written before."""
        self._at_end = True
        self._flush()

    def close(self) -> None:
        """Drop what is left."""
        if self._fd is not None:
            self._reactor.unwatch(self._fd)
            os.close(self._fd)
            self._fd = None
        self._pending.clear()

    def _flush(self) -> None:
        if self._fd is None:
            self._pending.clear()
            return
        try:
            while self._pending:
                del self._pending[: os.write(self._fd, self._pending)]
        except BlockingIOError:
            self._reactor.watch(self._fd, self._flush, select.POLLOUT)
            return
        except OSError:  # the agent closed its end, or has ended
            self.close()
            return
        self._reactor.unwatch(self._fd)
        if self._at_end:
            self.close()
