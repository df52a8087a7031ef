"""The Markdown dialects that differ only by how they are recognised and in what order tasks run."""

from collections.abc import Callable

from cc4tui.services.plans.blocks import Item, Table
from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.labels import IdStyle
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.structure import Profile, read_structure
from cc4tui.services.plans.survey import Role
from cc4tui.services.plans.tables import certain_rows


def reader(profile: Profile, detect: Callable[[Source], str | None]) -> Reader:
    """A reader that takes the common structure with a dialect's profile."""

    def read(source: Source, plan: PlanDraft, options: Options) -> None:
        read_structure(source.survey(options.granularity), plan, profile)

    return Reader(profile.name, detect, read)


def detect_speckit(source: Source) -> str | None:
    """Three or more boxes with ids such as T001."""
    count = sum(box.label.style is IdStyle.TNUM for box in source.survey().boxes)
    return f"{count} boxes with ids like T001" if count >= 3 else None


def detect_numbered(source: Source) -> str | None:
    """Two or more boxes that begin with a number such as 1.1, outside of ``Task`` headings."""
    found = source.survey()
    if found.numbered is None:
        found.numbered = sum(
            box.label.style in (IdStyle.DOTTED, IdStyle.NUMBER)
            and not any(_is_task_word(up) for up in box.section.up())
            for box in found.boxes
        )
    return f"{found.numbered} boxes with numbers" if found.numbered >= 2 else None


def _is_task_word(section: Section) -> bool:
    return section.label is not None and section.label.style is IdStyle.WORD


def detect_openspec(source: Source) -> str | None:
    """Numbered boxes below numbered headings, or a file of an ``openspec`` folder."""
    why = detect_numbered(source)
    if why is None:
        return None
    if "openspec/" in source.path.replace("\\", "/"):
        return f"{why} in an openspec folder"
    if any(s.kind == "#" and source.survey().by_section.get(s) for s in source.survey().sections):
        return f"{why} under numbered headings"
    return None


def detect_aidev(source: Source) -> str | None:
    """Numbered boxes and a ``Relevant Files`` section."""
    why = detect_numbered(source)
    files = any(s.title.strip().casefold() == "relevant files" for s in source.survey().sections)
    return f"{why} and Relevant Files" if why and files else None


def detect_conductor(source: Source) -> str | None:
    """Boxes that begin with ``Task:``."""
    count = sum(box.label.task for box in source.survey().boxes)
    return f"{count} boxes that begin with Task:" if count else None


def detect_superpowers(source: Source) -> str | None:
    """``Task N`` headings whose work is told in ``Step N`` boxes or lines."""
    tasks = {
        s for s in source.survey().sections if s.label is not None and s.label.style is IdStyle.WORD
    }
    if not tasks:
        return None
    steps = sum(box.label.step for box in source.survey().boxes if box.section in tasks)
    if steps:
        return f"{len(tasks)} Task headings with {steps} step boxes"
    if "superpowers:" in source.text[:4000]:
        return f"{len(tasks)} Task headings and a superpowers header"
    return None


def detect_headings(source: Source) -> str | None:
    """Headings or tables that hold tasks."""
    found = source.survey()
    headings = sum(role is Role.TASK for role in found.heading_roles.values())
    if headings:
        return f"{headings} headings that name tasks"
    rows = sum(
        len(certain_rows(block))
        for section in found.sections
        for block in section.blocks
        if isinstance(block, Table)
    )
    if rows:
        return f"tables with {rows} task rows"
    listed = any(
        isinstance(block, Item) for s in found.sections if s.lists_tasks for block in s.blocks
    )
    return "plain bullets under Tasks in a phase" if listed and not found.boxes else None


def detect_boxes(source: Source) -> str | None:
    """Any box."""
    count = len(source.survey().boxes)
    return f"{count} boxes" if count else None


def detect_offers(_source: Source) -> str | None:
    """Whatever is left."""
    return "nothing in it is certainly a task"


MARKDOWN_READERS = (
    reader(Profile("speckit", sequential=True, own=False), detect_speckit),
    reader(Profile("openspec", sequential=True, own=False), detect_openspec),
    reader(Profile("ai-dev-tasks", sequential=True, own=False), detect_aidev),
    reader(Profile("kiro", sequential=True, own=False), detect_numbered),
    reader(Profile("conductor", sequential=True, own=False), detect_conductor),
    reader(Profile("superpowers", sequential=True, own=False), detect_superpowers),
    reader(Profile("headings"), detect_headings),
    reader(Profile("boxes"), detect_boxes),
    reader(Profile("offers"), detect_offers),
)
"""In the order in which they are tried."""
