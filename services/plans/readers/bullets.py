"""Plain bullets as tasks: never recognised, only read on request (``--dialect bullets``)."""

from cc4tui.services.plans.blocks import Item
from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.fields import item_field
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.structure import Profile, read_bullets


_PROFILE = Profile("bullets")


def detect(_source: Source) -> str | None:
    """Never: a bullet is a task only when a person says so."""
    return None


def read(source: Source, plan: PlanDraft, options: Options) -> None:
    """Every outermost bullet outside of acceptance sections, boxes included."""
    found = source.survey(options.granularity)
    items = [
        (block, section)
        for section in [found.root, *found.sections]
        if not section.acceptance
        for block in section.blocks
        if isinstance(block, Item) and block.text and item_field(block) is None
    ]
    read_bullets(found, plan, _PROFILE, items)


READER = Reader("bullets", detect, read)
