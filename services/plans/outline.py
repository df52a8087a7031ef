"""Sections: the headings of a document with what stands under them."""

import re
from dataclasses import dataclass, field

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.blocks import Block, Document, Heading
from cc4tui.services.plans.labels import IdStyle, Label, parse_label
from cc4tui.services.plans.marks import BOX_STATES, says_done, status_of_section, strip_done
from cc4tui.services.plans.text import calm
from cc4tui.services.plans.words import (
    ACCEPTANCE,
    BATCH,
    DECLARED_TASKS,
    DONE_DEFINITION,
    NUMBERED,
    STEP,
    TASK,
    TASKS_HEADING,
    WORK_LISTS,
)


LONGEST = 300
"""Characters of a heading that are looked at for what it means; the rest is only title."""
_MARK = re.compile(r"\[([^\]\[])\]\s+")
_TASK_WORD = re.compile(rf"\W*(?:{TASK}|{STEP})(?=\W|\d|$)", re.I)
_STEP_ID = re.compile(
    rf"\W*(?:{STEP})\s*(\d{{1,3}}(?:\.\d+)*[a-zA-Z]?)"
    r"\s*(?:[:：.)]+|[-–—]+(?=\s)|(?=\s))\s*(.*)$",
    re.I,
)
_CHECKPOINT = re.compile(r"\s*\[checkpoint:[^\]]*\]", re.I)
_KIND_ALONE = re.compile(r"\W*[A-Za-z]+\s*(?::|[-–—]\s)")
_NAMED_TASK = re.compile(rf"\W*(?:{TASK})\s*[:：]\s*(\S.*)$", re.I)


@dataclass(slots=True, eq=False)
class Section:
    """A heading, the blocks up to the next heading, and the sections below it."""

    heading: Heading | None
    level: int
    line: int
    end: int = 0
    """Exclusive, subsections included."""
    parent: "Section | None" = None
    blocks: list[Block] = field(default_factory=list)
    subs: list["Section"] = field(default_factory=list)
    is_title: bool = False
    label: Label | None = None
    """Set when the heading may be a task."""
    step: bool = False
    """``### Step 1``: a task only where nothing else is."""
    mark: str | None = None
    title: str = ""
    kind: str = ""
    """``Phase`` of a batch heading; ``#`` of a numbered one."""
    number: str = ""
    done: bool = False
    state: PlanTaskState | None = None
    declared: int | None = None
    acceptance: bool = False
    done_definition: bool = False
    tasks_only: bool = False
    """The heading is exactly ``Tasks``."""
    said: "PlanTaskState | bool | None" = False
    """What `says` found; False = not asked yet."""
    around: "tuple[Section, ...]" = ()
    """It and what is around it, innermost first, the root last."""

    def up(self) -> "tuple[Section, ...]":
        """It and what is around it, innermost first, without the root."""
        return self.around[:-1]

    def below(self) -> "list[Section]":
        """Every section below it in document order."""
        out: list[Section] = []
        todo = list(reversed(self.subs))
        while todo:
            section = todo.pop()
            out.append(section)
            todo.extend(reversed(section.subs))
        return out

    def says(self) -> PlanTaskState | None:
        """What it and the headings around it say of the tasks below it (R5)."""
        if self.said is False:
            states = (PlanTaskState.DONE if up.done else None for up in self.up())
            named = (up.state for up in self.up())
            self.said = next((s for one in (states, named) for s in one if s is not None), None)
        return self.said if isinstance(self.said, PlanTaskState) else None

    @property
    def caption(self) -> str:
        """The heading without status and counts: ``Phase 2: Validation``."""
        if self.label is not None:
            word = "Step" if self.step else "Task"
            return f"{word} {self.label.id}: {self.title}" if self.label.id else self.title
        if self.kind == "#":
            return f"{self.number}. {self.title}"
        return f"{self.name}: {self.title}" if self.name else self.title

    @property
    def name(self) -> str:
        """As people refer to a batch: ``Phase 2``; empty without kind and number."""
        return f"{self.kind} {self.number}" if self.kind not in ("", "#") and self.number else ""

    @property
    def lists_tasks(self) -> bool:
        """``Tasks`` inside a phase or batch: its plain bullets are tasks (R20)."""
        return self.tasks_only and any(up.kind for up in self.up()[1:])


