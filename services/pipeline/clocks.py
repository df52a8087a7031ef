"""The time limits of one attempt.

Counted by the monotonic clock: no change of date, time zone or daylight saving fires one, and the
time that the machine sleeps does not count.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cc4tui.services.agents.conclusion import LINGERING


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that an attempt may take; None = no limit."""

    whole: float | None = None
    """From its start to its end."""
    first_output: float | None = None
    """From its start to the first byte on either of its outputs."""
    silence: float | None = None
    """Between two bytes, or from its start to the first."""
    after_result: float | None = None
    """From the agent's word that it is finished to its end."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """A limit that has run out."""

    why: str
    """What the process is stopped with: `ExitStatus.why` of an attempt that ended so."""
    reason: str
    """For a person, with the numbers."""
    until: float | None = None
    """When what it waited for is over, in seconds since the epoch."""


class Clocks:
    """Counts the time of one attempt.

    Args:
        began: When it was started, by the same clock; None = just now. Silence counts from now on
            in any case: nobody listened before.
    """

    def __init__(
        self,
        limits: TimeLimits,
        clock: Callable[[], float] = time.monotonic,
        began: float | None = None,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._heard = clock()
        self._started = self._heard if began is None else began
        self._size = 0
        self._finished: float | None = None
        self._held: float | None = None

    def hold(self, *, held: bool) -> None:
        """Stop counting while the agent waits for a person, and go on afterwards."""
        now = self._clock()
        if held and self._held is None:
            self._held = now
        elif not held and self._held is not None:
            self._started += now - self._held
            self._heard, self._held = now, None

    def wrote(self, size: int) -> None:
        """Tell how much it has written so far, in bytes."""
        if size != self._size:
            self._size = size
            self._heard = self._clock()

    def finished(self) -> None:
        """It said that it is finished."""
        self._finished = self._clock()

    def went_on(self) -> None:
        """It works after all: some agents go on when a command in the background has ended."""
        self._finished = None

    def overdue(self) -> Overdue | None:
        """The limit that has run out; None while it has time."""
        now = self._clock() if self._held is None else float("-inf")
        return next((limit for due, limit in self._deadlines() if due <= now), None)

    def patience(self) -> float:
        """Seconds until the next limit runs out if nothing is heard; infinite without limits."""
        nearest = min((due for due, _ in self._deadlines()), default=float("inf"))
        return max(nearest - self._clock(), 0.0)

    def _deadlines(self) -> Iterator[tuple[float, Overdue]]:
        limits = self._limits
        if limits.after_result is not None and self._finished is not None:
            reason = f"stayed {limits.after_result:g} s after it had said it is finished; stopped"
            yield self._finished + limits.after_result, Overdue(LINGERING, reason)
        if limits.whole is not None:
            reason = f"no end after {limits.whole:g} s; stopped"
            yield self._started + limits.whole, Overdue("timeout", reason)
        if limits.first_output is not None and not self._size:
            reason = f"wrote nothing in its first {limits.first_output:g} s; stopped"
            yield self._started + limits.first_output, Overdue("silence", reason)
        if limits.silence is not None:
            reason = f"wrote nothing for {limits.silence:g} s; stopped"
            yield self._heard + limits.silence, Overdue("silence", reason)
