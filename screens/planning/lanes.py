"""The room between two layers of a graph: lines from boxes at its left to boxes at its right.

Everything that waits for the same boxes shares one line, its wire, so that a barrier between two
batches is one line and not a thousand.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
_FAR = 300
"""Wires that are looked at to know whether one has to be at the right of another."""


@dataclass(slots=True)
class Wire:
    """The part of a line that lies in one gutter; rows count from the top of the graph."""

    left: list[int]
    """Rows at which it comes from the left."""
    right: list[int]
    """Rows at which it goes on to the right."""
    bold: tuple[int, int] | None = None
    """The row from which and to which the critical path takes it."""
    track: int = 0
    top: int = 0
    bottom: int = 0
    later: "list[Wire]" = field(default_factory=list)
    """Wires that leave to the right where this one comes in: further right, or they would seem to
    be one."""


@dataclass(slots=True)
class Gutter:
    """The wires between two layers, on as few tracks as they need."""

    wires: list[Wire]
    tracks: list[list[Wire]] = field(default_factory=list)
    """By track, from the top; those of one track never meet."""
    _tops: list[list[int]] = field(default_factory=list)
    _reach: dict[int, int] = field(default_factory=dict)
    """By row: the last track that a line from the left goes to."""
    _start: dict[int, int] = field(default_factory=dict)
    """By row: the first track that a line to the right comes from."""
    _bold_reach: dict[int, int] = field(default_factory=dict)
    _bold_start: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for wire in self.wires:
            rows = [*wire.left, *wire.right]
            wire.top, wire.bottom = min(rows), max(rows)
        for wire in _in_turn(self.wires):
            self._place(wire)
        self._tops = [[wire.top for wire in track] for track in self.tracks]
        self._index()

    def _place(self, wire: Wire) -> None:
        """Put the wire on the first track, from the one it has now on, where it meets no other."""
        while wire.track < len(self.tracks):
            track = self.tracks[wire.track]
            at = bisect_right(track, wire.top, key=lambda one: one.top)
            free_above = at == 0 or track[at - 1].bottom < wire.top
            if free_above and (at == len(track) or track[at].top > wire.bottom):
                track.insert(at, wire)
                break
            wire.track += 1
        else:
            wire.track = len(self.tracks)
            self.tracks.append([wire])
        for later in wire.later:
            later.track = max(later.track, wire.track + 1)

    def _index(self) -> None:
        for wire in self.wires:
            for row in wire.left:
                self._reach[row] = max(self._reach.get(row, -1), wire.track)
            for row in wire.right:
                self._start[row] = min(self._start.get(row, wire.track), wire.track)
            if wire.bold is not None:
                self._bold_reach[wire.bold[0]] = wire.track
                self._bold_start[wire.bold[1]] = wire.track

    @property
    def width(self) -> int:
        """Cells from box to box: a stub, the tracks, an arrow."""
        return 2 + 2 * len(self.tracks) if self.tracks else 2

    def enters(self, row: int) -> bool:
        """Whether a line arrives at the box of this row."""
        return row in self._start

    def is_bold_at_end(self, row: int) -> bool:
        """Whether the critical path arrives at this row."""
        return row in self._bold_start

    def cells(self, row: int) -> Iterator[tuple[int, int]]:
        """The arms of each cell of a row, and which are bold; the arrow's cell is left out.

        Cells at even offsets hold only what goes from left to right, odd ones a track.
        """
        reach, start = self._reach.get(row, -1), self._start.get(row, len(self.tracks))
        bold_reach = self._bold_reach.get(row, -1)
        bold_start = self._bold_start.get(row, len(self.tracks))
        for track in range(len(self.tracks)):
            before = LEFT | RIGHT if track <= reach or track > start else 0
            bold = LEFT | RIGHT if track <= bold_reach or track > bold_start else 0
            yield before, bold & before
            arms = (LEFT if before else 0) | (RIGHT if track < reach or track >= start else 0)
            bold = (LEFT if bold else 0) | (
                RIGHT if track < bold_reach or track >= bold_start else 0
            )
            wire = self._wire_at(track, row)
            if wire is not None:
                arms |= (UP if row > wire.top else 0) | (DOWN if row < wire.bottom else 0)
                if wire.bold is not None:
                    low, high = sorted(wire.bold)
                    bold |= (UP if low < row <= high else 0) | (DOWN if low <= row < high else 0)
            yield arms, bold & arms
        last = LEFT | RIGHT if start < len(self.tracks) else 0
        yield last, last if bold_start < len(self.tracks) else 0

    def _wire_at(self, track: int, row: int) -> Wire | None:
        at = bisect_right(self._tops[track], row) - 1
        if at < 0:
            return None
        wire = self.tracks[track][at]
        return wire if row <= wire.bottom else None


def _in_turn(wires: Sequence[Wire]) -> Iterator[Wire]:
    """From the top, but each after those that have to be at its left."""
    leaving = {row: wire for wire in wires for row in wire.right}
    missing = dict.fromkeys(map(id, wires), 0)
    for wire in wires:
        for row in wire.left:
            other = leaving.get(row)
            if other is not None and other is not wire:
                wire.later.append(other)
                missing[id(other)] += 1
    left = {id(wire): wire for wire in sorted(wires, key=lambda one: (one.top, -one.bottom))}
    ready = [wire for wire in left.values() if not missing[id(wire)]]
    while ready:
        for wire in ready:
            del left[id(wire)]
            yield wire
            for other in wire.later:
                missing[id(other)] -= 1
        ready = [wire for wire in left.values() if not missing[id(wire)]]


class Turns:
    """Which wires of a gutter have to be further left than others, while their rows are chosen.

    Where one wire comes in and another leaves at the same row, the first has to be at the left, or
    both would seem to be one. If each has to be at the left of the other, nothing fits.

    Args:
        wires: With their left rows.
    """

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._coming: dict[int, list[int]] = {}
        for number, wire in enumerate(wires):
            for row in wire.left:
                self._coming.setdefault(row, []).append(number)
        self._later: dict[int, set[int]] = {}

    def row(self, wire: int, row: int) -> int:
        """The first row from this one on at which the wire may leave; it does so then."""
        while any(self._follows(one, wire) for one in self._coming.get(row, ()) if one != wire):
            row += 1
        for one in self._coming.get(row, ()):
            if one != wire:
                self._later.setdefault(one, set()).add(wire)
        return row

    def _follows(self, one: int, other: int) -> bool:
        """Whether `one` has to be at the right of `other`; too far to be sure counts as yes."""
        todo, seen = [other], {other}
        while todo:
            for later in self._later.get(todo.pop(), ()):
                if later == one or len(seen) > _FAR:
                    return True
                if later not in seen:
                    seen.add(later)
                    todo.append(later)
        return False


def strokes(arms: int, bold: int) -> str:
    """The sign with these arms, where the bold ones are heavy."""
    return _SIGNS.get((arms, bold), " ")


def plain_strokes(arms: int) -> str:
    """The same for terminals that only have ASCII."""
    if not arms & (UP | DOWN):
        return "-" if arms else " "
    return "+" if arms & (LEFT | RIGHT) else "|"


def _box_drawing() -> dict[tuple[int, int], str]:
    """By arms and heavy arms: read from the signs' own names."""
    from unicodedata import name

    signs: dict[tuple[int, int], str] = {(0, 0): " "}
    for sign in map(chr, [*range(0x2500, 0x254C), *range(0x2574, 0x2580)]):
        words = name(sign).removeprefix("BOX DRAWINGS ")
        if "DASH" not in words:
            signs[_arms(words)] = sign
    return signs


def _arms(words: str) -> tuple[int, int]:
    arms = bold = 0
    weight = ""
    for part in words.split(" AND "):
        tokens: Sequence[str] = part.split()
        weight = next((one for one in tokens if one in ("LIGHT", "HEAVY")), weight)
        here = 0
        for token in tokens:
            here |= _DIRECTIONS.get(token, 0)
        arms |= here
        bold |= here if weight == "HEAVY" else 0
    return arms, bold


_DIRECTIONS = {
    "UP": UP,
    "DOWN": DOWN,
    "LEFT": LEFT,
    "RIGHT": RIGHT,
    "HORIZONTAL": LEFT | RIGHT,
    "VERTICAL": UP | DOWN,
}
_SIGNS = _box_drawing()
