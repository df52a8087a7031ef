"""The bridge: whatever comes, the last message tells the truth, and there are few of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.message import Message

from cc4tui import events as e
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.ports import Instance
from cc4tui.screens import bridge as bridge_module
from cc4tui.screens.bridge import RunBridge
from cc4tui.screens.execution.model import RunModel


S = TaskRunState
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
TASKS = {"1.1": "Settings", "1.2": "Client"}
OTHER = Instance(4711, NOW, "cc4tui run plan.md")
Until = Callable[[Callable[[], object]], Awaitable[None]]


class Listener:
    """Takes the messages of a bridge."""

    def __init__(self, center: Any) -> None:
        self.messages: list[Message] = []
        self.bridge = RunBridge(center, self.messages.append)

    @property
    def model(self) -> RunModel | None:
        moved = [m for m in self.messages if isinstance(m, RunBridge.Moved)]
        return moved[-1].model if moved else None

    @property
    def failures(self) -> list[str]:
        return [m.sentence for m in self.messages if isinstance(m, RunBridge.Failed)]

    def state(self, task: str) -> TaskRunState | None:
        model = self.model
        return model.tasks[task].state if model and task in model.tasks else None

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(center: Any) -> AsyncIterator[Listener]:
    listener = Listener(center)
    work = asyncio.ensure_future(listener.bridge.work())
    try:
        await listener.until(lambda: center._subscribers)
        yield listener
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_no_state_is_told_before_it_is_certain(empty_center: Any, stage: Any) -> None:
    """What a dead process left may be running, ended or lost: it is looked at first."""
    told = stage(empty_center, TASKS)
    told.start("1.1")
    empty_center.other = OTHER  # this process works on nothing
    empty_center.checked.clear()
    empty_center.found = "Run r-1 was interrupted."
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.messages)
        told.start("1.2")
        await asyncio.sleep(0.1)
        assert [type(message) for message in listener.messages] == [RunBridge.Checking]
        empty_center.checked.set()
        await listener.until(lambda: listener.model == told.model)
        checked = listener.messages[1]
        assert isinstance(checked, RunBridge.Checked)
        assert checked.sentence == "Run r-1 was interrupted."


async def test_a_past_run_is_read_from_the_journal(empty_center: Any, stage: Any) -> None:
    told = stage(empty_center, TASKS)
    told.start("1.1")
    told.finish()
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.model)
        assert listener.model == told.model


async def test_a_live_run_is_followed(empty_center: Any, stage: Any) -> None:
    told = stage(empty_center, TASKS)
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.model)
        told.start("1.1")
        await listener.until(lambda: listener.state("1.1") is S.RUNNING)
        told.add(e.TaskMerged, "1.1", commit="c", merged_as="m")
        told.finish()
        await listener.until(lambda: listener.model and listener.model.is_over)
        await listener.until(lambda: listener.model == told.model)


async def test_a_run_that_starts_is_shown_by_itself(empty_center: Any, stage: Any) -> None:
    async with listening(empty_center) as listener:
        told = stage(empty_center, TASKS)
        started = told.events[0]
        for queue in empty_center._subscribers:
            queue.put_nowait(started)
        await listener.until(lambda: listener.model)
        assert listener.model is not None
        assert listener.model.run.id == started.run


async def test_another_run_does_not_push_a_running_one_away(empty_center: Any, stage: Any) -> None:
    told = stage(empty_center, TASKS)
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.model)
        for queue in empty_center._subscribers:
            queue.put_nowait(replace(told.events[0], run="another"))
        told.start("1.1")
        await listener.until(lambda: listener.state("1.1") is S.RUNNING)


async def test_a_burst_makes_few_messages(empty_center: Any, stage: Any) -> None:
    tasks = {f"1.{n}": f"Task {n}" for n in range(300)}
    told = stage(empty_center, tasks)
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.model)
        before = len(listener.messages)
        for task in tasks:
            told.add(e.TaskReady, task)
        await listener.until(lambda: listener.model == told.model)
        assert len(listener.messages) - before <= 5


async def test_events_that_were_missed_are_read_again(empty_center: Any, stage: Any) -> None:
    told = stage(empty_center, TASKS)
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.model)
        queues = list(empty_center._subscribers)
        empty_center._subscribers.clear()
        told.start("1.1")
        told.use("1.1", 500, 0.5)
        empty_center._subscribers.extend(queues)
        told.add(e.TaskReady, "1.2")
        await listener.until(lambda: listener.model == told.model)


async def test_a_process_that_died_silently_is_noticed(
    empty_center: Any, stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "TRUTH_SECONDS", 0.05)
    told = stage(empty_center, TASKS)
    told.start("1.1")
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.state("1.1") is S.RUNNING)
        runs = empty_center.journal.all_runs
        runs[told.model.run.id] = replace(told.model.run, status=RunStatus.INTERRUPTED)
        await listener.until(
            lambda: listener.model and listener.model.run.status is RunStatus.INTERRUPTED
        )


async def test_a_run_that_does_not_exist_is_told_and_the_bridge_lives_on(
    empty_center: Any, stage: Any
) -> None:
    async with listening(empty_center) as listener:
        listener.bridge.show("nowhere")
        await listener.until(lambda: listener.failures)
        assert "nowhere" in listener.failures[0]
        told = stage(empty_center, TASKS)
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.model == told.model)


async def test_a_long_history_is_read_in_pages(
    empty_center: Any, stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "_PAGE", 3)
    told = stage(empty_center, TASKS)
    for number in range(1, 8):
        told.start("1.1", number)
        told.end("1.1", number, retry_in=0.0)
    async with listening(empty_center) as listener:
        listener.bridge.show(told.model.run.id)
        await listener.until(lambda: listener.model == told.model)
