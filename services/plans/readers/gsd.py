"""Get Shit Done: ``<task>`` elements in NN-MM-PLAN.md, or plan boxes in ROADMAP.md."""

import re
from collections.abc import Iterator

from cc4tui.services.plans.draft import MAX_TASKS, BatchDraft, PlanDraft, TaskDraft
from cc4tui.services.plans.labels import IdStyle, parse_label
from cc4tui.services.plans.paths import field_files
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.structure import Profile, read_structure


_OPEN = re.compile(r"\s{0,8}<task(?:\s[^<>]*)?>")
_CLOSE = re.compile(r"</task\s*>")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_ELEMENT = "<{0}(?:\\s[^<>]*)?>(.*?)</{0}\\s*>"
_NAME, _FILES, _DONE = (
    re.compile(_ELEMENT.format(name), re.S) for name in ("name", "files", "done")
)
_TAG = re.compile(r"</?[a-z_-]+(?:\s[^<>]*)?>")
_PROFILE = Profile("gsd", sequential=True, own=False)


def detect(source: Source) -> str | None:
    """``<task>`` elements, or boxes that name plan files."""
    if "<task" in source.text:
        count = sum(1 for _ in task_elements(source.lines))
        if count:
            return f"{count} <task> elements"
    plans = sum(box.label.style is IdStyle.PLAN for box in source.survey().boxes)
    return f"{plans} boxes that name plans" if plans else None


def task_elements(lines: list[str]) -> Iterator[tuple[int, int]]:
    """First line and end (exclusive) of each ``<task>`` outside of code fences."""
    start: int | None = None
    fenced = False
    for number, line in enumerate(lines):
        if start is None:
            if _FENCE.match(line):
                fenced = not fenced
            elif not fenced and "<task" in line and _OPEN.match(line):
                start = number
        if start is not None and "</task" in line and _CLOSE.search(line):
            yield start, number + 1
            start = None


def read(source: Source, plan: PlanDraft, options: Options) -> None:
    """Elements where there are some, else the roadmap's boxes."""
    batch = BatchDraft("", "", source.matter.lines, prefix="t")
    plan.sequential = True
    for start, end in task_elements(source.lines):
        if len(batch.tasks) >= MAX_TASKS:
            plan.too_many(start)
            break
        _add(source, start, end, batch, plan)
    nameless = (task for task in batch.tasks if not task.id)
    for number, task in enumerate(nameless, start=1):
        task.id, task.id_is_made = f"t-{number}", True
    if batch.tasks:
        plan.batches.append(batch)
    else:
        read_structure(source.survey(options.granularity), plan, _PROFILE)


def _add(source: Source, start: int, end: int, batch: BatchDraft, plan: PlanDraft) -> None:
    text = "\n".join(source.lines[start:end])
    name = _NAME.search(text)
    label = parse_label(_TAG.sub("", name[1]).strip() if name else "")
    task = TaskDraft(label.id, label.title or _told(text), start, end, batch)
    if (files := _FILES.search(text)) is not None:
        for part in re.split(r"[,\n]", files[1]):
            task.files += field_files(part)
    if (done := _DONE.search(text)) is not None and done[1].strip():
        task.acceptance = [line.strip(" -*\t") for line in done[1].strip().splitlines()]
    task.body = "\n".join(source.lines[start + 1 : end - 1])
    plan.order.append(task)
    batch.tasks.append(task)


def _told(text: str) -> str:
    """The first words of a task without a name: a checkpoint, which says what was built."""
    inner = text.partition(">")[2]
    lines = (line.strip() for line in _TAG.sub("\n", inner).splitlines())
    return next((line for line in lines if line), "")


READER = Reader("gsd", detect, read)
