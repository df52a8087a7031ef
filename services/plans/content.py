"""From the fields and lists below a task to the task's files, dependencies, commands and body."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cc4tui.domain.plan import FileRef, PlanTaskState, Step
from cc4tui.services.plans import values
from cc4tui.services.plans.blocks import Block, Fence, Item
from cc4tui.services.plans.draft import PlanDraft, TaskDraft
from cc4tui.services.plans.fields import (
    Field,
    fence_lines,
    field_parts,
    find_fields,
    list_texts,
)
from cc4tui.services.plans.marks import BOX_STATES, status_of_word
from cc4tui.services.plans.paths import field_files, op_of, parse_file
from cc4tui.services.plans.references import listed_references, read_references
from cc4tui.services.plans.text import nearest, quote


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the fields of a dialect are taken at their word."""

    strict: bool = False
    """Our own format: an unknown key or a bad value is an error, plain text may be a command."""
    own: bool = True
    """Agent, Mode, Run and the like are ours; in other tools' dialects they are text of theirs."""


_COMMAND = re.compile(r"`([^`\n]+)`$")
_TICKED = re.compile(r"`([^`\n]+)`")
_OWN_KEYS = frozenset(
    (
        "agent", "fallback", "model", "effort", "mode", "budget", "timeout", "retries", "rehearse",
        "run", "parallel", "steps", "body",
    )
)  # fmt: skip
_MISSED_KEYS = frozenset(("depends_on", "files", "run", "verify"))
"""Fields whose loss as plain text would change what a run does."""


def apply_meta(task: TaskDraft, meta: dict[str, object], plan: PlanDraft, reading: Reading) -> bool:
    """Take over the `{...}` of a task; False = some key is unknown, so that it is only text."""
    unknown = [key for key in meta if key not in values.TASK_KEYS]
    if unknown and not reading.strict:
        return False
    for key in unknown:
        complain_key(plan, key, values.TASK_KEYS, task.line)
    for key, value in meta.items():
        if key in values.TASK_KEYS:
            _apply_key(task, key, value, plan)
    return True


def complain_key(plan: PlanDraft, key: str, known: Sequence[str], line: int) -> None:
    """E07 with the nearest known key."""
    guess = nearest(key, known)
    hint = f"did you mean {guess}" if guess else f"known are {', '.join(known)}"
    plan.error("E07", line, f"unknown key {quote(key)}", hint)


def _apply_key(task: TaskDraft, key: str, value: object, plan: PlanDraft) -> None:
    try:
        if key in values.SINGLE:
            task.options[key] = values.SINGLE[key](value)
        elif key == "labels":
            task.labels += values.strings(value)
        elif key == "parallel":
            task.parallel = values.boolean(value)
        elif key == "depends_on":
            task.depends += listed_references(values.strings(value))
        elif key == "files":
            task.files += [parse_file(part) for part in values.strings(value)]
        elif key == "verify":
            task.verify += values.commands(value)
        elif key == "run":
            task.run += values.commands(value)
        else:
            values.one_line(value)  # id and title were taken with the label
    except ValueError as error:
        plan.error("E09", task.line, f"{key}: bad value {quote(str(value))}", str(error))


def read_content(
    task: TaskDraft,
    parts: Sequence[Sequence[Block]],
    lines: list[str],
    plan: PlanDraft,
    reading: Reading,
    dedent: int = 0,
) -> list[Field]:
    """Apply the fields in a task's blocks and keep the rest as its body.

    Args:
        parts: Block lists: of the item, or of the heading's section and each subsection.
        dedent: Columns to take off the body's lines.

    Returns:
        The fields that are the batch's, not the task's (``**Milestone:**``).
    """
    foreign: list[Field] = []
    taken: set[int] = set()
    bodies: list[str] = []
    for blocks in parts:
        fields = find_fields(blocks, lines) if blocks else []
        if fields:
            told = reading.own and any(found.key == "steps" for found in fields)
            for found in fields:
                if found.key == "milestone":
                    foreign.append(found)
                elif not _apply_field(task, found, lines, plan, reading):
                    continue
                elif found.key == "body":
                    _collect_steps(task, () if told else found.items, set())
                    bodies.append(body_of(lines, found.line + 1, found.end, set(), found.content))
                taken.update(range(found.line, found.end))
        _collect_steps(task, blocks, taken)
    if reading.strict:
        fenced = [block for blocks in parts for block in blocks if isinstance(block, Fence)]
        _warn_of_missed(task, fenced, taken, lines, plan)
    bodies.append(body_of(lines, task.line + 1, task.end, taken, dedent))
    task.body = "\n\n".join(body for body in bodies if body)
    return foreign


