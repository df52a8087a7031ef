"""Reads a plan again after an edit, and only the part that was edited.

An edit inside of one task is read from that task's own lines, below the headings and groups around
it. Whether those lines alone say what the whole file says is not assumed but tried: they are read
as they were before, and only if that gives the task that is known already does the new text count.
In every other case, and wherever something reaches from one task to another, the whole file is
read. The result is always the one that `read_plan` gives; the tests hold it to that.
"""

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from operator import attrgetter

from cc4tui.domain.plan import Batch, Diagnostic, GroupMark, Plan, Task
from cc4tui.services.plans.blocks import Block, Html, Item, Table
from cc4tui.services.plans.fields import find_fields
from cc4tui.services.plans.labels import IdStyle
from cc4tui.services.plans.reading import collector_paused, read_source
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.survey import Role


WORTH_IT = 50_000
"""Bytes from which reading a part pays."""
HEAD = 4_096
"""Bytes at the start that say what kind of plan it is."""
MAX_TASKS = 15_000
_BLOCK = 65_536
_DIALECTS = frozenset({
    "cc4", "speckit", "openspec", "ai-dev-tasks", "kiro", "conductor", "superpowers", "headings",
    "boxes",
})  # fmt: skip
_FAR = re.compile(rb"depend|block|prereq|after|wait|<task|parallel", re.I)
"""Words by which a task speaks of others."""
_REACHING = frozenset(
    {"W06", "W13", "W14", "W15", "W10", "W12", "W05", "E01", "E04", "E05", "E06", "E09"}
)
"""What is said of more than one task, or once for the whole file."""
_RULE = re.compile(rb"^[-.=]{3,}\s*$", re.M)
"""It may end front matter, or make a heading of what is above it."""
_HEADING = re.compile(rb" {0,3}(#{1,6}) ")
_LEAD = re.compile(rb"[ \t>]*(?:#{1,6}|[-*+]|\d{1,9}[.)])?[ \t]*")
_TITLE = re.compile(rb"^#{1,6} .*$", re.M)
_NUMBERED_LINE = re.compile(r"\bline")
_LOCAL = tuple(
    f.name
    for f in fields(Task)
    if f.name not in ("id", "batch", "waits_for", "needs", "line", "end_line", "mark_offset",
                      "steps", "depends_on")
)  # fmt: skip
_local = attrgetter(*_LOCAL)
_every = attrgetter(*(f.name for f in fields(Task)))
_PLACES = {name: n for n, name in enumerate(f.name for f in fields(Task))}


class PlanReader:
    """Reads one plan file again and again.

    Args:
        path: What messages call it.
        options: As `read_plan` takes them.
    """

    def __init__(
        self,
        path: str,
        *,
        dialect: str | None = None,
        granularity: str | None = None,
        accept_offers: bool = False,
    ) -> None:
        self.path = path
        self.wanted = dialect, granularity, accept_offers
        self.known: tuple[bytes, Plan, bool] | None = None
        self.parts = 0
        """How many times a part was enough."""

    def read(self, data: bytes) -> Plan:
        """The plan, as `read_plan` gives it."""
        if self.known is not None:
            before, plan, simple = self.known
            if data == before:
                return plan
            if simple and len(data) >= WORTH_IT:
                with collector_paused(len(data)):
                    patched = _Edit(before, data, plan, self.wanted[1]).apply()
                if patched is not None:
                    self.parts += 1
                    self.known = data, patched, True
                    return patched
        return self._whole(data)

    def _whole(self, data: bytes) -> Plan:
        source = Source(data, self.path)
        dialect, granularity, offers = self.wanted
        plan = read_source(source, dialect=dialect, granularity=granularity, accept_offers=offers)
        self.known = data, plan, dialect is None and _simple(plan, source)
        return plan


def _simple(plan: Plan, source: Source) -> bool:
    """Whether its tasks stand for themselves as far as can be said of a whole plan."""
    if plan.dialect not in _DIALECTS or plan.offers or b"\r" in source.data:
        return False
    if {note.code for note in plan.diagnostics} & _REACHING:
        return False
    boxes = source.survey().boxes
    if any(box.label.style is IdStyle.FAMILY for box in boxes) or source.survey().bullets:
        return False
    lines = {task.line - 1 for task in plan.tasks()}
    if any(box.role is Role.ACCEPTANCE and box.item.line in lines for box in boxes):
        return False  # criteria taken for tasks are told with their batch, too
    return len(lines) <= MAX_TASKS


