"""Which tasks have a pane, in which place, and how panes share the room: no widget here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cc4tui.domain.run import DONE_STATES
from cc4tui.screens.execution.model import RunModel


MIN_WIDTH = 50
"""Cells below which a second column makes panes unreadable."""
MIN_HEIGHT = 3
"""A heading and two lines of output."""
CALM_HEIGHT = 8
"""Rows of a pane that can be read at ease."""
_GOOD_WIDTH, _GOOD_HEIGHT = 100, 26
"""More than this adds nothing to reading."""


def next_slots(
    slots: Sequence[str],
    model: RunModel,
    dismissed: Collection[str] = (),
    pinned: Collection[str] = (),
) -> tuple[str, ...]:
    """The panes after a change of the run.

    A pane keeps its place as long as it lives, that of a finished task until somebody dismisses
    it. Only of those that went well, the one that ended first gives its place to a newly started
    task; it goes to the end then.

    Args:
        slots: Task ids in their places so far.
        model: The run now.
        dismissed: Ids of finished tasks whose panes were taken away.
        pinned: Ids of tasks whose panes stay whatever else needs a place.
    """
    kept = [it for it in slots if it in model.tasks and it not in dismissed]
    known = set(kept)
    for task in model.active:
        if task.id in known or task.id in dismissed:
            continue
        known.add(task.id)
        place = _free_place(kept, model, pinned)
        if place is None:
            kept.append(task.id)
        else:
            kept.append(kept[place])
            kept[place] = task.id
    return tuple(kept)


def _free_place(slots: Sequence[str], model: RunModel, pinned: Collection[str]) -> int | None:
    """The place of one that went well: before the end, where those are that gave way already."""
    tasks = [model.tasks[it] for it in slots]
    free = [
        place
        for place, task in enumerate(tasks)
        if task.state in DONE_STATES and task.id not in pinned
    ]
    last = max((place for place in range(len(slots)) if place not in free), default=-1)
    return min(free, key=lambda at: (at > last, tasks[at].ended, at), default=None)


def choose_shown(
    slots: Sequence[str],
    room: int,
    model: RunModel,
    focused: str | None,
    pinned: Collection[str] = (),
    calm: int | None = None,
) -> tuple[str, ...]:
    """The panes that are shown, in their order, when there is room for `room` of them.

    The focused one is always among them, then those that are pinned; tasks that are worked on go
    before finished ones, and of these what went wrong, then what ended last.

    Args:
        slots: Task ids in their places.
        room: How many can be shown.
        model: The run.
        focused: Whose pane has the keys.
        pinned: Whose panes stay whatever else needs a place.
        calm: How many can be read at ease; finished ones never make them more than that, as long as
            anything is worked on. None = all that there is room for.
    """
    active = sum(model.tasks[it].is_active for it in slots)
    if calm is not None and active:
        kept = (it == focused or it in pinned or model.tasks[it].is_active for it in slots)
        room = min(room, max(calm, sum(kept)))
    if len(slots) <= room:
        return tuple(slots)

    def rank(it: str) -> tuple[bool, bool, bool, bool, int, int]:
        task = model.tasks[it]
        done = task.state in DONE_STATES
        ended = 0 if task.is_active else -task.ended
        first = (it != focused, it not in pinned, not task.is_active, done)
        return *first, ended, slots.index(it)

    chosen = set(sorted(slots, key=rank)[:room])
    return tuple(it for it in slots if it in chosen)


def strip_order(hidden: Sequence[str], model: RunModel, unseen: Collection[str]) -> tuple[str, ...]:
    """The tasks without a pane, as the strip names them: at work, new, then what ended last."""

    def rank(it: str) -> tuple[bool, bool, int]:
        task = model.tasks[it]
        return not task.is_active, it not in unseen, 0 if task.is_active else -task.ended

    return tuple(sorted(hidden, key=rank))


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a pane lies."""

    x: int
    y: int
    width: int
    height: int


def capacity(width: int, height: int) -> int:
    """How many panes fit; never less than one."""
    return max(width // MIN_WIDTH, 1) * max(height // MIN_HEIGHT, 1)


def calm_capacity(width: int, height: int) -> int:
    """How many panes can be read at ease; never less than one."""
    return max(width // MIN_WIDTH, 1) * max(height // CALM_HEIGHT, 1)


def tiles(count: int, width: int, height: int, gap: int = 1) -> list[Tile]:
    """Share the room among `count` panes, row by row; a last row with fewer has wider ones.

    Args:
        count: Number of panes.
        width: Of the room, in cells.
        height: Of the room, in rows.
        gap: Empty cells between columns.
    """
    if count < 1 or width < 1 or height < 1:
        return []
    columns = _columns(count, width, height)
    rows = -(-count // columns)
    out: list[Tile] = []
    for row, (y, tall) in enumerate(_shares(height, rows, 0)):
        here = min(columns, count - row * columns)
        out += [Tile(x, y, wide, tall) for x, wide in _shares(width, here, gap)]
    return out


def _columns(count: int, width: int, height: int) -> int:
    """The number of columns with which a pane shows most."""
    most = min(count, max(width // MIN_WIDTH, 1))

    def worth(columns: int) -> tuple[bool, int, int]:
        wide, tall = width // columns, height // -(-count // columns)
        return tall >= MIN_HEIGHT, min(wide, _GOOD_WIDTH) * min(tall, _GOOD_HEIGHT), -columns

    return max(range(1, most + 1), key=worth)


def _shares(whole: int, parts: int, gap: int) -> list[tuple[int, int]]:
    """Start and size of each part, sizes equal but for one cell."""
    room = whole - gap * (parts - 1)
    cuts = [room * n // parts for n in range(parts + 1)]
    return [(cuts[n] + n * gap, cuts[n + 1] - cuts[n]) for n in range(parts)]
