"""The runs of this process: at most one at a time, under the repository's lock.

Asking whether one goes on is cheap: what carries it out is imported when the first one starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cc4tui.errors import NotFoundError, UsageError
from cc4tui.services.pipeline.lock import RepositoryLock


if TYPE_CHECKING:
    from cc4tui.domain.plan import Plan
    from cc4tui.domain.run import RunRecord, TaskRunRecord
    from cc4tui.ports import Instance, Journal, RunOptions
    from cc4tui.services.pipeline.engine import ActiveRun
    from cc4tui.services.pipeline.surroundings import Surroundings


ALL_RUNS = 10_000


class RunSession:
    """Starts, continues and stops runs; owns their coroutines until it is closed."""

    def __init__(self, journal: Journal, lock_path: Path) -> None:
        self._journal = journal
        self._lock = RepositoryLock(lock_path)
        self._state = lock_path.parent
        self._active: ActiveRun | None = None
        self._ended = asyncio.Event()
        self._errors: dict[str, BaseException] = {}
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RunSession]:
        """Use the session; leaving the block stops what runs and waits for it."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield self
            finally:
                await self._part("cc4tui was closed")
        self._lock.release()

    @property
    def active(self) -> ActiveRun | None:
        """The run that goes on in this process."""
        return self._active

    @property
    def other(self) -> Instance | None:
        """Another process that works on a run of this repository."""
        return self._lock.holder()

    @property
    def idle(self) -> bool:
        """Whether no other process works on a run: we hold the lock, or nobody does."""
        return self._lock.held or self._lock.is_free()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something go on beside the runs; closing the session waits for it.

        Raises:
            NotFoundError: the session is not open.
        """
        if self._group is None:
            work.close()
            raise NotFoundError("the session is not open")
        self._group.create_task(work)

    @contextmanager
    def quiet(self) -> Iterator[bool]:
        """Whether no run goes on, here or elsewhere; then none can begin inside the block."""
        ours = self._active is None and not self._lock.held and self._lock.try_acquire()
        try:
            yield ours
        finally:
            if ours:
                self._lock.release()

    async def start(
        self,
        surroundings: Surroundings,
        plan: Plan,
        data: bytes,
        key: str,
        options: RunOptions,
        *,
        with_output: bool = False,
        detach: bool = False,
    ) -> str:
        """Continue the plan's unfinished run, or start a new one; returns its id at once.

        Args:
            detach: Its agents work on when this program is gone, however it went.

        Raises:
            UnfitError: another process runs something in this repository.
            PlanError, UsageError: the plan or the options cannot be used; nothing was started.
        """
        from cc4tui.services.pipeline.engine import ActiveRun
        from cc4tui.services.pipeline.making import RunMaker

        self._claim_repository()
        try:
            run = None if options.new else await self._unfinished(key)
            if run is None:
                run = await RunMaker(surroundings).create(plan, data, key, options)
            else:
                run = await self._changed(run, options)
        except BaseException:
            self._lock.release()
            raise
        active = ActiveRun(run)
        active.detach = detach
        self._launch(surroundings, active, with_output=with_output)
        return run.id

    async def resume(
        self,
        surroundings: Surroundings,
        run: RunRecord,
        *,
        asked: tuple[str, str, Mapping[str, Any]] | None = None,
        accept_changes: bool = False,
        with_output: bool = False,
        detach: bool = False,
    ) -> str:
        """Continue a stored run in this process.

        Args:
            asked: What is to be done with one of its tasks first: kind, task and data.
            accept_changes: What the repository executes now is meant, though tasks may have
                changed it.
            detach: Its agents work on when this program is gone, however it went.
        """
        from cc4tui.services.pipeline.engine import ActiveRun

        self._claim_repository()
        active = ActiveRun(run)
        active.asked = asked
        active.accept_changes = accept_changes
        active.detach = detach
        self._launch(surroundings, active, with_output=with_output)
        return run.id

    async def reconcile(
        self, surroundings: Callable[[], Awaitable[Surroundings]], *, goes_on: bool
    ) -> str:
        """Put right what dead processes left; what was done, as a sentence, or nothing.

        Args:
            surroundings: Asked for only when there is something to do.
            goes_on: Whether a run whose agents were left working may be continued here.
        """
        if self._active is not None or not self._lock.try_acquire():
            return ""
        active: ActiveRun | None = None
        try:
            runs = await left_open(self._journal)
            if not runs and not await asyncio.to_thread(_has_terminals, self._state):
                return ""
            around = await surroundings()
            from cc4tui.services.pipeline.engine import ActiveRun
            from cc4tui.services.pipeline.reconciling import reconcile

            found = await reconcile(around, runs)
            if found.goes_on is not None and goes_on:
                active = ActiveRun(found.goes_on)
                self._launch(await surroundings(), active, with_output=False)
            return found.sentence
        finally:
            if active is None:
                self._lock.release()

    async def cancel_stored(self, surroundings: Surroundings, run: RunRecord) -> None:
        """Cancel a run that no process works on.

        Raises:
            UnfitError: another process runs something in this repository.
        """
        from cc4tui.services.pipeline.cancelling import cancel_stored

        self._claim_repository()
        try:
            await cancel_stored(surroundings, run)
        finally:
            self._lock.release()

    async def wait(self, run: str) -> None:
        """Wait until a run of this process has ended; raise what broke it, if something did."""
        while self._active is not None and self._active.id == run:
            await self._ended.wait()
        if run in self._errors:
            raise self._errors.pop(run)

    async def stop(self, why: str, *, at_once: bool = False) -> None:
        """End the active run with its work saved, and wait for that.

        Args:
            at_once: Kill its agents without giving them time; may follow an earlier call without.
        """
        if self._active is not None:
            await self._active.stop(why, at_once=at_once)
            await self._ended.wait()

    async def leave(self, why: str) -> None:
        """Stop working on the active run and let its agents work on; waits until that is so."""
        if self._active is not None:
            await self._active.leave(why)
            await self._ended.wait()

    async def _part(self, why: str) -> None:
        if self._active is not None and self._active.detach:
            await self.leave(why)
        else:
            await self.stop(why)

    async def find_unfinished(self) -> RunRecord | None:
        """The newest run that can be continued."""
        for run in await self._journal.runs():
            if await self._is_unfinished(run):
                return run
        return None

    def _claim_repository(self) -> None:
        if self._active is not None:
            raise UsageError(
                f"run {self._active.id} is still going on; wait for it or cancel it first"
            )
        self._lock.acquire()

    async def _unfinished(self, key: str) -> RunRecord | None:
        for run in await self._journal.runs():
            if run.plan_key == key:
                return run if await self._is_unfinished(run) else None
        return None

    async def _is_unfinished(self, run: RunRecord) -> bool:
        from cc4tui.domain.run import RunStatus

        if run.status in (RunStatus.RUNNING, RunStatus.INTERRUPTED):
            return True
        return await self.may_land(run)

    async def may_land(self, run: RunRecord) -> bool:
        """Whether an ended run still holds merged work for its target, and was not given up."""
        from cc4tui.domain.run import RunStatus, TaskRunState

        if run.status is RunStatus.CANCELLED or run.land == "none":
            return False
        tasks = await self._journal.task_runs(run.id)
        return any(task.state is TaskRunState.MERGED for task in tasks)

    async def _changed(self, run: RunRecord, options: RunOptions) -> RunRecord:
        """A run that is continued with what the person now asked for on top."""
        from cc4tui.ports import Write

        given = {
            key: value for key, value in asdict(options).items() if value not in (None, (), False)
        }
        values: dict[str, Any] = {"options": {**run.options, **given}}
        if options.workers is not None and run.mode != "local":
            values["workers"] = options.workers
        await self._journal.commit(Write(run=run.id, run_values=values))
        return replace(run, **values)

    def _launch(self, surroundings: Surroundings, active: ActiveRun, *, with_output: bool) -> None:
        self.begin(surroundings.host.start())
        self._active = active
        self._ended = asyncio.Event()
        self.begin(self._execute(surroundings, active, with_output=with_output))

    async def _execute(
        self, surroundings: Surroundings, active: ActiveRun, *, with_output: bool
    ) -> None:
        from cc4tui.services.pipeline.engine import RunEngine
        from cc4tui.services.pipeline.making import RunMaker
        from cc4tui.services.pipeline.patience import Patience, PatientJournal

        patience = Patience(
            active.id,
            surroundings.bus,
            surroundings.journal,
            (surroundings.state, surroundings.repository.common_dir),
            lambda: active.stopping is not None,
        )
        surroundings = replace(surroundings, journal=PatientJournal(surroundings.journal, patience))
        engine = RunEngine(surroundings, RunMaker(surroundings), patience)
        try:
            with patience.keeping(surroundings.repository.runner):
                await engine.execute(active, with_output=with_output)
        except Exception as error:
            self._errors[active.id] = error
            await engine.broke(active.id, error)
        finally:
            self._active = None
            self._lock.release()
            self._ended.set()


def _has_terminals(state: Path) -> bool:
    """Whether a dead process left terminals; in a thread, as it imports what looks for them."""
    from cc4tui.services.pipeline.terminals_left import left_terminals

    return bool(left_terminals(state))


async def find_run(journal: Journal, run: str | None = None) -> RunRecord:
    """A run by its id or a unique beginning of it; the newest one without a name."""
    if run is None:
        newest = await journal.runs(1)
        if not newest:
            raise NotFoundError("there is no run yet; start one with `cc4tui run PLAN`")
        return newest[0]
    exact = await journal.run(run)
    if exact is not None:
        return exact
    matching = [one for one in await journal.runs(ALL_RUNS) if one.id.startswith(run)]
    if len(matching) != 1:
        what = "matches several runs" if matching else "matches no run"
        raise NotFoundError(f'"{run}" {what}; `cc4tui runs` lists all')
    return matching[0]


async def left_open(journal: Journal) -> list[RunRecord]:
    """Runs that a process worked on which is gone, or that agents may work on; newest first.

    The repository's lock must be free or ours.
    """
    from cc4tui.domain.run import RunStatus, TaskRunState

    found = []
    for run in await journal.runs(ALL_RUNS):
        if run.finished is not None or run.status is RunStatus.CANCELLED:
            continue
        tasks = await journal.task_runs(run.id)
        was_left = any(task.state is TaskRunState.RUNNING for task in tasks)
        if run.status is RunStatus.RUNNING or was_left:
            found.append(run)
    return found


async def known_task(journal: Journal, run: str, task: str) -> TaskRunRecord:
    """A task of a run by its exact id."""
    for found in await journal.task_runs(run):
        if found.task == task:
            return found
    raise NotFoundError(f'run {run} has no task "{task}"; `cc4tui status {run}` lists them')
