"""Models and events of runs."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cc4tui import events as e
from cc4tui.domain.agent import AgentEvent
from cc4tui.domain.run import AttemptRecord, TaskRunRecord, TaskRunState
from cc4tui.screens.execution.fold import fold
from cc4tui.screens.execution.model import RunModel, TaskView


NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
RUN = "r-7f3"


class Story:
    """Events of one run as they would be stored: numbered, each a second after the one before."""

    def __init__(self, tasks: dict[str, str], workers: int = 4) -> None:
        self.events: list[e.Event] = []
        self._time = NOW - timedelta(minutes=2)
        told = [
            {"id": task, "title": title, "batch": task[0], "state": "pending", "waits_for": []}
            for task, title in tasks.items()
        ]
        self.add(
            e.RunStarted,
            plan="plans/api.md",
            base="4b825dc6",
            branch=f"cc4/{RUN}/merged",
            target="main",
            workers=workers,
            mode="worktree",
            agent="claude",
            tasks=told,
        )

    def add(self, kind: type[e.Event], task: str | None = None, /, **data: Any) -> e.Event:
        """Add an event."""
        self._time += timedelta(seconds=1)
        number = len(self.events) + 1
        event = kind(run=RUN, task=task, seq=number, ts=self._time, **data)
        self.events.append(event)
        return event

    def start(self, task: str, attempt: int = 1, **data: Any) -> None:
        """An agent starts."""
        values: dict[str, Any] = {"agent": "claude", "model": "sonnet", "worktree": "/w", "pid": 7}
        values |= {"folder": f"/state/{task}/{attempt}"} | data
        self.add(e.AttemptStarted, task, attempt=attempt, **values)

    def end(self, task: str, attempt: int = 1, **data: Any) -> None:
        """An agent ends."""
        values: dict[str, Any] = {"outcome": "succeeded", "reason_code": None, "reason": ""}
        self.add(e.AttemptFinished, task, attempt=attempt, **(values | {"exit_code": 0} | data))

    def use(self, task: str, tokens: int, cost: float | None, attempt: int = 1) -> None:
        """An agent reports its usage."""
        self.add(
            e.UsageReported,
            task,
            attempt=attempt,
            input_tokens=tokens,
            cached_input_tokens=None,
            output_tokens=None,
            cost_usd=cost,
        )

    def finish(self, status: str = "succeeded", **data: Any) -> None:
        """The run ends."""
        values: dict[str, Any] = {"counts": {}, "target": "main", "landed": True, "reason": ""}
        values |= {"seconds": 60.0, "efficiency": 0.91} | data
        self.add(e.RunFinished, status=status, **values)

    @property
    def model(self) -> RunModel:
        """What all events together tell."""
        model = fold(None, self.events)
        assert model is not None
        return model


@pytest.fixture
def story() -> Callable[..., Story]:
    """Makes stories of runs."""
    return Story


@pytest.fixture
def model() -> Callable[..., RunModel]:
    """Makes a model from states: ``model(a=RUNNING, b=PENDING, ended={"a": 3})``."""

    def make(ended: dict[str, int] | None = None, **states: TaskRunState) -> RunModel:
        base = Story({name: f"Task {name}" for name in states}).model
        tasks = {
            name: TaskView(name, f"Task {name}", "1", n, state, ended=(ended or {}).get(name, 0))
            for n, (name, state) in enumerate(states.items())
        }
        return RunModel(base.run, tasks, base.seq)

    return make


@pytest.fixture
def now() -> datetime:
    """The time at which every test takes place."""
    return NOW


class Stage(Story):
    """A story that is told live to a command center: records, stored events and subscribers."""

    def __init__(self, center: Any, tasks: dict[str, str], workers: int = 4) -> None:
        self._center: Any = None
        super().__init__(tasks, workers)
        self._center = center
        self.store()

    def store(self) -> None:
        """Bring the command center's records in line with what was told."""
        model = self.model
        journal = self._center.journal
        journal.all_runs[RUN] = model.run
        journal.all_events[RUN] = self.events
        journal.all_tasks[RUN] = [
            TaskRunRecord(
                RUN,
                task.id,
                task.position,
                task.title,
                task.batch,
                task.state,
                reason_code=task.reason_code,
                reason=task.reason,
                waits_for=task.waits_for,
            )
            for task in model.tasks.values()
        ]
        journal.all_attempts[RUN] = [
            AttemptRecord(
                RUN,
                task.id,
                attempt.number,
                attempt.agent,
                1,
                "token",
                attempt.folder,
                started=attempt.started,
                finished=attempt.finished,
                outcome=attempt.outcome,
                reason=attempt.reason,
                usage=attempt.usage,
                cost_usd=attempt.cost_usd,
            )
            for task in model.tasks.values()
            for attempt in task.attempts
        ]

    def add(self, kind: type[e.Event], task: str | None = None, /, **data: Any) -> e.Event:
        """Add an event, store it and tell whoever listens."""
        event = self.tell(kind, task, **data)
        if self._center is not None:
            self.store()
            self.publish(event)
        return event

    def tell(self, kind: type[e.Event], task: str | None = None, /, **data: Any) -> e.Event:
        """Add an event that nobody is told of yet."""
        return super().add(kind, task, **data)

    def publish(self, event: e.Event) -> None:
        """Tell whoever listens."""
        for queue in self._center._subscribers:
            queue.put_nowait(event)

    def say(self, task: str, *events: AgentEvent, attempt: int = 1) -> None:
        """An agent says or does something."""
        self._center.said.setdefault((RUN, task, attempt), []).extend(events)


@pytest.fixture
def stage() -> Callable[..., Stage]:
    """Makes stages: ``stage(center, {"1.1": "Title"})``."""
    return Stage


def picture(pilot: Any) -> str:
    """What stands on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


@pytest.fixture
def settle(until: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Waits for a condition, letting the app work: ``await settle(pilot, lambda: ...)``."""

    async def wait(pilot: Any, condition: Callable[[], object]) -> None:
        try:
            await until(pilot, condition)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{picture(pilot)}") from None

    return wait
