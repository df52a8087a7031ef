"""Writes a new task into a plan, in the plan's own way of writing tasks."""

import re

from cc4tui.domain.plan import Plan, Task
from cc4tui.errors import PlanError
from cc4tui.services.plans.source import BOM
from cc4tui.services.plans.text import squeeze


EMPTY_PLAN = "---\ncc4: 1\n---\n# Plan\n\n## Batch 1: Ideas\n"
"""What a plan begins as when an idea is promoted into a file that does not exist yet."""

_TRAILING = re.compile(r"^(.*?)(\d+)([a-zA-Z]?)$")
_BULLET = re.compile(r"[\s>]*(?:([-*+])|(\d+)([.)]))\s+")
_HEADING = re.compile(r"(#{1,6})\s+(?:\[.\]\s+)?(\**Task\s+|\**Story\s+)?", re.I)
_SAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def add_task(data: bytes, plan: Plan, title: str, body: str = "") -> tuple[bytes, str]:
    """Write a task behind the last one that is written like a task of this plan.

    Args:
        data: The bytes that `plan` was read from; may be empty.
        plan: The plan as read.
        title: One line; what would be read as something else is escaped.
        body: Markdown text for the agent; indented below a box.

    Returns:
        The new bytes, equal to the old ones but for the lines put in, and the new task's id.

    Raises:
        PlanError: the plan's dialect has no place for a task written by hand.
    """
    title = _one_line(title)
    if not title:
        raise PlanError("a task needs a title")
    if not data.removeprefix(BOM).strip():
        text = EMPTY_PLAN + "\n".join(_box("- ", "1.1", title, body)) + "\n"
        mark = data[: len(data) - len(data.removeprefix(BOM))]
        return mark + text.encode() + data.removeprefix(BOM), "1.1"
    task = _model(plan)
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    lines = data.splitlines(keepends=True)
    if task is None:
        return _append_box(data, plan, title, body, newline)
    row = lines[task.line - 1].decode("utf-8", "replace").lstrip("\ufeff")
    new_id = next_id(plan, task)
    new = _write_like(row, task, new_id, title, body)
    if new is None:
        raise PlanError(f"{plan.path}: a task of the dialect {plan.dialect} cannot be added here")
    return _insert(lines, _end_of(lines, task), new, newline), new_id


def next_id(plan: Plan, model: Task) -> str:
    """An id after `model`'s that is still free; a made id is left to be made again."""
    taken = {squeeze(task.id) for task in plan.tasks()}
    found = _TRAILING.match(model.id)
    if found is None:
        return f"{model.id}-2"
    head, number, _ = found.groups()
    highest = max(
        (
            int(other[2])
            for task in plan.tasks()
            if (other := _TRAILING.match(task.id)) is not None and other[1] == head
        ),
        default=int(number),
    )
    step = highest + 1
    while squeeze(f"{head}{step}") in taken:
        step += 1
    return f"{head}{str(step).zfill(len(number))}"


def _model(plan: Plan) -> Task | None:
    """The task that the new one is written behind: the last one of the last batch."""
    tasks = [task for batch in plan.batches for task in batch.tasks]
    return max(tasks, key=lambda task: task.line, default=None)


def _write_like(row: str, model: Task, new_id: str, title: str, body: str) -> list[str] | None:
    """Lines of a task in the form of `row`; None when the row's form is not known."""
    stripped = row.rstrip("\r\n")
    if (bullet := _BULLET.match(stripped)) is not None and (
        model.mark_offset is not None or model.id_is_made
    ):
        prefix = bullet[0]
        if bullet[2]:
            prefix = prefix.replace(bullet[2], str(int(bullet[2]) + 1), 1)
        shown = "" if model.id_is_made else _id_as_in(stripped, model, new_id)
        return _box(prefix, shown, title, body, box=model.mark_offset is not None)
    if (heading := _HEADING.match(stripped)) is not None:
        word = (heading[2] or "").strip("* ")
        name = f"{word} {new_id}" if word else new_id
        mark = "[ ] " if model.mark_offset is not None and "[" in heading[0] else ""
        lines = ["", f"{heading[1]} {mark}{name}{_separator(stripped, model)}{title}"]
        return [*lines, "", *body.strip().splitlines()] if body.strip() else lines
    if stripped.lstrip().startswith("|"):
        cells = stripped.strip().strip("|").split("|")
        empty = [" "] * max(0, len(cells) - 2)
        return [
            "|" + "|".join([f" {new_id} ", f" {title.replace('|', chr(92) + '|')} ", *empty]) + "|"
        ]
    return None


def _separator(row: str, model: Task) -> str:
    """What stands between id and title in the model's heading."""
    found = re.match(r"\s*[:.)–—-]*\s+", row[row.find(model.id) + len(model.id) :])
    return found[0] if found else ": "


def _id_as_in(row: str, model: Task, new_id: str) -> str:
    """The id with what stands around it in the model's line: ``1.``, ``**1.1**``, ``Task 3:``."""
    at = row.find(model.id)
    before = row[row.index("]") + 1 : at].strip("* ") if "]" in row[:at] else ""
    after = row[at + len(model.id) : at + len(model.id) + 1]
    word = f"{before} " if before in ("Task", "Story") else ""
    return f"{word}{new_id}{after if after in '.:)' else ''}"


def _box(prefix: str, task_id: str, title: str, body: str, *, box: bool = True) -> list[str]:
    indent = " " * len(prefix.expandtabs(4))
    head = f"{prefix}{'[ ] ' if box else ''}{task_id + ' ' if task_id else ''}{title}"
    text = body.strip("\n").splitlines() if body.strip() else []
    return [head, *(f"{indent}{line}".rstrip() for line in text)]


def _end_of(lines: list[bytes], task: Task) -> int:
    """Where the next task begins: behind the task's last line with text."""
    end = min(task.end_line, len(lines))
    while end > task.line and lines[end - 1].strip() in (b"", b"---", b"***", b"___"):
        end -= 1
    return end


def _append_box(
    data: bytes, plan: Plan, title: str, body: str, newline: bytes
) -> tuple[bytes, str]:
    """The first task of a plan that has none."""
    if plan.dialect not in ("cc4", "boxes", "offers", "headings"):
        raise PlanError(f"{plan.path}: the dialect {plan.dialect} has no task to follow")
    lines = data.splitlines(keepends=True)
    return _insert(lines, len(lines), ["", *_box("- ", "1.1", title, body)], newline), "1.1"


def _insert(lines: list[bytes], at: int, new: list[str], newline: bytes) -> bytes:
    text = [line.encode() + newline for line in new]
    if at and not lines[at - 1].endswith((b"\n", b"\r")):
        text[0] = newline + text[0]
        text[-1] = text[-1].removesuffix(newline)
    return b"".join([*lines[:at], *text, *lines[at:]])


def _one_line(title: str) -> str:
    text = _SAFE.sub(" ", title.replace("\n", " ").replace("\r", " ")).strip()
    return text.replace("<!--", "<! --")
