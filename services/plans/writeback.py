"""Writes completion back into a plan: the smallest edit, all other bytes as they are."""

from enum import Enum
from pathlib import Path

from cc4tui.domain.plan import GroupMark, Plan, PlanTaskState, Task
from cc4tui.services.plans.files import changed, locked, swap
from cc4tui.services.plans.places import done_edit
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.source import BOM, Source
from cc4tui.services.plans.text import squeeze


DONE = PlanTaskState.DONE


def tick(data: bytes, plan: Plan, task_id: str) -> bytes | None:
    """The bytes of a plan with one task marked as done.

    Args:
        data: The bytes that `plan` was read from.
        plan: The plan as read.
        task_id: The task that is done.

    Returns:
        The new bytes: one byte differs for a task with a box, one more for each group box that is
        complete by it and for each box that tells the same task again; otherwise one value: a tick
        behind a heading, a cell, a status. `data` itself when the task is done already. None when
        this plan has no place to write it.
    """
    task = plan.task(task_id)
    if task is None or task.state is DONE:
        return None if task is None else data
    if task.mark_offset is None:
        return _edited(data, plan, task)
    sign = _done_sign(data, plan)
    places = {task.mark_offset, *task.mirror_offsets, *_full_groups(plan, task)}
    for offset in sorted(places, reverse=True):  # from the end, so that the others stay put
        end = data.find(b"]", offset, offset + 9)
        if data[offset - 1 : offset] != b"[" or end < 0:
            return None
        if data[offset:end] not in (b"x", b"X"):
            data = data[:offset] + sign + data[end:]
    return data


def _edited(data: bytes, plan: Plan, task: Task) -> bytes | None:
    """The task's status where it is kept in other ways than a box."""
    source = Source(data, plan.path)
    if source.bad_byte is not None:
        return None
    edit = done_edit(source, plan, task)
    if edit is None:
        return None
    first = len(data) - len(data.removeprefix(BOM))
    start = first + len(source.text[: edit.start].encode())
    end = start + len(source.text[edit.start : edit.end].encode())
    return data[:start] + edit.text.encode() + data[end:]


def _done_sign(data: bytes, plan: Plan) -> bytes:
    """x, or X where any box of the file has it."""
    for task in plan.tasks():
        if task.mark_offset is not None and data[task.mark_offset : task.mark_offset + 1] == b"X":
            return b"X"
    return b"x"


def _full_groups(plan: Plan, task: Task) -> list[int]:
    """Marks of the groups all of whose tasks are done once `task` is."""
    states = {other.id: other.state for other in plan.tasks()}
    states[task.id] = DONE
    return [group.offset for group in plan.groups if _full(group, task, states)]


def _full(group: GroupMark, task: Task, states: dict[str, PlanTaskState]) -> bool:
    return task.id in group.tasks and all(states.get(one) is DONE for one in group.tasks)


class Ticked(Enum):
    """What became of a tick."""

    WRITTEN = "written"
    ALREADY = "already"
    """The file says done already."""
    NO_PLACE = "no place"
    """This plan has no place for it: the status is kept elsewhere."""


def tick_file(path: Path, task_id: str, seen_sha256: str | None = None, title: str = "") -> Ticked:
    """Mark a task as done in its file, as the file is now.

    Args:
        path: The plan.
        task_id: The task that is done.
        seen_sha256: Hash of the bytes that the caller knows; when the file differs, the task is
            searched for again by its id, then by `title`.
        title: The task's title as the caller knows it.

    Raises:
        PlanError: E10, the file changed and the task cannot be found again.
        OSError: the file cannot be read or written.
    """
    with locked(path) as real:
        before = real.read_bytes()
        plan = read_plan(before, str(path))
        if plan.task(task_id) is None and not next(plan.tasks(), None) and plan.offers:
            plan = read_plan(before, str(path), accept_offers=True)
        task = _find_again(plan, task_id, title)
        if task is None:
            if seen_sha256 == plan.sha256:
                return Ticked.NO_PLACE
            raise changed(path)
        after = tick(before, plan, task.id)
        if after is None:
            return Ticked.NO_PLACE
        if after == before:
            return Ticked.ALREADY
        swap(real, before, after)
        return Ticked.WRITTEN


def _find_again(plan: Plan, task_id: str, title: str) -> Task | None:
    """By id, unless that id now has another title and the title another id; then by title."""
    task = plan.task(task_id)
    if title and (task is None or squeeze(task.title) != squeeze(title)):
        named = [other for other in plan.tasks() if squeeze(other.title) == squeeze(title)]
        if len(named) == 1:
            return named[0]
        return task if task is not None and not task.id_is_made else None
    return task
