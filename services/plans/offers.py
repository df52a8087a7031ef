"""What may be tasks but is not certain (R20): tables, bullets under ``Tasks``, boxes in fences."""

import re

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans import values
from cc4tui.services.plans.blocks import Fence, Item, Table
from cc4tui.services.plans.draft import BatchDraft, OfferDraft, PlanDraft, TaskDraft
from cc4tui.services.plans.labels import IdStyle, Label, parse_label
from cc4tui.services.plans.marks import BOX_STATES, status_of_word
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.paths import field_files
from cc4tui.services.plans.references import read_references
from cc4tui.services.plans.survey import Role, Survey
from cc4tui.services.plans.tables import TaskRow, offered_rows
from cc4tui.services.plans.text import slug


FENCED_BOX = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])\s+)?\[([ xX~/>!?-])\]\*?\s+(\S.*)$")
MAX_OFFERED = 2_000


def find_offers(found: Survey, plan: PlanDraft) -> None:
    """Note every candidate in a plan that has no certain task."""
    lines = found.document.lines
    for section in [found.root, *found.sections]:
        if section.acceptance:
            continue
        for block in section.blocks:
            if isinstance(block, Table):
                _offer_table(block, section, plan)
            elif isinstance(block, Fence) and not block.info and not block.indented:
                _offer_fence(block, section, lines, plan)
        if section.tasks_only:
            _offer_bullets(section, plan)
    for offer in plan.offers:
        offer.batch.acceptance += _beside(found, offer.line)


def _batch(section: Section, line: int) -> BatchDraft:
    title = section.title or "Tasks"
    return BatchDraft(section.number or slug(title), title, line, section.name, prefix=slug(title))


def _offer_table(table: Table, section: Section, plan: PlanDraft) -> None:
    rows = offered_rows(table)[:MAX_OFFERED]
    if not rows:
        return
    batch = _batch(section, section.line)
    for row in rows:
        batch.tasks.append(_row_task(row, batch))
    plan.offers.append(OfferDraft("table", table.line, batch))


def _row_task(row: TaskRow, batch: BatchDraft) -> TaskDraft:
    label = row.label
    task = TaskDraft(label.id, label.title, row.row.line, row.row.line + 1, batch, parallel=True)
    task.state = status_of_word(row.cells["status"]) if "status" in row.cells else label.tick
    task.files = field_files(row.cells.get("files", ""))
    if row.cells.get("acceptance"):
        task.acceptance.append(row.cells["acceptance"])
    if row.cells.get("depends_on"):
        task.depends, task.strict, _ = read_references(row.cells["depends_on"])
    for key in ("priority", "mode"):
        try:
            if row.cells.get(key):
                task.options[key] = values.SINGLE[key](row.cells[key])
        except ValueError:
            continue  # a column of this name that means something else
    return task


def _offer_bullets(section: Section, plan: PlanDraft) -> None:
    items = [b for b in section.blocks if isinstance(b, Item) and b.mark is None]
    if not items:
        return
    batch = _batch(section, section.line)
    for item in items[:MAX_OFFERED]:
        label = parse_label(item.text)
        batch.tasks.append(_simple_task(label, item.line, item.end, batch, label.tick))
    plan.offers.append(OfferDraft("bullets", items[0].line, batch))


def _offer_fence(fence: Fence, section: Section, lines: list[str], plan: PlanDraft) -> None:
    batch = _batch(section, section.line)
    for number in range(fence.line + 1, fence.end):
        box = FENCED_BOX.match(lines[number]) if "[" in lines[number] else None
        if box is None or len(batch.tasks) >= MAX_OFFERED:
            continue
        label = parse_label(box[2])
        if label.style not in (IdStyle.NONE, IdStyle.FAMILY):
            state = BOX_STATES[box[1]]
            task = _simple_task(label, number, number + 1, batch, state)
            task.mark = (number, lines[number].index("[") + 1)
            batch.tasks.append(task)
    if batch.tasks:
        plan.offers.append(OfferDraft("fence", fence.line, batch))


def _simple_task(
    label: Label, line: int, end: int, batch: BatchDraft, state: PlanTaskState | None
) -> TaskDraft:
    task = TaskDraft(label.id, label.title, line, end, batch, state=state)
    if not task.id:
        task.id, task.id_is_made = f"{batch.prefix}-{len(batch.tasks) + 1}", True
    return task


def _beside(found: Survey, line: int) -> list[str]:
    """Acceptance boxes in the section right behind the one that holds the offer."""
    home = next((s for s in reversed(found.sections) if s.line <= line), None)
    if home is None or home.parent is None:
        return []
    later = [s for s in home.parent.subs if s.line > home.line]
    if not later or not later[0].acceptance:
        return []
    boxes = found.by_section.get(later[0], ())
    return [b.label.plain or b.label.title for b in boxes if b.role is Role.ACCEPTANCE]
