"""Tables whose rows are tasks, or may be."""

import re
from dataclasses import dataclass

from cc4tui.services.plans.blocks import Row, Table
from cc4tui.services.plans.labels import IdStyle, Label, parse_label


_COLUMNS = {
    "title": r"description|title|name|summary|scenario|what|story|details|goal|deliverable|feature"
    r"|item|task name|描述|标题|標題|名称|内容|說明|说明|任务|任務|タイトル|説明|제목|설명",
    "files": r"files?|paths?|files? (?:to )?(?:touched|changed|modified|create|modify|affected)"
    r"|file\(s\)",
    "depends_on": r"depends(?: on)?|dependenc(?:y|ies)|blocked by|prerequisites?|deps",
    "status": r"status|state|done|progress|状态|狀態|状態|상태|estado|état|статус|stand",
    "priority": r"priority|prio",
    "mode": r"mode|execution mode",
    "acceptance": r"acceptance(?: criteria)?|expected(?: result)?s?|criteria|done when"
    r"|success criteria",
    "verify": r"verify|verification",
    "effort": r"effort",
}
_PATTERNS = {key: re.compile(rf"\W*(?:{pattern})\W*$", re.I) for key, pattern in _COLUMNS.items()}
_ID_HEADER = re.compile(
    r"\W*(?:(?:task|story|issue|ticket|item|work item)(?:\s*(?:id|#|no\.?|number))?|id|slice)\W*$",
    re.I,
)
_NUMBER_HEADER = re.compile(
    r"\W*(?:#|no\.?|nr\.?|number|(?:\w+\s+)?#|(?:\w+\s+)?(?:id|no\.?|number)|step|order)\W*$|^$",
    re.I,
)
_TASK_HEADER = re.compile(r"\W*(?:task|story|todo|action|work item)s?\W*$", re.I)
_BARE = re.compile(r"[*_`]*(\d{1,4})[*_`.)]*$")


@dataclass(slots=True)
class TaskRow:
    """A row read as a task."""

    row: Row
    label: Label
    cells: dict[str, str]
    """Cells by meaning: title, files, depends_on, status, ..."""


def columns_of(table: Table) -> dict[str, int]:
    """Where each meaning stands; the first column is the id's.

    A column called ``Task`` is the title only where no better one is and it holds no numbers.
    """
    found: dict[str, int] = {}
    for index, cell in enumerate(table.header[1:], 1):
        for key, pattern in _PATTERNS.items():
            if key not in found and pattern.match(cell):
                found[key] = index
                break
    if "title" not in found:
        spare = [i for i in range(1, len(table.header)) if i not in found.values()]
        named = [i for i in spare if _TASK_HEADER.match(table.header[i])]
        words = [i for i in [*named, *spare] if not _numeric(table, i)]
        if words:
            found["title"] = words[0]
    return found


def _numeric(table: Table, index: int) -> bool:
    return all(_BARE.match(row.cells[index]) for row in table.rows if index < len(row.cells))


def certain_rows(table: Table) -> list[TaskRow]:
    """Rows that are tasks for sure: the first column is named so and holds ids."""
    if not table.header or not _ID_HEADER.match(table.header[0]) or len(table.header) < 2:
        return []
    return _rows(table, bare=False)


def offered_rows(table: Table) -> list[TaskRow]:
    """Rows that may be tasks: the first column is numbered."""
    if len(table.header) < 2 or not table.rows:
        return []
    if not (_NUMBER_HEADER.match(table.header[0]) or _ID_HEADER.match(table.header[0])):
        return []
    rows = _rows(table, bare=True)
    return rows if len(rows) == len(table.rows) and len(rows) > 1 else []


def _rows(table: Table, *, bare: bool) -> list[TaskRow]:
    columns = columns_of(table)
    if "title" not in columns:
        return []
    out = []
    for row in table.rows:
        label = _row_label(row, columns["title"], bare=bare)
        if label is not None:
            cells = {k: row.cells[i] for k, i in columns.items() if i < len(row.cells)}
            out.append(TaskRow(row, label, cells))
    return out


def _row_label(row: Row, title: int, *, bare: bool) -> Label | None:
    first = row.cells[0] if row.cells else ""
    title_text = row.cells[title] if title < len(row.cells) else ""
    label = parse_label(title_text)
    found = parse_label(first)
    number = _BARE.match(first)
    if number is not None and bare:
        label.id, label.style = number[1], IdStyle.NUMBER
    elif found.id and found.style is not IdStyle.NUMBER and not found.title:
        label.id, label.style = found.id, found.style
    else:
        return None
    label.tick = label.tick or found.tick
    label.struck = label.struck or found.struck
    if not label.title:
        label.title = title_text.strip() or label.id
    return label
