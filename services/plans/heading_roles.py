"""Which headings are tasks, and which only hold them (rules R1, R10, R18)."""

import re
from enum import IntEnum

from cc4tui.services.plans.blocks import Item, Text
from cc4tui.services.plans.labels import IdStyle, normal_id
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.survey import Box, Role, Survey
from cc4tui.services.plans.words import ACCEPTANCE, CLOSED_LIST


_PLAN_LIKE = re.compile(r"plan|task|todo|roadmap|backlog|milestone|checklist|sprint", re.I)


_IS_LIST = re.compile(rf"\W*(?:{ACCEPTANCE.pattern})\b", re.I)
_HOLDER = re.compile(r"\W*(?:Story|Issue|Ticket)\b", re.I)


class _Look(IntEnum):
    """How much a heading looks like a task."""

    STRONG = 3
    """``Task 1.1``, ``T001``, ``AUTH-12``."""
    NUMBERED = 2
    """``1.1 title``: also how chapters look."""
    STEP = 1
    """``Step 1``: also how instructions look."""


def judge_headings(found: Survey) -> None:
    """Give every heading that has the look of a task its role, innermost first."""
    looks = {s: _look(s) for s in found.sections if s.label is not None}
    id_boxes = any(box.role is Role.TASK for box in found.boxes)
    active = {s for s in looks if not _closed_list(s)}
    if id_boxes:
        active = {s for s in active if _word(s)}
    best = max((looks[s] for s in active), default=None)
    active = {s for s in active if looks[s] is best}
    if best is _Look.NUMBERED:
        active = _chapters_apart(found, active)
    elif best is _Look.STEP and (id_boxes or _boxes_outside(found, active)):
        active = set()
    _innermost(found, looks, active)


def _look(section: Section) -> _Look:
    assert section.label is not None
    if section.step:
        return _Look.STEP
    return _Look.NUMBERED if section.label.style is IdStyle.DOTTED else _Look.STRONG


def _word(section: Section) -> bool:
    """R18: beside boxes with ids only a heading that says ``Task`` is a task."""
    assert section.label is not None
    assert section.heading is not None
    if section.step or _HOLDER.match(section.heading.text):
        return False
    return section.label.style not in (IdStyle.DOTTED, IdStyle.FAMILY)


def _closed_list(section: Section) -> bool:
    """``### 6.0.7 Acceptance criteria`` is no task, whatever its number.

    Only the word ``Task`` makes one of ``Task 12: Quality gates``.
    """
    label = section.label
    assert label is not None
    if label.style is IdStyle.TNUM or (label.style is IdStyle.WORD and not section.step):
        return False
    if label.style is IdStyle.FAMILY and (_in_acceptance(section) or _IS_LIST.match(label.title)):
        return True
    return CLOSED_LIST.search(section.title) is not None and not section.subs


def _in_acceptance(section: Section) -> bool:
    return any(up.acceptance for up in section.around[1:])


def _chapters_apart(found: Survey, active: set[Section]) -> set[Section]:
    """Numbered headings that are tasks, not chapters of a document.

    Where phases are named, only those inside of them count; else, where some hold boxes, those
    that stand under the same chapter as one with boxes; else all of them, in a file that calls
    itself a plan or whose numbered headings have fields.
    """
    if any(section.kind not in ("", "#") for section in found.sections):
        return {s for s in active if any(up.kind not in ("", "#") for up in s.around)}
    with_boxes = {s for s in active if _holds_boxes(found, s)}
    if with_boxes:
        chapters = {_chapter(s) for s in with_boxes}
        return {s for s in active if _chapter(s) in chapters}
    if _boxes_outside(found, active):
        return set()
    title = found.path.rpartition("/")[2] + " ".join(s.title for s in found.sections if s.is_title)
    if _PLAN_LIKE.search(title) or any(_has_bold_line(found, s) for s in active):
        return active
    return set()


def _chapter(section: Section) -> Section:
    """The heading right below the document's title that a section stands under."""
    around = [s for s in section.around if s.parent is not None and not s.is_title]
    return around[-1]


def _holds_boxes(found: Survey, section: Section) -> bool:
    family = [section, *section.below()]
    return any(box.role is Role.LOOSE for s in family for box in found.by_section.get(s, ()))


def _boxes_outside(found: Survey, active: set[Section]) -> bool:
    return any(
        box.role is Role.LOOSE and not any(up in active for up in box.section.around)
        for box in found.boxes
    )


def _has_bold_line(found: Survey, section: Section) -> bool:
    for block in section.blocks:
        if isinstance(block, Text):
            text = found.document.lines[block.line].lstrip()
            if text.startswith("**") and ":" in text:
                return True
    return False


def _innermost(found: Survey, looks: dict[Section, _Look], active: set[Section]) -> None:
    twins = _twins(found)
    holds: set[Section] = set()
    for section in reversed(found.sections):
        tasks_inside = section in holds or any(
            box.role is Role.TASK and box is not twins.get(section)
            for box in found.by_section.get(section, ())
        )
        if section in looks:
            role = Role.GROUP if tasks_inside else Role.NONE
            if section in active and not tasks_inside:
                role = Role.TASK
            found.heading_roles[section] = role
        if section.parent is not None and (
            tasks_inside or found.heading_roles.get(section) is Role.TASK
        ):
            holds.add(section.parent)
    for section, box in twins.items():
        if found.heading_roles.get(section) is Role.TASK:
            box.role = Role.NONE  # the heading's own box (R10)


def _twins(found: Survey) -> dict[Section, Box]:
    """Headings directly followed by the box of the same id: one task, not two (R10)."""
    out: dict[Section, Box] = {}
    for section in found.sections:
        mine = found.by_section.get(section)
        if section.label is None or not section.label.id or not mine:
            continue
        box = mine[0]
        first = next((b for b in section.blocks if isinstance(b, Item)), None)
        same = normal_id(box.label.id) == normal_id(section.label.id)
        if same and box.item is first and box.role is Role.TASK:
            out[section] = box
    return out
