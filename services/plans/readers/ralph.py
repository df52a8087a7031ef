"""Ralph loops: ``prd.json`` with user stories that pass or do not."""

from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.jsontext import Placed, member, parse
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source


NAME = "ralph"


def detect(source: Source) -> str | None:
    """An object with ``userStories``."""
    stories = user_stories(source.text) if source.text.lstrip()[:1] == "{" else None
    return f"JSON with {len(stories.value)} userStories" if stories is not None else None


def user_stories(text: str) -> Placed | None:
    """The list of stories."""
    whole = parse(text)
    if whole is None or not isinstance(whole.value, dict):
        return None
    if not isinstance(whole.value.get("userStories"), list):
        return None
    return member(text, whole, "userStories")


def read(source: Source, plan: PlanDraft, _options: Options) -> None:
    """Stories one after the other, by priority as the loop takes them."""
    from cc4tui.services.plans.readers.ralph_stories import read_stories

    stories = user_stories(source.text)
    plan.sequential = True
    if stories is not None:
        read_stories(source.text, stories, plan)


READER = Reader(NAME, detect, read)
