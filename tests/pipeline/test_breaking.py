"""A defect in one coroutine of a run ends the run with a reason; no other waits for ever."""

import asyncio
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from cc4tui.domain.run import TaskRunState
from cc4tui.errors import GitError, sentence
from cc4tui.ports import ProcessSpec
from cc4tui.services.pipeline.merge_queue import MergeQueue
from cc4tui.services.pipeline.orchestrator import Orchestrator
from cc4tui.services.pipeline.patience import Patience
from cc4tui.services.pipeline.recorder import Recorder
from cc4tui.services.pipeline.schedule import Schedule
from cc4tui.services.pipeline.settlement import Settlement
from cc4tui.services.pipeline.verification import Verifier
from cc4tui.storage.store import SqlStore
from tests.pipeline.test_machine import Machine
from tests.pipeline.world import FakeProcess, FakeWorkspace


pytestmark = pytest.mark.integration


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A run with two agents at work; in the end it is finished, and nothing was done twice."""
    made = Machine()
    made.create()
    yield made
    made.teardown()


def succeed(machine: Machine, task: str) -> None:
    process = next(one for one in machine.world.live if one.task == task)
    process.changed = True
    process.finish(0)
    machine.loop.advance(5)


PLACES: list[tuple[Any, str]] = [
    (Settlement, "committed"),
    (MergeQueue, "merge"),
    (Orchestrator, "_ended"),
    (Orchestrator, "_advance"),
    (Schedule, "next"),
    (SqlStore, "take_requests"),
]


@pytest.mark.parametrize(("where", "what"), PLACES, ids=[name for _, name in PLACES])
@pytest.mark.parametrize("kind", [RuntimeError, asyncio.CancelledError])
def test_a_defect_ends_the_run_and_every_worker(machine, where, what, kind):
    """Also one that looks like a cancellation, which task groups take for a quiet end."""
    with mock.patch.object(where, what, side_effect=kind("a defect")):
        succeed(machine, "1.1")
    task = machine.task
    assert task.done()
    assert "internal error" in sentence(task.exception())
    machine.task = machine.active = None
    stored = machine.loop.run_until_complete(machine.store.task_runs(machine.run_id))
    machine.world.states = {one.task: one.state for one in stored}


@pytest.mark.parametrize("starved", [False, True])
def test_a_git_failure_under_checks_fails_the_task_alone(machine, starved):
    """It is refused from the state that it is in then: the table has no way from another."""
    error = GitError("worktree add", 1, "a defect")
    full = mock.AsyncMock(return_value=starved)
    with (
        mock.patch.object(FakeWorkspace, "checked_out", side_effect=error),
        mock.patch.object(Patience, "starved", full),
    ):
        succeed(machine, "1.2")
    assert machine.running
    assert machine.world.states["1.2"] is TaskRunState.FAILED


def test_a_stop_reaches_a_task_that_is_being_claimed(machine):
    """It is asked for while the claim is written: the agent that follows is ended at once."""
    active, write = machine.active, Recorder.write

    async def stop_within(self: Recorder, **values: Any) -> None:
        await write(self, **values)
        claims = [t for t in values.get("tasks", ()) if t.values.get("fence")]
        if claims and active.stopping is None:
            machine.loop.create_task(active.stop("stopped"))
            await asyncio.sleep(0)

    with mock.patch.object(Recorder, "write", stop_within):
        succeed(machine, "1.2")
    assert machine.task.done()
    assert not machine.world.live
    machine.settle()


async def test_a_stop_reaches_a_check_that_is_being_started(tmp_path):
    """Nobody knows its process yet; it would run to its end, and the program wait for it."""
    host = mock.Mock()
    verifier = Verifier(host, {}, None)

    async def spawn(spec: ProcessSpec) -> FakeProcess:
        verifier.stop("left")
        return FakeProcess(spec.folder, "1.1", 1)

    host.spawn = spawn
    async with asyncio.timeout(10):
        (result,) = await verifier.run(["sleep 300", "true"], tmp_path, tmp_path / "checks", {})
    assert result.exit_code is None


def test_a_worker_goes_on_while_the_work_of_its_last_task_is_saved(machine):
    """It is free as soon as the agent is gone; what waits for the saved work does not start."""
    gate, save = asyncio.Event(), FakeWorkspace.save
    before = {task for task, _ in machine.world.started}

    async def slow(self: FakeWorkspace, *arguments: Any) -> Any:
        await gate.wait()
        return await save(self, *arguments)

    with mock.patch.object(FakeWorkspace, "save", slow):
        task = sorted(before)[0]
        succeed(machine, task)
        started = {one for one, _ in machine.world.started} - before
        assert len(started) == 1
        assert all(task not in machine.world.waits_for.get(one, ()) for one in started)
        assert machine.world.states[task] is TaskRunState.RUNNING
        gate.set()
        machine.loop.advance(5)
    assert machine.world.states[task] is TaskRunState.MERGED
