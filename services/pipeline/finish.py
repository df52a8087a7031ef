"""The end of a run: land what merged, say what did not, count."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cc4tui.domain.run import (
    DONE_STATES,
    ReasonCode,
    RunRecord,
    RunStatus,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.events import (
    Event,
    RunFinished,
    RunPaused,
    RunQuarantined,
    RunStarted,
    TaskLanded,
)
from cc4tui.ports import Journal, TaskUpdate
from cc4tui.services.pipeline.context import RunContext
from cc4tui.services.pipeline.recorder import move
from cc4tui.services.pipeline.verification import Verifier
from cc4tui.services.pipeline.workspace import Landing, WorkTree


class Finisher:
    """Ends one run."""

    def __init__(self, context: RunContext, journal: Journal, verifier: Verifier) -> None:
        self._context = context
        self._journal = journal
        self._verifier = verifier

    async def land(self, stopping: str | None, *, cancelled: bool) -> Landing:
        """Land if that is due.

        Args:
            stopping: Why the run was asked to stop before its tasks ended; None = they ended.
            cancelled: The whole run was cancelled: what merged stays on its branch.
        """
        run = self._context.run
        if stopping is not None:
            return Landing(landed=False, reason=f"stopped: {stopping}")
        if cancelled:
            return Landing(landed=False, reason=f"cancelled; what merged is on {run.branch}")
        return await self._land(await self._journal.task_runs(run.id))

    async def record(self, landing: Landing, stopping: str | None) -> RunStatus:
        """Record the run's end, once nothing of it goes on any more, and return its status."""
        tasks = await self._journal.task_runs(self._context.run.id)
        status = run_status(tasks, stopping)
        await self._record(self._context.run, tasks, status, landing)
        return status

    async def left(self, tasks: Sequence[str]) -> RunStatus:
        """This program stops working on the run, but agents of these tasks work on."""
        agents = "1 agent works" if len(tasks) == 1 else f"{len(tasks)} agents work"
        run = self._context.run.id
        reason = f"detached: {agents} on without cc4tui; go on with: cc4tui resume {run}"
        await self._context.recorder.write(
            run={"status": RunStatus.INTERRUPTED, "finished": None, "reason": reason},
            events=[RunPaused(run=run, reason=reason)],
            durable=True,
        )
        return RunStatus.INTERRUPTED

    async def _land(self, tasks: Sequence[TaskRunRecord]) -> Landing:
        merged = [task for task in tasks if task.state is TaskRunState.MERGED]
        run = self._context.run
        if not merged:
            return Landing(landed=any(task.state is TaskRunState.LANDED for task in tasks))
        if run.options.get("land_when") == "all" and not _all_done(tasks):
            why = f"not every task is done, and --land-when all was asked for; {run.branch} holds"
            return await self._refused(merged, Landing(landed=False, reason=f"{why} what merged"))
        workspace, checks = self._context.workspace, self._checks()
        landing = await self._context.patience.through(lambda: workspace.land(run, checks))
        if not landing.landed:
            return await self._refused(merged, landing)
        await self._landed(merged)
        planned = [t.task for t in merged if self._context.wishes.offshoot(t.task) is None]
        problems = await self._context.workspace.ticker.tick_in_place(planned)
        return replace(landing, reason=" ".join(problems)) if problems else landing

    def _checks(self) -> "LandingChecks":
        return LandingChecks(self._context, self._verifier)

    async def _landed(self, merged: Sequence[TaskRunRecord]) -> None:
        run = self._context.run
        await self._context.recorder.write(
            tasks=[move(t.task, TaskRunState.MERGED, TaskRunState.LANDED) for t in merged],
            events=[TaskLanded(run=run.id, task=t.task, target=run.target) for t in merged],
            durable=True,
        )

    async def _refused(self, merged: Sequence[TaskRunRecord], landing: Landing) -> Landing:
        """What merged stays on the integration branch, and each such task says why."""
        expect = frozenset({TaskRunState.MERGED})
        updates = [
            TaskUpdate(
                task.task,
                expect,
                None,
                {"reason_code": self._code(task.task, landing), "reason": landing.reason},
            )
            for task in merged
        ]
        await self._context.recorder.write(tasks=updates, events=self._told(landing))
        return landing

    def _code(self, task: str, landing: Landing) -> ReasonCode | None:
        if not landing.quarantined:
            return ReasonCode.CONFLICT
        flagged = task in self._context.workspace.quarantine.flagged
        return ReasonCode.QUARANTINED if flagged else None

    def _told(self, landing: Landing) -> list[Event]:
        if not landing.quarantined:
            return []
        tasks = sorted(self._context.workspace.quarantine.flagged)
        changes = [self._context.redactor.text(line) for line in landing.changes]
        return [
            RunQuarantined(
                run=self._context.run.id, tasks=tasks, reason=landing.reason, changes=changes
            )
        ]

    async def _record(
        self,
        run: RunRecord,
        tasks: Sequence[TaskRunRecord],
        status: RunStatus,
        landing: Landing,
    ) -> None:
        now = datetime.now(UTC)
        started, worked = await self._times(run.id)
        seconds = (now - (started or run.started)).total_seconds()
        finished = RunFinished(
            run=run.id,
            status=status.value,
            counts=count_states(tasks),
            target=run.target,
            landed=landing.landed,
            reason=landing.reason,
            seconds=round(seconds, 3),
            efficiency=round(worked / (run.workers * seconds), 4) if seconds > 0 else None,
        )
        ended = None if status is RunStatus.INTERRUPTED else now
        await self._context.recorder.write(
            run={"status": status, "finished": ended, "reason": landing.reason},
            events=[finished],
            durable=True,
        )

    async def _times(self, run: str) -> tuple[datetime | None, float]:
        """When the workers first started, and the seconds that agents worked together."""
        first = await self._journal.events(run, 0)
        started = next((event.ts for event in first if isinstance(event, RunStarted)), None)
        attempts = await self._journal.attempts(run)
        spans = ((one.started, one.finished) for one in attempts)
        return started, sum((end - begin).total_seconds() for begin, end in spans if begin and end)