def build_outline(document: Document) -> Section:
    """The sections of a document under a root that has no heading."""
    root = Section(None, 0, document.first, len(document.lines))
    root.around = (root,)
    here = root
    for block in document.blocks:
        if not isinstance(block, Heading):
            here.blocks.append(block)
            continue
        while here.level >= block.level and here.parent is not None:
            here.end = block.line
            here = here.parent
        section = Section(block, block.level, block.line, len(document.lines), here)
        section.around = (section, *here.around)
        here.subs.append(section)
        here = section
    _name_sections(root)
    return root


def _name_sections(root: Section) -> None:
    first = True
    for section in root.below():
        heading = section.heading
        assert heading is not None
        section.is_title = first and heading.level == 1
        first = False
        _read_heading(section, calm(heading.text[:LONGEST]))
        section.title += heading.text[LONGEST:]
        above = section.parent
        if above is not None and not section.is_title:
            section.acceptance = section.acceptance or (above.acceptance and not above.is_title)
            section.done_definition = section.done_definition or above.done_definition
    _phases_of_checklists(root)


def _phases_of_checklists(root: Section) -> None:
    """Phases in a checklist hold work (R22), unless the plan tells the same phases elsewhere.

    Then the checklist is a second account of how far they are.
    """
    listed = [s for s in root.below() if s.acceptance and s.kind not in ("", "#") and s.number]
    if not listed:
        return
    told = {s.name.casefold() for s in root.below() if not s.acceptance and s.number}
    for section in listed:
        above = section.parent
        while above is not None and above.acceptance and above.kind:
            above = above.parent
        if above is None or not _lists_work(above) or section.name.casefold() in told:
            continue
        for inside in (section, *section.below()):
            inside.acceptance = ACCEPTANCE.search(inside.title) is not None and not inside.kind


def _lists_work(section: Section) -> bool:
    """A checklist whose parts are phases: those hold work, not conditions (R22)."""
    words = set(ACCEPTANCE.findall(section.title.casefold()))
    return bool(words) and words <= WORK_LISTS


def _read_heading(section: Section, text: str) -> None:
    """What a heading means: a batch, a task, acceptance, a status, or just a title."""
    if (found := _MARK.match(text)) is not None and found[1] in BOX_STATES:
        section.mark = found[1]
        text = text[found.end() :]
    if _read_task(section, text):
        return
    section.title = text
    section.tasks_only = TASKS_HEADING.match(text) is not None
    batch = BATCH.match(text)
    if batch is not None and (batch["number"] or _KIND_ALONE.match(text)):
        section.kind = batch["kind"].capitalize()
        section.number = batch["number"] or ""
        section.title = batch["title"] or text
    elif (numbered := NUMBERED.match(text)) is not None and section.level == 2:
        section.kind, section.number, section.title = "#", numbered["number"], numbered["title"]
    if not (section.kind and section.number):
        section.state = status_of_section(section.title)
        section.acceptance = ACCEPTANCE.search(text) is not None
        section.done_definition = DONE_DEFINITION.search(text) is not None
    _clean_batch_title(section, text)


def _clean_batch_title(section: Section, text: str) -> None:
    if (declared := DECLARED_TASKS.search(section.title)) is not None:
        section.declared = int(declared[1])
        section.title = (
            section.title[: declared.start()] + section.title[declared.end() :]
        ).strip()
    if section.state is None:
        section.done = says_done(text)
        if section.done:
            section.title = strip_done(section.title) or section.title
    section.title = _CHECKPOINT.sub("", section.title).strip()


def _read_task(section: Section, text: str) -> bool:
    """Whether the heading has the look of a task; fills its label."""
    if section.level == 1 and not _TASK_WORD.match(text):
        return False
    if (step := _STEP_ID.match(text)) is not None:
        label = Label(text, step[1], IdStyle.WORD, step[2].strip())
        section.label, section.step, section.title = label, True, label.title
        return True
    if (named := _NAMED_TASK.match(text)) is not None:
        label = parse_label(named[1])
        label.task = True
        section.label, section.title = label, label.title
        return True
    label = parse_label(text)
    if label.style in (IdStyle.WORD, IdStyle.TNUM, IdStyle.DOTTED) or (
        label.style is IdStyle.FAMILY and "-" in label.id
    ):
        section.label, section.title = label, label.title
        section.done = says_done(text) and label.tick is None
        return True
    return False
