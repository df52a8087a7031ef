"""Ralph loops: ``prd.json`` with stories that pass or do not."""

from typing import Any

from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.jsontext import Placed, member, parse
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source


NAME = "ralph"
LISTS = ("userStories", "user_stories", "stories", "features")
"""What the list of stories is called; some loops have nothing but the list."""
FLAGS = ("passes", "complete", "completed", "done")
"""What says that a story is done."""


def detect(source: Source) -> str | None:
    """An object with stories, or a list of records that pass or do not."""
    stories = user_stories(source.text) if source.text.lstrip()[:1] in ("{", "[") else None
    return f"JSON with {len(stories.value)} stories" if stories is not None else None


def user_stories(text: str) -> Placed | None:
    """The list of stories."""
    whole = parse(text)
    if whole is None:
        return None
    if isinstance(whole.value, list):
        flagged = all(isinstance(one, dict) and _flagged(one) for one in whole.value)
        return whole if whole.value and flagged else None
    if not isinstance(whole.value, dict):
        return None
    name = next((n for n in LISTS if _holds_stories(whole.value.get(n), n)), None)
    return member(text, whole, name) if name is not None else None


def _holds_stories(value: Any, name: str) -> bool:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return False
    return name == LISTS[0] or any(_flagged(one) or "status" in one for one in value)


def _flagged(record: dict[str, Any]) -> bool:
    return any(flag in record for flag in FLAGS)


def read(source: Source, plan: PlanDraft, _options: Options) -> None:
    """Stories one after the other, by priority as the loop takes them."""
    from cc4tui.services.plans.readers.ralph_stories import read_stories

    stories = user_stories(source.text)
    plan.sequential = True
    if stories is not None:
        read_stories(source.text, stories, plan)


READER = Reader(NAME, detect, read)
