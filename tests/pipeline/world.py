"""What outlives a crash of the pipeline, without git and processes: one repository in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cc4tui.domain.agent import ExitStatus
from cc4tui.domain.run import TaskRunState, may_move
from cc4tui.events import Event
from cc4tui.ports import ProcessEnd, ProcessIdentity, ProcessSpec, Write
from cc4tui.services.git.merging import Conflict
from cc4tui.services.pipeline.adoption import Stock, is_conclusive
from cc4tui.services.pipeline.workspace import Landing, Saved
from cc4tui.services.processes.ended import EndedProcess


@dataclass(eq=False)
class FakeProcess:
    """An agent that does what the test says."""

    folder: Path
    task: str
    attempt: int
    end: ProcessEnd | None = None
    changed: bool = False
    """Whether it wrote something into its worktree."""
    identity: ProcessIdentity | None = field(default_factory=lambda: ProcessIdentity(1, 1, "b"))
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def ended(self) -> ProcessEnd:
        await self._over.wait()
        assert self.end is not None
        return self.end

    def finish(self, code: int, why: str = "exited") -> None:
        if self.end is None:
            self.end = ProcessEnd(ExitStatus(code, why), 0, 0)
            self._over.set()

    def stop(self, why: str, *, at_once: bool = False) -> None:
        self.finish(-15, why)

    async def keep(self) -> None: ...
    def die_with_us(self) -> None: ...
    def send(self, data: bytes) -> None: ...
    def close_stdin(self) -> None: ...


@dataclass(frozen=True)
class FakeCheckout:
    path: Path
    branch: str
    task: str
    attempt: int
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FakeCandidate:
    task: str
    attempt: int
    work: str
    before: str

    @property
    def merge(self) -> str:
        return f"merge of {self.work}"


class Crashed(asyncio.CancelledError):
    """The process is dead: nothing that it still tries has an effect."""


class World:
    """Branches, worktrees and processes, and what must never happen to them."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.workers = workers
        self.alive = True
        self.crash_after: int | None = None
        """Transactions until the death of this process."""
        self.dies_before = False
        self.died = asyncio.Event()
        self.writing: set[asyncio.Future[Any]] = set()
        self.processes: dict[Path, FakeProcess] = {}
        self.paused = False
        """Whether a person asked that nothing new is started."""
        self.started: list[tuple[str, int]] = []
        self.integrated: list[FakeCandidate] = []
        self.landed: set[str] = set()
        self.conflicts: set[str] = set()
        """Tasks whose next merge is a conflict."""
        self.checks_fail: set[str] = set()
        self.states: dict[str, TaskRunState] = {}
        """As the journal has them."""
        self.waits_for: dict[str, tuple[str, ...]] = {}

    # --- the life of one process ------------------------------------------------------------

    def expect_alive(self) -> None:
        if not self.alive:
            raise Crashed

    def die(self) -> None:
        """As SIGKILL: the agents go with the app, at once."""
        self.alive = False
        for process in self.live:
            process.finish(-9, "app-gone")
        self.died.set()

    def revive(self) -> None:
        self.alive, self.crash_after, self.died = True, None, asyncio.Event()
        self.paused = False

    @property
    def live(self) -> list[FakeProcess]:
        return [process for process in self.processes.values() if process.end is None]

    # --- the host -----------------------------------------------------------------------------

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def attach(self, folder: Path) -> None:
        return None

    async def spawn(self, spec: ProcessSpec) -> FakeProcess:
        self.expect_alive()
        task, attempt = spec.env.get("CC4_TASK", ""), int(spec.env.get("CC4_ATTEMPT", "0"))
        process = FakeProcess(spec.folder, task, attempt)
        if spec.argv[0] == "/bin/sh":
            process.finish(1 if spec.cwd.name in self.checks_fail else 0)
            return process
        self._check_start(task, attempt)
        self.started.append((task, attempt))
        self.processes[spec.folder] = process
        return process

    def _check_start(self, task: str, attempt: int) -> None:
        assert not self.paused, "nothing new is started while it is paused"
        assert (task, attempt) not in self.started, "an attempt is started once"
        assert all(number < attempt for name, number in self.started if name == task)
        assert task not in [one.task for one in self.integrated], "executed after its merge"
        assert task not in [process.task for process in self.live], "two at once"
        assert len(self.live) < self.workers
        done = (TaskRunState.MERGED, TaskRunState.LANDED, TaskRunState.SKIPPED)
        waiting = [one for one in self.waits_for.get(task, ()) if one in self.states]
        assert all(self.states[one] in done for one in waiting), "its dependencies are done"

    # --- what recovery asks -------------------------------------------------------------------

    async def take_stock(self, journal: Any) -> Stock:
        self.expect_alive()
        stock = Stock()
        for run in await journal.runs():
            for attempt in await journal.attempts(run.id):
                process = self.processes.get(Path(attempt.folder))
                unjudged = attempt.finished is None and process is not None and process.end
                if unjudged and is_conclusive(process.end):
                    stock.ended.append(attempt)
        return stock

    async def process_of(self, host: Any, record: Any) -> EndedProcess | None:
        process = self.processes[Path(record.folder)]
        assert process.end is not None
        return EndedProcess(process.folder, process.end)


