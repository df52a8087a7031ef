"""Ends a run for good that no process works on."""

from datetime import UTC, datetime

from cc4tui.domain.run import FINAL_STATES, RunRecord, RunStatus, TaskRunState
from cc4tui.ports import TaskUpdate, Write
from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES
from cc4tui.services.pipeline.adoption import CANCELLED, take_stock
from cc4tui.services.pipeline.engine import branches_to_keep
from cc4tui.services.pipeline.surroundings import Surroundings
from cc4tui.services.pipeline.workspace import rescue


async def cancel_stored(s: Surroundings, run: RunRecord) -> None:
    """Cancel what has not ended; agents that were left working end, and their work is saved.

    What merged stays on the run's branch. The repository's lock must be held.
    """
    await _record(s, run)
    stock = await take_stock(s.journal)
    private = PrivateGit(s.repository, s.state)
    await private.prepare()
    await rescue(private, stock.worktrees)
    tasks = await s.journal.task_runs(run.id)
    keep = [f"{BRANCHES}{name}" for name in branches_to_keep(run, tasks)]
    landed = await s.repository.refs.value(f"{BRANCHES}{run.target}")
    await finish_run(private, run.id, landed, keep=keep)
    await s.journal.commit(Write(run=run.id, run_values={"finished": datetime.now(UTC)}))


async def _record(s: Surroundings, run: RunRecord) -> None:
    values = {"state": TaskRunState.CANCELLED, "reason": CANCELLED}
    updates = [
        TaskUpdate(task.task, frozenset({task.state}), None, values)
        for task in await s.journal.task_runs(run.id)
        if task.state not in FINAL_STATES
    ]
    run_values = {"status": RunStatus.CANCELLED, "reason": CANCELLED}
    await s.journal.commit(Write(run=run.id, run_values=run_values, tasks=tuple(updates)))
