"""Journal before effect: stores what happened to a run, then tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cc4tui.domain.run import AttemptRecord, ReasonCode, TaskRunRecord, TaskRunState, may_move
from cc4tui.errors import StaleWriteError
from cc4tui.events import Event
from cc4tui.ports import AttemptUpdate, Journal, TaskUpdate, Write
from cc4tui.services.agents.redaction import Redactor
from cc4tui.services.pipeline.bus import EventBus


class Recorder:
    """Writes for one run; an event is published only after what it tells is stored.

    Reasons may quote agents, checks and git, so secrets are masked in them here, whoever wrote it.
    """

    def __init__(
        self, run: str, journal: Journal, bus: EventBus, redactor: Redactor | None = None
    ) -> None:
        self.run = run
        self._redactor = redactor or Redactor()
        self._journal = journal
        self._bus = bus

    async def write(
        self,
        *,
        new_tasks: Iterable[TaskRunRecord] = (),
        tasks: Iterable[TaskUpdate] = (),
        attempts: Iterable[AttemptUpdate] = (),
        events: Iterable[Event] = (),
        run: Mapping[str, Any] | None = None,
        durable: bool = False,
    ) -> None:
        """One transaction, then its events.

        Raises:
            StaleWriteError: somebody else changed a task; nothing was stored or published.
        """
        write = Write(
            run=self.run,
            run_values=self._masked(run or {}),
            new_tasks=tuple(new_tasks),
            tasks=tuple(replace(task, values=self._masked(task.values)) for task in tasks),
            attempts=tuple(replace(one, values=self._masked(one.values)) for one in attempts),
            events=tuple(map(self._masked_event, events)),
            durable=durable,
        )
        for event in await self._journal.commit(write):
            self._bus.publish(event)

    def _masked(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        if not values.get("reason"):
            return values
        return {**values, "reason": self._redactor.text(values["reason"])}

    def _masked_event(self, event: Event) -> Event:
        known: Any = event
        masked = self._redactor.text(getattr(known, "reason", ""))
        return replace(known, reason=masked) if masked else event

    def output(self, event: Event) -> None:
        """Publish what an agent said; it is not stored, since the attempt's files hold it."""
        self._bus.publish(event)

    async def attempts(self, task: str) -> list[AttemptRecord]:
        """What is stored of a task's attempts, by number."""
        return await self._journal.attempts(self.run, task)

    def attempt(self, task: str, attempt: int, **values: Any) -> AttemptUpdate:
        """A change of one attempt."""
        return AttemptUpdate(task, attempt, values)


def move(
    task: str,
    before: TaskRunState,
    after: TaskRunState,
    fence: int | None = None,
    reason_code: ReasonCode | None = None,
    reason: str = "",
    **values: Any,
) -> TaskUpdate:
    """A state change that the transition table allows.

    Raises:
        StaleWriteError: the table forbids it; a defect of the caller, never of the input.
    """
    if not may_move(before, after):
        raise StaleWriteError(f"task {task} cannot go from {before.value} to {after.value}")
    changed = {"state": after, "reason_code": reason_code, "reason": reason}
    changed |= {"until": None, **values}
    return TaskUpdate(task, frozenset({before}), fence, changed)
