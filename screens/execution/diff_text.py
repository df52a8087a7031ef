"""A unified diff as git prints it, taken apart into files, hunks and rows. No widget here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cc4tui.domain.text import clean_line, visible


LINES_CAP = 400_000
"""Lines that are shown; nobody reads on, and `cc4tui diff` prints them all."""
LINE_CAP = 4096
"""Characters of a line that are shown."""
TAB = 4

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"')
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f"}


class Side(StrEnum):
    """Where a line of a hunk is; the value is what git writes before it."""

    BOTH = " "
    OLD = "-"
    NEW = "+"


@dataclass(slots=True)
class Hunk:
    """Lines that belong together."""

    old: int
    new: int
    """Numbers of the first line."""
    about: str
    """What git says of the place: mostly the function."""
    lines: list[str] = field(default_factory=list)
    """With the sign before each; clean."""
    _numbers: list[tuple[int, int]] | None = None

    def numbers(self, at: int) -> tuple[int, int]:
        """Number of a line in the old file, and in the new one."""
        if self._numbers is None:
            old, new, found = self.old, self.new, []
            for line in self.lines:
                found.append((old, new))
                old += line[0] != Side.NEW
                new += line[0] != Side.OLD
            self._numbers = found
        return self._numbers[at]


@dataclass(slots=True)
class FileDiff:
    """What changed in one file."""

    path: str
    """Its present name; raw, clean it to show."""
    old_path: str = ""
    """Its name before, if that was another one."""
    status: str = "M"
    """A added, D deleted, R renamed, M changed."""
    added: int = 0
    removed: int = 0
    note: str = ""
    """What there is to tell besides lines: that it is binary, that its mode changed."""
    hunks: list[Hunk] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Diff:
    """All of it."""

    files: tuple[FileDiff, ...] = ()
    left_out: int = 0
    """Lines over the cap."""
    unified: "Sequence[Row]" = ()
    """One line below the other, as git prints them."""
    split: "Sequence[Row]" = ()
    """The old file at the left, the new one at the right."""

    @property
    def added(self) -> int:
        """Lines that came."""
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        """Lines that went."""
        return sum(file.removed for file in self.files)


def read_diff(text: str) -> Diff:
    """Take a diff apart; what is in no known form is left out, never misread as a line.

    Files come in the order of a tree: all of a folder together. Blocks as long as the diff is long.
    """
    reader = _Reader()
    for line in text.split("\n"):
        reader.take(line)
    files = tuple(sorted(reader.files, key=lambda file: file.path.split("/")))
    unified, split = (list(_rows(files, reader.left_out, split=it)) for it in (False, True))
    return Diff(files, reader.left_out, unified, split)


class _Reader:
    """Goes through the lines; the counts of a hunk's head tell where it ends."""

    def __init__(self) -> None:
        self.files: list[FileDiff] = []
        self.left_out = 0
        self._old = self._new = 0
        """Lines that the hunk still has on each side."""
        self._kept = 0

    def take(self, line: str) -> None:
        if self._old > 0 or self._new > 0:
            self._line(line)
        elif line.startswith("diff --git "):
            self.files.append(FileDiff(_path_of(line)))
        elif self.files:
            self._head(line, self.files[-1])

    def _line(self, line: str) -> None:
        sign = line[:1] or " "
        file = self.files[-1]
        if sign == "\\":
            return
        if sign not in " +-":
            self._old = self._new = 0
            return
        self._old -= sign != "+"
        self._new -= sign != "-"
        file.added += sign == "+"
        file.removed += sign == "-"
        if self._kept >= LINES_CAP:
            self.left_out += 1
            return
        self._kept += 1
        file.hunks[-1].lines.append(sign + _shown(line[1:]))

    def _head(self, line: str, file: FileDiff) -> None:
        hunk = _HUNK.match(line)
        if hunk is not None:
            self._old = int(hunk[2]) if hunk[2] is not None else 1
            self._new = int(hunk[4]) if hunk[4] is not None else 1
            file.hunks.append(Hunk(int(hunk[1]), int(hunk[3]), clean_line(hunk[5])))
        elif line.startswith("new file mode"):
            file.status = "A"
        elif line.startswith("deleted file mode"):
            file.status = "D"
        elif line.startswith("rename from "):
            file.status, file.old_path = "R", _unquoted(line.removeprefix("rename from "))
        elif line.startswith(("rename to ", "+++ b/", '+++ "b/')):
            file.path = _unquoted(line.partition(" ")[2].removeprefix("to ")).removeprefix("b/")
        elif line.startswith("old mode "):
            file.note = f"mode {line.removeprefix('old mode ')}"
        elif line.startswith("new mode "):
            file.note += f" became {line.removeprefix('new mode ')}"
        elif line.startswith(("Binary files ", "GIT binary patch")):
            file.note = "binary, or too large to read: its lines are not shown"


