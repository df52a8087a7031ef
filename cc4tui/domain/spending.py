"""What attempts used, added up by whatever a person wants to know it by."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cc4tui.domain.run import AttemptRecord
from cc4tui.domain.usage import Spent


@dataclass(frozen=True, slots=True)
class Work:
    """An attempt, with what its own record does not hold."""

    attempt: AttemptRecord
    batch: str = ""

    @property
    def day(self) -> str:
        """When it began, by the person's calendar; empty when it never did."""
        began = self.attempt.started
        return began.astimezone().strftime("%Y-%m-%d") if began else ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        one = self.attempt
        if one.started is None or one.finished is None:
            return 0.0
        return max((one.finished - one.started).total_seconds(), 0.0)


GROUPS: Mapping[str, Callable[[Work], str]] = {
    "agent": lambda work: work.attempt.agent,
    "day": lambda work: work.day,
    "run": lambda work: work.attempt.run,
    "batch": lambda work: f"{work.attempt.run} {work.batch}",
    "task": lambda work: f"{work.attempt.run} {work.attempt.task}",
    "attempt": lambda work: f"{work.attempt.run} {work.attempt.task} {work.attempt.attempt}",
}
"""The key of an attempt by what it is counted by."""


@dataclass(frozen=True, slots=True)
class Total:
    """What some attempts used together."""

    attempts: int = 0
    seconds: float = 0.0
    spent: Spent = field(default_factory=Spent)
    unpriced: int = 0
    """Attempts that used tokens at a cost that nobody knows."""

    def with_work(self, work: Work) -> "Total":
        """The total with one attempt more."""
        one = work.attempt
        unpriced = bool(one.usage.total) and one.cost_usd is None
        return Total(
            self.attempts + 1,
            self.seconds + work.seconds,
            self.spent + Spent(one.usage, one.cost_usd, one.cost_estimated),
            self.unpriced + unpriced,
        )


def totals_by(works: Iterable[Work], groups: tuple[str, ...]) -> dict[tuple[str, ...], Total]:
    """Totals by the keys of one or more of GROUPS, in the order in which they occur.

    Attempts whose agent was never started count nowhere.
    """
    found: dict[tuple[str, ...], Total] = {}
    for work in works:
        if work.attempt.started is not None:
            key = tuple(GROUPS[group](work) for group in groups)
            found[key] = found.get(key, Total()).with_work(work)
    return found
