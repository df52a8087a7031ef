"""When which signal is due after the end of an agent was asked for."""

import time
from collections.abc import Callable


INTERRUPT, TERMINATE, KILL = "interrupt", "terminate", "kill"

TERMINATE_SECONDS = 0.5
"""Between SIGTERM and the kill: a courtesy to children, who had `interrupt_seconds` already."""
LOSS_INTERRUPT_SECONDS = 2.0
"""Longest wait after SIGINT when the app is gone: all must be over within 5 s."""


class StopSequence:
    """SIGINT at once, SIGTERM after `interrupt_seconds`, SIGKILL half a second later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: list[tuple[float, str]] = []
        self.why: str | None = None
        """Why it was asked for the first time; None = it was not."""

    def begin(self, why: str, interrupt_seconds: float) -> None:
        """Start it; a second call changes nothing."""
        if self.why is not None:
            return
        self.why = why
        now = self._clock()
        terminate = now + interrupt_seconds
        self._due = [
            (now, INTERRUPT),
            (terminate, TERMINATE),
            (terminate + TERMINATE_SECONDS, KILL),
        ]

    def hurry(self, why: str) -> None:
        """Go straight to the kill, whether begun or not."""
        self.why = self.why or why
        self._due = [(self._clock(), KILL)]

    def take(self) -> list[str]:
        """Steps that are due now; each is handed out once."""
        now = self._clock()
        steps = [step for at, step in self._due if at <= now]
        self._due = self._due[len(steps) :]
        return steps

    def seconds_left(self) -> float | None:
        """Until the next step; None when none is to come."""
        return max(0.0, self._due[0][0] - self._clock()) if self._due else None
