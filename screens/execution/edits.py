"""What a tool call changes in files, as the lines of a small diff."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from cc4tui.domain.agent import ToolCalled
from cc4tui.domain.text import clean_line
from cc4tui.screens.glyphs import sign


SMALL = 8
"""Lines of an edit that are shown below its call."""
_COMPARED = 200
"""Lines of each side that are compared; more of them are told as taken out and put in."""
_LINE_CAP = 400
_PAIRS = (("old_string", "new_string"), ("oldString", "newString"), ("old_str", "new_str"))
"""Names under which agents tell what they replace and by what."""
_WRITERS = frozenset({"write", "write_file", "create", "create_file"})
_RESET, _DIM, _RED, _GREEN = "\x1b[0m", "\x1b[0;2m", "\x1b[0;31m", "\x1b[0;32m"


def edits(event: ToolCalled) -> Iterator[tuple[str, str]]:
    """Each old and new text of a call that says what it writes; nothing for other calls."""
    arguments = event.arguments
    pieces = arguments.get("edits")
    for piece in pieces if isinstance(pieces, list) else (arguments,):
        if not isinstance(piece, Mapping):
            continue
        for old, new in _PAIRS:
            if isinstance(piece.get(new), str):
                yield _text(piece, old), _text(piece, new)
    if event.name.lower() in _WRITERS and isinstance(arguments.get("content"), str):
        yield "", _text(arguments, "content")


def edit_lines(event: ToolCalled, most: int = SMALL) -> Iterator[str]:
    """The call's edits as coloured lines, indented; the last one counts what is left out."""
    lines = [line for old, new in edits(event) for line in _compare(old, new)]
    shown = lines if len(lines) <= most + 1 else lines[:most]
    for mark, text in shown:
        ink = {"+": _GREEN, "-": _RED}.get(mark, _DIM)
        glyph = sign("−", "-") if mark == "-" else mark
        yield f"  {ink}{glyph} {clean_line(text.expandtabs(4), _LINE_CAP)}{_RESET}"
    if len(shown) < len(lines):
        yield f"  {_DIM}{sign('…', '...')} +{len(lines) - len(shown)} lines{_RESET}"


def _text(found: Mapping[str, Any], key: str) -> str:
    text = found.get(key)
    return text if isinstance(text, str) else ""


def _compare(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Lines that went and came, with one that stayed around them."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > _COMPARED:
        yield from _marked("-", before)
        yield from _marked("+", after)
        return
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(1)
    for block in blocks:
        for kind, begin, end, start, stop in block:
            if kind == "equal":
                yield from _marked(" ", before[begin:end])
            else:
                yield from _marked("-", before[begin:end])
                yield from _marked("+", after[start:stop])


def _marked(mark: str, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        yield mark, line
