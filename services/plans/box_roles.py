"""Which boxes are tasks, groups, steps or acceptance (rules R1, R2, R3)."""

from collections import defaultdict

from cc4tui.services.plans.labels import IdStyle, normal_id
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.survey import Box, Role, Survey


MAX_NESTING = 6
"""Boxes nested deeper are steps (R16)."""


def judge_boxes(found: Survey) -> None:
    """Give every box its role and its group."""
    prefixes = _prefixes(found.boxes)
    ids_below: set[Box] = set()
    for box in reversed(found.boxes):
        if box.above is not None and (box in ids_below or _names_task(box)):
            ids_below.add(box.above)
    for box in found.boxes:
        box.role = _role(box, box in ids_below, prefixes)
        box.group = None
        if box.above is not None:
            if box.above.role is Role.GROUP:
                box.group = box.above
            elif box.above.group is not None and box.role is not Role.STEP:
                box.group = box.above.group
    _number_groups(found.boxes)


def _names_task(box: Box) -> bool:
    """Whether the box makes a group of the one above it: a task below a task."""
    if box.label.step or (box.label.style is IdStyle.NUMBER and _counts_steps(box)):
        return False
    if box.label.id or not box.label.task:
        return bool(box.label.id)
    above = box.above
    while above is not None and not above.has_id:
        above = above.above
    return above is None and box.above is not None


def _role(box: Box, ids_below: bool, prefixes: dict[Section, set[str]]) -> Role:
    if box.label.step:
        return Role.STEP
    if ids_below:
        return Role.GROUP
    if box.label.id:
        if _is_prefix(box, prefixes):
            return Role.GROUP
        if box.depth > MAX_NESTING or _counts_steps(box):
            return Role.STEP
        return Role.TASK
    below = _role_below(box)
    if below is not None:
        return below
    if box.label.task:
        return Role.TASK
    return Role.ACCEPTANCE if box.zone else Role.LOOSE


def _role_below(box: Box) -> Role | None:
    """Role of a box without id by what is around it; None = it stands free."""
    above = box.above
    while above is not None:
        if box.zone and not above.zone:
            return Role.ACCEPTANCE
        if above.role is Role.ACCEPTANCE:
            return Role.ACCEPTANCE
        if above.role in (Role.TASK, Role.STEP, Role.LOOSE) or above.has_id:
            return Role.STEP
        above = above.above
    return None


def _counts_steps(box: Box) -> bool:
    """``- [ ] 2. text`` under ``### Task 7``: a bare number there counts steps."""
    if box.label.style is not IdStyle.NUMBER:
        return False
    for section in box.section.up():
        label = section.label
        if label is not None and label.style in (IdStyle.WORD, IdStyle.TNUM):
            return normal_id(label.id) != normal_id(box.label.id)
    return False


def _prefixes(boxes: list[Box]) -> dict[Section, set[str]]:
    """For each section, the numbers that are a true prefix of a number in it or below it."""
    out: dict[Section, set[str]] = defaultdict(set)
    for box in boxes:
        if box.label.style in (IdStyle.DOTTED, IdStyle.WORD):
            parts = normal_id(box.label.id).split(".")
            for size in range(1, len(parts)):
                prefix = ".".join(parts[:size])
                for section in box.section.around:
                    out[section].add(prefix)
    return out


def _is_prefix(box: Box, prefixes: dict[Section, set[str]]) -> bool:
    if box.label.style not in (IdStyle.NUMBER, IdStyle.DOTTED, IdStyle.WORD):
        return False
    return normal_id(box.label.id) in prefixes.get(box.section, ())


def _number_groups(boxes: list[Box]) -> None:
    """A task whose number begins with a group's number belongs to it, also at the same indent."""
    groups: dict[str, Box] = {}
    for box in boxes:
        if not box.label.id:
            continue
        if box.group is None and box.label.style in (IdStyle.DOTTED, IdStyle.WORD):
            parts = normal_id(box.label.id).split(".")
            for size in range(len(parts) - 1, 0, -1):
                group = groups.get(".".join(parts[:size]))
                if group is not None and group is not box:
                    box.group = group
                    break
        if box.role is Role.GROUP:
            groups[normal_id(box.label.id)] = box
