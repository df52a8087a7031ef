"""What the tasks of a run are doing while no cc4tui works on it: seen, not remembered."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from cc4tui.domain.run import TaskRunRecord, TaskRunState
from cc4tui.ports import Journal
from cc4tui.services.pipeline.adoption import Standing, glance
from cc4tui.services.pipeline.recovery import LOST


_REASONS = {
    Standing.WORKING: "its agent works on without cc4tui",
    Standing.ENDED: "its agent has ended; the next start judges what it did",
}


async def as_they_are(journal: Journal, tasks: Sequence[TaskRunRecord]) -> list[TaskRunRecord]:
    """The records, with `running` only where an agent works, or has work that is to be judged."""
    if all(task.state is not TaskRunState.RUNNING for task in tasks):
        return list(tasks)
    open_attempts = {
        attempt.task: attempt
        for attempt in await journal.attempts(tasks[0].run)
        if attempt.finished is None and attempt.folder and attempt.token
    }
    shown = []
    for task in tasks:
        standing = Standing.CUT
        if task.state is TaskRunState.RUNNING and task.task in open_attempts:
            standing = await asyncio.to_thread(glance, open_attempts[task.task])
        if task.state is not TaskRunState.RUNNING:
            shown.append(task)
        elif standing is Standing.CUT:
            shown.append(replace(task, state=TaskRunState.READY, reason=LOST))
        else:
            shown.append(replace(task, reason=_REASONS[standing]))
    return shown
