"""Problems of a whole plan: double ids, missing titles, files outside, files shared, counts."""

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.dependencies import Resolution
from cc4tui.services.plans.draft import PlanDraft, TaskDraft
from cc4tui.services.plans.labels import normal_id
from cc4tui.services.plans.paths import leaves_repository
from cc4tui.services.plans.text import quote


MAX_OVERLAPS = 50


def check_draft(plan: PlanDraft, resolution: Resolution) -> None:
    """Add the diagnostics that need the whole plan."""
    _titles(plan)
    _duplicates(plan)
    _declared_counts(plan)
    _paths(plan)
    _overlaps(plan, resolution)


def _titles(plan: PlanDraft) -> None:
    for task in plan.order:
        if not task.title.strip():
            plan.error("E03", task.line, f"task {task.id} has no title", "say what is to be done",
                       task.column)  # fmt: skip


def _duplicates(plan: PlanDraft) -> None:
    first: dict[str, TaskDraft] = {}
    for task in plan.order:
        other = first.setdefault(normal_id(task.id), task)
        if other is not task:
            text = f"id {task.id} used at lines {other.line + 1} and {task.line + 1}"
            plan.error("E05", task.line, text, "give one of them another id", task.column)


def _declared_counts(plan: PlanDraft) -> None:
    for batch in plan.batches:
        if batch.declared_tasks is not None and batch.declared_tasks != len(batch.tasks):
            text = f"the heading says {batch.declared_tasks} tasks, found {len(batch.tasks)}"
            plan.warn("W12", batch.line, text)


def _paths(plan: PlanDraft) -> None:
    for task in plan.order:
        for file in task.files:
            if leaves_repository(file.path):
                text = f"path {quote(file.path)} of task {task.id} leaves the repository"
                plan.error("E08", task.line, text, "name a path inside of it", task.column)


def _overlaps(plan: PlanDraft, resolution: Resolution) -> None:
    """W13: open tasks that name the same file and that nothing declared puts in order."""
    users: dict[str, list[TaskDraft]] = {}
    for task in plan.order:
        if task.state in (PlanTaskState.DONE, PlanTaskState.CANCELLED):
            continue
        for path in {file.path.rstrip("/") for file in task.files}:
            users.setdefault(path, []).append(task)
    shown: dict[tuple[TaskDraft, ...], list[str]] = {}
    for path, tasks in users.items():
        for side_by_side in _unordered(tasks, resolution):
            shown.setdefault(side_by_side, []).append(path)
    for tasks_, paths in list(shown.items())[:MAX_OVERLAPS]:
        ids = ", ".join(task.id for task in tasks_[:8])
        names = ", ".join(quote(path) for path in paths[:4])
        plan.warn(
            "W13", tasks_[-1].line, f"tasks {ids} name the same file: {names}",
            "they will run one after the other; declare their order", tasks_[-1].column,
        )  # fmt: skip


def _unordered(tasks: list[TaskDraft], resolution: Resolution) -> list[tuple[TaskDraft, ...]]:
    """Tasks of one batch, or of neighbour batches, that could run side by side."""
    groups: dict[object, list[TaskDraft]] = {}
    for task in tasks:
        key: object = task.batch.family or task.batch
        if resolution.of(task).parallel:
            groups.setdefault(key, []).append(task)
    out = []
    for group in groups.values():
        free = [t for t in group if not _waits(t, group, resolution)] if len(group) < 200 else group
        if len(free) > 1:
            out.append(tuple(free))
    return out


def _waits(task: TaskDraft, group: list[TaskDraft], resolution: Resolution) -> bool:
    """Whether `task` waits, by declaration, for every other task of the group before it."""
    needs = set(resolution.of(task).needs)
    before = group[: group.index(task)]
    return bool(before) and all(other.id in needs for other in before)
