"""Continues a run that a dead process left: asks processes and git, never memory."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cc4tui.domain.run import (
    AttemptOutcome,
    AttemptRecord,
    ReasonCode,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.errors import Cc4tuiError
from cc4tui.events import AttemptFinished, RunRecovered, TaskMerged, TaskStateChanged
from cc4tui.services.agents.redaction import Redactor, mask_outputs
from cc4tui.services.pipeline.adoption import Adopted, Stock, process_of
from cc4tui.services.pipeline.context import Claim, RunContext
from cc4tui.services.pipeline.merge_queue import Mergeable
from cc4tui.services.pipeline.quotas import by_name
from cc4tui.services.pipeline.recorder import Recorder, move


log = logging.getLogger(__name__)

LOST = "its cc4tui process ended before it did"


@dataclass
class Recovered:
    """What was found, by what happens with it."""

    done: int = 0
    """Tasks that were finished already."""
    committed: list[Mergeable] = field(default_factory=list)
    """Work on a branch that goes straight to the merge queue."""
    adopted: list[Adopted] = field(default_factory=list)
    """Attempts that go on, or that ended by themselves and are to be judged."""
    retried: int = 0
    """Tasks whose attempt was cut; they are tried again."""


class Recovery:
    """Reconciles one run before its workers start."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._recorder = context.recorder

    async def reconcile(
        self, tasks: Sequence[TaskRunRecord], attempts: Sequence[AttemptRecord], stock: Stock
    ) -> Recovered:
        """Take over what can be brought to its end, keep what was written of the rest, and say in
        one event what follows."""
        mine = stock.of(self._context.run.id)
        cut = [task.task for task in tasks if task.state is TaskRunState.RUNNING]
        await self._context.workspace.quarantine.look(cut)
        latest = {attempt.task: attempt for attempt in attempts}
        merged = await self._context.workspace.merged_tasks()
        found = Recovered()
        for task in tasks:
            attempt = latest.get(task.task)
            if task.state is TaskRunState.RUNNING:
                adopted = await self._adopt(task, mine.get(task.task))
                if adopted is not None:
                    found.adopted.append(adopted)
                    continue
                await record_cut(self._recorder, self._context.redactor, task, attempt)
                found.retried += 1
            elif task.state in (TaskRunState.MERGING, TaskRunState.VERIFYING):
                await self._committed(task, merged.get(task.task), found)
            elif task.state in (TaskRunState.MERGED, TaskRunState.LANDED):
                found.done += 1
        event = RunRecovered(
            run=self._context.run.id,
            done=found.done,
            adopted=len(found.committed) + len(found.adopted),
            retried=found.retried,
        )
        await self._recorder.write(events=[event])
        return found

    async def _adopt(self, task: TaskRunRecord, record: AttemptRecord | None) -> Adopted | None:
        """Take over the attempt as it stands; None when that cannot be, and nothing of it runs."""
        if record is None or record.fence != task.fence:
            return None
        process = await process_of(self._context.host, record)
        if process is None:
            await self._context.workspace.set_aside(record)
            return None
        planned = by_name(self._context.tasks[task.task], record.agent)
        claim = Claim(planned, record.attempt, task.fence)
        claim.hold(process, agent=True)
        try:
            checkout = await self._context.workspace.take_over(record)
        except (Cc4tuiError, OSError) as error:
            log.warning("attempt %d of %s is not taken over: %s", record.attempt, task.task, error)
            process.stop("recovered")
            await process.ended()
            await self._context.workspace.set_aside(record)
            return None
        if not self._context.detach:
            process.die_with_us()
        self._context.claims[task.task] = claim
        return Adopted(claim, record, checkout, process)

    async def _committed(self, task: TaskRunRecord, merge: str | None, found: Recovered) -> None:
        """Merged without having said so, or still to be merged."""
        if merge is not None:
            event = TaskMerged(
                run=task.run,
                task=task.task,
                attempt=task.attempts,
                commit=task.commit or "",
                merged_as=merge,
            )
            update = move(task.task, task.state, TaskRunState.MERGED, task.fence, merged_as=merge)
            await self._recorder.write(tasks=[update], events=[event], durable=True)
            found.done += 1
            return
        if task.state is TaskRunState.VERIFYING:
            back = move(task.task, task.state, TaskRunState.MERGING, task.fence)
            await self._recorder.write(tasks=[back])
        assert task.commit is not None
        claim = Claim(self._context.tasks[task.task], task.attempts, task.fence)
        self._context.claims[task.task] = claim
        found.committed.append(Mergeable(claim, task.commit))


async def record_cut(
    recorder: Recorder, redactor: Redactor, task: TaskRunRecord, attempt: AttemptRecord | None
) -> None:
    """Record that an attempt was cut short; the task is tried again when its run goes on.

    Its processes have been ended and its worktree saved by `take_stock` and `rescue`.
    """
    number = attempt.attempt if attempt else task.attempts
    if attempt is not None and attempt.folder:
        await asyncio.to_thread(mask_outputs, Path(attempt.folder), redactor)
    event = AttemptFinished(
        run=task.run,
        task=task.task,
        attempt=number,
        outcome=AttemptOutcome.LOST.value,
        reason_code=ReasonCode.LOST.value,
        reason=LOST,
        exit_code=None,
        retry_in=0.0,
    )
    ready = TaskStateChanged(run=task.run, task=task.task, state="ready", reason=LOST)
    update = recorder.attempt(
        task.task,
        number,
        outcome=AttemptOutcome.LOST,
        reason_code=ReasonCode.LOST,
        reason=LOST,
        finished=datetime.now(UTC),
    )
    await recorder.write(
        tasks=[move(task.task, TaskRunState.RUNNING, TaskRunState.READY, task.fence)],
        attempts=[update] if attempt else [],
        events=[event, ready] if attempt and attempt.started else [ready],
    )
