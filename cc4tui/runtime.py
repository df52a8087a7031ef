"""The composition root: the one module that knows concrete classes, and what front ends talk to.

Every command and the app's first frame pay for what is imported at the top of this module. So the
database and everything that plans, runs and decodes are imported by the methods that need them,
most of them in a thread: `imported`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cc4tui.config import Config, LoadedConfig, load_config, unknown_agent
from cc4tui.errors import NotFoundError, UsageError
from cc4tui.importing import imported
from cc4tui.late import LateStore
from cc4tui.logs import logging_to
from cc4tui.paths import StatePaths
from cc4tui.ports import RepositoryInfo
from cc4tui.services.git.repository import Repository
from cc4tui.services.pipeline.session import RunSession, find_run, known_task
from cc4tui.trust import TrustStore, plan_commands


if TYPE_CHECKING:
    from cc4tui.domain.agent_spec import AgentSpec
    from cc4tui.domain.forecast import DryRunTask, Forecast
    from cc4tui.domain.plan import Plan
    from cc4tui.domain.run import RunRecord
    from cc4tui.events import Event
    from cc4tui.ports import (
        Against,
        Decision,
        Instance,
        Journal,
        MessageWay,
        Notebook,
        OpenRequest,
        OutputNote,
        OutputReader,
        OutputSize,
        PlanSummary,
        Retry,
        RunOptions,
        RunView,
        SavedWork,
        Store,
        TaskChanges,
        Terminal,
        TrustQuestion,
    )
    from cc4tui.services.agents.redaction import Redactor
    from cc4tui.services.git.ledger import Ledger
    from cc4tui.services.git.private import PrivateGit
    from cc4tui.services.pipeline.attaching import Attachments
    from cc4tui.services.pipeline.bus import EventBus
    from cc4tui.services.pipeline.diffs import TaskDiffs
    from cc4tui.services.pipeline.surroundings import Surroundings
    from cc4tui.services.plans.catalog import PlanCatalog
    from cc4tui.services.processes.host import Supervisors
    from cc4tui.storage.store import SqlStore

log = logging.getLogger(__name__)

RUNNING = (
    "cc4tui.services.pipeline.engine",
    "cc4tui.services.processes.host",
    "cc4tui.services.agents.replay",
)
"""What only a run needs; with what these import it is most of the program."""


class Runtime:
    """Everything that the screens and the command line can ask for; see `ports.CommandCenter`."""

    def __init__(
        self,
        repository: Repository,
        paths: StatePaths,
        loaded: LoadedConfig,
        store: LateStore,
        session: RunSession,
    ) -> None:
        self.paths = paths
        self._git = repository
        self._loaded = loaded
        self._late = store
        self._store = cast("Store", store)
        self._session = session
        self._events: EventBus | None = None
        self._host: Supervisors | None = None
        self._plans: PlanCatalog | None = None
        self._attachments: Attachments | None = None
        self._trust = TrustStore(paths.root, repository.common_dir)
        self._foreign: asyncio.Task[None] | None = None
        self._tell: Callable[[str], None] = log.warning
        self._reconciling: asyncio.Future[str] | None = None
        self._lent: Mapping[str, str] = {}
        """Variables in files that worktrees get a copy of."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        start: Path,
        *,
        flags: Mapping[str, Any] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> AsyncIterator[Runtime]:
        """Open the repository that holds `start`; on leaving, stop what runs and close all.

        Args:
            flags: Keys of ``[run]`` from the command line.
            tell: Gets what the person must know of the state, a sentence, whenever it is found.

        Raises:
            UnfitError: no repository, no git, a state folder or configuration that cannot be used.
        """
        repository = await Repository.open(start)
        paths = StatePaths.of(repository.common_dir)
        paths.prepare()
        loaded = load_config(repository.root, flags=flags)
        async with AsyncExitStack() as stack:
            stack.enter_context(logging_to(paths.log))
            store = LateStore(paths.db, lambda made: runtime._renewed(made))
            stack.push_async_callback(store.close)
            session = RunSession(cast("Store", store), paths.lock)
            runtime = cls(repository, paths, loaded, store, session)
            runtime._tell = tell or runtime._tell
            stack.push_async_callback(runtime._close_host)
            await stack.enter_async_context(session.opened())
            stack.push_async_callback(runtime._unfollow)
            stack.push_async_callback(runtime._close_terminals)
            yield runtime

    async def ready(self) -> None:
        """Open and import what the first frame does without; nothing waits for it but its caller.

        Raises:
            UnfitError: the database cannot be used.
        """
        await self._late.opened()
        await self._catalog()
        await imported(*RUNNING)

    # --- what there is ---------------------------------------------------------------------

    @property
    def config(self) -> Config:
        """The configuration; without the repository's own commands until they are trusted."""
        return self._loaded.safe if self.config_question() else self._loaded.full

    @property
    def redactor(self) -> Redactor:
        """Knows the secrets of the person's environment and of the agents' configuration."""
        from cc4tui.services.agents.redaction import Redactor, secret_values

        agents = (agent.env for agent in self.config.agents.values())
        return Redactor(secret_values(os.environ, self._lent, *agents))

    @property
    def repository(self) -> RepositoryInfo:
        """As it was when it was opened or last used by a run."""
        root = self._git.root or self._git.common_dir
        return RepositoryInfo(self._git.name, root, self._git.branch)

    @property
    def journal(self) -> Journal:
        """Runs, tasks, attempts and events."""
        return self._store

    @property
    def notebook(self) -> Notebook:
        """Ideas and lessons."""
        return self._store

    async def agents(self) -> list[AgentSpec]:
        """Configured agents, the default one first, also those that wait for trust."""
        config = self._loaded.full
        default = config.run.agent
        return sorted(config.agents.values(), key=lambda spec: spec.name != default)

    # --- plans -----------------------------------------------------------------------------

    async def plans(self) -> list[PlanSummary]:
        """Plans of the repository, most recently changed first."""
        return await (await self._catalog()).summaries()

    async def read_plan(self, path: str) -> Plan:
        """Read a plan; its problems are in its diagnostics."""
        return await (await self._catalog()).read(path)

    async def watch_plans(self) -> AsyncIterator[set[str]]:
        """Paths of plans that changed on disk, as they change."""
        await imported("watchfiles")
        async for changed in (await self._catalog()).watch():
            yield changed

    async def plan_source(self, path: str) -> str:
        """The plan's text, as near as it can be read; raw, clean it to show."""
        catalog = await self._catalog()
        data = await asyncio.to_thread(catalog.data, path)
        return data.decode("utf-8", "replace")

    async def create_plan(self, path: str, title: str) -> None:
        """Write a new plan from the template; never over a file that is there."""
        await (await self._catalog()).create(path, title)

    async def promote_idea(self, idea: int, plan: str) -> str:
        """Write the idea as a task into the plan file; returns the task's id."""
        from cc4tui.domain.notes import IdeaStatus

        found = await self._store.idea(idea)
        if found is None:
            raise NotFoundError(f"no idea {idea}; `cc4tui idea list` shows them")
        title, _, body = found.text.partition("\n")
        task = await (await self._catalog()).add(plan, title, body)
        await self._store.update_idea(idea, status=IdeaStatus.PLANNED, plan=plan, task=task)
        return task

    async def restore_plan(self, plan: str) -> None:
        """Undo the last promote_idea of this plan."""
        await (await self._catalog()).undo_add(plan)

    # --- trust -----------------------------------------------------------------------------

    async def trust_question(self, plan: str, options: RunOptions) -> TrustQuestion | None:
        """What must be confirmed before this run; None = nothing."""
        catalog = await self._catalog()
        read = await catalog.read(plan, accept_offers=options.accept_offers)
        return self._trust.question(self._loaded.repository_commands, plan_commands(read))

    def config_question(self) -> TrustQuestion | None:
        """What of the repository's own cc4tui.toml must be confirmed before it counts."""
        return self._trust.question(self._loaded.repository_commands, ())

    async def trust(self, question: TrustQuestion) -> None:
        """Remember the person's yes."""
        self._trust.accept(question)

    # --- runs ------------------------------------------------------------------------------

    async def dry_run(self, plan: str, options: RunOptions) -> list[list[DryRunTask]]:
        """What would run, wave by wave; a last wave holds what would not run, with the reason.

        Whether the agents can be used here is not asked: nothing is started.
        """
        catalog = await self._catalog()
        read = await catalog.read(plan, accept_offers=options.accept_offers)
        surroundings = await self._prospect()
        from cc4tui.services.pipeline.dry_run import dry_run
        from cc4tui.services.pipeline.making import RunMaker

        maker = RunMaker(surroundings)
        planned = await maker.intended(read, catalog.key(plan), options)
        workers = maker.workers(read, options)
        return await asyncio.to_thread(dry_run, read, planned, workers)

    async def forecast(self, plan: str, options: RunOptions) -> Forecast:
        """How a run would go: order, clashes of files, time from past runs, problems."""
        catalog = await self._catalog()
        read = await catalog.read(plan, accept_offers=options.accept_offers)
        surroundings = await self._prospect()
        from cc4tui.domain.forecast import Forecast
        from cc4tui.services.pipeline.forecast import forecast, history
        from cc4tui.services.pipeline.making import RunMaker

        maker = RunMaker(surroundings)
        workers = maker.workers(read, options)
        if read.errors:
            return Forecast(read.path, workers, problems=read.diagnostics)
        planned = await maker.intended(read, catalog.key(plan), options)
        past = await history(self._store)
        told = await asyncio.to_thread(forecast, read, planned, workers, past)
        return replace(told, unfit=tuple(await maker.problems(planned)))

    async def time_left(self, run: str) -> tuple[float, float] | None:
        """Seconds that a run still takes, between the first and the second; None = not known."""
        from cc4tui.services.pipeline.forecast import history, time_left

        view = await self.run_view(run)
        attempts = await self._store.attempts(view.run.id)
        now, past = datetime.now(UTC), await history(self._store)
        return await asyncio.to_thread(time_left, view, attempts, now, past)

    async def start_run(
        self,
        plan: str,
        options: RunOptions,
        *,
        with_output: bool = False,
        detach: bool = False,
    ) -> str:
        """Start (or continue) a run in this process; returns its id at once.

        Args:
            detach: Its agents work on when this program is gone, however it went.

        Raises:
            UnfitError, PlanError, UsageError: nothing was started; the sentence says why.
        """
        surroundings = await self._surroundings()
        catalog = await self._catalog()
        data = await asyncio.to_thread(catalog.data, plan)
        read = await catalog.read(plan, accept_offers=options.accept_offers)
        key = catalog.key(plan)
        return await self._session.start(
            surroundings, read, data, key, options, with_output=with_output, detach=detach
        )

    async def resume(
        self,
        run: str | None = None,
        *,
        accept_changes: bool = False,
        with_output: bool = False,
        detach: bool = False,
    ) -> str:
        """Continue an unfinished run in this process; the newest one without a name.

        Args:
            accept_changes: Land although the repository executes something else than before.
            detach: Its agents work on when this program is gone, however it went.
        """
        record = await self._session.find_unfinished() if run is None else await self.find_run(run)
        if record is None:
            raise NotFoundError("there is no unfinished run; `cc4tui runs` lists all")
        # Here nobody is asked about edits of the plan: they count at once.
        record = replace(record, options={**record.options, "hold_edits": False})
        surroundings = await self._surroundings()
        return await self._session.resume(
            surroundings,
            record,
            accept_changes=accept_changes,
            with_output=with_output,
            detach=detach,
        )

    async def wait(self, run: str) -> RunView:
        """Wait until a run of this process has ended."""
        await self._session.wait(run)
        return await self.run_view(run)

    async def stop(self, why: str, *, at_once: bool = False) -> None:
        """End what this process runs, with all work saved; it can be resumed.

        Args:
            at_once: Kill its agents without giving them time; may follow an earlier call without.
        """
        await self._session.stop(why, at_once=at_once)

    async def reconcile(self) -> str:
        """Put right what a dead process left, once; what was done, as a sentence, or nothing.

        A run whose agents were left working goes on here, unless the repository's commands wait
        for a yes: without them its checks would be left out.
        """
        if self._reconciling is None:
            trusted = self.config_question() is None
            self._reconciling = asyncio.ensure_future(
                self._session.reconcile(self._surroundings, goes_on=trusted)
            )
        return await asyncio.shield(self._reconciling)

    async def put_right(self) -> str:
        """Put right what dead processes left, without continuing any run; what was done."""
        return await self._session.reconcile(self._surroundings, goes_on=False)

    @property
    def active_run(self) -> str | None:
        """The run that goes on in this process."""
        active = self._session.active
        return None if active is None else active.id

    def other_instance(self) -> Instance | None:
        """Who else works in this repository, so that nothing can be started here."""
        return self._session.other

    async def leave(self, why: str) -> None:
        """Stop working on what this process runs and let its agents work on; it can be resumed."""
        await self._session.leave(why)

    async def find_run(self, run: str | None = None) -> RunRecord:
        """A run by its id or a unique beginning of it; the newest one without a name."""
        return await find_run(self._store, run)

    async def run_view(self, run: str) -> RunView:
        """A run with its tasks; one whose process died shows as interrupted."""
        from cc4tui.domain.run import RunStatus
        from cc4tui.ports import RunView

        record = await self._store.run(run)
        if record is None:
            raise NotFoundError(f'there is no run "{run}"; `cc4tui runs` lists all')
        shown = self.truthful(record)
        tasks = await self._store.task_runs(run)
        if shown.status is RunStatus.INTERRUPTED:
            from cc4tui.services.pipeline.unattended import as_they_are

            tasks = await as_they_are(self._store, tasks)
        return RunView(shown, tuple(tasks))

    def truthful(self, run: RunRecord) -> RunRecord:
        """The record, with `running` only where a process works on it right now."""
        from cc4tui.domain.run import RunStatus

        active = self._session.active
        ours = active is not None and active.id == run.id
        if run.status is RunStatus.RUNNING and not ours and self._session.idle:
            return replace(run, status=RunStatus.INTERRUPTED)
        return run

    async def subscribe(self) -> AsyncIterator[Event]:
        """Events of this repository's runs from now on, those of other processes included."""
        if self._foreign is None:
            self._foreign = asyncio.ensure_future(self._follow_foreign())
        with self._bus.subscribe() as subscription:
            async for event in subscription:
                yield event

    async def pause_run(self, run: str, *, paused: bool) -> None:
        """Start nothing new in a run that goes on, or go on; agents at work stay at work."""
        active = self._session.active
        if active is not None and active.id == run and active.orchestrator is not None:
            await active.orchestrator.pause(paused=paused)
        elif self._session.idle:
            raise UsageError(f"run {run} is not going on; `cc4tui resume {run}` continues it")
        else:
            await self._store.add_request("pause_run", run, None, {"paused": paused})

    async def cancel_run(self, run: str) -> None:
        """Cancel every task of a run that has not ended, wherever the run goes on."""
        active = self._session.active
        if active is not None and active.id == run:
            await active.cancel()
        elif not self._session.idle:
            await self._store.add_request("cancel_run", run, None, {})
        else:
            await self._cancel_stored(run)

    async def cancel_task(self, run: str, task: str) -> None:
        """Cancel one task."""
        await known_task(self._store, run, task)
        active = self._session.active
        if active is not None and active.id == run and active.orchestrator is not None:
            await active.orchestrator.cancel(task)
        elif self._session.idle:
            raise UsageError(f"run {run} is not going on; `cc4tui cancel {run}` ends it for good")
        else:
            await self._store.add_request("cancel_task", run, task, {})

    async def retry_task(self, run: str, task: str, wish: Retry | None = None) -> None:
        """Try a task again: in the run that goes on, or by continuing its run here.

        Args:
            wish: By another agent or model, or with a hint, from now on.
        """
        await known_task(self._store, run, task)
        if wish is not None and wish.agent:
            from cc4tui.services.agents.readiness import unready
            from cc4tui.services.agents.registry import backend_for

            spec = self._agent(wish.agent)
            if problem := await unready(spec, backend_for(spec.driver), os.environ):
                raise UsageError(problem)
        data = {} if wish is None else asdict(wish)
        await self._ask("retry_task", run, task, data)

    async def skip_task(self, run: str, task: str, reason: str = "") -> None:
        """Pass over a task that nobody works on: what waits for it may start."""
        from cc4tui.domain.run import ACTIVE_STATES, DONE_STATES

        found = await known_task(self._store, run, task)
        if found.state in (*ACTIVE_STATES, *DONE_STATES):
            way_out = f"; stop it first: cc4tui cancel {run} {task}"
            raise UsageError(
                f"task {task} is {found.state.value}"
                f"{way_out if found.state in ACTIVE_STATES else '; there is nothing to skip'}"
            )
        await self._ask("skip_task", run, task, {"reason": reason})

    async def fork_attempt(
        self, run: str, task: str, text: str, attempt: int | None = None
    ) -> None:
        """Make a new task that goes on from an attempt's work, with a copy of its session."""
        found = await known_task(self._store, run, task)
        number = found.attempts if attempt is None else attempt
        if not 0 < number <= found.attempts:
            raise UsageError(f"task {task} has {found.attempts} attempts, and no attempt {number}")
        await self._ask("fork", run, task, {"text": text, "attempt": number})

    async def _ask(self, kind: str, run: str, task: str, data: Mapping[str, Any]) -> None:
        """Have it done by whoever works on the run, or by continuing it here."""
        from cc4tui.services.pipeline.asking import carry_out

        active = self._session.active
        if active is not None and active.id == run and active.orchestrator is not None:
            await carry_out(active.orchestrator, kind, task, data)
        elif self._session.idle:
            record, surroundings = await self.find_run(run), await self._surroundings()
            await self._session.resume(surroundings, record, asked=(kind, task, data))
        else:
            await self._store.add_request(kind, run, task, data)

    async def open_requests(self, run: str | None = None) -> list[OpenRequest]:
        """What agents wait for, oldest first: of one run, or of all that go on."""
        from cc4tui.domain.run import RunStatus
        from cc4tui.services.pipeline.inbox import open_requests

        if run is not None:
            return await open_requests(self._store, run)
        going = [r for r in await self._store.runs() if r.status is RunStatus.RUNNING]
        return [one for r in reversed(going) for one in await open_requests(self._store, r.id)]

    async def answer(self, run: str, decision: Decision) -> None:
        """Answer what an agent waits for, wherever its run goes on."""
        from cc4tui.services.pipeline.inbox import to_data

        found = next((r for r in await self.open_requests(run) if r.name == decision.request), None)
        if found is None:
            raise NotFoundError(
                f'no request "{decision.request}" of run {run} waits for an answer;'
                " `cc4tui requests` lists those that do"
            )
        if decision.always and decision.allow and not (decision.rule or found.rule):
            raise UsageError("this cannot be made a rule; allow it once, or give a rule yourself")
        active = self._session.active
        if active is not None and active.id == run and active.orchestrator is not None:
            await active.orchestrator.answer(decision)
        else:
            await self._store.add_request("answer", run, found.task, to_data(decision))

    async def tell_agent(self, run: str, task: str, text: str, *, interrupt: bool = False) -> None:
        """Hand a message to a task's agent; `message_way` tells what becomes of it."""
        await self.message_way(run, task)
        await self._ask("message", run, task, {"text": text, "interrupt": interrupt})

    async def message_way(self, run: str, task: str) -> MessageWay:
        """What would become of a message to this task now; UsageError if nobody can be told."""
        from cc4tui.services.pipeline.ways import stored_way

        found = await known_task(self._store, run, task)
        active = self._session.active
        if active is not None and active.id == run and active.orchestrator is not None:
            return active.orchestrator.way(task)
        return await stored_way(self._store, found, self.config.agents)

    async def attach(self, run: str, task: str) -> Terminal:
        """Open the screen of a task's agent, in its session; a shell where that cannot be."""
        record, surroundings = await self.find_run(run), await self._surroundings()
        await known_task(self._store, run, task)
        await imported("cc4tui.services.pipeline.attaching")
        from cc4tui.services.pipeline.attaching import Attachments

        if self._attachments is None:
            self._attachments = Attachments(self._session, self._bus, self.paths.folder)
        return await self._attachments.open(surroundings, record, task)

    async def apply_plan_edit(self, run: str) -> None:
        """Take over an edit of the plan that is held by the run of this process."""
        active = self._session.active
        if active is None or active.id != run or active.live is None:
            raise UsageError(f"run {run} does not go on in this process")
        await active.live.apply()

    async def task_diff(self, run: str, task: str, *, exact: bool = False) -> str:
        """Unified diff of the task's work against what it started from.

        Args:
            exact: With every byte, for programs; else known secrets are masked.
        """
        text = await (await self._diffs(run, task)).unified()
        return text if exact else self.redactor.text(text)

    async def task_changes(
        self, run: str, task: str, against: Against | None = None
    ) -> TaskChanges:
        """What a task changed, also while its agent is at work; known secrets are masked."""
        told = await (await self._diffs(run, task)).changes(against)
        return replace(told, text=await asyncio.to_thread(self.redactor.text, told.text))

    async def task_lines(self, run: str, task: str) -> tuple[int, int] | None:
        """Lines that a task added and removed so far; None when nobody knows."""
        return await (await self._diffs(run, task)).lines()

    async def _diffs(self, run: str, task: str) -> TaskDiffs:
        from cc4tui.services.pipeline.diffs import TaskDiffs

        record, found = await self.find_run(run), await known_task(self._store, run, task)
        attempts = await self._store.attempts(record.id, task)
        return TaskDiffs(await self._private(), record, found, attempts)

    # --- what was saved ----------------------------------------------------------------------

    async def saved(self) -> list[SavedWork]:
        """Everything that was saved because no branch held it, newest first."""
        from cc4tui.services.pipeline.saved import saved_works

        return await saved_works(await self._ledger(), self._store)

    async def saved_diff(self, name: str, *, exact: bool = False) -> str:
        """What a saved work changes, as a unified diff; its name may be cut short.

        Args:
            exact: With every byte, for programs; else known secrets are masked.
        """
        ledger = await self._ledger()
        text = await ledger.diff(await ledger.find(name))
        return text if exact else self.redactor.text(text)

    async def restore_saved(
        self, name: str, branch: str | None = None, *, worktree: Path | None = None
    ) -> str:
        """Make a branch of a saved work and return its name; no file is touched.

        Args:
            worktree: A folder that does not exist; the branch is checked out in it.
        """
        ledger = await self._ledger()
        made = await ledger.restore(await ledger.find(name), branch)
        if worktree is not None:
            from cc4tui.services.git.restoring import open_worktree

            await open_worktree(ledger.private, worktree, made)
        return made

    def agent_output(
        self, run: str, task: str, attempt: int, until: OutputSize | None = None
    ) -> OutputReader:
        """Reads what an agent said, decoded, from its files; nothing after `until`."""
        from cc4tui.services.agents.replay import output_reader

        return output_reader(self._attempt_folder(run, task, attempt), self.redactor, until)

    async def output_times(self, run: str, task: str, attempt: int) -> list[OutputNote]:
        """When an agent had written how much, as far as it was noted."""
        from cc4tui.services.pipeline.output_times import read_times

        return await asyncio.to_thread(read_times, self._attempt_folder(run, task, attempt))

    # --- inside ----------------------------------------------------------------------------

    async def _catalog(self) -> PlanCatalog:
        if self._plans is None:
            await imported("cc4tui.services.plans.catalog")
            from cc4tui.services.plans.catalog import PlanCatalog

            root = self._git.root or self._git.common_dir
            self._plans = self._plans or PlanCatalog(root)
        return self._plans

    async def _renewed(self, store: SqlStore) -> None:
        """The database was damaged, and a new one made: tell the runs again."""
        from cc4tui.services.pipeline.rebuilding import rebuild_runs

        private = await self._private()
        runs = await rebuild_runs(store, private, self.paths.folder)
        known = f"{runs} run{'' if runs == 1 else 's'} told again from their folders and git"
        self._tell(f"{store.notice}, and {known}")

    async def _private(self) -> PrivateGit:
        from cc4tui.services.git.private import PrivateGit

        private = PrivateGit(self._git, self.paths.folder)
        await private.prepare()
        return private

    async def _ledger(self) -> Ledger:
        from cc4tui.services.git.ledger import Ledger

        return Ledger(await self._private())

    def _attempt_folder(self, run: str, task: str, attempt: int) -> Path:
        from cc4tui.services.pipeline.folders import attempt_folder, run_folder

        return attempt_folder(run_folder(self.paths.folder, run), task, attempt)

    async def _cancel_stored(self, run: str) -> None:
        """Cancel a run that no process works on; what merged stays on its branch."""
        record = await self.find_run(run)
        if record.finished is not None and not await self._session.may_land(record):
            raise UsageError(f"run {run} has ended as {record.status.value}")
        await self._session.cancel_stored(await self._surroundings(), record)

    async def _surroundings(self) -> Surroundings:
        """Looked at anew for every run: the branch or the configuration may have changed."""
        await imported(*RUNNING)
        from cc4tui.services.agents.registry import backend_for
        from cc4tui.services.git.belongings import find_belongings, settings_in
        from cc4tui.services.pipeline.surroundings import Surroundings
        from cc4tui.services.processes.host import Supervisors
        from cc4tui.settings import run_settings

        self._host = self._host or Supervisors(self.paths.folder / "processes.log")
        self._git = await Repository.open(self._git.root or self._git.common_dir)
        run = self.config.run
        belongings = await asyncio.to_thread(find_belongings, self._git.root, run.copy, run.link)
        self._lent = await asyncio.to_thread(settings_in, belongings)
        return Surroundings(
            repository=self._git,
            state=self.paths.folder,
            journal=self._store,
            bus=self._bus,
            host=self._host,
            agents=self._agent,
            backend=backend_for,
            environment=dict(os.environ),
            settings=run_settings(self.config, belongings),
            redactor=self.redactor,
        )

    async def _prospect(self) -> Surroundings:
        """To look ahead: agents that wait for trust are known as well, but not touched."""
        safe, full = self.config.agents, self._loaded.full.agents
        untrusted = frozenset(name for name in full if full[name] != safe.get(name))
        agents = partial(self._agent, among=full)
        return replace(await self._surroundings(), agents=agents, untrusted=untrusted)

    def _agent(self, name: str, among: Mapping[str, AgentSpec] | None = None) -> AgentSpec:
        agents = among or self.config.agents
        if name not in agents:
            raise UsageError(unknown_agent(name, agents))
        return agents[name]

    async def _follow_foreign(self) -> None:
        from cc4tui.services.pipeline.foreign import follow_foreign

        async for event in follow_foreign(self._store, lambda: self._session.idle):
            self._bus.publish(event)

    @property
    def _bus(self) -> EventBus:
        from cc4tui.services.pipeline.bus import EventBus

        self._events = self._events or EventBus()
        return self._events

    async def _close_terminals(self) -> None:
        if self._attachments is not None:
            await self._attachments.close()

    async def _close_host(self) -> None:
        if self._host is not None:
            await self._host.close()

    async def _unfollow(self) -> None:
        if self._events is not None:
            self._events.close()
        if self._reconciling is not None:
            await asyncio.gather(self._reconciling, return_exceptions=True)
        if self._foreign is not None:
            self._foreign.cancel()
            await asyncio.gather(self._foreign, return_exceptions=True)
