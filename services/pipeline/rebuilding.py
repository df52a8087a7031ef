"""Runs told again after the database was damaged: from what each run wrote down, and from git.

What could still be read of the old database is in the new one already. git has the last word on
what was merged and what has landed, so that nothing is done a second time; a run whose integration
branch is still there can be resumed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cc4tui.domain.run import (
    DONE_STATES,
    ReasonCode,
    RunRecord,
    RunStatus,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.ports import Journal, TaskUpdate, Write
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, OURS, SAVED
from cc4tui.services.git.slug import task_slug
from cc4tui.services.git.trailers import merged_tasks
from cc4tui.services.pipeline.folders import run_folder
from cc4tui.services.pipeline.planned import run_started
from cc4tui.services.pipeline.remembering import remembered_runs


LOST = "what became of it was lost with the database"


async def rebuild_runs(journal: Journal, private: PrivateGit, state: Path) -> int:
    """Make the database agree with git about every run that was written down; how many there are.

    Raises:
        GitError: git cannot tell.
        UnfitError: the database cannot be written.
    """
    found = await asyncio.to_thread(remembered_runs, state / "journal")
    for run, tasks in found:
        facts = await _Facts.of(private, state, run)
        await _rebuild(journal, run, tasks, facts)
    return len(found)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What git and the run's folder know of a run."""

    merged: Mapping[str, str]
    """Merge commits on the integration branch, by task."""
    landed: Mapping[str, str]
    """Merge commits that the target holds."""
    tries: Mapping[str, int]
    """The last attempt's number by the task's slug."""
    goes_on: bool
    """The integration branch is there: the run has not ended, or waits for a person."""

    @classmethod
    async def of(cls, private: PrivateGit, state: Path, run: RunRecord) -> "_Facts":
        refs = private.repository.refs
        own = await refs.listed([f"{OURS}{run.id}/", f"{SAVED}{run.id}/"])
        branch, target = f"{BRANCHES}{run.branch}", f"{BRANCHES}{run.target}"
        tips = await refs.values([branch, target])
        numbers = [ref.removeprefix(f"{OURS}{run.id}/task/").split("/") for ref in own]
        numbers += [ref.removeprefix(f"{SAVED}{run.id}/").split("/") for ref in own]
        folders = await asyncio.to_thread(lambda: [*run_folder(state, run.id).glob("*-*")])
        numbers += [list(folder.name.rpartition("-")[::2]) for folder in folders]
        tries: dict[str, int] = {}
        for slug, number, *_ in (parts for parts in numbers if len(parts) > 1):
            if number.isdigit():
                tries[slug] = max(tries.get(slug, 0), int(number))
        return cls(
            await _merges(private, tips.get(branch), run.id),
            await _merges(private, tips.get(target), run.id),
            tries,
            branch in tips,
        )

    def of_task(self, task: TaskRunRecord, known: TaskRunRecord | None) -> TaskRunRecord:
        """The task as it is now.

        Args:
            task: As it was when the run was made.
            known: As the database has it; None if that was lost.
        """
        tries = max(self.tries.get(task_slug(task.task), 0), known.attempts if known else 0)
        now = replace(known or task, attempts=tries)
        if (merge := self.landed.get(task.task)) is not None:
            return _done(now, TaskRunState.LANDED, merge)
        if (merge := self.merged.get(task.task)) is not None:
            return _done(now, TaskRunState.MERGED, merge)
        if known is not None and (known.state not in DONE_STATES or not self.goes_on):
            return now
        if task.state is TaskRunState.SKIPPED:
            return now
        if self.goes_on:
            return replace(now, state=TaskRunState.PENDING)
        return replace(now, state=TaskRunState.FAILED, reason_code=ReasonCode.LOST, reason=LOST)


async def _rebuild(
    journal: Journal, run: RunRecord, tasks: Sequence[TaskRunRecord], facts: _Facts
) -> None:
    stored = await journal.run(run.id)
    known = {task.task: task for task in await journal.task_runs(run.id)} if stored else {}
    now = [facts.of_task(task, known.get(task.task)) for task in tasks]
    if stored is None:
        run = _ended(run, now, facts)
        await journal.create_run(run, now)
    updates = [
        TaskUpdate(task.task, frozenset(), None, _values(task))
        for task in now
        if task.task in known and task != known[task.task]
    ]
    new = tuple(task for task in now if task.task not in known) if stored else ()
    told = await journal.events(run.id, 0, 1)
    events = () if told else (run_started(run, now),)
    await journal.commit(Write(run.id, new_tasks=new, tasks=tuple(updates), events=events))


def _ended(run: RunRecord, tasks: Sequence[TaskRunRecord], facts: _Facts) -> RunRecord:
    if facts.goes_on:
        return replace(run, status=RunStatus.INTERRUPTED, finished=None, reason="")
    done = all(task.state in DONE_STATES for task in tasks)
    status = RunStatus.SUCCEEDED if done else RunStatus.FAILED
    return replace(run, status=status, finished=datetime.now(UTC), reason="" if done else LOST)


def _done(task: TaskRunRecord, state: TaskRunState, merge: str) -> TaskRunRecord:
    return replace(task, state=state, merged_as=merge, reason_code=None, reason="")


def _values(task: TaskRunRecord) -> dict[str, Any]:
    names = ("state", "attempts", "merged_as", "reason_code", "reason")
    return {name: getattr(task, name) for name in names}


async def _merges(private: PrivateGit, tip: str | None, run: str) -> dict[str, str]:
    if tip is None:
        return {}
    return {task.task: task.commit for task in await merged_tasks(private, tip) if task.run == run}
