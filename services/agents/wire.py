"""Reads JSON lines of a program that nobody here controls: every value may be missing or odd.

Agent command lines change their formats between versions, so nothing is required of an event but
the fields that are used, and a field of the wrong type counts as missing.
"""

import json
import math
from collections.abc import Mapping
from typing import Any


MAX_COUNT = 2**53
"""Tokens beyond this are a mistake of the writer; they would not fit into a database either."""
MAX_NESTING = 8
"""Of content within content; real tool results have two levels."""


def parse_object(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line; None when it is none (plain text, cut off, nested too deep)."""
    text = line.decode("utf-8", "replace").strip("\0 \t\r")
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
        found: dict[str, Any] = _repaired(value) if "\\u" in text else value
    except (ValueError, RecursionError):
        return None
    return found


def json_line(message: Mapping[str, Any]) -> bytes:
    """A message for an agent: one line, nothing in it that a strict reader refuses."""
    return json.dumps(_repaired(message), ensure_ascii=True).encode("ascii") + b"\n"


def _repaired(value: Any) -> Any:
    """Without lone surrogates, which JSON can spell but no file, database or terminal can hold."""
    if isinstance(value, str):
        return (
            value
            if value.isascii()
            else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    if isinstance(value, list):
        return [_repaired(item) for item in value]
    if isinstance(value, dict):
        return {_repaired(key): _repaired(item) for key, item in value.items()}
    return value


def text_at(value: Any, *path: str) -> str:
    """The string at the end of a path of keys, else an empty one."""
    found = value_at(value, *path)
    return found if isinstance(found, str) else ""


def dict_at(value: Any, *path: str) -> dict[str, Any]:
    """The object at the end of a path of keys, else an empty one."""
    found = value_at(value, *path)
    return found if isinstance(found, dict) else {}


def list_at(value: Any, *path: str) -> list[Any]:
    """The list at the end of a path of keys, else an empty one."""
    found = value_at(value, *path)
    return found if isinstance(found, list) else []


def value_at(value: Any, *path: str) -> Any:
    """What lies at the end of a path of keys, else None."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def count_at(value: Any, *path: str) -> int | None:
    """A number of tokens; None when there is none or it makes no sense."""
    found = number_at(value, *path)
    return int(found) if found is not None and 0 <= found <= MAX_COUNT else None


def number_at(value: Any, *path: str) -> float | None:
    """A finite number; None when there is none."""
    found = value_at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def text_of(content: Any, depth: int = MAX_NESTING) -> str:
    """The text of a content value: a string, a block with text or content, or a list of those."""
    match content:
        case str():
            return content
        case _ if depth == 0:
            return ""
        case list():
            return "\n".join(filter(None, (text_of(item, depth - 1) for item in content)))
        case {"text": str(text)}:
            return text
        case {"content": inner}:
            return text_of(inner, depth - 1)
    return ""
