"""What the Execution tab knows of a run: frozen values, made only by `fold` and `settle`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from cc4tui.domain.run import (
    ACTIVE_STATES,
    DONE_STATES,
    AttemptOutcome,
    ReasonCode,
    RunRecord,
    TaskRunState,
)
from cc4tui.domain.usage import TokenUsage, add_known


_S = TaskRunState

PROBLEM_STATES = (_S.FAILED, _S.NO_CHANGE, _S.CANCELLED, _S.BLOCKED)
"""What a person may have to look at, the worst first."""
RETRYABLE_STATES = frozenset({_S.FAILED, _S.CANCELLED, _S.NO_CHANGE, _S.BLOCKED})


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try of an agent."""

    number: int
    agent: str = ""
    model: str | None = None
    folder: str = ""
    """Where its output lies; empty = not known."""
    worktree: str = ""
    """Where it works, or worked; empty = not known."""
    timeout: float | None = None
    """Seconds after which it is stopped; None = no limit, or not known."""
    first_output: float | None = None
    """Seconds within which it has to write something."""
    silence: float | None = None
    """Seconds that it may write nothing."""
    after_result: float | None = None
    """Seconds that it may stay once it said that it is finished."""
    started: datetime | None = None
    finished: datetime | None = None
    outcome: AttemptOutcome | None = None
    reason: str = ""
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float | None = None
    cost_estimated: bool = False

    def seconds(self, now: datetime) -> float:
        """How long it took, or takes so far."""
        if self.started is None:
            return 0.0
        return max(((self.finished or now) - self.started).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a pane saw of an agent's output, for the limits that depend on it."""

    anything: bool = False
    """Whether it has written at all."""
    last: datetime | None = None
    """When it wrote last; None = not seen, for what was there before the pane has no time."""
    finished: datetime | None = None
    """When it said that it is finished."""
    tries_again: datetime | None = None
    """When it asks its model again, if it said that it waits and nothing since."""


@dataclass(frozen=True, slots=True)
class Moment:
    """From when on a task was in a state."""

    at: datetime
    state: TaskRunState
    works: bool = False
    """Whether an agent was at it and did not wait for a person."""


@dataclass(frozen=True, slots=True)
class Parked:
    """Why a task that could start waits: its agent has met a limit."""

    agent: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task of the run."""

    id: str
    title: str = ""
    batch: str = ""
    position: int = 0
    state: TaskRunState = TaskRunState.PENDING
    attempts: tuple[AttemptView, ...] = ()
    reason_code: ReasonCode | None = None
    reason: str = ""
    waits_for: tuple[str, ...] = ()
    note: str = ""
    """What the pipeline did with it last: checks, conflicts, the next try."""
    told: tuple[tuple[int, str], ...] = ()
    """Messages that wait for the next try; each with the try in which it was written."""
    asks: tuple[str, ...] = ()
    """Names of its agent's requests that wait for a person."""
    ended: int = 0
    """Event number of its end, to show the newest first; 0 = it has not ended."""
    past: tuple[Moment, ...] = ()
    """What became of it when, the oldest first; empty = nothing has."""
    parked: Parked | None = None
    """The limit that it waits for; it may be over by now."""

    @property
    def cost_estimated(self) -> bool:
        """Whether some of the cost comes from the price list."""
        return any(attempt.cost_estimated for attempt in self.attempts)

    def waits_until(self, now: datetime) -> Parked | None:
        """The limit that it still waits for."""
        return self.parked if self.parked is not None and self.parked.until > now else None

    @property
    def attempt(self) -> AttemptView | None:
        """The newest one."""
        return self.attempts[-1] if self.attempts else None

    @property
    def is_active(self) -> bool:
        """Whether an agent or the merge queue works on it."""
        return self.state in ACTIVE_STATES

    @property
    def has_agent(self) -> bool:
        """Whether an agent runs for it now."""
        attempt = self.attempt
        running = self.state is TaskRunState.RUNNING
        return running and attempt is not None and attempt.finished is None

    @property
    def usage(self) -> TokenUsage:
        """Tokens of all attempts together."""
        total = TokenUsage()
        for attempt in self.attempts:
            total += attempt.usage
        return total

    @property
    def cost_usd(self) -> float | None:
        """Of all attempts together; None = no agent told."""
        total: float | None = None
        for attempt in self.attempts:
            total = add_known(total, attempt.cost_usd)
        return total

    def seconds(self, now: datetime) -> float:
        """How long agents worked on it."""
        return sum(attempt.seconds(now) for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Spent:
    """What all agents together had used at a moment."""

    at: datetime
    tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Why a landing waits: what the repository executes changed while these tasks ran."""

    tasks: tuple[str, ...]
    changes: tuple[str, ...]
    """Line by line, raw; empty for runs of older versions."""
    reason: str


@dataclass(frozen=True)
class RunModel:
    """A run as of event `seq`."""

    run: RunRecord
    tasks: Mapping[str, TaskView] = field(default_factory=dict)
    """By id, in document order."""
    seq: int = 0
    """The newest event that is folded in."""
    paused: str = ""
    """Why no task is claimed for now; empty = tasks are claimed."""
    held: bool = False
    """Whether a person asked that nothing new is started."""
    landed: bool | None = None
    """Whether it landed; None = it has not ended."""
    efficiency: float | None = None
    recovered: str = ""
    """What was done about an earlier process that left it unfinished."""
    quarantine: Quarantined | None = None
    """What a person has to judge before it lands."""
    touched: str = ""
    """What happened to the person's checkout meanwhile."""
    spent: tuple[Spent, ...] = ()
    """How tokens and cost grew, the oldest first; of a long run not each step."""
    tip: str = ""
    """The newest commit of the integration branch; empty before the first merge."""

    @property
    def waiting(self) -> int:
        """Things that wait for a person."""
        asked = sum(len(task.asks) for task in self.tasks.values())
        return asked + (0 if self.quarantine is None else 1)

    @cached_property
    def counts(self) -> dict[TaskRunState, int]:
        """Tasks by state, in the order of the state table."""
        found = dict.fromkeys(TaskRunState, 0)
        for task in self.tasks.values():
            found[task.state] += 1
        return {state: count for state, count in found.items() if count}

    @cached_property
    def done(self) -> int:
        """Tasks that are merged, landed or were done before."""
        return sum(count for state, count in self.counts.items() if state in DONE_STATES)

    @cached_property
    def active(self) -> tuple[TaskView, ...]:
        """Tasks that are worked on, in document order."""
        return tuple(task for task in self.tasks.values() if task.is_active)

    @cached_property
    def busy(self) -> int:
        """Workers that have an agent now."""
        return sum(task.has_agent for task in self.tasks.values())

    @cached_property
    def usage(self) -> TokenUsage:
        """Tokens of all tasks together."""
        total = TokenUsage()
        for task in self.tasks.values():
            total += task.usage
        return total

    @cached_property
    def cost_usd(self) -> float | None:
        """Of all tasks together; None = no agent told."""
        total: float | None = None
        for task in self.tasks.values():
            total = add_known(total, task.cost_usd)
        return total

    @property
    def cost_estimated(self) -> bool:
        """Whether some of the cost comes from the price list."""
        return any(task.cost_estimated for task in self.tasks.values())

    @property
    def has_unknown_cost(self) -> bool:
        """Whether some try used tokens at a cost that nobody told."""
        return any(
            attempt.cost_usd is None and attempt.usage.total
            for task in self.tasks.values()
            for attempt in task.attempts
        )

    def limits(self, now: datetime) -> Iterator[tuple[Parked, int]]:
        """The limits that tasks wait for, one for each agent, and how many do."""
        found: dict[str, list[Parked]] = {}
        for task in self.tasks.values():
            if (parked := task.waits_until(now)) is not None:
                found.setdefault(parked.agent, []).append(parked)
        for waiting in found.values():
            yield max(waiting, key=lambda parked: parked.until), len(waiting)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it goes on any more."""
        return self.run.finished is not None

    def seconds(self, now: datetime) -> float:
        """How long it took, or takes so far."""
        return max(((self.run.finished or now) - self.run.started).total_seconds(), 0.0)

    def problems(self) -> Iterator[TaskView]:
        """Tasks to look at, the worst first."""
        for state in PROBLEM_STATES:
            yield from (task for task in self.tasks.values() if task.state is state)
