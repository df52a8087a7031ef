"""How ideas are drawn: a row in the list, the whole of one, and what an empty list says."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from cc4tui.domain.notes import Idea, IdeaStatus
from cc4tui.screens.lines import Line, cell
from cc4tui.screens.looks import IDEA_LOOKS
from cc4tui.screens.times import ago
from cc4tui.screens.widgets.row_list import Row


PRIORITY_INKS: Mapping[str, str] = {
    "urgent": "bad",
    "high": "wait",
    "medium": "text",
    "low": "muted",
}

_BEGIN: Line = (("i", "key"), (" catches a thought from any tab: type it, Enter, done.", "muted"))
EMPTY: Mapping[str, tuple[Line, ...]] = {
    "inbox": (
        (("The inbox is empty.", "title"),),
        (),
        _BEGIN,
        (),
        (("For example   ", "muted"), ("rate-limit the upload endpoint #api !high", "quote")),
        (("Later, p makes it a task of a plan.", "muted"),),
    ),
    "planned": (
        (("No idea is part of a plan.", "title"),),
        (),
        (("p", "key"), (" on an idea writes it into a plan as a task.", "muted")),
    ),
    "done": (
        (("No idea is done.", "title"),),
        (),
        (("d", "key"), (" calls an idea done.", "muted")),
    ),
    "all": ((("There are no ideas yet.", "title"),), (), _BEGIN),
}
"""By view."""


def draw_idea(idea: Idea, width: int, now: datetime) -> Row:
    """One line: state, text, and at the right what there is room for."""
    look = IDEA_LOOKS[idea.status]
    first, _, more = idea.text.partition("\n")
    left: Line = ((f"{look.sign} ", look.ink), (first, "text"))
    if more:
        left = (*left, (" …", "muted"))
    return Row(left, tuple(_right(idea, width, now)))


def _right(idea: Idea, width: int, now: datetime) -> Iterator[tuple[str, str]]:
    if idea.plan and width >= 60:
        yield cell(f"{idea.plan} {idea.task or ''}".strip(), 26, "link", end=True)
        yield "  ", ""
    if width >= 50:
        yield cell(" ".join(f"#{tag}" for tag in idea.tags), 14, "tag", end=True)
        yield "  ", ""
    priority = idea.priority or ""
    yield cell(priority, 6, PRIORITY_INKS.get(priority, "text"))
    yield "  ", ""
    yield cell(ago(idea.created, now), 9, "muted", end=True)


def idea_text(idea: Idea) -> str:
    """What the filter looks at."""
    tags = " ".join(f"#{tag}" for tag in idea.tags)
    return f"{idea.text} {tags} {idea.priority or ''} {idea.plan or ''}"


def idea_lines(idea: Idea, now: datetime) -> Iterator[Line]:
    """The idea whole."""
    for line in idea.text.splitlines():
        yield ((line, "text"),)
    yield ()
    look = IDEA_LOOKS[idea.status]
    facts: list[tuple[str, str]] = [(f"{look.sign} {look.word}", look.ink)]
    if idea.priority:
        facts.append((f"  {idea.priority}", PRIORITY_INKS.get(idea.priority, "text")))
    facts += [(f"  #{tag}", "tag") for tag in idea.tags]
    facts.append((f"  caught {ago(idea.created, now)}", "muted"))
    yield tuple(facts)
    if idea.plan and idea.status is IdeaStatus.INBOX:
        yield (("for  ", "muted"), (idea.plan, "link"))
    elif idea.plan:
        yield (("is   ", "muted"), (f"{idea.plan} task {idea.task}", "link"))
