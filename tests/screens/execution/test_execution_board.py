"""Panes keep their places, and share the room."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.run import ACTIVE_STATES, DONE_STATES, TaskRunState
from cc4tui.screens.execution.board import (
    MIN_HEIGHT,
    MIN_WIDTH,
    capacity,
    choose_shown,
    next_slots,
    strip_order,
    tiles,
)
from cc4tui.screens.execution.model import RunModel, TaskView


S = TaskRunState
Model = Callable[..., RunModel]


def test_a_pane_for_each_task_that_is_worked_on(model: Model) -> None:
    run = model(a=S.RUNNING, b=S.PENDING, c=S.MERGING, d=S.LANDED)
    assert next_slots((), run) == ("a", "c")


def test_a_finished_pane_stays_and_gives_only_its_place_to_a_new_one(model: Model) -> None:
    slots = next_slots((), model(a=S.RUNNING, b=S.RUNNING, c=S.PENDING))
    assert next_slots(slots, model(a=S.LANDED, b=S.RUNNING, c=S.PENDING)) == ("a", "b")
    assert next_slots(slots, model(a=S.LANDED, b=S.RUNNING, c=S.RUNNING)) == ("c", "b", "a")


def test_what_went_wrong_and_what_is_pinned_stay(model: Model) -> None:
    run = model(a=S.FAILED, b=S.MERGED, c=S.RUNNING)
    assert next_slots(("a", "b"), run) == ("a", "c", "b")
    assert next_slots(("a", "b"), run, (), {"b"}) == ("a", "b", "c")
    assert choose_shown(("a", "b", "c"), 1, run, None, {"b"}) == ("b",)
    assert choose_shown(("a", "b", "c"), 1, run, "a", {"b"}) == ("a",)


def test_what_ended_first_gives_way_first(model: Model) -> None:
    run = model(a=S.MERGED, b=S.MERGED, c=S.RUNNING, ended={"a": 9, "b": 3})
    assert next_slots(("a", "b"), run) == ("a", "c", "b")


def test_what_gave_way_once_is_not_asked_again_while_another_can(model: Model) -> None:
    run = model(
        a=S.RUNNING, b=S.MERGED, c=S.RUNNING, d=S.MERGED, e=S.RUNNING, ended={"b": 9, "d": 3}
    )
    assert next_slots(("a", "b", "c", "d"), run) == ("a", "e", "c", "d", "b")


def test_a_dismissed_pane_goes_and_does_not_come_back(model: Model) -> None:
    run = model(a=S.FAILED, b=S.RUNNING)
    assert next_slots(("a", "b"), run, {"a"}) == ("b",)


STATES = st.sampled_from(list(TaskRunState))
RUNS = st.lists(st.fixed_dictionaries(dict.fromkeys("abcdefgh", STATES)), max_size=12)


@given(RUNS)
def test_places_are_stable_whatever_happens(runs: list[dict[str, TaskRunState]]) -> None:
    slots: tuple[str, ...] = ()
    for states in runs:
        tasks = {n: TaskView(n, state=s) for n, s in states.items()}
        run = RunModel(run=None, tasks=tasks)  # type: ignore[arg-type]
        after = next_slots(slots, run)
        assert len(set(after)) == len(after)
        assert {t for t, s in states.items() if s in ACTIVE_STATES} <= set(after)
        for place, task in enumerate(slots):
            moved_by_need = states[task] in DONE_STATES and after[place] not in slots
            assert after[place] == task or moved_by_need
        slots = after


def test_with_room_for_all_every_pane_is_shown(model: Model) -> None:
    run = model(a=S.RUNNING, b=S.LANDED)
    assert choose_shown(("a", "b"), 2, run, None) == ("a", "b")


def test_without_room_running_ones_go_first_and_keep_their_order(model: Model) -> None:
    run = model(a=S.LANDED, b=S.RUNNING, c=S.RUNNING)
    assert choose_shown(("a", "b", "c"), 2, run, None) == ("b", "c")


def test_the_focused_pane_is_always_shown(model: Model) -> None:
    run = model(a=S.RUNNING, b=S.RUNNING, c=S.LANDED)
    assert choose_shown(("a", "b", "c"), 1, run, "c") == ("c",)


def test_finished_ones_do_not_make_those_at_work_small(model: Model) -> None:
    run = model(
        a=S.RUNNING, b=S.RUNNING, c=S.LANDED, d=S.FAILED, e=S.MERGED, ended={"c": 9, "d": 2, "e": 5}
    )
    every = ("a", "b", "c", "d", "e")
    assert choose_shown(every, 9, run, None, (), 1) == ("a", "b")
    assert choose_shown(every, 9, run, "e", (), 1) == ("a", "b", "e")
    assert choose_shown(every, 9, run, None, (), 3) == ("a", "b", "d")
    assert choose_shown(every, 9, run, None, (), 4) == ("a", "b", "c", "d")
    assert choose_shown(every, 9, run, None, (), 9) == every
    over = model(c=S.LANDED, d=S.FAILED, e=S.MERGED)
    assert choose_shown(("c", "d", "e"), 3, over, None, (), 1) == ("c", "d", "e")


def test_the_strip_names_work_then_news_then_the_newest(model: Model) -> None:
    run = model(a=S.LANDED, b=S.RUNNING, c=S.LANDED, d=S.LANDED, ended={"a": 1, "c": 7, "d": 4})
    assert strip_order("abcd", run, {"a"}) == ("b", "a", "c", "d")


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [
        (1, (80, 15), 1),
        (4, (80, 15), 1),
        (4, (120, 36), 2),
        (4, (200, 46), 2),
        (2, (200, 46), 2),
        (9, (200, 46), 3),
        (16, (200, 46), 4),
    ],
)
def test_columns_by_room(count: int, size: tuple[int, int], columns: int) -> None:
    placed = tiles(count, *size)
    assert len({tile.x for tile in placed if tile.y == 0}) == columns


@given(st.integers(1, 70), st.integers(1, 300), st.integers(1, 80))
def test_tiles_fill_the_room_and_never_overlap(count: int, width: int, height: int) -> None:
    placed = tiles(count, width, height)
    assert len(placed) == count
    cells = [
        (x, y) for t in placed for y in range(t.y, t.y + t.height) for x in (t.x, t.x + t.width)
    ]
    assert all(0 <= x <= width and 0 <= y < height for x, y in cells)
    rows: dict[int, list[tuple[int, int]]] = {}
    for tile in placed:
        for y in range(tile.y, tile.y + tile.height):
            rows.setdefault(y, []).append((tile.x, tile.x + tile.width))
    for spans in rows.values():
        spans.sort()
        assert spans[0][0] == 0
        assert spans[-1][1] == width
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
    if height >= count:
        assert sorted(rows) == list(range(height))


@given(st.integers(1, 300), st.integers(1, 80))
def test_as_many_panes_as_fit_are_readable(width: int, height: int) -> None:
    most = capacity(width, height)
    smallest = min(tile.height for tile in tiles(most, width, height))
    assert smallest >= MIN_HEIGHT or height < MIN_HEIGHT
    narrowest = min(tile.width for tile in tiles(most, width, height))
    assert narrowest >= min(MIN_WIDTH - 1, width)
