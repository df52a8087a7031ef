"""What a run and its tasks may use: warns at 80 %, stops at 100 %.

Tokens are input that was not cached, and output: what is read from a cache costs next to nothing
and would drown the rest. A budget in dollars counts what agents tell, else what the price list
makes of their tokens; where neither gives a cost, that is said once instead of taking it for free.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cc4tui.domain.run import TaskRunRecord
from cc4tui.domain.usage import TokenUsage, add_known


WARN = 0.8


@dataclass(frozen=True, slots=True)
class Alarm:
    """A budget that is used up, or nearly."""

    sentence: str
    over: bool
    """Used up: the agent is to stop."""


@dataclass(frozen=True, slots=True)
class _Spent:
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float | None = None

    def __add__(self, other: "_Spent") -> "_Spent":
        return _Spent(self.usage + other.usage, add_known(self.cost_usd, other.cost_usd))

    def of(self, kind: str) -> float | None:
        if kind == "usd":
            return self.cost_usd
        return add_known(self.usage.input_tokens, self.usage.output_tokens)


class Budgets:
    """Counts what one run uses.

    Args:
        whole: Of the run: ``tokens`` and/or ``usd``; empty = no limit.
        records: What its tasks used in earlier processes.
    """

    def __init__(self, whole: Mapping[str, float], records: Sequence[TaskRunRecord]) -> None:
        self._whole = whole
        self._before = {record.task: _Spent(record.usage, record.cost_usd) for record in records}
        self._now: dict[tuple[str, int], _Spent] = {}
        self._told: set[tuple[str, str]] = set()

    def used(self, task: str, attempt: int, usage: TokenUsage, cost_usd: float | None) -> None:
        """What an attempt has used so far."""
        self._now[task, attempt] = _Spent(usage, cost_usd)

    def alarms(self, task: str, limits: Mapping[str, float] | None) -> Iterator[Alarm]:
        """What is to be said now: each warning once, and what is used up every time.

        Args:
            task: Whose agent works.
            limits: The task's own budget.
        """
        mine = [spent for (name, _), spent in self._now.items() if name == task]
        yield from self._look(f"task {task}", limits or {}, [self._of(task), *mine])
        every = [*self._before.values(), *self._now.values()]
        yield from self._look("the run", self._whole, every)

    def exhausted(self, task: str, limits: Mapping[str, float] | None) -> str:
        """Why no further agent may start for the task; empty if one may."""
        return next((alarm.sentence for alarm in self.alarms(task, limits) if alarm.over), "")

    def _of(self, task: str) -> _Spent:
        return self._before.get(task, _Spent())

    def _look(
        self, whose: str, limits: Mapping[str, float], parts: Sequence[_Spent]
    ) -> Iterator[Alarm]:
        spent = sum(parts, _Spent())
        for kind, limit in limits.items():
            value = spent.of(kind)
            if value is None:
                if kind == "usd" and spent.usage.total and self._first(whose, "unknown"):
                    yield Alarm(
                        f"the agent tells no cost, so {whose} has no limit in $", over=False
                    )
            elif value >= limit:
                what = f"{_amount(kind, value)} of {_amount(kind, limit)}"
                yield Alarm(f"the budget of {whose} is used up: {what}", over=True)
            elif value >= WARN * limit and self._first(whose, kind):
                what = f"{_amount(kind, value)} of {_amount(kind, limit)}"
                yield Alarm(f"the budget of {whose} is nearly used up: {what}", over=False)

    def _first(self, whose: str, what: str) -> bool:
        new = (whose, what) not in self._told
        self._told.add((whose, what))
        return new


def _amount(kind: str, value: float) -> str:
    return f"${value:.2f}" if kind == "usd" else f"{value:,.0f} tokens"
