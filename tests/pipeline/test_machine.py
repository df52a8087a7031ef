"""The orchestrator under any order of ends, wishes, edits and crashes: a state machine.

Real: engine, orchestrator, schedule, merge queue, settlement, recovery, the database. Not real:
git, processes, and the time.
"""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import FINAL_STATES, RunStatus, TaskRunState
from cc4tui.errors import UsageError
from cc4tui.ports import RunOptions
from cc4tui.services.agents.command import CommandBackend
from cc4tui.services.pipeline import engine, recovery
from cc4tui.services.pipeline.asking import carry_out
from cc4tui.services.pipeline.bus import EventBus
from cc4tui.services.pipeline.engine import ActiveRun, RunEngine
from cc4tui.services.pipeline.group import StrayCancellationError
from cc4tui.services.pipeline.making import RunMaker
from cc4tui.services.pipeline.patience import Patience, PatientJournal
from cc4tui.services.pipeline.selection import Defaults
from cc4tui.services.pipeline.surroundings import RunSettings, Surroundings
from cc4tui.services.plans.reading import read_plan
from cc4tui.storage.store import SqlStore, open_store
from tests.pipeline.virtual import VirtualLoop
from tests.pipeline.world import DyingJournal, FakeProcess, FakeWorkspace, World


SEQUENCES = int(os.environ.get("CC4_MACHINE_SEQUENCES", "15"))
"""`make chaos` sets 2000."""
WORKERS = 2
S = TaskRunState

TASKS = {
    "1.1": "- [ ] 1.1 One",
    "1.2": "- [ ] 1.2 Two\n  - Verify: true",
    "1.3": "- [ ] 1.3 Three {depends_on: 1.1}",
    "1.4": "- [ ] 1.4 Four {retries: 1}",
    "1.5": "- [ ] 1.5 Five",
    "1.6": "- [ ] 1.6 Six {depends_on: 1.2}",
}


def plan_text(tasks: set[str], edit: int = 0) -> str:
    lines = ["---", "cc4: 1", "---", "# Machine", "", f"Edit {edit}.", "", "## Batch 1: B"]
    return "\n".join([*lines, *(TASKS[task] for task in sorted(tasks))]) + "\n"