@dataclass(frozen=True, slots=True)
class _Part:
    """Some lines read by themselves."""

    task: Task
    batch: Batch
    goal: str
    notes: tuple[Diagnostic, ...]
    features: Counter[tuple[object, ...]]


class _Edit:
    """One changed run of lines."""

    def __init__(self, before: bytes, after: bytes, plan: Plan, granularity: str | None) -> None:
        self.before, self.after, self.plan = before, after, plan
        self.granularity = granularity
        self.start, self.old_end, self.new_end = _changed_lines(before, after)
        self.bytes = len(after) - len(before)
        self.lines = after.count(b"\n", self.start, self.new_end) - before.count(
            b"\n", self.start, self.old_end
        )

    def apply(self) -> Plan | None:
        """The plan after the edit; None where the whole file has to be read."""
        if b"\r" in self.after[self.start : self.new_end] or self.start < HEAD:
            return None
        changed = self.before[self.start : self.old_end] + self.after[self.start : self.new_end]
        if _FAR.search(changed) or _RULE.search(changed):
            return None
        found = self._home()
        if found is None:
            return None
        task, first, last, begin, end = found
        lead = _lead(self.before, begin)
        if lead != _lead(self.after, begin):
            return None  # it may belong to what is above it now
        column = len(lead) - len(lead.lstrip(b" "))
        if any(
            line.strip() and not line.startswith(b" " * column) for line in changed.split(b"\n")
        ):
            return None  # what stands around it may end there
        heads = self._around(task, begin)
        cut = -1 if end < len(self.before) else None  # the next line begins behind the last break
        old = self._read(heads, self.before[begin:end][:cut], first)
        new = self._read(heads, self.after[begin : end + self.bytes][:cut], first)
        if old is None or new is None or not self._alike(task, old, new, first, last):
            return None
        return self._patched(task, old, new, first, last)

    def _home(self) -> tuple[Task, int, int, int, int] | None:
        """The task that holds the edit, with the lines and bytes up to the next one."""
        line = self.before.count(b"\n", 0, self.start)
        tasks = sorted(self.plan.tasks(), key=attrgetter("line"))
        index = bisect_right(tasks, line + 1, key=attrgetter("line")) - 1
        if index < 1:
            return None
        task = tasks[index]
        marks = [batch.line for batch in self.plan.batches if batch.line > task.line]
        follows = min([*marks, *(t.line for t in tasks[index + 1 : index + 2])], default=None)
        begin = _back(self.before, self.start, line - (task.line - 1))
        if follows is None:
            end, last = len(self.before), self.before.count(b"\n") + 1
        else:
            end, last = _on(self.before, self.start, follows - 1 - line), follows - 1
            if self.before[end : end + 8].lstrip(b" >")[:1] not in (b"#", b"-", b"*", b"+"):
                return None
        if end is None or end < self.old_end or task.line == (follows or 0):
            return None
        return task, task.line - 1, last, begin, end

    def _around(self, task: Task, begin: int) -> bytes:
        """The headings and group boxes that the task stands below, and the front matter."""
        text = self.before
        kept: list[tuple[int, bytes]] = []
        own = _HEADING.match(text, begin)
        level, at = len(own[1]) if own is not None else 7, begin
        while level > 1 and at > 0:
            at = text.rfind(b"\n#", 0, at)
            line = text[at + 1 : text.find(b"\n", at + 1)]
            found = _HEADING.match(line) if at >= 0 else None
            if found is not None and len(found[1]) < level:
                level = len(found[1])
                kept.append((at, line))
        for group in self.plan.groups:
            if task.id in group.tasks:
                here = text.rfind(b"\n", 0, group.offset)
                kept.append((here, text[here + 1 : text.find(b"\n", here + 1)]))
        title = _TITLE.search(text, 0, begin)
        if title is not None and all(line != title[0] for _, line in kept):
            kept.append((title.start() - 1, title[0]))
        matter = b""
        if text.startswith(b"---\n") and (close := text.find(b"\n---\n", 3)) >= 0:
            matter = text[: close + 5]
        return matter + b"".join(line + b"\n\n" for _, line in sorted(kept))

    def _read(self, heads: bytes, text: bytes, first: int) -> _Part | None:
        """What the lines say by themselves, in the lines and bytes of the whole file."""
        source = Source(heads + text, self.plan.path)
        plan = read_source(source, dialect=self.plan.dialect, granularity=self.granularity)
        tasks = list(plan.tasks())
        lines = heads.count(b"\n")
        if len(tasks) != 1 or tasks[0].line != lines + 1:
            return None
        if any(not hidden.closed for hidden in source.document.hidden):
            return None
        if any(isinstance(h, Html) and not h.comment for h in source.document.hidden):
            return None
        batch = next(batch for batch in plan.batches if batch.tasks)
        notes = tuple(
            replace(note, line=note.line - lines + first)
            for note in plan.diagnostics
            if note.line > lines
        )
        moved = _moved(tasks[0], first - lines, 0)
        return _Part(moved, batch, plan.goal, notes, _features(source, lines))

    def _alike(self, task: Task, old: _Part, new: _Part, first: int, last: int) -> bool:
        """Whether the part tells the task as it is known, and the edit changes nothing beyond."""
        if _local(old.task) != _local(task) or old.task.steps != task.steps:
            return False
        if old.task.end_line != task.end_line or task.mirror_offsets:
            return False
        if (task.mark_offset is None) != (new.task.mark_offset is None):
            return False
        named = not (old.task.id_is_made and new.task.id_is_made)
        if named and not old.task.id == new.task.id == task.id:
            return False
        if (old.features, old.goal) != (new.features, new.goal):
            return False
        if replace(old.batch, tasks=()) != replace(new.batch, tasks=()):
            return False
        if old.task.depends_on != new.task.depends_on or old.task.parallel != new.task.parallel:
            return False
        known = tuple(note for note in self.plan.diagnostics if first < note.line <= last)
        if old.notes != known or {note.code for note in new.notes} & _REACHING:
            return False
        if _unread(old.notes) != _unread(new.notes):
            return False
        if self.lines and any(
            _NUMBERED_LINE.search(note.message + note.hint) for note in self.plan.diagnostics
        ):
            return False
        return not self._shares_files(task, old.task, new.task)

    def _shares_files(self, task: Task, old: Task, new: Task) -> bool:
        """Whether what the edit changes decides who waits for whom about a file (W13)."""
        if (old.files, old.state) == (new.files, new.state):
            return False
        paths = {file.path.rstrip("/") for file in (*old.files, *new.files)}
        return bool(paths) and any(
            other is not task and any(file.path.rstrip("/") in paths for file in other.files)
            for other in self.plan.tasks()
        )

    def _patched(self, task: Task, old: _Part, new: _Part, first: int, last: int) -> Plan | None:
        offset = None
        if new.task.mark_offset is not None and old.task.mark_offset is not None:
            assert task.mark_offset is not None
            offset = task.mark_offset + new.task.mark_offset - old.task.mark_offset
        fresh = replace(
            new.task, id=task.id, batch=task.batch, waits_for=task.waits_for, needs=task.needs,
            depends_on=task.depends_on, mark_offset=offset,
        )  # fmt: skip
        if fresh.state is not task.state and self._tells_state(task):
            return None
        behind = task.line
        notes = [
            *(note for note in self.plan.diagnostics if note.line <= first),
            *new.notes,
            *(_later(note, self.lines) for note in self.plan.diagnostics if note.line > last),
        ]
        return replace(
            self.plan,
            batches=tuple(self._batch(batch, task, fresh, behind) for batch in self.plan.batches),
            diagnostics=tuple(sorted(notes, key=lambda n: (n.line, n.col, n.code))),
            groups=tuple(self._group(group) for group in self.plan.groups),
            sha256=sha256(self.after).hexdigest(),
        )

    def _tells_state(self, task: Task) -> bool:
        """Whether prose elsewhere may speak of what is done: then W10 may come or go."""
        return not self.before.isascii() and task.id.encode() in self.before[: self.start]

    def _batch(self, batch: Batch, task: Task, fresh: Task, behind: int) -> Batch:
        shifts = bool(self.bytes or self.lines)
        tasks = batch.tasks
        if tasks and (batch.id == task.batch or (shifts and tasks[-1].line > behind)):
            tasks = tuple(
                fresh
                if one is task
                else _moved(one, self.lines, self.bytes)
                if shifts and one.line > behind
                else one
                for one in tasks
            )
        line = batch.line + self.lines if batch.line > behind else batch.line
        return replace(batch, tasks=tasks, line=line)

    def _group(self, group: GroupMark) -> GroupMark:
        if group.offset < self.start or not self.bytes:
            return group
        return replace(group, offset=group.offset + self.bytes)


