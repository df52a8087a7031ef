"""JSON with positions: which characters of the text hold which value.

The standard scanner does the work (it is C); this only walks the levels that a caller asks for, so
that one value can be replaced and all other bytes stay as they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any


_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Placed:
    """A value and the characters [start, end) that hold it."""

    value: Any
    start: int
    end: int


def parse(text: str) -> Placed | None:
    """The whole text as one value; None when it is not JSON."""
    start = _skip(text, 0)
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (JSONDecodeError, RecursionError, ValueError):
        return None
    return Placed(value, start, end) if _skip(text, end) == len(text) else None


def members(text: str, at: Placed) -> Iterator[tuple[str, Placed]]:
    """Keys and values of an object that was parsed from `text`."""
    here = _skip(text, at.start + 1)
    while text[here] != "}":
        key, here = _DECODER.raw_decode(text, here)
        here = _skip(text, _skip(text, here) + 1)
        value, end = _DECODER.raw_decode(text, here)
        yield key, Placed(value, here, end)
        here = _skip(text, end)
        if text[here] == ",":
            here = _skip(text, here + 1)


def elements(text: str, at: Placed) -> Iterator[Placed]:
    """Elements of an array that was parsed from `text`."""
    here = _skip(text, at.start + 1)
    while text[here] != "]":
        value, end = _DECODER.raw_decode(text, here)
        yield Placed(value, here, end)
        here = _skip(text, end)
        if text[here] == ",":
            here = _skip(text, here + 1)


def member(text: str, at: Placed, key: str) -> Placed | None:
    """One value of an object; the last one when the key stands twice, as JSON has it."""
    found = None
    for name, value in members(text, at):
        if name == key:
            found = value
    return found


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
