"""Writes any plan in our own format (`plan fmt --to cc4`), losing nothing.

What a reader of the result would take for something else is written in a way that only has one
meaning: ids and titles into the `{...}`, commands into lists of it, text under ``Body:``.
"""

import re
from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Any

from cc4tui.domain.plan import Batch, FileRef, Plan, PlanTaskState, Task
from cc4tui.services.plans import values
from cc4tui.services.plans.fields import field_parts
from cc4tui.services.plans.labels import IdStyle, clean_title, normal_id, parse_label
from cc4tui.services.plans.leftovers import rest_of
from cc4tui.services.plans.marks import says_done
from cc4tui.services.plans.paths import field_files
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.references import read_references
from cc4tui.services.plans.text import squeeze
from cc4tui.services.plans.words import ACCEPTANCE, BATCH_KINDS, STEP, TASK


S = PlanTaskState

_MARKS = {S.TODO: " ", S.DONE: "x", S.IN_PROGRESS: "-", S.BLOCKED: "!", S.CANCELLED: " "}
_PLAIN_SCALAR = re.compile(r"[A-Za-z0-9_.][\w./@+-]*$")
_DOTTED = re.compile(r"\d+(?:\.\d+)+[a-z]?$")
_BOX_LINE = re.compile(r"[\s>]*(?:[-*+]|\d+[.)])\s+\[[^\]\[]\](.*)$")
_MEANS_MORE = re.compile(rf"{ACCEPTANCE.pattern}|^\W*(?:{TASK}|{STEP}|{BATCH_KINDS})\b", re.I)
"""A title that would be read as something else than a title."""
_SURE_STYLES = frozenset({IdStyle.TNUM, IdStyle.DOTTED, IdStyle.WORD})
_MAYBE_STRUCTURE = re.compile(
    r"^\s*(?:>\s*)*(?:[-*+]\s|\d+[.)]\s|\*\*|__|<!--|#|~~~|```)|\[.\]", re.M
)


def rewritten(data: bytes, plan: Plan) -> str:
    """The file that `plan` was read from, in our own format; what has no place there is kept."""
    return to_cc4(plan) + rest_of(data, plan)


def to_cc4(plan: Plan) -> str:
    """The plan as a text of our own format; reading it gives the same tasks.

    It is read back once: what came out otherwise is written again with its id in `{...}`.
    """
    text = "\n".join(_Writer(plan).document()) + "\n"
    read = read_plan(text.encode(), "plan.md", dialect="cc4")
    homes = {task.id: task.batch for task in read.tasks()}
    batches = {b.id for b in plan.batches if b.tasks and homes.get(b.tasks[0].id) != b.id}
    lost = {task.id for task in plan.tasks() if task.id not in homes}
    extra = homes.keys() - {task.id for task in plan.tasks()}
    lost |= {t.id for batch in plan.batches if batch.id in extra for t in batch.tasks}
    if batches or lost:
        text = "\n".join(_Writer(plan, batches, lost, homes).document()) + "\n"
    return text


def quoted(text: str) -> str:
    """Text as a scalar inside `{...}`: bare where that is safe."""
    if _PLAIN_SCALAR.match(text):
        return text
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", " ") + '"'


