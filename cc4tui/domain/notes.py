"""What people and agents write down: ideas for later, lessons for next time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class IdeaStatus(StrEnum):
    """Where an idea is."""

    INBOX = "inbox"
    PLANNED = "planned"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Idea:
    """A thought caught before it is lost; may become a task of a plan."""

    id: int
    text: str
    created: datetime
    tags: tuple[str, ...] = ()
    priority: str | None = None
    status: IdeaStatus = IdeaStatus.INBOX
    plan: str | None = None
    """Plan file it was promoted into."""
    task: str | None = None
    """Id of the task it became."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Something learned, searchable by full text."""

    id: int
    text: str
    created: datetime
    title: str = ""
    source: str = ""
    """Who or what it comes from: ``person``, or ``<run>/<task>``."""
    tags: tuple[str, ...] = ()
