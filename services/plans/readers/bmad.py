"""BMAD stories: the boxes under ``Tasks / Subtasks`` are the tasks, all others are not."""

import re

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.blocks import Text
from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.marks import status_of_word
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.structure import Profile, read_structure
from cc4tui.services.plans.survey import Role


_HEADING = re.compile(r"\W*tasks?\s*/\s*sub-?tasks?\W*$", re.I)
_STATUS = re.compile(r"\W*status\W*$", re.I)
_PROFILE = Profile("bmad", sequential=True, own=False, tables=False)


def detect(source: Source) -> str | None:
    """A section called ``Tasks / Subtasks``."""
    return "a section Tasks / Subtasks" if _sections(source) else None


def _sections(source: Source) -> set[Section]:
    return {s for s in source.survey().sections if _HEADING.match(s.title)}


def read(source: Source, plan: PlanDraft, options: Options) -> None:
    """Only that section counts, and in it the rules that hold everywhere."""
    found = source.survey(options.granularity)
    homes = {s for s in found.sections if _HEADING.match(s.title)}
    for box in found.boxes:
        if not any(up in homes for up in box.section.around):
            box.role = Role.ACCEPTANCE if box.role is Role.ACCEPTANCE else Role.NONE
            box.group = None
    for section in found.heading_roles:
        if not any(up in homes for up in section.around):
            found.heading_roles[section] = Role.NONE
    read_structure(found, plan, _PROFILE)
    for task in plan.order:
        if not task.title:
            task.title = task.steps[0].text if task.steps else f"Task {task.id}"
    plan.state = _status(source)


def _status(source: Source) -> PlanTaskState | None:
    """What the story says under ``## Status``; only Done counts for its tasks."""
    for section in source.survey().sections:
        first = section.blocks[0] if section.blocks else None
        if _STATUS.match(section.title) and isinstance(first, Text):
            state = status_of_word(source.lines[first.line])
            return state if state is PlanTaskState.DONE else None
    return None


READER = Reader("bmad", detect, read)
