"""An event loop whose time passes only when a test says so."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class _Selector(selectors.DefaultSelector):
    """Waits for real threads and files, never for time."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop | None = None

    def select(self, timeout: float | None = None) -> list[Any]:
        loop = self.loop
        if loop is None or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        if loop.flying:
            return super().select(0.05)
        events = super().select(0)
        if not events:
            loop.rest(timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """Knows when nothing is left to do but to wait for the time."""

    def __init__(self) -> None:
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self
        self.now = 0.0
        self.flying = 0
        """Calls in threads that have not come back."""
        self._settled: asyncio.Future[None] | None = None

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self.flying += 1
        future.add_done_callback(self._landed)
        return future

    def settle(self) -> None:
        """Run until everything waits for the time, or for the test."""
        self._settled = self.create_future()
        self.run_until_complete(self._settled)
        self._settled = None

    def advance(self, seconds: float) -> None:
        """Let time pass, with everything that happens in it."""
        until = self.now + seconds
        self.settle()
        while (due := self._next()) is not None and due <= until:
            self.now = max(self.now, due)
            self.settle()
        self.now = until
        self.settle()

    def rest(self, timeout: float | None) -> None:
        """Nothing is ready. Inside `settle` that is its end; else the next timer is due."""
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)
        elif timeout is not None:
            self.now += timeout
        else:
            raise AssertionError("everything waits, and for nothing")

    def _next(self) -> float | None:
        waiting = [handle.when() for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
        return min(waiting, default=None)

    def _landed(self, _: Any) -> None:
        self.flying -= 1
