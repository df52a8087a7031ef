"""Dialects with one task a file, told by the front matter: Backlog.md and ccpm."""

from pathlib import PurePath
from typing import Any

from cc4tui.services.plans import values
from cc4tui.services.plans.content import Reading, read_content
from cc4tui.services.plans.draft import BatchDraft, PlanDraft, TaskDraft
from cc4tui.services.plans.marks import status_of_word
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.survey import Role


def detect_backlog(source: Source) -> str | None:
    """Front matter with id, title and status."""
    if {"id", "title", "status"} <= source.matter.values.keys():
        return "front matter with id, title and status"
    return None


def detect_ccpm(source: Source) -> str | None:
    """Front matter with depends_on and conflicts_with, or with what older tasks have."""
    keys = source.matter.values.keys()
    for known in ({"depends_on", "conflicts_with"}, {"name", "status", "depends_on", "parallel"}):
        if known <= keys:
            return f"front matter with {', '.join(sorted(known))}"
    path = PurePath(source.path)
    if {"name", "status"} <= keys and path.stem.isdigit() and "epics" in path.parts:
        return "a numbered file of an epic, with name and status"
    return None


def read_backlog(source: Source, plan: PlanDraft, _options: Options) -> None:
    """One task; its parent is only a grouping."""
    matter = source.matter.values
    task = _task(source, plan, str(matter.get("id", "")), str(matter.get("title", "")))
    task.depends = _texts(matter.get("dependencies"))
    task.labels = _texts(matter.get("labels"))
    _set_priority(task, matter.get("priority"))


def read_ccpm(source: Source, plan: PlanDraft, _options: Options) -> None:
    """One task, named by its file: ``.claude/epics/<epic>/001.md``."""
    matter = source.matter.values
    stem = PurePath(source.path).stem
    task = _task(
        source,
        plan,
        stem if stem[:1].isdigit() else "1",
        str(matter.get("name") or matter.get("title") or ""),
    )
    task.depends = _texts(matter.get("depends_on"))
    task.parallel = str(matter.get("parallel", "true")).casefold() == "true"


def _task(source: Source, plan: PlanDraft, task_id: str, title: str) -> TaskDraft:
    document = source.document
    batch = BatchDraft("", "", 0, prefix="t")
    task = TaskDraft(task_id.strip(), title.strip(), 0, len(source.lines), batch)
    task.outside = True  # the other tasks stand in other files
    task.state = status_of_word(str(source.matter.values.get("status", "")))
    found = source.survey()
    parts = [found.root.blocks, *(s.blocks for s in found.sections if not s.acceptance)]
    task.line = document.first - 1
    read_content(task, parts, source.lines, plan, Reading(own=False))
    task.line = 0
    task.acceptance += [
        box.label.plain
        for box in found.boxes
        if box.section.acceptance and box.above is None and box.role is not Role.NONE
    ]
    plan.order.append(task)
    batch.tasks.append(task)
    plan.batches = plan.batches or [batch]
    if plan.batches[0] is not batch:
        task.batch = plan.batches[0]
        plan.batches[0].tasks.append(task)
    plan.ordered = False
    return task


def _texts(value: Any) -> list[str]:
    try:
        return values.strings(value) if value else []
    except ValueError:
        return []


def _set_priority(task: TaskDraft, value: Any) -> None:
    try:
        if value:
            task.options["priority"] = values.priority(value)
    except ValueError:
        return  # a word of another tool


BACKLOG = Reader("backlog", detect_backlog, read_backlog)
CCPM = Reader("ccpm", detect_ccpm, read_ccpm)