def _lead(text: bytes, at: int) -> bytes:
    """What stands before the words of a line."""
    found = _LEAD.match(text, at)
    return found[0] if found is not None else b""


def _unread(notes: tuple[Diagnostic, ...]) -> list[str]:
    """Headings without tasks: what follows in the file may be their tasks."""
    return [note.message for note in notes if note.code == "W11"]


def _later(note: Diagnostic, lines: int) -> Diagnostic:
    return replace(note, line=note.line + lines) if lines else note


def _moved(task: Task, lines: int, offset: int) -> Task:
    """The task further down in the file. Ten thousand of them are made at once."""
    values = list(_every(task))
    values[_PLACES["line"]] += lines
    values[_PLACES["end_line"]] += lines
    if values[_PLACES["mark_offset"]] is not None:
        values[_PLACES["mark_offset"]] += offset
    if task.mirror_offsets:
        values[_PLACES["mirror_offsets"]] = tuple(at + offset for at in task.mirror_offsets)
    if lines and task.steps:
        moved = tuple(replace(step, line=step.line + lines) for step in task.steps)
        values[_PLACES["steps"]] = moved
    return Task(*values)


def _features(source: Source, lines: int) -> Counter[tuple[object, ...]]:
    """What the lines hold that could matter elsewhere: boxes, headings, tables, code."""
    found = source.survey()
    out: Counter[tuple[object, ...]] = Counter()
    for box in found.boxes:
        if box.item.line >= lines:
            label = box.label
            out["box", label.style, box.role, box.depth, label.step, label.task, box.zone] += 1
            if box.role not in (Role.STEP, Role.ACCEPTANCE) and label.style is not IdStyle.NONE:
                out["id", label.id] += 1
    for section in found.sections:
        if section.line >= lines:
            assert section.heading is not None
            out["heading", section.level, section.heading.text] += 1
    out["bullets", len(found.bullets)] += 1
    todo = list(source.document.blocks)
    while todo:
        block = todo.pop()
        if isinstance(block, Table) and block.line >= lines:
            out["table", tuple(source.lines[block.line : block.end])] += 1
        if isinstance(block, Item):
            todo += block.children
            _note_fields(block.children, source.lines, out)
    for section in (found.root, *found.sections):
        _note_fields(section.blocks, source.lines, out)
    return out