class LandingChecks:
    """Runs every check of the run again, for a tree that the target's own commits are in too."""

    def __init__(self, context: RunContext, verifier: Verifier) -> None:
        self._context = context
        self._verifier = verifier

    @property
    def commands(self) -> list[str]:
        """Each check once, in the order of the tasks."""
        every = (command for task in self._context.tasks.values() for command in task.verify)
        return list(dict.fromkeys(every))

    async def __call__(self, tree: WorkTree) -> str | None:
        """The sentence of the first check that fails in this work tree; None = all pass."""
        extra = {**tree.environment, "CC4_RUN": self._context.run.id}
        folder = self._context.folder / "landing"
        results = await self._verifier.run(self.commands, tree.path, folder, extra)
        failed = next((result for result in results if result.exit_code != 0), None)
        if failed is not None and failed.exit_code is None and self._verifier.stopped:
            return f"its checks were stopped ({self._verifier.stopped})"
        return failed.sentence if failed else None


def run_status(tasks: Sequence[TaskRunRecord], stopping: str | None) -> RunStatus:
    """What the states of its tasks make of a run."""
    if stopping is not None:
        return RunStatus.INTERRUPTED
    arrived = (TaskRunState.LANDED, TaskRunState.SKIPPED)
    if all(task.state in arrived for task in tasks):
        return RunStatus.SUCCEEDED
    cancelled = [task for task in tasks if task.state is TaskRunState.CANCELLED]
    open_states = (*DONE_STATES, TaskRunState.CANCELLED, TaskRunState.BLOCKED)
    if cancelled and all(task.state in open_states for task in tasks):
        return RunStatus.CANCELLED
    landed = any(task.state is TaskRunState.LANDED for task in tasks)
    return RunStatus.PARTLY_FAILED if landed else RunStatus.FAILED


def count_states(tasks: Sequence[TaskRunRecord]) -> dict[str, int]:
    """Tasks by state."""
    counts: dict[str, int] = {}
    for task in tasks:
        counts[task.state.value] = counts.get(task.state.value, 0) + 1
    return counts


def _all_done(tasks: Sequence[TaskRunRecord]) -> bool:
    return all(task.state in DONE_STATES for task in tasks)
