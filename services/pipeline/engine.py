"""Executes a stored run from its first task to its landing: the pipeline put together."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cc4tui.domain.plan import Plan
from cc4tui.domain.run import FINAL_STATES, RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.errors import Cc4tuiError, GitError, UnfitError, sentence
from cc4tui.events import Event, RequestRefused, RunFinished, RunResumed, TaskSkipped
from cc4tui.ports import RunOptions
from cc4tui.services.pipeline.adoption import Stock, take_stock
from cc4tui.services.pipeline.asking import carry_out
from cc4tui.services.pipeline.budgets import Budgets
from cc4tui.services.pipeline.context import RunContext
from cc4tui.services.pipeline.desk import Desk
from cc4tui.services.pipeline.finish import Finisher
from cc4tui.services.pipeline.folders import run_folder
from cc4tui.services.pipeline.group import add
from cc4tui.services.pipeline.live_plan import LivePlan
from cc4tui.services.pipeline.making import RunMaker
from cc4tui.services.pipeline.merge_queue import MergeQueue
from cc4tui.services.pipeline.orchestrator import Orchestrator
from cc4tui.services.pipeline.parking import Parking, unusable
from cc4tui.services.pipeline.patience import Patience
from cc4tui.services.pipeline.plan_copies import PlanCopies
from cc4tui.services.pipeline.planned import run_started, schedulable
from cc4tui.services.pipeline.preparation import Preparation
from cc4tui.services.pipeline.quotas import Quotas
from cc4tui.services.pipeline.recorder import Recorder
from cc4tui.services.pipeline.recovery import Recovered, Recovery
from cc4tui.services.pipeline.rules import RuleBook
from cc4tui.services.pipeline.schedule import Schedule
from cc4tui.services.pipeline.selection import PlannedTask, plan_tasks
from cc4tui.services.pipeline.surroundings import Surroundings
from cc4tui.services.pipeline.verification import Verifier
from cc4tui.services.pipeline.wishes import Wishes
from cc4tui.services.pipeline.workspace import Workspace
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.values import budget


log = logging.getLogger(__name__)

REQUEST_SECONDS = 0.2
"""How often the owner looks for what other processes ask of it."""


class ActiveRun:
    """A run that this process works on."""

    def __init__(self, run: RunRecord) -> None:
        self.id = run.id
        self.orchestrator: Orchestrator | None = None
        self.live: LivePlan | None = None
        self.stopping: str | None = None
        self.cancelled = False
        self.asked: tuple[str, str, Mapping[str, Any]] | None = None
        """What to do as soon as the run goes on: kind, task and data, as `carry_out` takes them."""
        self.accept_changes = False
        """A person has looked at what quarantined the run."""
        self.verifier: Verifier | None = None
        self.detach = False
        """Its agents work on when this program is gone, however it went."""
        self.leaving = False

    async def stop(self, why: str, *, at_once: bool = False) -> None:
        """End its agents with their work saved; the run can be resumed."""
        self.stopping = self.stopping or why
        if self.verifier is not None:  # first: the orchestrator may have to wait
            self.verifier.stop(why, at_once=at_once)
        if self.orchestrator is not None:
            await self.orchestrator.stop(why, at_once=at_once)

    async def leave(self, why: str) -> None:
        """Stop working on the run and let its agents work on; the run can be resumed."""
        self.stopping, self.leaving = self.stopping or why, True
        if self.orchestrator is not None:
            await self.orchestrator.leave(why)
        if self.verifier is not None:
            self.verifier.stop(why)

    async def cancel(self) -> None:
        """Cancel every task that has not ended; what merged stays on the integration branch."""
        self.cancelled = True
        if self.orchestrator is not None:
            await self.orchestrator.cancel_all()


class RunEngine:
    """Executes stored runs."""

    def __init__(self, surroundings: Surroundings, maker: RunMaker, patience: Patience) -> None:
        self._s = surroundings
        self._maker = maker
        self._patience = patience

    async def execute(self, active: ActiveRun, *, with_output: bool = False) -> RunStatus:
        """Work on a stored run until it ends or is stopped. The repository's lock must be held."""
        s = self._s
        run = await s.journal.run(active.id)
        assert run is not None
        records = await s.journal.task_runs(run.id)
        stock = await take_stock(s.journal)
        verifier = Verifier(s.host, s.environment, s.settings.check_timeout, s.redactor)
        ready = Preparation(s.repository, s.settings.setup, verifier, s.state, s.settings.keep)
        merges = [record.merged_as for record in records if record.merged_as]
        async with Workspace.open(
            s.repository,
            s.state,
            run,
            ready,
            keep=s.settings.keep,
            spare=stock.worktrees,
            merges=merges,
            tasks=sum(record.state not in FINAL_STATES for record in records),
        ) as workspace:
            context = self._context(run, records, workspace, with_output=with_output)
            context.detach = active.detach
            if active.accept_changes:
                await workspace.quarantine.accept()
            recovered = await self._begin(context, run, records, stock)
            records = await s.journal.task_runs(run.id)
            parking = await self._parking(context, records)
            orchestrator = _orchestrator(context, verifier, records, parking)
            active.orchestrator, active.verifier = orchestrator, verifier
            active.live = self._live_plan(context, orchestrator)
            await self._drive(active, orchestrator, recovered)
            finisher = Finisher(context, s.journal, verifier)
            if orchestrator.left:
                return await finisher.left(orchestrator.left)
            stopping = active.stopping
            landing = await finisher.land(stopping, cancelled=active.cancelled)
            if not landing.landed:
                stopping = active.stopping  # its checks may have been stopped
        if stopping is None:  # before the end is recorded: a run that is cut here goes on
            problem = await self._clean(workspace, run)
            landing = replace(landing, reason=f"{landing.reason} {problem}".strip())
        return await finisher.record(landing, stopping)

    async def _clean(self, workspace: Workspace, run: RunRecord) -> str:
        """Remove the run's branches; what is in the way is no failure of the run, but is said."""
        try:
            tasks = await self._s.journal.task_runs(run.id)
            await workspace.clean(branches_to_keep(run, tasks))
        except GitError as error:
            return f"Its branches are left ({error}); to remove them: cc4tui clean"
        return ""

    async def broke(self, run_id: str, error: BaseException) -> None:
        """Tell that a run ended by an error of its own; it can be resumed."""
        reason = sentence(error)
        event = RunFinished(
            run=run_id,
            status=RunStatus.INTERRUPTED.value,
            counts={},
            target="",
            landed=False,
            reason=reason,
            seconds=0.0,
            efficiency=None,
        )
        recorder = Recorder(run_id, self._s.journal, self._s.bus, self._s.redactor)
        values = {"status": RunStatus.INTERRUPTED, "reason": reason}
        try:
            await recorder.write(run=values, events=[event])
        except UnfitError as unfit:  # the next start finds the run unfinished all the same
            log.warning("the end of run %s could not be stored: %s", run_id, unfit)
            self._s.bus.publish(event)

    def _context(
        self,
        run: RunRecord,
        records: Sequence[TaskRunRecord],
        workspace: Workspace,
        *,
        with_output: bool,
    ) -> RunContext:
        folder = run_folder(self._s.state, run.id)
        options = RunOptions(**_tuples(run.options))
        copies = PlanCopies(folder)
        wishes = Wishes(folder / "wishes.json", self._s.agents)
        data = copies.current.read_bytes()
        plan = read_plan(data, run.plan, accept_offers=options.accept_offers)
        recorder = Recorder(run.id, self._s.journal, self._s.bus, self._s.redactor)
        return RunContext(
            run=run,
            plan=plan,
            tasks=self._planned(plan, copies.others(), options, records, wishes),
            recorder=recorder,
            wishes=wishes,
            budgets=Budgets(
                budget(options.budget) if options.budget else self._s.settings.budget, records
            ),
            desk=Desk(
                run.id,
                recorder,
                (RuleBook(folder / "rules.json"), RuleBook(self._s.state / "rules.json")),
                self._s.redactor,
            ),
            host=self._s.host,
            workspace=workspace,
            patience=self._patience,
            folder=folder,
            backend=self._s.backend,
            prices=self._s.settings.prices,
            environment=self._s.environment,
            limits=self._s.settings.limits,
            output_cap=self._s.settings.output_cap,
            redactor=self._s.redactor,
            with_output=with_output,
        )

    async def _parking(self, context: RunContext, records: Sequence[TaskRunRecord]) -> Parking:
        quotas = Quotas(await unusable(context.tasks, self._s.problem))
        known, wait = self._s.known_limits, self._s.settings.quota_wait
        return Parking(context.recorder, quotas, wait, known, records)

    def _planned(
        self,
        plan: Plan,
        others: Sequence[Path],
        options: RunOptions,
        records: Sequence[TaskRunRecord],
        wishes: Wishes,
    ) -> dict[str, PlannedTask]:
        """The run's tasks; those that an edit took out after they had started, as they were."""
        known = {record.task for record in records if wishes.offshoot(record.task) is None}
        tasks = self._all_tasks(plan, options)
        for file in others:
            if known <= tasks.keys():
                break
            before = read_plan(file.read_bytes(), plan.path, accept_offers=options.accept_offers)
            tasks = {**self._all_tasks(before, options), **tasks}
        every = {record.task for record in records}
        made = wishes.applied(tasks)
        return {task: planned for task, planned in made.items() if task in every}

    def _all_tasks(self, plan: Plan, options: RunOptions) -> dict[str, PlannedTask]:
        every = replace(options, redo=True, batches=(), tasks=())
        planned = plan_tasks(
            plan, every, self._s.settings.defaults, self._maker.agents(options), {}
        )
        return {task.task.id: task for task in planned}

    async def _begin(
        self,
        context: RunContext,
        run: RunRecord,
        records: Sequence[TaskRunRecord],
        stock: Stock,
    ) -> Recovered:
        """Tell that the run starts, or continue what an earlier process left."""
        if not await self._s.journal.events(run.id, 0, 1):
            await context.recorder.write(events=_start_events(run, records))
            return Recovered()
        await context.recorder.write(
            run={"status": RunStatus.RUNNING, "finished": None, "reason": ""},
            events=[RunResumed(run=run.id, reason="continued")],
        )
        await context.mailbox.read(self._s.journal, run.id)
        attempts = await self._s.journal.attempts(run.id)
        return await Recovery(context).reconcile(records, attempts, stock)

    async def _drive(
        self, active: ActiveRun, orchestrator: Orchestrator, recovered: Recovered
    ) -> None:
        if active.stopping is not None and active.leaving:
            await orchestrator.leave(active.stopping)
        elif active.stopping is not None:
            await orchestrator.stop(active.stopping)
        if active.cancelled:
            await orchestrator.cancel_all()
        if active.asked is not None:
            await self._carry_out(orchestrator, active.id, *active.asked)
        async with asyncio.TaskGroup() as group:
            watcher = add(group, partial(self._serve_requests, active, orchestrator))
            await orchestrator.run(recovered.committed, recovered.adopted)
            watcher.cancel()

    def _live_plan(self, context: RunContext, orchestrator: Orchestrator) -> LivePlan:
        run = context.run
        options = RunOptions(**_tuples(run.options))
        agents = self._maker.agents(options)

        def planner(plan: Plan) -> dict[str, PlannedTask]:
            planned = plan_tasks(plan, options, self._s.settings.defaults, agents, {})
            return context.wishes.applied({task.task.id: task for task in planned})

        root = self._s.repository.root or self._s.repository.common_dir
        return LivePlan(
            context,
            orchestrator,
            planner,
            file=root / run.plan_key,
            copies=PlanCopies(context.folder),
            hold=options.hold_edits,
        )

    async def _serve_requests(self, active: ActiveRun, orchestrator: Orchestrator) -> None:
        """Do what other processes asked for through the database."""
        while True:
            for request in await self._s.journal.take_requests(active.id):
                if request.kind == "cancel_run":
                    await active.cancel()
                    continue
                asked = request.kind, request.task, request.data
                await self._carry_out(orchestrator, active.id, *asked)
            if active.live is not None:
                await active.live.look()
            await asyncio.sleep(REQUEST_SECONDS)

    async def _carry_out(
        self,
        orchestrator: Orchestrator,
        run: str,
        kind: str,
        task: str | None,
        data: Mapping[str, Any],
    ) -> None:
        """Whoever asked was told what can be known beforehand; the rest is said in the run."""
        try:
            await carry_out(orchestrator, kind, task, data)
        except Cc4tuiError as error:
            log.warning("%s of %s in %s was refused: %s", kind, task, run, error)
            recorder = Recorder(run, self._s.journal, self._s.bus, self._s.redactor)
            await recorder.write(
                events=[RequestRefused(run=run, task=task, kind=kind, reason=str(error))]
            )


