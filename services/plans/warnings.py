"""Warnings about what a Markdown file holds beside its tasks, so that nothing is lost silently."""

import re

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.blocks import Html, Item
from cc4tui.services.plans.draft import PlanDraft, TaskDraft
from cc4tui.services.plans.labels import IdStyle, normal_id, parse_label
from cc4tui.services.plans.marks import TICK, says_done
from cc4tui.services.plans.offers import FENCED_BOX
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.survey import Role, Survey
from cc4tui.services.plans.text import quote


FENCED_BOXES = 5
"""More box lines with ids than this in one fence are said (R6)."""
MAX_SAID = 50
"""Warnings of one kind in one file; a file with more has one cause, not fifty."""

_MOJIBAKE = re.compile(r"â[\u0080-\u00bf€œž†š˜ŒˆŠ‡…]|ðŸ|Ã[\u0080-\u00bf©¨¶¼¤±Ÿ]|ï¿½")
_MALFORMED = re.compile(r"\[(?:\s{2,}|\s*[xX]\s+|\s+[xX]\s*|)\](?=\s+\S)")
_TASK_LIKE = re.compile(r"\W*(?:Task|Story|Epic|Ticket|Issue|User Story)\b\W*\d", re.I)


def warn_beside(source: Source, plan: PlanDraft) -> None:
    """Add the warnings that need the text and not only the tasks."""
    found = source.survey()
    _boxes_in_code(found, plan)
    _malformed_boxes(found, plan)
    _unread_headings(found, plan)
    _unread_boxes(found, plan)
    _prose_says_done(found, plan)
    _mojibake(source, plan)


def _boxes_in_code(found: Survey, plan: PlanDraft) -> None:
    """W04: boxes inside of code and comments."""
    offered = {offer.line for offer in plan.offers}
    for block in found.document.hidden:
        comment = isinstance(block, Html)
        if isinstance(block, Html) and not block.comment:
            continue
        if (comment and block.closed) or block.line in offered:
            continue
        boxes, ids = _count_boxes(found.document.lines[block.line + 1 : block.end])
        lines = f"lines {block.line + 1} to {block.end}"
        if not block.closed and boxes and block.end == len(found.document.lines):
            what = "comment" if comment else "fence"
            text = f"{boxes} boxes lie in a {what} that is never closed, {lines}"
            plan.warn("W04", block.line, text, f"close the {what}")
        elif ids > FENCED_BOXES and not comment:
            text = f"{ids} boxes with ids lie in code, {lines}; they are not tasks"
            plan.warn("W04", block.line, text, "take them out of the fence")


def _count_boxes(lines: list[str]) -> tuple[int, int]:
    boxes = ids = 0
    for line in lines:
        if "[" in line and (found := FENCED_BOX.match(line)) is not None:
            boxes += 1
            ids += parse_label(found[2]).style not in (IdStyle.NONE, IdStyle.FAMILY)
    return boxes, ids


def _malformed_boxes(found: Survey, plan: PlanDraft) -> None:
    """W03: ``[]`` and ``[ x ]`` are no boxes, though meant as such."""
    said = 0
    for number, line in enumerate(found.document.lines):
        if "[" not in line or said >= MAX_SAID:
            continue
        item = _ITEM_START.match(line)
        if item is not None and (bad := _MALFORMED.match(line, item.end())) is not None:
            text = f"{bad[0]} is not a box, so that this is no task"
            plan.warn("W03", number, text, "write [ ] or [x]", bad.start())
            said += 1


_ITEM_START = re.compile(r"[\s>]{0,40}(?:[-*+]|\d{1,9}[.)])\s+")