def _note_fields(blocks: list[Block], lines: list[str], out: Counter[tuple[object, ...]]) -> None:
    """Fields by which a task or batch speaks of others."""
    for found in find_fields(blocks, lines):
        if found.key in ("depends_on", "parallel", "milestone", "status"):
            out["field", tuple(lines[found.line : found.end])] += 1


def _changed_lines(before: bytes, after: bytes) -> tuple[int, int, int]:
    """Start of the changed lines, and their ends before and after the edit, in bytes."""
    least = min(len(before), len(after))
    head = _same(before, after, least)
    start = before.rfind(b"\n", 0, head) + 1
    tail = _same_end(before, after, least - start)
    old_end, new_end = len(before) - tail, len(after) - tail
    if not before[start:old_end].endswith(b"\n") or not after[start:new_end].endswith(b"\n"):
        cut = before.find(b"\n", old_end)
        rest = (len(before) if cut < 0 else cut + 1) - old_end
        old_end, new_end = old_end + rest, new_end + rest
    return start, old_end, new_end


def _same(one: bytes, other: bytes, limit: int) -> int:
    """Length of the common beginning."""
    at = 0
    while at < limit and one[at : at + _BLOCK] == other[at : at + _BLOCK]:
        at += _BLOCK
    low, high = at, min(at + _BLOCK, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if one[at:middle] == other[at:middle]:
            low = middle
        else:
            high = middle - 1
    return min(low, limit)


def _same_end(one: bytes, other: bytes, limit: int) -> int:
    """Length of the common ending, at most `limit`."""
    ends = len(one), len(other)
    at = 0
    while at + _BLOCK <= limit:
        far, near = at + _BLOCK, at
        if one[ends[0] - far : ends[0] - near] != other[ends[1] - far : ends[1] - near]:
            break
        at += _BLOCK
    low, high = at, min(at + _BLOCK, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if one[ends[0] - middle : ends[0] - at] == other[ends[1] - middle : ends[1] - at]:
            low = middle
        else:
            high = middle - 1
    return low


def _back(text: bytes, at: int, lines: int) -> int:
    """Start of the line that is `lines` lines above the one at `at`."""
    for _ in range(lines):
        at = text.rfind(b"\n", 0, at - 1) + 1
    return at


def _on(text: bytes, at: int, lines: int) -> int:
    """Start of the line that is `lines` lines below the one at `at`."""
    for _ in range(lines):
        at = text.find(b"\n", at) + 1
    return at
