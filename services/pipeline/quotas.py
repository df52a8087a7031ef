"""Which agents cannot be used for now, until when, and who does their tasks meanwhile."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cc4tui.services.pipeline.selection import PlannedTask


FIRST_WAIT, LONGEST_WAIT = 60.0, 1800.0
"""Seconds until an agent is tried again that did not say when its limit is over; the wait doubles
each time that it is still limited then."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Why an agent gets no task."""

    agent: str
    reason: str
    until: float
    """In seconds since the epoch; infinite = it cannot be used in this run."""

    @property
    def is_over_by_itself(self) -> bool:
        """Whether waiting helps."""
        return math.isfinite(self.until)


class Quotas:
    """The limits that the agents of one run have met.

    Args:
        unusable: Why agents cannot be used here at all, by name.
        clock: Gives the seconds since the epoch.
    """

    def __init__(
        self, unusable: Mapping[str, str] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.clock = clock
        self._limits = {
            name: Limit(name, reason, math.inf) for name, reason in (unusable or {}).items()
        }
        self._in_a_row: dict[str, int] = {}

    def of(self, agent: str) -> Limit | None:
        """The limit that holds now."""
        limit = self._limits.get(agent)
        return limit if limit is not None and limit.until > self.clock() else None

    def met(self, agent: str, reason: str, until: float | None) -> Limit:
        """An agent met its limit.

        Args:
            until: When it is over; None = it did not say.
        """
        known, now = self.of(agent), self.clock()
        tries = self._in_a_row.get(agent, 0)
        if known is None:  # several agents meet the same limit at once
            self._in_a_row[agent] = tries + 1
        if until is None or until <= now:
            until = now + min(FIRST_WAIT * 2**tries, LONGEST_WAIT)
            until = until if known is None else known.until
        else:  # one that is wrong about it again and again must not be started all the time
            until = max(until, now + min(2.0**tries - 1, LONGEST_WAIT))
        if known is not None:
            until = max(until, known.until)
        self._limits[agent] = Limit(agent, reason, until)
        return self._limits[agent]

    def unusable(self, agent: str, reason: str) -> Limit:
        """An agent that cannot be used in this run."""
        self._limits[agent] = Limit(agent, reason, math.inf)
        return self._limits[agent]

    def works(self, agent: str) -> None:
        """An agent did not meet its limit: a later one begins a new count."""
        self._in_a_row.pop(agent, None)

    def clear(self, agent: str) -> None:
        """A person wants it to be tried now."""
        limit = self._limits.get(agent)
        if limit is not None and limit.is_over_by_itself:
            del self._limits[agent]
        self.works(agent)

    def next_end(self) -> float | None:
        """Seconds until the next limit is over; None = there is none."""
        now = self.clock()
        ends = [limit.until for limit in self._limits.values() if now < limit.until < math.inf]
        return min(ends) - now if ends else None


@dataclass(frozen=True, slots=True)
class Choice:
    """Who does a task now."""

    planned: PlannedTask
    """With the agent that was chosen."""
    instead_of: str | None = None
    because: str = ""
    """Why not the one that was asked for."""
    waits: Limit | None = None
    """Nobody can do it now: the limit that is over first."""


def choose(planned: PlannedTask, quotas: Quotas) -> Choice:
    """The task's agent, or the first of its fallbacks that is neither limited nor unusable.

    An agent that cannot be used gets the task all the same when nobody else can ever do it: its
    failure says what to do.
    """
    limits: list[Limit] = []
    for candidate in candidates(planned):
        limit = quotas.of(candidate.agent.name)
        if limit is None:
            if not limits:
                return Choice(candidate)
            return Choice(candidate, limits[0].agent, limits[0].reason)
        limits.append(limit)
    waits = [limit for limit in limits if limit.is_over_by_itself]
    return Choice(planned, waits=min(waits, key=lambda limit: limit.until) if waits else None)


def candidates(planned: PlannedTask) -> Iterator[PlannedTask]:
    """The task with its own agent, then with each fallback."""
    yield planned
    for agent in planned.fallback:
        yield planned.by(agent)


def by_name(planned: PlannedTask, agent: str) -> PlannedTask:
    """The task with the agent of this name, where it is one of its candidates."""
    found = (one for one in candidates(planned) if one.agent.name == agent)
    return next(found, planned)