class Machine(RuleBasedStateMachine):
    """One run, from its start to its end, whatever happens in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cc4-machine-"))
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.world = World(self.folder, WORKERS)
        self.tasks = {"1.1", "1.2", "1.3", "1.4"}
        self.edits = 0
        self.active: ActiveRun | None = None
        self.task: asyncio.Task[Any] | None = None
        self.patches = mock.patch.multiple(
            engine,
            Workspace=SimpleNamespace(open=FakeWorkspace.opener(self.world)),
            take_stock=self.world.take_stock,
            Preparation=lambda *_: None,
        )
        nothing_done = mock.AsyncMock(return_value={})
        self.more = mock.patch.object(recovery, "process_of", self.world.process_of)
        self.done = mock.patch.object(RunMaker, "_done", nothing_done)
        for patch in (self.patches, self.more, self.done):
            patch.start()

    @initialize()
    def create(self) -> None:
        self.store: SqlStore = self.loop.run_until_complete(open_store(self.folder / "db" / "db"))
        (self.folder / "plan.md").write_text(plan_text(self.tasks))
        self.run_id = self.loop.run_until_complete(self._create())
        self.begin()

    async def _create(self) -> str:
        data = (self.folder / "plan.md").read_bytes()
        plan = read_plan(data, "plan.md")
        maker = RunMaker(self.surroundings(self.store))
        run = await maker.create(plan, data, "plan.md", RunOptions(agent="fake", workers=WORKERS))
        for task in await self.store.task_runs(run.id):
            self.world.states[task.task] = task.state
            self.world.waits_for[task.task] = task.waits_for
        self.world.waits_for["1.6"] = ("1.2",)
        return run.id

    def surroundings(self, journal: Any) -> Surroundings:
        async def resolve(_: str) -> str:
            return "0" * 40

        repository: Any = SimpleNamespace(
            root=self.folder, common_dir=self.folder, branch="main", resolve=resolve
        )
        agent = AgentSpec("fake", "command", ("true",))
        return Surroundings(
            repository=repository,
            state=self.folder / "state",
            journal=journal,
            bus=EventBus(),
            host=self.world,  # type: ignore[arg-type]
            agents=lambda _: agent,
            backend=lambda _: CommandBackend({"PATH": os.environ["PATH"]}),
            environment={},
            settings=RunSettings(
                Defaults("fake", None, None, 0, (), "worktree", "merge"), WORKERS, None
            ),
        )

    # --- the life of the program ----------------------------------------------------------------

    def begin(self) -> None:
        """Start the program on the run."""
        self.world.revive()
        journal = DyingJournal(self.store, self.world)
        active = ActiveRun(self.record())
        patience = Patience(self.run_id, EventBus(), journal, (), lambda: bool(active.stopping))  # type: ignore[arg-type]
        surroundings = self.surroundings(PatientJournal(journal, patience))  # type: ignore[arg-type]
        runner = RunEngine(surroundings, RunMaker(surroundings), patience)
        self.active = active
        self.task = self.loop.create_task(runner.execute(active))
        self.settle()

    def record(self) -> Any:
        found = self.loop.run_until_complete(self.store.run(self.run_id))
        assert found is not None
        return found

    @property
    def running(self) -> bool:
        return self.task is not None

    def settle(self, seconds: float = 0.0) -> None:
        """Let everything happen that can, and bury the program if it has ended or died."""
        self.loop.advance(seconds)
        if self.world.died.is_set() and self.task is not None:
            self.task.cancel()
            self.loop.settle()
            assert self.task.done()
            if not self.task.cancelled() and (error := self.task.exception()):
                assert only_crashes(error), error
            self.task = self.active = None
        elif self.task is not None and self.task.done():
            self.task.result()
            self.task = self.active = None

    # --- rules ------------------------------------------------------------------------------------

    def pick(self, data: st.DataObject) -> FakeProcess:
        live = sorted(self.world.live, key=lambda one: one.task)
        return data.draw(st.sampled_from(live))

    @precondition(lambda self: self.world.live)
    @rule(data=st.data(), how=st.sampled_from(["done", "done", "conflict", "checks", "late"]))
    def agent_succeeds(self, data: st.DataObject, how: str) -> None:
        process = self.pick(data)
        if how == "conflict":
            self.world.conflicts.add(process.task)
        if how == "checks":
            self.world.checks_fail.add(process.task)
        process.changed = True
        process.finish(0)
        if how == "late":  # the program dies before it looks
            self.world.die()
        self.settle()
        self.world.checks_fail.discard(process.task)

    @precondition(lambda self: self.world.live)
    @rule(data=st.data(), changed=st.booleans(), code=st.sampled_from([0, 1]))
    def agent_ends_otherwise(self, data: st.DataObject, changed: bool, code: int) -> None:
        process = self.pick(data)
        process.changed = changed and code != 0
        process.finish(code)
        self.settle()

    @precondition(lambda self: self.running)
    @rule(task=st.sampled_from(sorted(TASKS)), remote=st.booleans())
    def cancel(self, task: str, remote: bool) -> None:
        self.ask("cancel_task", task, remote)

    @precondition(lambda self: self.running)
    @rule(task=st.sampled_from(sorted(TASKS)), remote=st.booleans())
    def retry(self, task: str, remote: bool) -> None:
        self.ask("retry_task", task, remote)

    @precondition(lambda self: self.running)
    @rule(task=st.sampled_from(sorted(TASKS)), remote=st.booleans())
    def skip(self, task: str, remote: bool) -> None:
        self.ask("skip_task", task, remote)

    @precondition(lambda self: self.running)
    @rule(task=st.sampled_from(sorted(TASKS)), remote=st.booleans(), interrupt=st.booleans())
    def tell(self, task: str, remote: bool, interrupt: bool) -> None:
        self.ask("message", task, remote, text="more", interrupt=interrupt)

    @precondition(lambda self: self.running)
    @rule(task=st.sampled_from(sorted(TASKS)))
    def fork(self, task: str) -> None:
        self.ask("fork", task, remote=False, text="another way")

    def ask(self, kind: str, task: str, remote: bool, **said: Any) -> None:
        if task not in self.world.states or self.active is None:
            return
        if remote:
            self.loop.run_until_complete(self.store.add_request(kind, self.run_id, task, said))
            self.settle(0.5)
        elif self.active.orchestrator is not None:
            wish = self.loop.create_task(carry_out(self.active.orchestrator, kind, task, said))
            self.settle()
            assert wish.done()
            if not wish.cancelled() and (error := wish.exception()):
                assert isinstance(error, UsageError) or only_crashes(error), error

    @precondition(lambda self: self.running)
    @rule(paused=st.booleans(), remote=st.booleans())
    def pause(self, paused: bool, remote: bool) -> None:
        """While it holds, nothing new is started; another process knows nothing of it."""
        if self.active is None or self.active.orchestrator is None:
            return
        self.world.paused = False
        if remote:
            wish = self.store.add_request("pause_run", self.run_id, None, {"paused": paused})
            self.loop.run_until_complete(wish)
            self.settle(0.5)
        else:
            call = self.loop.create_task(self.active.orchestrator.pause(paused=paused))
            self.settle()
            assert call.done()
            if not call.cancelled() and (error := call.exception()):
                assert only_crashes(error), error
        self.world.paused = paused and self.active is not None

    @precondition(lambda self: self.running)
    @rule(task=st.sampled_from(sorted(TASKS)))
    def edit_plan(self, task: str) -> None:
        """Take a task out, or put one in."""
        self.tasks = self.tasks ^ {task}
        self.tasks |= {"1.1", "1.2"}  # others wait for them
        self.edits += 1
        (self.folder / "plan.md").write_text(plan_text(self.tasks, self.edits))
        self.settle(1.0)

    @precondition(lambda self: self.running)
    @rule(transactions=st.integers(0, 6), before=st.booleans())
    def will_crash(self, transactions: int, before: bool) -> None:
        """The program dies at one of its next transactions."""
        self.world.crash_after, self.world.dies_before = transactions, before
        self.settle()

    @precondition(lambda self: self.running)
    @rule()
    def crash(self) -> None:
        self.world.die()
        self.settle()

    @precondition(lambda self: self.running)
    @rule()
    def stop(self) -> None:
        assert self.active is not None
        wish = self.loop.create_task(self.active.stop("stopped"))
        self.settle(1.0)
        assert wish.done()

    @precondition(lambda self: not self.running)
    @rule()
    def resume(self) -> None:
        self.begin()

    @rule(seconds=st.floats(0.1, 3.0))
    def time_passes(self, seconds: float) -> None:
        self.settle(seconds)

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def the_journal_agrees_with_what_happened(self) -> None:
        if not hasattr(self, "run_id"):
            return
        tasks = self.loop.run_until_complete(self.store.task_runs(self.run_id))
        integrated = {one.task for one in self.world.integrated}
        for task in tasks:
            assert task.state is self.world.states[task.task]
            if task.state in (S.MERGED, S.LANDED):
                assert task.task in integrated
            if task.state is S.LANDED:
                assert task.task in self.world.landed
            if task.state is S.RUNNING and not self.running:
                continue
            if task.task in integrated and self.running:
                assert task.state in (S.MERGED, S.LANDED)
        events = self.loop.run_until_complete(self.store.events(self.run_id, 0, 10_000))
        assert [event.seq for event in events] == list(range(1, len(events) + 1))

    def teardown(self) -> None:
        """However it went, the run comes to its end, and no task is lost on the way."""
        try:
            if hasattr(self, "run_id"):
                self.finish()
        finally:
            for patch in (self.patches, self.more, self.done):
                patch.stop()
            if hasattr(self, "store"):
                self.loop.run_until_complete(self.store.close())
            self.loop.flying += 1  # from here on it waits for threads only
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            asyncio.set_event_loop(None)
            shutil.rmtree(self.folder)

    def finish(self) -> None:
        for _ in range(60):
            self.world.crash_after = None
            if self.world.paused:
                self.pause(False, False)
            if not self.running:
                if self.record().status not in (RunStatus.RUNNING, RunStatus.INTERRUPTED):
                    break
                self.begin()
            for process in self.world.live:
                process.changed = True
                process.finish(0)
            self.settle(1.0)
        assert not self.running
        assert self.world.started, "no agent was ever started: the fakes do not fit any more"
        states = self.loop.run_until_complete(self.store.task_runs(self.run_id))
        assert all(task.state in FINAL_STATES for task in states), states
        landed = {task.task for task in states if task.state is S.LANDED}
        assert landed == {one.task for one in self.world.integrated} == self.world.landed


def only_crashes(error: BaseException) -> bool:
    """Whether nothing failed but by the death of the program."""
    if isinstance(error, BaseExceptionGroup):
        return all(only_crashes(one) for one in error.exceptions)
    if isinstance(error, StrayCancellationError):
        error = error.__cause__ or error
    return isinstance(error, asyncio.CancelledError)


@pytest.mark.integration
@pytest.mark.timeout(7200)
def test_any_sequence_ends_with_every_task_accounted_for() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=SEQUENCES,
            phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes, the seed repeats it
            print_blob=True,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
