"""What a plan's text says beside its tasks, so that rewriting a plan loses no word of it."""

import re

from cc4tui.domain.plan import Plan
from cc4tui.services.plans.blocks import Fence
from cc4tui.services.plans.fields import find_fields
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.text import squeeze


HEADING = "Rest of the source"
"""The section that keeps it, verbatim in a fence: nothing in there is ever a task."""

_RECORDS = frozenset({"taskmaster", "ralph", "beads"})
_TOLD = frozenset({"goal", "acceptance", "milestone", "depends_on"})
_OWN_KEYS = frozenset({"cc4", "title"})
_BACKTICKS = re.compile(r"`{3,}")


def rest_of(data: bytes, plan: Plan) -> str:
    """The section that keeps what neither a task nor a batch of `plan` holds; empty if nothing."""
    if plan.dialect in _RECORDS:
        return ""
    source = Source(data, plan.path)
    kept = [*_front_matter(source, plan), *_between(source, plan), *_kept_before(source)]
    text = "\n".join(kept).strip("\n")
    if not text:
        return ""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"\n## {HEADING}\n\n{fence}text\n{text}\n{fence}\n"


def _front_matter(source: Source, plan: Plan) -> list[str]:
    """All of it, where it has a key that our own format does not."""
    values = source.matter.values
    known = {*_OWN_KEYS, *plan.defaults}
    if not source.matter.lines or (values and known >= values.keys()):
        return []
    return source.lines[: source.matter.lines]


def _between(source: Source, plan: Plan) -> list[str]:
    """Lines outside of tasks, each under the headings it stands below."""
    taken = set(range(source.matter.lines))
    for task in plan.tasks():
        taken.update(range(task.line - 1, task.end_line))
    taken.update(batch.line - 1 for batch in plan.batches)
    found = source.survey()
    told = {squeeze(plan.title)}
    out: list[str] = []
    said: set[Section] = set()
    for section in (found.root, *found.sections):
        if section.heading is not None and squeeze(section.heading.text) == squeeze(HEADING):
            continue
        for field in find_fields(section.blocks, source.lines):
            if field.key in _TOLD:
                taken.update(range(field.line, field.end))
        first = section.heading.end if section.heading is not None else section.line
        last = section.subs[0].line if section.subs else section.end
        own = [n for n in range(first, last) if n not in taken]
        if not any(source.lines[n].strip() for n in own):
            continue
        for up in reversed(section.up()):
            heading = up.heading
            if up in said or heading is None or squeeze(heading.text) in told:
                continue
            said.add(up)
            out += source.lines[heading.line : heading.end]
        out += [source.lines[n] for n in own]
    return out


def _kept_before(source: Source) -> list[str]:
    """What an earlier rewriting kept."""
    for section in source.survey().sections:
        if section.heading is None or squeeze(section.heading.text) != squeeze(HEADING):
            continue
        fence = next((b for b in section.blocks if isinstance(b, Fence)), None)
        if fence is not None:
            return source.lines[fence.line + 1 : fence.end - 1 if fence.closed else fence.end]
    return []
