"""What a reader of a dialect is."""

from collections.abc import Callable
from dataclasses import dataclass

from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.source import Source


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller asked of a reading."""

    granularity: str = "auto"
    accept_offers: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A dialect: how it is recognised, and how it is read."""

    name: str
    detect: Callable[[Source], str | None]
    """Why a file is of this dialect, as words for a person; None = it is not."""
    read: Callable[[Source, PlanDraft, Options], None]
    """Fill the draft; never raises on content."""
