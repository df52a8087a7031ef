"""Syntax colours of a diff: only of the lines around those that are seen, in the theme's inks."""

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from cc4tui.screens.execution.diff_text import Diff, Side
from cc4tui.screens.lines import Line


PORTION = 100
"""Lines of a hunk that are read at once: what a long string is may be lost between two."""
LINE_LIMIT = 400
"""Characters of a line that are read: what exceeds it is no text for people."""
SECONDS = 0.03
"""Of computing, after which the rest of a portion stays without colours."""
_KEPT = 256

_LEXERS = {
    **dict.fromkeys(("py", "pyi"), "python"),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs"), "javascript"),
    **dict.fromkeys(("ts", "tsx", "mts"), "typescript"),
    **dict.fromkeys(("c", "h"), "c"),
    **dict.fromkeys(("cc", "cpp", "cxx", "hpp", "hh"), "cpp"),
    **dict.fromkeys(("sh", "bash", "zsh"), "bash"),
    **dict.fromkeys(("yml", "yaml"), "yaml"),
    **dict.fromkeys(("html", "htm", "vue", "svelte"), "html"),
    **dict.fromkeys(("css", "tcss"), "css"),
    **dict.fromkeys(("kt", "kts"), "kotlin"),
    **dict.fromkeys(("cfg", "ini"), "ini"),
    "rs": "rust",
    "go": "go",
    "java": "java",
    "rb": "ruby",
    "cs": "csharp",
    "md": "markdown",
    "json": "json",
    "toml": "toml",
    "scss": "scss",
    "sql": "sql",
    "swift": "swift",
    "php": "php",
    "lua": "lua",
    "ex": "elixir",
    "exs": "elixir",
    "zig": "zig",
    "xml": "xml",
}
"""By the end of a name. No others: each more is code that hostile text goes through."""
_NAMES = {"Dockerfile": "docker", "Makefile": "make", "makefile": "make"}

_INKS = (
    ("Token.Comment", "quote"),
    ("Token.Literal.String.Doc", "quote"),
    ("Token.Literal.String", "tag"),
    ("Token.Literal", "key"),
    ("Token.Keyword.Constant", "key"),
    ("Token.Keyword", "link"),
    ("Token.Operator.Word", "link"),
    ("Token.Name.Function", "title"),
    ("Token.Name.Class", "title"),
    ("Token.Name.Decorator", "key"),
    ("Token.Name.Tag", "link"),
    ("Token.Name.Attribute", "key"),
    ("Token.Generic.Heading", "title"),
    ("Token.Generic.Subheading", "title"),
)


class Colours:
    """Knows the colours of the lines of one diff.

    Args:
        diff: Whose lines.
    """

    def __init__(self, diff: Diff) -> None:
        self._diff = diff
        self._lexers: dict[str, Any] = {}
        self._inks: dict[Any, str] = {}
        self._portions: OrderedDict[tuple[int, int, int], dict[int, Line]] = OrderedDict()

    def line(self, file: int, hunk: int, at: int) -> Line:
        """The text of a line, without its sign, as spans."""
        lines = self._diff.files[file].hunks[hunk].lines
        key = (file, hunk, at // PORTION)
        known = self._portions.get(key)
        if known is None:
            known = self._portions[key] = self._portion(file, lines, at - at % PORTION)
            if len(self._portions) > _KEPT:
                self._portions.popitem(last=False)
        return known.get(at) or ((lines[at][1:], "text"),)

    def _portion(self, file: int, lines: Sequence[str], first: int) -> dict[int, Line]:
        lexer = self._lexer(self._diff.files[file].path)
        if lexer is None:
            return {}
        found: dict[int, Line] = {}
        for sides in (" -", " +"):  # a line that stayed has the colours of the new file
            places = range(first, min(first + PORTION, len(lines)))
            mine = [at for at in places if lines[at][0] in sides]
            if any(lines[at][0] != Side.BOTH for at in mine) or sides == " +":
                texts = [lines[at][1:] for at in mine]
                found |= zip(mine, self._read(lexer, texts), strict=False)
        return found

    def _read(self, lexer: Any, texts: Sequence[str]) -> Iterator[Line]:
        """Lines of spans, as many as there is time for."""
        deadline = time.thread_time() + SECONDS
        whole = "\n".join(text[:LINE_LIMIT] for text in texts)
        line: list[tuple[str, str]] = []
        number = 0
        for _, kind, value in lexer.get_tokens_unprocessed(whole):
            ink = self._ink(kind)
            first, *more = value.split("\n")
            line.append((first, ink))
            for piece in more:
                yield self._finished(line, texts[number])
                number, line = number + 1, [(piece, ink)]
            if time.thread_time() > deadline:
                return
        if number < len(texts):
            yield self._finished(line, texts[number])

    def _finished(self, line: list[tuple[str, str]], text: str) -> Line:
        rest = text[LINE_LIMIT:]
        spans = tuple(span for span in line if span[0])
        return (*spans, (rest, "text")) if rest else spans

    def _ink(self, kind: Any) -> str:
        ink = self._inks.get(kind)
        if ink is None:
            name = str(kind)
            ink = next((ink for start, ink in _INKS if name.startswith(start)), "text")
            self._inks[kind] = ink
        return ink

    def _lexer(self, path: str) -> Any:
        name = PurePath(path).name
        wanted = _NAMES.get(name) or _LEXERS.get(name.rpartition(".")[2].lower(), "")
        if wanted not in self._lexers:
            self._lexers[wanted] = _made(wanted)
        return self._lexers[wanted]


def _made(name: str) -> Any:
    """A lexer by its name; pygments is imported with the first one."""
    if not name:
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
        for _ in lexer.get_tokens_unprocessed("\n"):  # what is compiled on the way takes no time
            pass
        return lexer
    except ClassNotFound:
        return None
