"""What a task's state is when several things speak of it (rule R5)."""

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.draft import PlanDraft, TaskDraft


S = PlanTaskState


def settle_states(plan: PlanDraft) -> None:
    """Give every task its state; a contradiction keeps the stronger sign and warns (W10)."""
    for task in plan.order:
        around = task.around or plan.state
        task.state = task.state or _state_of_steps(task, around) or around or S.TODO
        if around is S.DONE and task.state not in (S.DONE, S.CANCELLED):
            said = task.batch.name or task.batch.title or "the section around"
            if task.around is None:
                said = "the plan"
            text = f"{said} is marked as done, but task {task.id} is not"
            plan.warn("W10", task.line, text, "the task's own mark counts", task.column)


def _state_of_steps(task: TaskDraft, around: PlanTaskState | None) -> PlanTaskState | None:
    if not task.steps:
        return None
    done = sum(step.done for step in task.steps)
    if done == len(task.steps):
        return S.DONE
    if done:
        return S.IN_PROGRESS
    return S.TODO if around is S.DONE else None
