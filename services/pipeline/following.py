"""Stays with one running agent: reads what it writes, and counts its time."""

import asyncio
import time

from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    Asked,
    AskWithdrawn,
    BackingOff,
    SessionStarted,
    ToolCalled,
)
from cc4tui.domain.agent import UsageReported as AgentUsage
from cc4tui.domain.usage import TokenUsage
from cc4tui.errors import LeftRunningError
from cc4tui.events import BudgetWarned, UsageReported
from cc4tui.ports import OutputReader, Process, ProcessEnd
from cc4tui.services.agents.conclusion import LIMITED, OVER_BUDGET
from cc4tui.services.agents.prices import Meter
from cc4tui.services.pipeline.clocks import Clocks, Overdue
from cc4tui.services.pipeline.context import Claim, RunContext
from cc4tui.services.pipeline.output import output_events
from cc4tui.services.pipeline.output_times import OutputTimes, sizes
from cc4tui.services.pipeline.talk import Talk


FOLLOW_SECONDS = 0.1
"""How often a running agent's output is looked at; the screens read the files on their own."""
CLOCK_SECONDS = 0.5
"""How often it is asked whether it wrote something."""
PARKED_FROM = 60.0
"""Seconds: an agent that waits longer for its model is ended, so that others get its worker."""


class Follower:
    """Follows one attempt until its agent and every descendant are gone.

    Args:
        reader: Of what it says; None when nobody needs that.
        clocks: Count from its start.
        meter: Prices what it uses.
        talk: With an agent that listens while it works.
    """

    def __init__(
        self,
        context: RunContext,
        claim: Claim,
        process: Process,
        reader: OutputReader | None,
        clocks: Clocks,
        meter: Meter,
        talk: Talk | None = None,
    ) -> None:
        self._context = context
        self._claim = claim
        self._process = process
        self._reader = reader
        self._clocks = clocks
        self._meter = meter
        self._talk = talk
        self._times = OutputTimes(process.folder)
        self._over = asyncio.Event()
        self._finished = False
        self.overdue: Overdue | None = None
        """The limit that it was stopped for."""

    async def follow(self) -> ProcessEnd:
        """Tell what it says and stop it when its time is up; returns its end.

        Raises:
            LeftRunningError: it works on without us.
        """
        left: LeftRunningError | None = None
        async with asyncio.TaskGroup() as group:
            work = [self._keep_time()]
            if self._reader is not None:
                work.append(self._read(self._reader))
            tasks = [group.create_task(one) for one in work]
            try:
                return await self._process.ended()
            except LeftRunningError as error:
                left = error
                for task in tasks:  # it may have more to say than can be read
                    task.cancel()
            finally:
                self._over.set()
                self._times.note(sizes(self._process.folder), last=True)
        raise left

    async def _keep_time(self) -> None:
        while not self._over.is_set():
            size = sizes(self._process.folder)
            self._times.note(size)
            self._clocks.wrote(size.out + size.err)
            if self.overdue is not None:
                return
            self._clocks.hold(held=self._talk is not None and self._talk.waits_for_person)
            self.overdue = self._clocks.overdue()
            if self.overdue is not None:
                self._process.stop(self.overdue.why)
                return
            await _wait(self._over, min(self._clocks.patience(), CLOCK_SECONDS))

    async def _read(self, reader: OutputReader) -> None:
        while True:
            last = self._over.is_set()
            if self._talk is not None:
                self._talk.go_on()
            events = await reader.read()
            await self._tell(events)
            if events:
                await asyncio.sleep(0)
            elif last:
                return
            else:
                await _wait(self._over, FOLLOW_SECONDS)

    async def _tell(self, events: list[AgentEvent]) -> None:
        run, task, attempt = self._context.run.id, self._claim.task, self._claim.attempt
        usage: AgentUsage | None = None
        for event in events:
            self._meter.hear(event)
            if isinstance(event, AgentUsage):
                usage = event
            elif isinstance(event, AgentFinished):
                self._clocks.finished()
                self._finished = True
            elif isinstance(event, ToolCalled):
                self._clocks.went_on()
                self._finished = False
            elif isinstance(event, BackingOff):
                self._back_off(event)
            elif isinstance(event, SessionStarted):
                update = self._context.recorder.attempt(task, attempt, session=event.session)
                await self._context.recorder.write(attempts=[update])
            elif isinstance(event, Asked | AskWithdrawn) and self._talk is not None:
                await self._talk.hear(event)
            if self._context.with_output:
                for told in output_events(event, run, task, attempt):
                    self._context.recorder.output(told)
        if usage is not None:
            await self._record(usage)

    def _back_off(self, event: BackingOff) -> None:
        """End an agent that is about to wait for long; it goes on when that time is over."""
        if event.seconds >= PARKED_FROM and self.overdue is None and not self._finished:
            reason = f"it was told to wait: {event.reason}"
            self.overdue = Overdue(LIMITED, reason, time.time() + event.seconds)
            self._process.stop(LIMITED)

    async def _record(self, reported: AgentUsage) -> None:
        recorder, task, attempt = self._context.recorder, self._claim.task, self._claim.attempt
        cost, estimated = self._meter.reported(reported)
        event = UsageReported(
            run=self._context.run.id,
            task=task,
            attempt=attempt,
            input_tokens=reported.usage.input_tokens,
            cached_input_tokens=reported.usage.cached_input_tokens,
            output_tokens=reported.usage.output_tokens,
            cost_usd=cost,
            cost_estimated=estimated,
        )
        values = {"usage": reported.usage, "cost_usd": cost, "cost_estimated": estimated}
        update = recorder.attempt(task, attempt, **values)
        warnings = self._spent(reported.usage, cost)
        await recorder.write(attempts=[update], events=[event, *warnings])

    def _spent(self, usage: TokenUsage, cost: float | None) -> list[BudgetWarned]:
        """Stop the agent when a budget is used up; what is to be warned of."""
        run, task, attempt = self._context.run.id, self._claim.task, self._claim.attempt
        self._context.budgets.used(task, attempt, usage, cost)
        warned: list[BudgetWarned] = []
        for alarm in self._context.budgets.alarms(task, self._claim.planned.budget):
            if not alarm.over:
                event = BudgetWarned(run=run, task=task, attempt=attempt, reason=alarm.sentence)
                warned.append(event)
            elif self.overdue is None and not self._finished:  # what is done is not thrown away
                self.overdue = Overdue(OVER_BUDGET, alarm.sentence)
                self._process.stop(OVER_BUDGET)
        return warned


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