class FakeGuard:
    """Sees no change of the person's checkout."""

    def began(self, task: str) -> None: ...

    async def look(self, running: Any) -> None: ...


class FakeWorkspace:
    """The methods of `Workspace`, on a `World`."""

    def __init__(self, world: World, run: Any) -> None:
        self._world = world
        self._run = run
        self.quarantine = self.ticker = self
        self.guard = FakeGuard()
        self.flagged: set[str] = set()
        self.base = None

    @classmethod
    def opener(cls, world: World) -> Any:
        """Stands for `Workspace.open`."""

        @asynccontextmanager
        async def open_workspace(
            repository: Any, state: Path, run: Any, *_: Any, **__: Any
        ) -> AsyncIterator["FakeWorkspace"]:
            yield cls(world, run)

        return open_workspace

    async def checkout(self, task: str, attempt: int, *_: Any, **__: Any) -> FakeCheckout:
        self._world.expect_alive()
        path = self._world.folder / "worktrees" / f"{task}-{attempt}"
        path.mkdir(parents=True)
        return FakeCheckout(path, f"branch of {task} {attempt}", task, attempt)

    async def take_over(self, record: Any) -> FakeCheckout:
        path = Path(record.worktree)
        return FakeCheckout(path, record.branch, record.task, record.attempt)

    async def set_aside(self, record: Any) -> None: ...

    async def work_so_far(self, record: Any) -> str | None:
        self._world.expect_alive()
        return f"so far {record.task} {record.attempt}" if record.worktree else None

    def expect(self, tasks: int) -> None: ...

    def leave(self, checkout: FakeCheckout) -> None: ...

    async def give_back(self, checkout: FakeCheckout) -> None: ...

    async def save(self, checkout: FakeCheckout, title: str) -> Saved:
        self._world.expect_alive()
        for process in self._world.processes.values():
            same = (process.task, process.attempt) == (checkout.task, checkout.attempt)
            if same and process.changed:
                return Saved(f"work {checkout.task} {checkout.attempt}")
        return Saved(None)

    async def merge(self, task: Any, attempt: int, commit: str) -> FakeCandidate | Conflict:
        self._world.expect_alive()
        if task.id in self._world.conflicts:
            self._world.conflicts.discard(task.id)
            return Conflict(("file",), ())
        return FakeCandidate(task.id, attempt, commit, str(len(self._world.integrated)))

    @asynccontextmanager
    async def checked_out(self, candidate: FakeCandidate, *_: Any) -> AsyncIterator[Any]:
        path = self._world.folder / "checks" / candidate.task
        path.mkdir(parents=True, exist_ok=True)
        yield FakeCheckout(path, "", candidate.task, candidate.attempt)

    async def advance(self, candidate: FakeCandidate) -> bool:
        self._world.expect_alive()
        if candidate.before != str(len(self._world.integrated)):
            return False
        assert candidate.task not in [one.task for one in self._world.integrated], "merged twice"
        self._world.integrated.append(candidate)
        return True

    async def merged_tasks(self) -> Mapping[str, str]:
        return {one.task: one.merge for one in self._world.integrated}

    async def land(self, run: Any, checks: Any) -> Landing:
        self._world.expect_alive()
        self._world.landed |= {one.task for one in self._world.integrated}
        return Landing(landed=True)

    async def clean(self, keep: Any) -> None:
        self._world.expect_alive()

    async def look(self, running: Any) -> tuple[str, ...]:
        return ()

    async def tick_in_place(self, tasks: Any) -> list[str]:
        return []


class DyingJournal:
    """The real journal, in a process that may die at any of its transactions."""

    def __init__(self, journal: Any, world: World) -> None:
        self._journal = journal
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def commit(self, write: Write) -> tuple[Event, ...]:
        world = self._world
        world.expect_alive()
        last = world.crash_after == 0
        if world.crash_after is not None:
            world.crash_after -= 1
        if last and world.dies_before:
            world.die()
            raise Crashed
        writing = asyncio.ensure_future(self._commit(write))
        world.writing.add(writing)  # what is on its way to the disk is not called back
        writing.add_done_callback(world.writing.discard)
        events = await asyncio.shield(writing)
        if last:
            world.die()
        world.expect_alive()
        return events

    async def _commit(self, write: Write) -> tuple[Event, ...]:
        events: tuple[Event, ...] = await self._journal.commit(write)
        self._follow(write)
        return events

    def _follow(self, write: Write) -> None:
        """Every stored move is one that the table allows."""
        states = self._world.states
        states |= {task.task: task.state for task in write.new_tasks}
        for update in write.tasks:
            after = update.values.get("state")
            if after is not None:
                before = states[update.task]
                assert may_move(before, after), (update.task, before, after)
                states[update.task] = after
