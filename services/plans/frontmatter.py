"""YAML front matter: split off by hand, read with ruamel.yaml, every scalar kept as text.

Text, because the id ``1.10`` is not the number 1.1 and ``no`` may be a title. The position of each
value is kept for write-back.
"""

import re
from dataclasses import dataclass, field
from typing import Any


MAX_LINES = 400
MAX_LENGTH = 64_000
MAX_BRACKETS = 1_000
MAX_DEPTH = 4

_KEY = re.compile(r"[\"']?[A-Za-z_][\w .-]*[\"']?\s*:(?:\s|$)")


@dataclass(slots=True)
class FrontMatter:
    """The block between the two ``---`` lines at the start of a file."""

    values: dict[str, Any] = field(default_factory=dict)
    """Scalars as text, sequences as lists, mappings as dictionaries."""
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Characters [start, end) of the top-level scalar values, from the start of the file."""
    lines: int = 0
    """Lines it takes, both fences included; 0 = there is none."""
    error: str = ""
    """Why the YAML is invalid; the values are empty then."""
    error_line: int = 0
    """Line of the error in the file, from 0."""


def read_front_matter(lines: list[str]) -> FrontMatter:
    """Read the front matter of a file's lines; invalid YAML is told, never raised."""
    if not lines or lines[0].rstrip() != "---":
        return FrontMatter()
    for end in range(1, min(len(lines), MAX_LINES)):
        if lines[end].rstrip() in ("---", "..."):
            break
    else:
        return FrontMatter()
    if not any(_KEY.match(line) for line in lines[1:end]):
        return FrontMatter()
    return _parse(lines, end)


def _parse(lines: list[str], end: int) -> FrontMatter:
    from ruamel.yaml import YAML  # costs more to import than most plans to read
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    matter = FrontMatter(lines=end + 1)
    source = "\n".join(lines[1:end])
    if len(source) > MAX_LENGTH or source.count("[") + source.count("{") > MAX_BRACKETS:
        matter.error, matter.error_line = "too large to be front matter", 1
        return matter
    try:
        node = YAML(typ="safe", pure=True).compose(source)
    except YAMLError as error:
        matter.error = "not valid YAML"
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        if isinstance(error, MarkedYAMLError) and error.problem:
            matter.error += f": {error.problem}"
        matter.error_line = 1 + (mark.line if mark is not None else 0)
        return matter
    except (ValueError, RecursionError) as error:
        matter.error = f"not valid YAML: {type(error).__name__}"
        matter.error_line = 1
        return matter
    value = _plain(node, 0, {})
    if isinstance(value, dict):
        matter.values = value
        matter.places = _places(node, len(lines[0]) + 1)
    else:
        matter.error, matter.error_line = "not a mapping of keys to values", 1
    return matter


def _plain(node: Any, depth: int, known: dict[tuple[int, int], Any]) -> Any:
    """A composed node as text, lists and dictionaries; aliases cannot make it grow without end.

    Args:
        known: What was made of a node at a depth, for the next alias of it.
    """
    kind = getattr(node, "id", None)
    if kind == "scalar":
        null = str(getattr(node, "tag", "")) == "tag:yaml.org,2002:null"
        return "" if null else str(node.value)
    if depth > MAX_DEPTH or kind not in ("sequence", "mapping"):
        return ""
    place = id(node), depth
    if place not in known:
        inner = node.value[:1000]
        if kind == "sequence":
            known[place] = [_plain(child, depth + 1, known) for child in inner]
        else:
            known[place] = {
                str(_plain(key, MAX_DEPTH, known)): _plain(value, depth + 1, known)
                for key, value in inner
            }
    return known[place]


def _places(node: Any, offset: int) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    for key, value in node.value:
        if value.id == "scalar":
            start, end = value.start_mark.index, value.end_mark.index
            places[str(key.value)] = (offset + start, offset + end)
    return places
