"""A planned task as the schedule, the database and the run's first event see it."""

from collections.abc import Sequence

from cc4tui.domain.run import RunRecord, TaskRunRecord
from cc4tui.events import RunStarted
from cc4tui.services.pipeline.schedule import ScheduledTask
from cc4tui.services.pipeline.selection import PlannedTask


def schedulable(planned: PlannedTask) -> ScheduledTask:
    """A planned task as the schedule sees it."""
    task = planned.task
    return ScheduledTask(
        task.id, task.waits_for, task.needs, tuple(reference.path for reference in task.files)
    )


def task_records(run: RunRecord, planned: Sequence[PlannedTask]) -> list[TaskRunRecord]:
    """The rows of tasks that have not started, in document order."""
    return [
        TaskRunRecord(
            run=run.id,
            task=item.task.id,
            position=position,
            title=item.task.title,
            batch=item.task.batch,
            state=item.state,
            agent=item.agent.name,
            reason=item.reason,
            waits_for=item.task.waits_for,
            files=tuple(reference.path for reference in item.task.files),
        )
        for position, item in enumerate(planned)
    ]


def run_started(run: RunRecord, records: Sequence[TaskRunRecord]) -> RunStarted:
    """The event that tells what a run is about to do."""
    return RunStarted(
        run=run.id,
        plan=run.plan,
        base=run.base,
        branch=run.branch,
        target=run.target,
        workers=run.workers,
        mode=run.mode,
        agent=run.agent,
        tasks=[
            {
                "id": record.task,
                "title": record.title,
                "batch": record.batch,
                "state": record.state.value,
                "waits_for": list(record.waits_for),
            }
            for record in records
        ],
    )
