"""Task Master: ``tasks.json`` with tasks, or tags that hold tasks."""

from collections.abc import Iterator

from cc4tui.services.plans.draft import BatchDraft, PlanDraft
from cc4tui.services.plans.jsontext import Placed, elements, member, members, parse
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source


NAME = "taskmaster"


def detect(source: Source) -> str | None:
    """An object with ``tasks``, or with tags that have ``tasks``."""
    tags = list(task_lists(source.text)) if source.text.lstrip()[:1] == "{" else []
    if not tags:
        return None
    return f"JSON with tasks under {len(tags)} tags" if tags[0][0] else "JSON with tasks"


def task_lists(text: str) -> Iterator[tuple[str, Placed]]:
    """Each tag (empty without tags) with its list of tasks."""
    whole = parse(text)
    if whole is None or not isinstance(whole.value, dict):
        return
    if isinstance(whole.value.get("tasks"), list):
        found = member(text, whole, "tasks")
        if found is not None and _holds_tasks(found.value):
            yield "", found
        return
    for tag, value in members(text, whole):
        if isinstance(value.value, dict) and isinstance(value.value.get("tasks"), list):
            found = member(text, value, "tasks")
            if found is not None and _holds_tasks(found.value):
                yield tag, found


def _holds_tasks(value: list[object]) -> bool:
    return all(isinstance(task, dict) and "id" in task for task in value)


def qualified(tag: str, task_id: object, *, several: bool) -> str:
    """A task's id; with its tag where several tags each count from 1."""
    return f"{tag}:{task_id}" if several else str(task_id)


def read(source: Source, plan: PlanDraft, _options: Options) -> None:
    """Each tag is a batch; sub-tasks are steps; only declared dependencies hold (R7)."""
    from cc4tui.services.plans.readers.taskmaster_tasks import read_tag

    tags = list(task_lists(source.text))
    plan.ordered = False
    line = last = 0
    for tag, tasks in tags:
        line, last = line + source.text.count("\n", last, tasks.start), tasks.start
        batch = BatchDraft(tag, tag, line, prefix=tag or "t")
        read_tag(source.text, list(elements(source.text, tasks)), batch, plan, len(tags) > 1)
        if batch.tasks:
            plan.batches.append(batch)
        if plan.full:
            break


READER = Reader(NAME, detect, read)
