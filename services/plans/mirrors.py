"""The same task told twice in one file (rules R10 and R11)."""

import re

from cc4tui.services.plans.draft import PlanDraft, TaskDraft
from cc4tui.services.plans.labels import normal_id
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.survey import Box, Role, Survey
from cc4tui.services.plans.text import squeeze


COPY_SHARE = 0.8
"""Share of equal texts from which a section is a copy of one with the same title."""


_CREATED = re.compile(r"\W*tasks created\b", re.I)
_PREVIEW = re.compile(r"\W*task breakdown\b", re.I)


def merge_mirrors(plan: PlanDraft) -> None:
    """Same id and same title again: the first counts, ticks go to both (W06)."""
    ids = [normal_id(task.id) for task in plan.order if task.id]
    if len(set(ids)) == len(ids):
        return
    first: dict[str, dict[str, TaskDraft]] = {}
    kept: list[TaskDraft] = []
    gone: set[TaskDraft] = set()
    for task in plan.order:
        title = squeeze(task.title)
        original = first.setdefault(normal_id(task.id), {}).setdefault(title, task)
        if original is task or not task.id:
            kept.append(task)
            continue
        if task.mark is not None:
            original.mirrors.append(task.mark)
        gone.add(task)
        text = f"task {task.id} stands here again, first at line {original.line + 1}"
        plan.warn("W06", task.line, text, "the first counts; both are ticked", task.column)
    if gone:
        plan.order = kept
        for batch in {task.batch for task in gone}:
            batch.tasks = [task for task in batch.tasks if task not in gone]


def drop_preview(found: Survey, plan: PlanDraft) -> None:
    """In an epic, ``Tasks Created`` lists what ``Task Breakdown`` told before: one list counts."""
    made = next((s for s in found.sections if _lists_tasks(found, s)), None)
    if made is None:
        return
    for section in found.sections:
        if section in made.around or not _PREVIEW.match(section.title):
            continue
        for inside in (section, *section.below()):
            for box in found.by_section.get(inside, ()):
                box.role = Role.NONE
            if inside in found.heading_roles:
                found.heading_roles[inside] = Role.NONE
        text = f"this section tells the tasks of line {made.line + 1} before they were made"
        plan.warn("W06", section.line, text, "those count")


def _lists_tasks(found: Survey, section: Section) -> bool:
    boxes = found.by_section.get(section, ())
    return _CREATED.match(section.title) is not None and any(b.role is Role.TASK for b in boxes)


def drop_copies(found: Survey, plan: PlanDraft) -> None:
    """A section whose boxes repeat those of one with the same title is a progress copy (R11)."""
    seen: dict[str, tuple[int, dict[str, Box]]] = {}
    for section in found.sections:
        boxes = [
            box
            for box in found.by_section.get(section, ())
            if box.role is Role.LOOSE or (box.role is Role.TASK and not box.label.id)
        ]
        if not boxes:
            continue
        texts = {squeeze(box.label.title): box for box in boxes}
        line, original = seen.setdefault(squeeze(section.title), (section.line, texts))
        if original is texts:
            continue
        same = texts.keys() & original.keys()
        if len(same) >= COPY_SHARE * max(len(texts), 1):
            for box in boxes:
                box.role = Role.NONE
            text = f"this section repeats the one at line {line + 1}"
            plan.warn("W06", section.line, text, "the first counts")