def _orchestrator(
    context: RunContext,
    verifier: Verifier,
    records: Sequence[TaskRunRecord],
    parking: Parking,
) -> Orchestrator:
    tasks = [schedulable(context.tasks[record.task]) for record in records]
    schedule = Schedule(
        tasks,
        {record.task: record.state for record in records},
        keep_going=bool(context.run.options.get("keep_going")),
    )
    return Orchestrator(context, schedule, MergeQueue(context, verifier), records, parking)


def branches_to_keep(run: RunRecord, tasks: Sequence[TaskRunRecord]) -> list[str]:
    """Branches of an ended run that hold what the target does not: a person is to look at them."""
    kept = [
        task.branch
        for task in tasks
        if task.branch is not None and task.state in (TaskRunState.FAILED, TaskRunState.CANCELLED)
    ]
    waits = any(task.state is TaskRunState.MERGED for task in tasks)
    return [*kept, run.branch] if waits or run.land == "none" else kept


def _start_events(run: RunRecord, records: Sequence[TaskRunRecord]) -> list[Event]:
    skipped = [
        TaskSkipped(run=run.id, task=record.task, reason=record.reason)
        for record in records
        if record.state is TaskRunState.SKIPPED
    ]
    return [run_started(run, records), *skipped]


def _tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the database gives them back: JSON knows no tuples."""
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in options.items()
    }
