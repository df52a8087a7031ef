"""Tasks whose agent has met a limit: kept with their state, and gone on with when it is over."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cc4tui.domain.agent import AgentResult
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import (
    AttemptOutcome,
    ReasonCode,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.events import TaskParked
from cc4tui.ports import TaskUpdate
from cc4tui.services.pipeline.context import Claim
from cc4tui.services.pipeline.known_limits import KnownLimits
from cc4tui.services.pipeline.quotas import Choice, Limit, Quotas, choose
from cc4tui.services.pipeline.recorder import Recorder
from cc4tui.services.pipeline.selection import PlannedTask


MARGIN = 1.0
"""Seconds after the end of a limit: clocks differ."""
LOOK_AGAIN = 30.0
"""Seconds; a machine that slept finds limits over that it still counts."""


@dataclass(frozen=True, slots=True)
class Parked:
    """What follows from a limit that an attempt has met."""

    again: bool
    """The task is tried again, which costs no retry."""
    until: datetime | None = None
    """When; None = now, by a fallback."""
    agent: str = ""
    """Whose limit it waits for."""
    refusal: str = ""
    """Why it is not waited for."""


class Parking:
    """The parked tasks of one run.

    Args:
        recorder: Gets what is told of them.
        quotas: The limits that the run knows.
        longest: Seconds that a task waits for its agent altogether.
        known: What other runs know of limits, and are to know.
        records: Those that an earlier process parked wait on.
    """

    def __init__(
        self,
        recorder: Recorder,
        quotas: Quotas,
        longest: float,
        known: KnownLimits,
        records: Sequence[TaskRunRecord] = (),
    ) -> None:
        self._recorder = recorder
        self._quotas = quotas
        self._longest = longest
        self._known = known
        self._expected: set[str] = set()
        self._told: dict[str, datetime] = {}
        self._since: dict[str, float] = {}
        self._go_on: set[str] = set()
        for record in records:
            if record.state is TaskRunState.READY and record.until is not None:
                self._restore(record, record.until)

    def _restore(self, record: TaskRunRecord, until: datetime) -> None:
        self._told[record.task] = until
        self._go_on.add(record.task)
        if (when := until.timestamp()) > self._quotas.clock():
            self._quotas.met(record.agent, record.reason, when)

    def choice(self, planned: PlannedTask) -> Choice:
        """Who does the task now; a limit that is longer than it is to wait is not waited for."""
        for agent in planned.agents:
            self._expect(agent)
        choice = choose(planned, self._quotas)
        if choice.waits is None or self._too_long(planned.task.id, choice.waits) is None:
            return choice
        return Choice(planned)

    def _expect(self, agent: AgentSpec) -> None:
        """Count with the limit that another run has met, from the first time on."""
        if agent.name not in self._expected:
            self._expected.add(agent.name)
            if (limit := self._known.of(agent)) is not None:
                self._quotas.met(agent.name, limit.reason, limit.until)

    def holds(self, planned: PlannedTask) -> bool:
        """Whether the task has to wait because its agents are limited."""
        return self.choice(planned).waits is not None

    def patience(self) -> float | None:
        """Seconds until a limit may be over; None = nothing waits for one."""
        left = self._quotas.next_end()
        return None if left is None else min(max(left, 0.0) + 0.01, LOOK_AGAIN)

    def goes_on(self, task: str) -> bool:
        """Whether the attempt that begins now goes on with the one before."""
        parked = task in self._go_on
        self._go_on.discard(task)
        self._told.pop(task, None)
        return parked

    def ended(self, claim: Claim, asked: PlannedTask, result: AgentResult) -> Parked | None:
        """What follows when an attempt has ended; None = nothing, as for any other failure.

        Args:
            asked: The task with the agent and the fallbacks that it was planned with.
        """
        limit = self._limit(claim.planned.agent, asked, result)
        if limit is None:
            self._quotas.works(claim.planned.agent.name)
            self._since.pop(claim.task, None)
            return None
        choice = choose(asked, self._quotas)
        waits = choice.waits
        if waits is None:
            if self._quotas.of(choice.planned.agent.name) is not None:
                return None  # nobody can ever do it: the failure says what to do
            self._go_on.add(claim.task)
            return Parked(again=True)
        if (refusal := self._too_long(claim.task, waits)) is not None:
            return Parked(again=False, refusal=refusal)
        self._go_on.add(claim.task)
        until = _instant(waits.until)
        self._told[claim.task] = until
        return Parked(again=True, until=until, agent=waits.agent)

    def _limit(self, agent: AgentSpec, asked: PlannedTask, result: AgentResult) -> Limit | None:
        """The limit that was met; that of a plain program counts only if it says until when."""
        code = result.reason_code
        if result.outcome is not AttemptOutcome.FAILED or agent.driver == "shell":
            return None
        if code is ReasonCode.LOGIN and asked.fallback:
            return self._quotas.unusable(agent.name, result.reason)
        if code is not ReasonCode.QUOTA or (agent.driver == "command" and result.until is None):
            return None
        until = None if result.until is None else result.until + MARGIN
        limit = self._quotas.met(agent.name, result.reason, until)
        if until is not None:
            self._known.keep(agent, limit, self._recorder.run)
        return limit

    def _too_long(self, task: str, limit: Limit) -> str | None:
        since = self._since.setdefault(task, self._quotas.clock())
        if limit.until - since <= self._longest:
            return None
        if not self._longest:
            return "limits are not waited for (quota_wait = 0)"
        when = _instant(limit.until).astimezone().strftime("%Y-%m-%d %H:%M")
        return f"{limit.agent} is limited until {when}, longer than quota_wait allows to wait"

    async def tell(self, ready: Iterable[PlannedTask]) -> None:
        """Record of tasks that have not been told to wait that they do; all at once."""
        if self._quotas.next_end() is None:
            return
        updates, events = [], []
        for planned in ready:
            task, waits = planned.task.id, self.choice(planned).waits
            if waits is None or self._told.get(task) == (until := _instant(waits.until)):
                continue
            self._told[task] = until
            values = {
                "agent": waits.agent,
                "until": until,
                "reason": waits.reason,
                "reason_code": ReasonCode.QUOTA,
            }
            updates.append(TaskUpdate(task, frozenset({TaskRunState.READY}), None, values))
            events.append(parked_event(self._recorder.run, task, waits.agent, waits.reason, until))
        if updates:
            await self._recorder.write(tasks=updates, events=events)

    def release(self, planned: PlannedTask) -> bool:
        """Try the task now, whatever its agents said; whether it waited for one."""
        limit = self.choice(planned).waits
        for agent in planned.agents if limit is not None else ():
            self._quotas.clear(agent.name)
            self._known.forget(agent)
        return limit is not None or self._told.pop(planned.task.id, None) is not None


def parked_event(
    run: str, task: str, agent: str, reason: str, until: datetime, attempt: int | None = None
) -> TaskParked:
    """What is told of a task that waits for a limit."""
    stamp = until.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return TaskParked(run=run, task=task, attempt=attempt, agent=agent, reason=reason, until=stamp)


async def unusable(
    tasks: Mapping[str, PlannedTask], problem: Callable[[AgentSpec], Awaitable[str | None]]
) -> dict[str, str]:
    """Why agents cannot be used here, by name; only of tasks that have a fallback."""
    agents = {
        agent.name: agent
        for planned in tasks.values()
        if planned.fallback
        for agent in planned.agents
    }
    found = {name: await problem(agent) for name, agent in agents.items()}
    return {name: why for name, why in found.items() if why is not None}


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