def _shown(text: str) -> str:
    """A line as it is drawn: every character that could deceive has a sign, tabs have a width."""
    more = len(text) - LINE_CAP
    text = text[:LINE_CAP].removesuffix("\r").expandtabs(TAB)
    return f"{visible(text)} … +{more} characters" if more > 0 else visible(text)


def _path_of(line: str) -> str:
    """The name in `diff --git a/x b/x`; later lines correct it where it is ambiguous."""
    names = line.removeprefix("diff --git ")
    quoted = _QUOTED.findall(names)
    if quoted:
        return _unquoted(quoted[-1]).removeprefix("b/")
    return names[len(names) // 2 + 1 :].removeprefix("b/")


def _unquoted(name: str) -> str:
    """A name as git quotes it, as it is; a tab ends names with spaces."""
    name = name.removesuffix("\t")
    if not _QUOTED.fullmatch(name):
        return name

    def meant(match: re.Match[bytes]) -> bytes:
        code = match[1]
        if len(code) == 3:
            return bytes([int(code, 8) & 0xFF])
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(meant, name[1:-1].encode("utf-8", "replace")).decode("utf-8", "replace")


# --- rows ------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a row is."""

    GAP = "gap"
    FILE = "file"
    NOTE = "note"
    HUNK = "hunk"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the view."""

    kind: Kind
    file: int
    hunk: int = -1
    left: int = -1
    """Line of the hunk; side by side, the one at the left: -1 = none there."""
    right: int = -1
    """Side by side, the one at the right; else its counterpart, to tell what changed in it."""
    part: int = 0
    """Which row of it, where long lines go on below."""


def _rows(files: Sequence[FileDiff], left_out: int, *, split: bool) -> Iterator[Row]:
    for number, file in enumerate(files):
        if number:
            yield Row(Kind.GAP, number - 1)
        yield Row(Kind.FILE, number)
        if file.note:
            yield Row(Kind.NOTE, number)
        for at, hunk in enumerate(file.hunks):
            yield Row(Kind.HUNK, number, at)
            for old, new in _blocks(hunk.lines):
                yield from _block(number, at, old, new, split=split)
    if left_out:
        yield Row(Kind.NOTE, -1)


def _blocks(lines: Sequence[str]) -> Iterator[tuple[range, range]]:
    """Lines that went with those that came in their place; lines that stayed are in both."""
    at = 0
    while at < len(lines):
        first = at
        while at < len(lines) and lines[at][0] == Side.BOTH:
            at += 1
        if at > first:
            yield range(first, at), range(first, at)
        first = at
        while at < len(lines) and lines[at][0] == Side.OLD:
            at += 1
        middle = at
        while at < len(lines) and lines[at][0] == Side.NEW:
            at += 1
        if at > first:
            yield range(first, middle), range(middle, at)


def _block(file: int, hunk: int, old: range, new: range, *, split: bool) -> Iterator[Row]:
    def beside(lines: range, n: int) -> int:
        return lines[n] if n < len(lines) else -1

    if split or old == new:
        for n in range(max(len(old), len(new))):
            yield Row(Kind.LINE, file, hunk, beside(old, n), beside(new, n))
        return
    for n, at in enumerate(old):
        yield Row(Kind.LINE, file, hunk, at, beside(new, n))
    for n, at in enumerate(new):
        yield Row(Kind.LINE, file, hunk, at, beside(old, n))


def changed_part(one: str, other: str) -> tuple[int, int]:
    """From where to where the first line differs from the second; (0, 0) if nearly all does."""
    short = min(len(one), len(other))
    begin = 0
    while begin < short and one[begin] == other[begin]:
        begin += 1
    end = 0
    while end < short - begin and one[-1 - end] == other[-1 - end]:
        end += 1
    same = len(one[:begin].strip()) + len(one[len(one) - end :].strip())
    return (begin, len(one) - end) if same * 3 >= len(one.strip()) else (0, 0)
