"""Where a task without a box keeps its status, and the smallest edit that says done there."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from cc4tui.domain.plan import Plan, PlanTaskState, Task
from cc4tui.services.plans.blocks import Block, Item, Table
from cc4tui.services.plans.jsontext import Placed, elements, member, parse
from cc4tui.services.plans.labels import normal_id
from cc4tui.services.plans.marks import LEADING_EMOJI, TICK, status_of_word
from cc4tui.services.plans.readers.ralph import FLAGS, user_stories
from cc4tui.services.plans.readers.taskmaster import qualified, task_lists
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.tables import columns_of


TICK_SIGN = "✅"

_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_BULLET = re.compile(r"[\s>]*(?:[-*+]|\d+[.)])\s+")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces the characters [start, end) of the text."""

    start: int
    end: int
    text: str


def done_edit(source: Source, plan: Plan, task: Task) -> Edit | None:
    """The edit that marks `task` as done; None where the file has no place for it."""
    find = _BY_DIALECT.get(plan.dialect)
    if find is not None:
        return find(source, task)
    number = task.line - 1
    if not 0 <= number < len(source.lines):
        return None
    line = source.lines[number]
    start = _line_start(source.text, number)
    if _HEADING.match(line):
        return _heading(source, plan, line, start)
    if (bullet := _BULLET.match(line)) is not None:
        return _emoji(source, plan, line, start, bullet.end())
    return _cell(source, number, line, start)


def _line_start(text: str, number: int) -> int:
    """Offset of a line, counted as CommonMark does."""
    found = 0
    for end in re.finditer(r"\r\n|\n|\r", text):
        if number == 0:
            break
        number -= 1
        found = end.end()
    return found


def _heading(source: Source, plan: Plan, line: str, start: int) -> Edit | None:
    """A tick behind the heading, only where the file's other tasks have it."""
    if not _signs(source, plan):
        return None
    end = start + len(line.rstrip().rstrip("#").rstrip())
    return Edit(end, end, f" {TICK_SIGN}")


def _emoji(source: Source, plan: Plan, line: str, start: int, at: int) -> Edit | None:
    """Another sign in front of a bullet, only where the file's other tasks have a tick there."""
    found = LEADING_EMOJI.match(line, at)
    if found is None or not _signs(source, plan):
        return None
    return Edit(start + found.start(1), start + found.end(1), TICK_SIGN)


def _signs(source: Source, plan: Plan) -> bool:
    """Whether some task's own line bears a tick."""
    return any(
        TICK.search(source.lines[task.line - 1])
        for task in plan.tasks()
        if task.state is PlanTaskState.DONE and task.line <= len(source.lines)
    )


def _cell(source: Source, number: int, line: str, start: int) -> Edit | None:
    """The Status cell of a table's row, in the words of a row that is done."""
    table = _table_at(source.document.blocks, number)
    if table is None:
        return None
    column = columns_of(table).get("status")
    if column is None:
        return None
    borders = [found.start() for found in _CELL_BORDER.finditer(line)]
    if not line.lstrip().startswith("|"):
        borders.insert(0, -1)
    if column >= len(borders):
        return None
    left = borders[column] + 1
    right = borders[column + 1] if column + 1 < len(borders) else len(line)
    cell = line[left:right]
    begin = left + len(cell) - len(cell.lstrip())
    end = max(begin, left + len(cell.rstrip()))
    return Edit(start + begin, start + end, _done_word(table, column))


def _table_at(blocks: list[Block], number: int) -> Table | None:
    todo = list(blocks)
    while todo:
        block = todo.pop()
        if isinstance(block, Table) and block.line <= number < block.end:
            return block
        if isinstance(block, Item) and block.line <= number < block.end:
            todo.extend(block.children)
    return None


def _done_word(table: Table, column: int) -> str:
    for row in table.rows:
        if column < len(row.cells) and status_of_word(row.cells[column]) is PlanTaskState.DONE:
            return row.cells[column].replace("|", "\\|")
    return "Done"


def _taskmaster(source: Source, task: Task) -> Edit | None:
    tags = list(task_lists(source.text))
    for tag, tasks in tags:
        for placed in elements(source.text, tasks):
            if qualified(tag, placed.value.get("id"), several=len(tags) > 1) == task.id:
                return _string(source.text, placed, "status", _done_status(tasks.value))
    return None


def _ralph(source: Source, task: Task) -> Edit | None:
    stories = user_stories(source.text)
    if stories is None:
        return None
    for index, placed in enumerate(elements(source.text, stories), 1):
        known = placed.value.get("id") is not None and str(placed.value["id"]) == task.id
        if known or (task.id_is_made and task.id == f"t-{index}"):
            for flag in FLAGS:
                value = member(source.text, placed, flag)
                if value is not None and isinstance(value.value, bool):
                    return Edit(value.start, value.end, "true")
            return _string(source.text, placed, "status", _done_status(stories.value))
    return None


def _done_status(records: list[dict[str, object]]) -> str:
    """The word that records which are done have for it."""
    words = (one.get("status") for one in records)
    done = (w for w in words if isinstance(w, str) and status_of_word(w) is PlanTaskState.DONE)
    return next(done, "done")


def _beads(source: Source, task: Task) -> Edit | None:
    number = task.line - 1
    start = _line_start(source.text, number)
    whole = parse(source.lines[number])
    if whole is None or not isinstance(whole.value, dict) or whole.value.get("id") != task.id:
        return None
    edit = _string(source.lines[number], whole, "status", "closed")
    return Edit(edit.start + start, edit.end + start, edit.text) if edit is not None else None


def _string(text: str, record: Placed, key: str, value: str) -> Edit | None:
    found = member(text, record, key)
    if found is None or not isinstance(found.value, str):
        return None
    return Edit(found.start, found.end, f'"{value}"')


def _front_matter(word: str) -> Callable[[Source, Task], Edit | None]:
    def find(source: Source, task: Task) -> Edit | None:
        place = source.matter.places.get("status")
        if place is None or task.id_is_made or not normal_id(task.id):
            return None
        quote = source.text[place[0]] if source.text[place[0]] in "'\"" else ""
        return Edit(place[0], place[1], f"{quote}{word}{quote}")

    return find


_BY_DIALECT: dict[str, Callable[[Source, Task], Edit | None]] = {
    "taskmaster": _taskmaster,
    "ralph": _ralph,
    "beads": _beads,
    "backlog": _front_matter("Done"),
    "ccpm": _front_matter("closed"),
}
