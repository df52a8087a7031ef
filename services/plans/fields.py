"""Fields of a task or batch: ``**Files:** ...`` lines and ``- Files: ...`` bullets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cc4tui.services.plans.blocks import Block, Fence, Item, Text
from cc4tui.services.plans.words import field_key


@dataclass(slots=True)
class Field:
    """A field as written."""

    key: str
    name: str
    value: str
    line: int
    end: int
    """Exclusive; what belongs to the field included."""
    column: int = 0
    content: int = 0
    """Column at which the text inside a list item begins."""
    items: list[Item] = field(default_factory=list)
    fence: Fence | None = None


_BOLD = re.compile(
    r"(\*\*|__)([^*_:：\n]{2,60}?)\s*(?:[:：]\s*\1|\1\s*(?:\([^()]{0,60}\)\s*)?[:：])\s*(.*)$"
)
_ALONE = re.compile(r"(\*\*|__)([^*_:\n]{2,60}?)\1\s*$")
_PLAIN = re.compile(r"[*_]?([A-Za-z][A-Za-z_/ ]{1,40}?)[*_]?\s*:\s*(.*)$")


def find_fields(blocks: Sequence[Block], lines: list[str]) -> list[Field]:
    """The fields directly in a list of blocks, each with the list or fence right below it."""
    out: list[Field] = []
    open_: Field | None = None
    for block in blocks:
        if isinstance(block, Text):
            open_ = _text_fields(block, lines, out)
        elif isinstance(block, Item):
            found = item_field(block) if block.mark is None else None
            if open_ is not None and _ends(open_, block):
                open_ = None
            if open_ is not None and (found is None or open_.items):
                open_.items.append(block)
                open_.end = block.end
            elif found is not None:
                out.append(found)
                open_ = None
            else:
                open_ = None
        elif isinstance(block, Fence) and open_ is not None and not open_.items:
            open_.fence, open_.end, open_ = block, block.end, None
        else:
            open_ = None
    return out


def _ends(open_: Field, item: Item) -> bool:
    """Whether a box is none of the field's list: the steps that follow a list of files."""
    if item.mark is None:
        return False
    if open_.items:
        return open_.items[-1].mark is None
    return open_.key not in ("acceptance", "verify", "milestone", "steps", "body")


def item_field(item: Item) -> Field | None:
    """The field that a list item is, such as ``- Files: a.py``, with its sub-list or fence."""
    parts = item_parts(item)
    if parts is None:
        return None
    key, name, value = parts
    found = Field(key, name, value, item.line, item.end, item.column, item.content)
    for child in item.children:
        if isinstance(child, Item):
            found.items.append(child)
        elif isinstance(child, Fence) and found.fence is None:
            found.fence = child
    return found


def item_parts(item: Item) -> tuple[str, str, str] | None:
    """Key, name and value of a list item that is a field; looked at once."""
    if item.field is True:
        item.field = field_parts(item.text, plain=True)
    return item.field if isinstance(item.field, tuple) else None


def field_parts(text: str, *, plain: bool) -> tuple[str, str, str] | None:
    """Key, name and value of a field line; `plain`: also without bold."""
    if text[:2] in ("**", "__"):
        found = _BOLD.match(text) or _ALONE.match(text)
        if found is None:
            return None
        key = field_key(found[2])
        value = found[3] if found.lastindex == 3 else ""
        return None if key is None else (key, found[2].strip(), value.strip())
    if plain and ":" in text[:44] and (found := _PLAIN.match(text)) is not None:
        key = field_key(found[1])
        return None if key is None else (key, found[1].strip(), found[2].strip())
    return None


def _text_fields(block: Text, lines: list[str], out: list[Field]) -> Field | None:
    """Fields in a paragraph; returns the one whose value may follow as a list or fence."""
    last: Field | None = None
    for number in range(block.line, block.end):
        line = lines[number]
        text = line.strip().lstrip("> ")
        parts = field_parts(text, plain=False)
        if parts is not None:
            key, name, value = parts
            column = len(line) - len(line.lstrip())
            last = Field(key, name, value, number, number + 1, column)
            out.append(last)
        elif text.startswith(("**", "__")) and _BOLD.match(text):
            last = None
        elif last is not None:
            last.value = f"{last.value} {text}".strip()
            last.end = number + 1
    return last if last is not None and not last.value else None


def list_texts(items: Sequence[Item]) -> list[str]:
    """First lines of list items, boxes taken off."""
    return [text for item in items if (text := item.label)]


def fence_lines(fence: Fence, lines: list[str]) -> list[str]:
    """Lines of a fence's content that are neither blank nor comments."""
    end = fence.end - 1 if fence.closed and not fence.indented else fence.end
    begin = fence.line if fence.indented else fence.line + 1
    found = (line.strip() for line in lines[begin:end])
    return [line for line in found if line and not line.startswith("#")]