class _Writer:
    def __init__(
        self,
        plan: Plan,
        batches: Set[str] = frozenset(),
        tasks: Set[str] = frozenset(),
        homes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.plan = plan
        self.batches = batches  # to be written with their ids
        self.tasks = tasks  # to be written with their ids
        self.homes = homes  # where the first attempt put each task
        self.known = {normal_id(task.id) for task in plan.tasks()}
        for batch in plan.batches:
            names = (batch.name, batch.title, *batch.above, *(_name(a) for a in batch.above))
            self.known |= {squeeze(name) for name in names if name}

    def document(self) -> list[str]:
        title = " ".join(self.plan.title.split()) or "Plan"
        head = "Plan" if _MEANS_MORE.search(title) or says_done(title) else title
        lines = ["---", "cc4: 1", f"title: {_yaml(title)}", *self.defaults(), "---", f"# {head}"]
        if self.plan.goal:
            lines += ["", f"**Goal:** {self.plan.goal}"]
        around: tuple[str, ...] = ()
        seen: set[str] = set()
        for batch, tasks in _segments(self.plan):
            if batch.id in seen or (not batch.id and seen):
                name = self.caption(batch) if batch.id else "More tasks"
                lines += ["", f"## {name} {{id: {quoted(batch.id)}}}", ""]
            else:
                lines += self.headings(batch, around)
            around = batch.above
            seen.add(batch.id)
            for task in tasks:
                lines += self.task(task, batch)
        return lines

    def defaults(self) -> list[str]:
        """The front matter's own keys."""
        out = []
        for key, value in self.plan.defaults.items():
            if isinstance(value, (list, tuple)):
                out.append(f"{key}: [{', '.join(_yaml(str(part)) for part in value)}]")
            elif isinstance(value, dict):
                inner = ", ".join(f"{name}: {_number(part)}" for name, part in value.items())
                out.append(f"{key}: {{{inner}}}")
            else:
                out.append(f"{key}: {_yaml(_scalar(value))}")
        return out

    def headings(self, batch: Batch, around: tuple[str, ...]) -> list[str]:
        if not batch.id:
            return [""]
        lines = []
        for depth, title in enumerate(batch.above):
            if around[: depth + 1] != batch.above[: depth + 1]:
                lines += ["", f"{'#' * min(2 + depth, 5)} {title}"]
                if batch.inherits and depth == len(batch.above) - 1:
                    refs = [ref for ref in batch.depends_on if self.resolves(ref)]
                    lines += ["", f"**Prerequisites:** {', '.join(refs) or 'None'}"]
        mark = "#" * min(2 + len(batch.above), 6)
        lines += ["", f"{mark} {self.caption(batch)}{self.batch_meta(batch)}", ""]
        if batch.goal:
            lines += [f"**Goal:** {batch.goal}", ""]
        if batch.acceptance:
            lines += ["**Acceptance:**", ""]
            lines += [f"{n}. {' '.join(t.split())}" for n, t in enumerate(batch.acceptance, 1)]
            lines.append("")
        return lines

    def batch_meta(self, batch: Batch) -> str:
        parts = [f"id: {quoted(batch.id)}"] if batch.id in self.batches else []
        refs = [ref for ref in batch.depends_on if self.resolves(ref)]
        if (batch.depends_on or batch.free) and not batch.inherits:
            parts.append(f"depends_on: [{', '.join(quoted(ref) for ref in refs)}]")
        if _one_by_one(batch):
            parts.append("parallel: false")
        return f" {{{', '.join(parts)}}}" if parts else ""

    def caption(self, batch: Batch) -> str:
        """The heading of a batch; a kind in front where it would not be taken for one."""
        title = " ".join(batch.title.split()) or batch.id
        if batch.name:
            return f"{batch.name}: {title}"
        if batch.id in self.batches and not self.homes.get(batch.tasks[0].id, "x"):
            return f"Group: {title}"
        if batch.id.isdigit() and not batch.above:
            return f"{batch.id}. {title}"
        return f"{batch.id} {title}" if _DOTTED.match(batch.id) else title

    def task(self, task: Task, batch: Batch) -> list[str]:
        meta = self.meta(task, batch)
        title, meta = self.label(task, meta)
        star = "*" if task.optional else ""
        shown = f" {{{', '.join(meta)}}}" if meta else (" {}" if title.endswith("}") else "")
        lines = [f"- [{_MARKS[task.state]}]{star} {title}{shown}"]
        if task.goal:
            lines.append(f"  - Goal: {' '.join(task.goal.split())}")
        if task.files and not _has(meta, "files"):
            lines.append(f"  - Files: {_files(task.files)}")
        inside = self.inside(task)
        if inside and not _has(meta, "depends_on"):
            lines.append(f"  - Depends on: {', '.join(inside)}")
        outside = [ref for ref in task.depends_on if ref not in inside]
        if outside:
            lines.append(f"  - Outside of this plan: {', '.join(outside)}")
        for key, commands in (("verify", self.own_verify(task)), ("run", task.run)):
            if commands and not _has(meta, key):
                lines += _listed(key.capitalize(), commands)
        if task.acceptance:
            lines.append("  - Acceptance:")
            lines += [f"    - {' '.join(text.split())}" for text in task.acceptance]
        return lines + self.rest(task)

    def label(self, task: Task, meta: list[str]) -> tuple[str, list[str]]:
        """Id and title as people write them, where they read back as they are."""
        title = task.title
        shown = title if task.id_is_made else f"{task.id} {title}"
        if task.state is S.CANCELLED:
            shown = f"~~{shown}~~"
        read = parse_label(f"{shown} {{}}")
        same_id = read.id == task.id and read.style in _SURE_STYLES
        if task.id_is_made:
            same_id = not read.id and not read.step and not read.task
        exact = read.title == task.title and read.tick is None and not read.labels
        plain = title == " ".join(title.splitlines()) and title == title.strip()
        sure = plain and task.id not in self.tasks
        if sure and same_id and exact and not read.parallel and read.depends is None:
            return shown, meta
        given = [f"title: {quoted(title)}"]
        if not task.id_is_made or task.id in self.tasks:
            given.insert(0, f"id: {quoted(task.id)}")
        safe = clean_title(re.sub(r"[^\w ,.;:'/-]", " ", title)).strip() or "task"
        safe = safe if not parse_label(safe).id else f"see {safe}"
        return (f"~~{safe}~~" if task.state is S.CANCELLED else safe), [*given, *meta]

    def meta(self, task: Task, batch: Batch) -> list[str]:
        """The keys of a task that have no field of their own, or cannot stand in it."""
        parts = []
        for key in values.SINGLE:
            value = getattr(task, key)
            if value is not None and value != self.plan.defaults.get(key):
                parts.append(f"{key}: {_option(value)}")
        labels = [one for one in task.labels if one not in self.plan.defaults.get("labels", ())]
        if labels:
            parts.append(f"labels: [{', '.join(quoted(one) for one in labels)}]")
        if not task.parallel and not (batch.id and _one_by_one(batch)):
            parts.append("parallel: false")
        inside = self.inside(task)
        if inside and read_references(", ".join(inside))[0] != inside:
            parts.append(f"depends_on: [{', '.join(quoted(ref) for ref in inside)}]")
        if task.files and field_files(_files(task.files)) != list(task.files):
            shown = [file.path + (f":{file.lines}" if file.lines else "") for file in task.files]
            ops = [f" ({file.op.value})" if file.op else "" for file in task.files]
            both = (quoted(one + op) for one, op in zip(shown, ops, strict=True))
            parts.append(f"files: [{', '.join(both)}]")
        for key, commands in (("verify", self.own_verify(task)), ("run", task.run)):
            if any("`" in one or one != " ".join(one.split()) for one in commands):
                parts.append(f"{key}: [{', '.join(quoted(one) for one in commands)}]")
        return parts

    def inside(self, task: Task) -> list[str]:
        """Dependencies that this plan holds; others stand in other files."""
        return [ref for ref in task.depends_on if self.resolves(ref)]

    def resolves(self, ref: str) -> bool:
        names = (normal_id(ref), squeeze(ref), normal_id(ref.rpartition(" ")[2]))
        return ref == "all" or ".." in ref or any(name in self.known for name in names)

    def own_verify(self, task: Task) -> tuple[str, ...]:
        """What the front matter does not say already."""
        default = tuple(self.plan.defaults.get("verify", ()))
        return () if task.verify == default else task.verify

    def rest(self, task: Task) -> list[str]:
        """The body and the steps that are not in it."""
        body = task.body.splitlines()
        lines: list[str] = []
        if body and _inert(task.body):
            lines += [f"  {line}".rstrip() for line in ["", *body]]
        elif body:
            lines += ["  - Body:", *(f"    {line}".rstrip() for line in body)]
        told = [found[1].strip() for line in body if (found := _BOX_LINE.match(line))]
        if not task.steps and told:
            lines.append("  - Steps: none")
        elif told != [step.text for step in task.steps]:
            lines.append("  - Steps:")
            lines += [
                f"    - [{'x' if step.done else ' '}] {' '.join(step.text.split())}"
                for step in task.steps
            ]
        return lines


def _inert(body: str) -> bool:
    """Whether a body reads as plain text wherever it stands."""
    if _MAYBE_STRUCTURE.search(body):
        return False
    first = body.splitlines()[0]
    return first == first.lstrip() and not any(
        field_parts(line.strip(), plain=True) for line in body.splitlines()
    )


def _segments(plan: Plan) -> list[tuple[Batch, list[Task]]]:
    """Neighbouring tasks of one batch, in document order where the plan has one."""
    pairs = [(task, batch) for batch in plan.batches for task in batch.tasks]
    if all(_ascending(batch) for batch in plan.batches):
        pairs.sort(key=lambda pair: (bool(pair[1].id) or not pair[1].free, pair[0].line))
    out: list[tuple[Batch, list[Task]]] = []
    for task, batch in pairs:
        if not out or out[-1][0] is not batch:
            out.append((batch, []))
        out[-1][1].append(task)
    return out


def _ascending(batch: Batch) -> bool:
    lines = [task.line for task in batch.tasks]
    return lines == sorted(lines)


def _one_by_one(batch: Batch) -> bool:
    """Whether no task of the batch runs beside another."""
    return not any(task.parallel for task in batch.tasks)


def _has(meta: list[str], key: str) -> bool:
    return any(part.startswith(f"{key}:") for part in meta)


def _name(caption: str) -> str:
    return caption.partition(":")[0]


def _files(files: tuple[FileRef, ...]) -> str:
    return ", ".join(
        f"`{file.path}{f':{file.lines}' if file.lines else ''}`"
        + (f" ({file.op.value})" if file.op else "")
        for file in files
    )


def _listed(name: str, commands: tuple[str, ...]) -> list[str]:
    if len(commands) == 1:
        return [f"  - {name}: `{commands[0]}`"]
    return [f"  - {name}:", *(f"    - `{command}`" for command in commands)]


def _option(value: Any) -> str:
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return "{" + ", ".join(f"{key}: {_number(part)}" for key, part in value.items()) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _number(value) if isinstance(value, (int, float)) else str(value)


def _yaml(text: str) -> str:
    """A scalar of the front matter, quoted unless it is plainly one word."""
    return text if _PLAIN_SCALAR.match(text) else quoted(text)
