"""Reads a plan, whatever its dialect, and whatever its bytes."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from cc4tui.domain.plan import Plan, PlanTaskState
from cc4tui.errors import UsageError
from cc4tui.services.plans.assembly import assemble
from cc4tui.services.plans.blocks import Item
from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.marks import status_of_word
from cc4tui.services.plans.readers.base import Options
from cc4tui.services.plans.readers.registry import DIALECTS, choose
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.structure import find_goal
from cc4tui.services.plans.text import nearest, quote
from cc4tui.services.plans.warnings import warn_beside


MAX_BYTES = 5 * 1024 * 1024
MAX_LINES = 200_000
PAUSE_BYTES = 100_000
GRANULARITIES = ("auto", "leaf", "group")


def read_plan(
    data: bytes,
    path: str,
    *,
    dialect: str | None = None,
    granularity: str | None = None,
    accept_offers: bool = False,
) -> Plan:
    """Read a plan. Never raises on content: what is wrong with it stands in `diagnostics`.

    Args:
        data: The file's bytes.
        path: What messages call it; some dialects are recognised by their folder.
        dialect: Take this dialect instead of recognising one.
        granularity: ``leaf``, ``group`` or ``auto`` (default: the plan's own choice, else auto).
        accept_offers: Take what may be tasks for tasks, in a plan that has none for certain.

    Raises:
        UsageError: `dialect` or `granularity` is not known.
    """
    source = Source(data, path)
    return read_source(
        source, dialect=dialect, granularity=granularity, accept_offers=accept_offers
    )


def read_source(
    source: Source,
    *,
    dialect: str | None = None,
    granularity: str | None = None,
    accept_offers: bool = False,
) -> Plan:
    """`read_plan` for a caller that looks at the source itself, too."""
    _check_choice("dialect", dialect, DIALECTS)
    _check_choice("granularity", granularity, GRANULARITIES)
    data, path = source.data, source.path
    too_big = _too_big(data)
    if too_big:
        draft = PlanDraft("none", title=PurePath(path).stem)
        draft.error("E09", 0, too_big, "split the plan")
        return assemble(draft, path, data, [])
    with collector_paused(len(data)):
        reader, why = choose(source, dialect)
        draft = PlanDraft(reader.name, why=why)
        _read_head(source, draft)
        reader.read(source, draft, Options(granularity or "auto", accept_offers))
        _accept(draft, accept_offers)
        _judge(source, draft)
        return assemble(draft, path, data, source.starts)


@contextmanager
def collector_paused(size: int) -> Iterator[None]:
    """No garbage collection while a large plan makes its hundred thousand small objects.

    None of them is garbage before the end, and looking for some costs a quarter of the time.
    """
    if size < PAUSE_BYTES or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _check_choice(what: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        guess = nearest(value, known)
        hint = f"did you mean {guess}?" if guess else f"known are {', '.join(known)}."
        raise UsageError(f"there is no {what} {quote(value)}; {hint}")


def _too_big(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        return f"the file has {len(data) / 1024 / 1024:.1f} MiB; the most is 5 MiB"
    lines = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n") + 1
    return f"the file has {lines} lines; the most is {MAX_LINES}" if lines > MAX_LINES else ""


def _read_head(source: Source, draft: PlanDraft) -> None:
    """Encoding, front matter and title."""
    if source.bad_byte is not None:
        line = source.data.count(b"\n", 0, source.bad_byte)
        text = f"not UTF-8: byte {source.bad_byte} cannot be read"
        draft.error("E01", line, text, "save the file as UTF-8")
    matter = source.matter
    if matter.error:
        strict = any(line.startswith("cc4:") for line in source.lines[1 : matter.lines])
        note = draft.error if strict else draft.warn
        note("W02", matter.error_line, f"front matter: {matter.error}", "the text below is read")
    title = str(matter.values.get("title") or matter.values.get("name") or "")
    if not title:
        heading = next((s for s in source.survey().sections if s.is_title), None)
        title = heading.heading.text if heading is not None and heading.heading else ""
    draft.title = title.strip() or PurePath(source.path).stem
    if status_of_word(str(matter.values.get("status", ""))) is PlanTaskState.DONE:
        draft.state = PlanTaskState.DONE
    draft.goal = find_goal(source.survey())


def _accept(draft: PlanDraft, accept_offers: bool) -> None:
    if accept_offers and not draft.order:
        draft.batches = [offer.batch for offer in draft.offers]
        draft.order = [task for batch in draft.batches for task in batch.tasks]
        draft.offers = []


def _judge(source: Source, draft: PlanDraft) -> None:
    """E02 where nothing was found, or the word about offers."""
    warn_beside(source, draft)
    if draft.order:
        return
    if draft.offers:
        count = sum(len(offer.batch.tasks) for offer in draft.offers)
        text = f"nothing is certainly a task; {count} may be, see the offers"
        draft.warn("W05", draft.offers[0].line, text, "--accept-offers takes them")
    else:
        draft.error("E02", 0, f"no task found: {_seen(source)}", "write tasks as: - [ ] 1.1 title")


def _seen(source: Source) -> str:
    """What the file holds instead of tasks, for E02."""
    found = source.survey()
    boxes = sum(bool(box.label.raw) for box in found.boxes)
    bullets, where = 0, ""
    for section in [found.root, *found.sections]:
        count = sum(isinstance(b, Item) and b.mark is None for b in section.blocks)
        if count > bullets:
            bullets, where = count, section.title
    text = f"{boxes} boxes with text"
    if bullets:
        text += f", {bullets} plain bullets" + (f" under {quote(where)}" if where else "")
        return f"{text} (--dialect bullets takes them)"
    return f"{text}, {len(found.sections)} headings"
