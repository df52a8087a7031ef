"""Cleans what others wrote before it is shown: no escape, control or spoofing character remains.

Everything that comes from agents, plans, repositories and file names is data. Terminals obey what
such data may hold (and Textual hands it through): OSC 52 writes the clipboard, CSI 6n types into
our input, bidi controls reorder what a person reads.

The rules follow ECMA-48 and xterm's control sequences. Every pattern here is linear in its input:
repeats are possessive, and no body of a string reaches over the start of the next one.
"""

import re
from collections.abc import Iterator
from functools import lru_cache


ESCAPE_SIGN = "␛"
"""Stands for an ESC that begins no sequence."""
LOST_SIGN = "\ufffd"
"""Stands for a lone surrogate, which cannot be encoded."""
LINE_SIGN = "⏎"
"""Stands for a line break where only one line has room."""
MAX_PARAMETERS = 32
"""Of one SGR sequence; a real one has at most a dozen."""

_UNSAFE_CLASS = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but \t \n, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls
    r"\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # invisible
    r"\u2028\u2029"  # line ends to some readers, nothing to others
    r"\U000e0000-\U000e007f"  # tags: a whole invisible alphabet
    r"\ud800-\udfff"  # lone surrogates
)
UNSAFE = re.compile(f"[{_UNSAFE_CLASS}]")
"""Finds a character that must not reach a terminal as it is; most text has none."""

CONTROL = re.compile(
    r"\x1b\[([0-9;:]*+)m"  # group 1: SGR
    r"|\x1b\[[0-?]*+[ -/]*+[@-~]?"  # any other CSI, also one that is cut off
    r"|\x1b\][^\x07\x18\x1a\x1b\x9c\n]*+(?:[\x07\x18\x1a\x9c]|\x1b\\)?"  # OSC
    r"|\x1b[PX^_k][^\x18\x1a\x1b\x9c\n]*+(?:[\x18\x1a\x9c]|\x1b\\)?"  # DCS SOS PM APC, title
    r"|\x9b[0-?]*+[ -/]*+[@-~]"  # CSI as C1
    r"|[\x90\x98\x9d-\x9f][^\x07\x18\x1a\x1b\x90\x98\x9c-\x9f\n]*+(?:[\x07\x18\x1a\x9c]|\x1b\\)"
    r"|\x1b[ -/]*+[0-~]"  # every other escape sequence
    r"|(\x1b)"  # group 2: ESC that begins nothing
    r"|([\ud800-\udfff])"  # group 3
    f"|[{_UNSAFE_CLASS}]"
)
"""Matches what `clean` takes out, one sequence or character at a time.

A string sequence (OSC, DCS, ...) ends at the line's end at the latest, so that an unterminated one
cannot hide the lines that follow.
"""


def sign_for(match: re.Match[str]) -> str:
    """What is shown in place of a match of CONTROL: nothing, but for two cases."""
    if match[2]:
        return ESCAPE_SIGN
    return LOST_SIGN if match[3] else ""


def clean(text: str) -> str:
    r"""The text with `\n` and `\t` as its only control characters; colours are taken out too.

    Idempotent; linear in the length of the text whatever it holds.
    """
    if UNSAFE.search(text) is None:
        return text
    return CONTROL.sub(sign_for, text)


def clean_line(text: str, limit: int = 1000) -> str:
    """`clean`, on one line: breaks become `⏎`, tabs a space, and `…` ends what exceeds `limit`.

    Args:
        text: Anything, for example a task's title.
        limit: Greatest length of the result in characters.
    """
    line = clean(text).strip("\n").replace("\n", LINE_SIGN).replace("\t", " ")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """The text with a sign for each character that `clean` would take out: `⟨U+202E⟩`.

    For what a person judges by its every character, such as a difference.
    """
    return UNSAFE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def clean_ansi(text: str) -> str:
    """`clean`, but colours and text styles stay, as SGR sequences in their shortest form."""
    if UNSAFE.search(text) is None:
        return text
    return CONTROL.sub(_keep_sgr, text)


def _keep_sgr(match: re.Match[str]) -> str:
    if match[1] is None:
        return sign_for(match)
    codes = ";".join(str(n) for attribute in parse_sgr(match[1]) for n in attribute)
    return f"\x1b[{codes}m" if codes else ""


_SINGLE = frozenset(
    {0, 1, 2, 3, 4, 7, 9, 22, 23, 24, 27, 29, 39, 49, 53, 55}
    | set(range(30, 38))
    | set(range(40, 48))
    | set(range(90, 98))
    | set(range(100, 108))
)
"""Codes that stand alone. Not kept: blinking (5, 6), concealed text (8), fonts, frames."""
_FOREGROUND, _BACKGROUND, _UNDERLINE_COLOUR = 38, 48, 58
_ARITY = {5: 1, 2: 3}
"""Numbers after 38;5 (palette) and 38;2 (red, green, blue)."""


@lru_cache(4096)
def parse_sgr(parameters: str) -> tuple[tuple[int, ...], ...]:
    """The attributes that the parameters of an SGR sequence set, in order.

    Args:
        parameters: Digits, `;` and `:` between `CSI` and `m`; parameters beyond 32 are ignored.

    Returns:
        `(n,)` for a single code, `(38, 5, n)` or `(48, 2, r, g, b)` for colours; unknown codes
        are left out.
    """
    fields = parameters.split(";", MAX_PARAMETERS)[:MAX_PARAMETERS]
    return tuple(_attributes(iter(fields)))


def _attributes(fields: Iterator[str]) -> Iterator[tuple[int, ...]]:
    for field in fields:
        if ":" in field:
            yield from _with_subparameters([_number(n) for n in field.split(":", 7)[:7]])
            continue
        code = _number(field)
        if code in (_FOREGROUND, _BACKGROUND, _UNDERLINE_COLOUR):
            kind = _number(next(fields, ""))
            rest = [_number(next(fields, "")) for _ in range(_ARITY.get(kind, 0))]
            yield from _colour(code, kind, rest)
        elif code in _SINGLE:
            yield (code,)


def _with_subparameters(numbers: list[int]) -> Iterator[tuple[int, ...]]:
    """`4:3` (a curly underline is an underline), `38:5:n`, `38:2:r:g:b`, `38:2::r:g:b`."""
    code, kind, *rest = numbers
    if code == 4:
        yield (4,) if kind else (24,)
    elif kind in _ARITY:
        yield from _colour(code, kind, rest[-_ARITY[kind] :])


def _colour(code: int, kind: int, rest: list[int]) -> Iterator[tuple[int, ...]]:
    if code != _UNDERLINE_COLOUR and kind in _ARITY and len(rest) == _ARITY[kind]:
        yield (code, kind, *rest)


def _number(digits: str) -> int:
    """A parameter; a missing one is 0, and none that means something exceeds 255."""
    return min(int(digits[:6] or 0), 255)
