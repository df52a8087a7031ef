"""poll(2) with one handler per descriptor; signals wake it. No threads: see `kernel`."""

import math
import os
import select
import signal
from collections.abc import Callable


Handler = Callable[[], None]


class Reactor:
    """Waits for descriptors and for signals, in a process that has nothing else to do.

    Takes over the wakeup descriptor of the `signal` module and SIGCHLD, so there is one per
    process; a forked child makes its own.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._handlers: dict[int, Handler] = {}
        self._woken, wakes = os.pipe()
        for fd in (self._woken, wakes):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.watch(self._woken, self._drain)

    def watch(self, fd: int, handler: Handler, events: int = select.POLLIN) -> None:
        """Call `handler` whenever `fd` has one of `events`, has an error or is hung up."""
        self._handlers[fd] = handler
        self._poll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        """Forget `fd`; nothing happens when it is not watched."""
        if self._handlers.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def wait(self, seconds: float | None) -> None:
        """Wait for something to happen (at most `seconds`) and handle it."""
        limit = None if seconds is None else math.ceil(max(seconds, 0) * 1000)
        for fd, _events in self._poll.poll(limit):
            handler = self._handlers.get(fd)
            if handler is not None:  # an earlier handler of this round may have dropped it
                handler()

    def _drain(self) -> None:
        try:
            while os.read(self._woken, 4096):
                pass
        except BlockingIOError:
            pass
