"""A planned task as the schedule and the database see it."""

from collections.abc import Sequence

from cc4tui.domain.run import RunRecord, TaskRunRecord
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
