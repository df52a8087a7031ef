"""Puts right what dead processes left of runs, so that what is shown of them is true.

Nothing is started here: a run whose agents worked on is handed back to be continued, every other
one is interrupted until somebody resumes it.
"""

from dataclasses import dataclass

from cc4tui.domain.run import RunRecord, RunStatus, TaskRunState
from cc4tui.events import RunRecovered
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.pipeline.adoption import Stock, take_stock
from cc4tui.services.pipeline.recorder import Recorder
from cc4tui.services.pipeline.recovery import LOST, record_cut
from cc4tui.services.pipeline.surroundings import Surroundings
from cc4tui.services.pipeline.workspace import rescue


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found."""

    goes_on: RunRecord | None = None
    """The newest run that has attempts to be brought to their end."""
    sentence: str = ""
    """For a person; empty when there was nothing to put right."""


async def reconcile(s: Surroundings, runs: list[RunRecord]) -> Reconciled:
    """Ask the processes, save what those that were cut short had written, and record that.

    Without a run that was cut short it is terminals that were, see `terminals_left`.

    The repository's lock must be held.
    """
    stock = await take_stock(s.journal)
    private = PrivateGit(s.repository, s.state)
    await private.prepare()
    saved = await rescue(private, stock.worktrees)
    goes_on = next((run for run in runs if stock.of(run.id)), None)
    sentences = [await _put_right(s, run, stock) for run in runs if run is not goes_on]
    if goes_on is not None:
        sentences.insert(0, _continued(goes_on, stock))
    if saved and not sentences:
        sentences.append(
            f"What was changed at a terminal is saved, see Memory: {', '.join(saved)}."
        )
    return Reconciled(goes_on, " ".join(sentences))


async def _put_right(s: Surroundings, run: RunRecord, stock: Stock) -> str:
    """Record an interrupted run as what it is."""
    recorder = Recorder(run.id, s.journal, s.bus, s.redactor)
    tasks = await s.journal.task_runs(run.id)
    latest = {attempt.task: attempt for attempt in await s.journal.attempts(run.id)}
    stays = stock.of(run.id)
    done = retried = 0
    for task in tasks:
        if task.state is TaskRunState.RUNNING and task.task not in stays:
            await record_cut(recorder, s.redactor, task, latest.get(task.task))
            retried += 1
        done += task.state in (TaskRunState.MERGED, TaskRunState.LANDED)
    if run.status is RunStatus.INTERRUPTED and not retried:
        return (
            f"Run {run.id} waits: {len(stays)} of its agents work on, or have ended and are to be"
            f" judged; go on with: cc4tui resume {run.id}."
        )
    adopted = len(stays) + sum(
        task.state in (TaskRunState.MERGING, TaskRunState.VERIFYING) for task in tasks
    )
    recovered = RunRecovered(run=run.id, done=done, adopted=adopted, retried=retried)
    values = {"status": RunStatus.INTERRUPTED, "reason": run.reason or LOST}
    await recorder.write(run=values, events=[recovered], durable=True)
    return (
        f"Run {run.id} was interrupted: {done} done, {adopted} committed, {retried} cut short and"
        f" saved; go on with: cc4tui resume {run.id}."
    )


def _continued(run: RunRecord, stock: Stock) -> str:
    mine = stock.of(run.id).values()
    working = sum(record in stock.working for record in mine)
    return (
        f"Run {run.id} goes on: {working} of its agents worked on, and {len(mine) - working} ended"
        " while nobody was there."
    )