def body_of(lines: list[str], begin: int, end: int, taken: set[int], dedent: int) -> str:
    """The text of a task without the lines its fields took."""
    prefix = " " * dedent
    out = []
    for number in range(begin, end):
        if number not in taken:
            line = lines[number]
            out.append(line[dedent:] if line.startswith(prefix) else line.lstrip())
    return "\n".join(out).strip("\n").rstrip()


def _collect_steps(task: TaskDraft, blocks: Sequence[Block], taken: set[int]) -> None:
    todo = [block for block in reversed(blocks) if isinstance(block, Item)]
    while todo:
        item = todo.pop()
        if item.line in taken:
            continue
        if item.mark is not None:
            done = BOX_STATES.get(item.mark) is PlanTaskState.DONE
            task.steps.append(Step(item.label, done, item.line + 1))
        todo.extend(child for child in reversed(item.children) if isinstance(child, Item))


def _warn_of_missed(
    task: TaskDraft, fenced: Sequence[Fence], taken: set[int], lines: list[str], plan: PlanDraft
) -> None:
    """W16: a line that was written like a field, but is neither a bullet nor bold."""
    code = {number for fence in fenced for number in range(fence.line, fence.end)}
    for number in range(task.line + 1, task.end):
        text = lines[number].lstrip()
        if number in taken or number in code or (parts := field_parts(text, plain=True)) is None:
            continue
        if parts[0] in _MISSED_KEYS and text[0] not in "*_":
            say = f"{parts[1]} is read as text of the task, not as a field"
            column = len(lines[number]) - len(text)
            plan.warn("W16", number, say, f"write it as a bullet: - {parts[1]}: ...", column)


def _apply_field(
    task: TaskDraft, found: Field, lines: list[str], plan: PlanDraft, reading: Reading
) -> bool:
    """Apply one field; False = it is not ours and stays in the body."""
    key = found.key
    if key in _OWN_KEYS and not reading.own:
        return False
    if key == "files":
        task.files += field_file_refs(found)
    elif key == "depends_on":
        return _apply_depends(task, found, reading)
    elif key == "acceptance":
        task.acceptance += ([found.value] if found.value else []) + list_texts(found.items)
    elif key == "goal":
        task.goal = task.goal or " ".join([found.value, *list_texts(found.items)]).strip()
    elif key == "verify":
        commands = field_commands(found, lines, reading)
        task.verify += commands
        return bool(commands)
    elif key == "run":
        commands = field_commands(found, lines, reading)
        task.run += commands
        return bool(commands)
    elif key == "steps":
        _collect_steps(task, found.items, set())
    elif key == "body":
        return True
    elif key == "status":
        state = status_of_word(found.value)
        if task.state is None:
            task.state = state
        return state is not None
    elif key == "labels":
        task.labels += values.strings(found.value) + list_texts(found.items)
    else:
        return _apply_single(task, found, plan, reading)
    return True


def _apply_depends(task: TaskDraft, found: Field, reading: Reading) -> bool:
    texts = [found.value, *list_texts(found.items)]
    known = False
    for text in texts:
        if not text:
            continue
        refs, strict, none = read_references(text)
        task.depends += refs
        task.strict = task.strict and (strict or reading.strict)
        known = known or bool(refs) or none
    return known


def _apply_single(task: TaskDraft, found: Field, plan: PlanDraft, reading: Reading) -> bool:
    try:
        if found.key == "parallel":
            task.parallel = values.boolean(found.value)
        else:
            task.options.setdefault(found.key, values.SINGLE[found.key](found.value))
    except ValueError as error:
        if reading.strict:
            text = f"{found.name}: bad value {quote(found.value)}"
            plan.error("E09", found.line, text, str(error), found.column)
        return False
    return True


def field_file_refs(found: Field) -> list[FileRef]:
    """Files of a field: in its value, else in the list below it; never from a fence (R14)."""
    op = op_of(found.name)
    refs = field_files(found.value, op) if found.value else []
    for text in list_texts(found.items):
        refs += field_files(text, op)
    for item in found.items:
        inner = [child for child in item.children if isinstance(child, Item)]
        if inner:
            above = op_of(item.text.split(":")[0]) or op
            for text in list_texts(inner):
                refs += field_files(text, above)
    return refs


def field_commands(found: Field, lines: list[str], reading: Reading) -> list[str]:
    """Commands of a Verify or Run field.

    Outside of our own format only what is nothing but one piece of code counts: a sentence about
    checking must never be started as a program.
    """
    out: list[str] = []
    for text in [found.value, *list_texts(found.items)]:
        if not text:
            continue
        whole = _COMMAND.match(text)
        if whole is not None:
            out.append(whole[1])
        elif reading.strict or found.key == "run":
            ticked = _TICKED.findall(text)
            out += ticked if ticked else [text]
    if found.fence is not None and (
        reading.strict or found.fence.info in ("bash", "sh", "shell", "")
    ):
        out += fence_lines(found.fence, lines)
    return out
