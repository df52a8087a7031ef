"""The past of a run: what it was at any moment, folded from its events. No widget here."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

from cc4tui import events as e
from cc4tui.screens.execution.fold import fold
from cc4tui.screens.execution.model import RunModel


_SILENT = (e.UsageReported, e.AgentOutput)
"""What is no moment to stop at."""
_KEPT_EVERY = 500
"""Events between two models that are kept, so that a step costs little in a long run."""


class Past:
    """Every moment of a run at which something happened.

    Args:
        events: All of the run's, in order.
    """

    def __init__(self, events: Sequence[e.Event]) -> None:
        self.moments: list[datetime] = []
        """At which something happened, the oldest first, each once."""
        self._times: list[datetime] = []
        """Of the events; a clock that was put back does not count."""
        for event in events:
            when = max(filter(None, (event.ts, *self._times[-1:])), default=None)
            if when is None:
                continue
            self._times.append(when)
            if not isinstance(event, _SILENT) and self.moments[-1:] != [when]:
                self.moments.append(when)
        self._events = events[len(events) - len(self._times) :]
        self._models: dict[int, RunModel | None] = {0: None}

    def before(self, when: datetime | None) -> datetime | None:
        """The moment before a time; None if there is none. Now is the last one of all."""
        at = len(self.moments) - 1 if when is None else bisect_right(self.moments, when) - 1
        if when is None or (at >= 0 and self.moments[at] >= when):
            at -= 1
        return self.moments[at] if at >= 0 else None

    def after(self, when: datetime) -> datetime | None:
        """The moment after a time; None if what comes then is now."""
        at = bisect_right(self.moments, when)
        return self.moments[at] if at < len(self.moments) - 1 else None

    def nearest(self, when: datetime) -> datetime | None:
        """A time within the run; None where nothing is known."""
        return min(max(when, self.moments[0]), self.moments[-1]) if self.moments else None

    def model(self, when: datetime) -> RunModel | None:
        """The run as it was at a time; None before its begin."""
        return self._after(bisect_right(self._times, when))

    def _after(self, count: int) -> RunModel | None:
        """The run after so many events, from the nearest model that is kept."""
        kept = count - count % _KEPT_EVERY
        if kept not in self._models:
            self._models[kept] = fold(
                self._after(kept - _KEPT_EVERY), self._events[kept - _KEPT_EVERY : kept]
            )
        return fold(self._models[kept], self._events[kept:count])