def _unread_headings(found: Survey, plan: PlanDraft) -> None:
    """W11: a heading that looks like a task but was not read as one."""
    holding = _sections_with_tasks(found, plan)
    said = 0
    for section in found.sections:
        role = found.heading_roles.get(section)
        heading = section.heading
        if role is Role.TASK or section in holding or heading is None or said >= MAX_SAID:
            continue
        if any(up in holding and found.heading_roles.get(up) is Role.TASK for up in section.up()):
            continue
        looks = _TASK_LIKE.match(heading.text) or (
            role is Role.NONE and section.label is not None and not section.step
        )
        empty_batch = section.kind not in ("", "#") and _looks_like_work(section)
        if looks:
            said += 1
            text = f"heading {quote(heading.text)} looks like a task but was not read as one"
            plan.warn("W11", section.line, text, _why_not(role))
        elif empty_batch and plan.order:
            said += 1
            text = f"{quote(heading.text)} looks like a batch but no task was found in it"
            plan.warn("W11", section.line, text, "write its tasks as: - [ ] 1.1 title")


def _unread_boxes(found: Survey, plan: PlanDraft) -> None:
    """W11: boxes without an id that stand apart from the tasks, which have one."""
    if not any(box.role is Role.TASK for box in found.boxes):
        return
    said = 0
    for section, boxes in found.by_section.items():
        tasks = (found.heading_roles.get(up) is Role.TASK for up in section.around)
        loose = [box for box in boxes if box.role is Role.LOOSE and box.label.raw]
        if loose and not any(tasks) and said < MAX_SAID:
            said += 1
            where = f" under {quote(section.title)}" if section.title else ""
            text = f"{len(loose)} boxes without an id{where} are not read as tasks"
            plan.warn("W11", loose[0].item.line, text, "give them ids as the other tasks have")


def _why_not(role: Role | None) -> str:
    if role is Role.NONE:
        return "the file names its tasks in another way"
    return "write: ### Task 1.1: title"


def _sections_with_tasks(found: Survey, plan: PlanDraft) -> set[Section]:
    """Sections that hold a task's first line, and those around them."""
    lines = sorted(task.line for task in plan.order)
    out: set[Section] = set()
    here = 0
    ordered = found.sections
    for index, section in enumerate(ordered):
        end = ordered[index + 1].line if index + 1 < len(ordered) else len(found.document.lines)
        while here < len(lines) and lines[here] < section.line:
            here += 1
        if here < len(lines) and lines[here] < end:
            out.update(section.up())
    return out


def _looks_like_work(section: Section) -> bool:
    return any(isinstance(block, Item) for block in section.blocks) or any(
        sub.tasks_only for sub in section.subs
    )


def _prose_says_done(found: Survey, plan: PlanDraft) -> None:
    """W10: ticked bullets that name a task by its id, while the task is open."""
    open_tasks = {
        normal_id(task.id): task
        for task in plan.order
        if not task.id_is_made and task.state is not PlanTaskState.DONE
    }
    if not open_tasks:
        return
    said: set[TaskDraft] = set()
    for section in found.sections:
        for block in section.blocks:
            if not isinstance(block, Item) or block.mark is not None or block.text.isascii():
                continue
            task = _claimed(block.text, open_tasks)
            if task is not None and task not in said and len(said) < MAX_SAID:
                said.add(task)
                text = f"this line says that task {task.id} is done, but it is open"
                plan.warn("W10", block.line, text, f"line {task.line + 1} counts", block.column)


def _claimed(text: str, open_tasks: dict[str, TaskDraft]) -> TaskDraft | None:
    if not TICK.match(text) and not says_done(text[-24:]):
        return None
    label = parse_label(text)
    return open_tasks.get(normal_id(label.id)) if label.id else None


def _mojibake(source: Source, plan: PlanDraft) -> None:
    """W14: UTF-8 that was read as cp1252 and saved again; said once, never repaired."""
    if source.text.isascii():
        return
    found = _MOJIBAKE.search(source.text)
    if found is not None:
        line = source.text.count("\n", 0, found.start())
        column = found.start() - (source.text.rfind("\n", 0, found.start()) + 1)
        text = f"{quote(source.text[found.start() : found.start() + 3])} looks like broken UTF-8"
        plan.warn("W14", line, text, "it is left as it is; save the original as UTF-8", column)
