"""Which boxes and headings of a document are tasks, and which are groups, steps or acceptance.

Here the candidates are collected; box_roles.py and heading_roles.py judge them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from cc4tui.services.plans.blocks import Block, Document, Item, Text
from cc4tui.services.plans.fields import field_parts, item_parts
from cc4tui.services.plans.labels import (
    IdStyle,
    Label,
    drop_id,
    family,
    parse_label,
)
from cc4tui.services.plans.outline import Section, build_outline
from cc4tui.services.plans.words import ACCEPTANCE, TASK


MAX_FIELD_NAME = 120
"""Characters of a line that may announce a list."""

_MAY_BE_TASK = re.compile(rf"[^\x00-\x7f]{{0,8}}?\s*[*_`]{{0,3}}(?:T\d|{TASK})", re.I)


class Role(Enum):
    """What a box or heading is."""

    TASK = "task"
    GROUP = "group"
    STEP = "step"
    ACCEPTANCE = "acceptance"
    LOOSE = "loose"
    """A box without an id that belongs to nothing."""
    NONE = "none"


@dataclass(slots=True, eq=False)
class Box:
    """A list item with a box, in its surroundings."""

    item: Item
    label: Label
    section: Section
    above: "Box | None"
    """The nearest box around it."""
    zone: bool = False
    """In an acceptance heading, field or list (R3)."""
    done_definition: bool = False
    role: Role = Role.LOOSE
    below: list["Box"] = field(default_factory=list)
    group: "Box | None" = None
    """The group it belongs to by nesting or by its number (R2)."""
    depth: int = 1

    @property
    def has_id(self) -> bool:
        """Whether its label names it: by an id, or as ``Task:`` (R21)."""
        return bool(self.label.id) or self.label.task


@dataclass(slots=True, eq=False)
class Survey:
    """A document with every candidate for a task."""

    document: Document
    root: Section
    sections: list[Section]
    boxes: list[Box]
    path: str = ""
    by_section: dict[Section, list[Box]] = field(default_factory=dict)
    heading_roles: dict[Section, Role] = field(default_factory=dict)
    numbered: int | None = None
    """Boxes that begin with a number; counted by the first reader that asks."""
    bullets: list[Box] = field(default_factory=list)
    """Bullets without a box that begin with ``Task 12:``: tasks where signs tick some of them."""


def survey(document: Document, path: str, *, own: bool = False) -> Survey:
    """Collect sections and boxes of a document; their roles are still to be given.

    Args:
        document: The scanned text.
        path: What the file is called.
        own: It is of our own format, in which what stands under ``Body:`` and ``Steps:`` is never
            a task.
    """
    root = build_outline(document)
    found = root.below()
    out = Survey(document, root, found, [], path)
    for section in [root, *found]:
        collector = _Collector(document.lines, section, out, own=own)
        collector.collect(section.blocks, None, section.acceptance, 1)
    _settle_ids(out.boxes, [s for s in found if s.label is not None])
    for box in out.boxes:
        out.by_section.setdefault(box.section, []).append(box)
    return out


class _Collector:
    """Walks the blocks of one section."""

    def __init__(self, lines: list[str], section: Section, survey_: Survey, *, own: bool) -> None:
        self.own = own
        self.inert = False
        self.lines = lines
        self.section = section
        self.boxes = survey_.boxes
        self.bullets = survey_.bullets

    def collect(self, blocks: Sequence[Block], above: Box | None, zone: bool, depth: int) -> None:
        listed = zone  # whether the list that comes next is acceptance
        last: tuple[bool, bool] | None = None
        text: Text | None = None
        for block in blocks:
            if not isinstance(block, Item):
                text = block if isinstance(block, Text) else None
                listed, last = zone, None
            else:
                if text is not None:
                    listed, text = zone or self.announces(text), None
                kind = bool(block.number), block.mark is not None
                if last is not None and last != kind:
                    listed = zone  # another list begins
                last = kind
                if block.mark is not None or block.children or above is None:
                    self.item(block, above, listed, depth)

    def item(self, item: Item, above: Box | None, zone: bool, depth: int) -> None:
        inner = zone
        if item.mark is not None:
            box = Box(item, parse_label(item.label), self.section, above, zone, depth=depth)
            box.done_definition = self.section.done_definition
            if self.inert:
                drop_id(box.label)
                box.label.step, box.label.task = True, False
            self.boxes.append(box)
            if above is not None:
                above.below.append(box)
            above = box
        else:
            if above is None and _MAY_BE_TASK.match(item.text):
                self.bullet(item)
            parts = item_parts(item)
            inner = zone or (parts is not None and parts[0] in ("acceptance", "verify"))
            if parts is None and item.children and ":" in item.text[-3:]:
                inner = zone or ACCEPTANCE.search(item.text) is not None
            if parts is not None and self.own and parts[0] in ("body", "steps"):
                outer, self.inert = self.inert, True
                self.collect(item.children, above, False, depth + 1)
                self.inert = outer
                return
        if item.children:
            self.collect(item.children, above, inner, depth + 1)

    def bullet(self, item: Item) -> None:
        label = parse_label(item.text)
        if label.style in (IdStyle.WORD, IdStyle.TNUM):
            self.bullets.append(Box(item, label, self.section, None))

    def announces(self, block: Text) -> bool:
        """Whether a paragraph ends in a field that makes the list below it acceptance."""
        line = self.lines[block.end - 1].strip().lstrip("> ")
        if line.startswith(("**", "__")):
            parts = field_parts(line, plain=False)
            return parts is not None and parts[0] == "acceptance" and not parts[2]
        plain = line.rstrip()
        if not plain.endswith((":", "：")) or len(plain) > MAX_FIELD_NAME:
            return False
        return len(plain.split()) <= 6 and ACCEPTANCE.search(plain) is not None


_CRITERION = re.compile(r"(?:AC|SC|DOD|NFR|ADR?|RISK|OQ)-?\d", re.I)
"""``AC-003``, ``ADR-7``: the name of a criterion, a decision, a risk, a question."""
_STRONG = (IdStyle.TNUM, IdStyle.WORD, IdStyle.DOTTED, IdStyle.GIVEN)


def _rare(boxes: list[Box]) -> set[str]:
    """Families of weak ids that only a few boxes of many bear: not how the file names its tasks."""
    members: dict[str, list[Box]] = defaultdict(list)
    for box in boxes:
        if box.label.style is IdStyle.FAMILY:
            members[family(box.label.id)].append(box)
    if not members:
        return set()
    strong = any(box.label.style in _STRONG for box in boxes)
    at_depth = Counter(box.depth for box in boxes)
    return {
        name
        for name, found in members.items()
        if not strong and len(found) * 4 < at_depth[min(box.depth for box in found)]
    }


def _only_a_word(box: Box) -> bool:
    """Whether what looks like a weak id only names what the box is about."""
    above = box.above
    below_task = above is not None and above.label.style in _STRONG
    return "-" not in box.label.id and (box.zone or below_task)


def _settle_ids(boxes: list[Box], headings: list[Section]) -> None:
    """Keep a weak id such as ``AB-12`` only where several of its family stand in the file."""
    for box in boxes:
        if box.label.style is IdStyle.FAMILY and _only_a_word(box):
            drop_id(box.label)
    labels = [box.label for box in boxes] + [s.label for s in headings if s.label is not None]
    for label in labels:
        if label.style is IdStyle.FAMILY and _CRITERION.match(label.id):
            drop_id(label)
    members: dict[str, dict[str, str]] = defaultdict(dict)
    words = _rare(boxes)
    for label in labels:
        if label.style is IdStyle.FAMILY:
            known = members[family(label.id)].setdefault(label.id, label.title)
            if known != label.title and "-" not in label.id:
                words.add(family(label.id))  # ``P0: this``, ``P0: that``: a rank, not a name
    for label in labels:
        if label.style is not IdStyle.FAMILY:
            continue
        if len(members[family(label.id)]) < 2 or family(label.id) in words:
            drop_id(label)
    for section in headings:
        heading = section.label
        if heading is not None and heading.style is IdStyle.NONE and not heading.task:
            section.label, section.title = None, heading.title
