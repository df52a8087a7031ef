"""The `{...}` at the end of a line: a YAML flow mapping, read without a YAML library.

A plan of 10,000 tasks may hold 10,000 of them; ruamel.yaml needs about half a millisecond for each.
Only what people write there is understood: plain and quoted scalars, lists and mappings. Scalars
stay text, so that the id 1.10 is not the number 1.1.
"""

import re
from typing import Any


MAX_LENGTH = 2000
MAX_DEPTH = 6

_TOKEN = re.compile(
    r"""\s*(?:([{}\[\],:])|"((?:[^"\\]|\\.)*+)"|'((?:[^']|'')*+)'|([^\s{}\[\],:"'][^{}\[\],:]*(?::(?!\s)[^{}\[\],:]*)*))"""
)
_ESCAPE = re.compile(r"\\(.)")
_NESTED = re.compile(r"""[{}\[\]"']""")


class MetaError(ValueError):
    """The text in braces is not a flow mapping."""


def split_meta(text: str) -> tuple[str, str | None]:
    """Split ``title {key: value}`` into the title and the text in braces; None if there is none."""
    if not text.endswith("}"):
        return text, None
    depth = 0
    for at in range(len(text) - 1, max(-1, len(text) - MAX_LENGTH), -1):
        char = text[at]
        if char == "}":
            depth += 1
        elif char == "{":
            depth -= 1
            if depth == 0:
                if at and not text[at - 1].isspace():
                    return text, None
                return text[:at].rstrip(), text[at:]
    return text, None


def parse_meta(text: str) -> dict[str, Any]:
    """Read a flow mapping.

    Raises:
        MetaError: it is not one.
    """
    if not _NESTED.search(text, 1, len(text) - 1):
        return dict(_pair(text, part) for part in text[1:-1].split(",") if part.strip())
    parser = _Parser(text)
    value = parser.value(0)
    if not isinstance(value, dict) or parser.rest():
        raise MetaError(text)
    return value


def _pair(text: str, part: str) -> tuple[str, str]:
    key, colon, value = part.partition(":")
    if not colon or not key.strip() or not value.strip():
        raise MetaError(text)
    return key.strip(), value.strip()


def _unescape(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(found[1], found[1])


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def rest(self) -> bool:
        return bool(self.text[self.at :].strip())

    def token(self) -> tuple[str, Any]:
        """The next token as (sign, value); sign is empty for a scalar."""
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            raise MetaError(self.text)
        self.at = found.end()
        sign, double, single, plain = found.groups()
        if sign:
            return sign, None
        if double is not None:
            return "", _ESCAPE.sub(_unescape, double)
        if single is not None:
            return "", single.replace("''", "'")
        return "", plain.strip()

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise MetaError(self.text)
        sign, value = self.token()
        if sign == "{":
            return self.mapping(depth)
        if sign == "[":
            return self.sequence(depth)
        if sign:
            raise MetaError(self.text)
        return value

    def mapping(self, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        while True:
            sign, key = self.token()
            if sign == "}":
                return out
            if sign or self.token()[0] != ":":
                raise MetaError(self.text)
            out[key] = self.value(depth + 1)
            if self.separator("}"):
                return out

    def sequence(self, depth: int) -> list[Any]:
        out: list[Any] = []
        while True:
            before = self.at
            if self.token()[0] == "]":
                return out
            self.at = before
            out.append(self.value(depth + 1))
            if self.separator("]"):
                return out

    def separator(self, end: str) -> bool:
        sign, _ = self.token()
        if sign not in (",", end):
            raise MetaError(self.text)
        return sign == end
