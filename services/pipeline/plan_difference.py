"""What an edit of the plan file means for a run that goes on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cc4tui.domain.plan import Plan, Task
from cc4tui.events import PlanChanged


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """Ids of tasks by what happened to them; a tick or a moved line is no difference."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def compare_plans(before: Plan, after: Plan) -> PlanDifference:
    """Compare by id; the work of a task counts, not where it stands or whether it is ticked."""
    old, new = _by_id(before), _by_id(after)
    return PlanDifference(
        added=tuple(task for task in new if task not in old),
        changed=tuple(
            task for task in new if task in old and _substance(new[task]) != _substance(old[task])
        ),
        removed=tuple(task for task in old if task not in new),
    )


def change_event(
    run: str, difference: PlanDifference, *, applied: bool, reason: str = ""
) -> PlanChanged:
    """The difference as an event."""
    return PlanChanged(
        run=run,
        added=list(difference.added),
        changed=list(difference.changed),
        removed=list(difference.removed),
        applied=applied,
        reason=reason,
    )


def _by_id(plan: Plan) -> Mapping[str, Task]:
    return {task.id: task for task in reversed([*plan.tasks()])}


def _substance(task: Task) -> tuple[object, ...]:
    """Everything that an agent is told or that decides how the task runs."""
    steps = tuple(step.text for step in task.steps)
    body = re.sub(r"\[[ xX~/>-]\]", "[ ]", task.body)
    work = (task.title, body, task.goal, steps, task.files, task.acceptance)
    order = (task.waits_for, task.needs, task.parallel, task.batch)
    agent = (task.agent, task.fallback, task.model, task.effort)
    means = (task.verify, task.run, *agent, task.rehearse)
    limits = (task.timeout, task.retries, dict(task.budget or {}))
    return (*work, *order, *means, *limits)
