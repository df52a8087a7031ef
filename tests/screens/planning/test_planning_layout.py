"""Boxes and lines: nothing overlaps, and every line leads where it should."""

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.graph import TaskGraph, task_graph
from cc4tui.domain.plan import Batch, Plan, PlanTaskState, Task
from cc4tui.screens.planning.lanes import DOWN, LEFT, RIGHT, UP, plain_strokes, strokes
from cc4tui.screens.planning.layout import Layout, lay_out


def graph_of(waits: list[tuple[int, ...]]) -> TaskGraph:
    tasks = tuple(
        Task(str(n), f"T{n}", PlanTaskState.TODO, 1, 1, waits_for=tuple(map(str, before)))
        for n, before in enumerate(waits)
    )
    return task_graph(Plan("p.md", "P", "cc4", (Batch("1", "B", 1, tasks),)))


def laid_out(waits: list[tuple[int, ...]], box_height: int) -> Layout:
    graph = graph_of(waits)
    widths = [8] * (max(graph.layer) + 1)
    return lay_out(graph, widths, box_height=box_height, critical=graph.longest(lambda _: True))


@st.composite
def waits(draw: st.DrawFn) -> list[tuple[int, ...]]:
    count = draw(st.integers(1, 9))
    return [
        tuple(m for m in range(n) if draw(st.sampled_from([True, False, False])))
        for n in range(count)
    ]


heights = st.sampled_from([1, 3])


@given(waits(), heights)
def test_no_two_boxes_share_a_cell(before: list[tuple[int, ...]], height: int) -> None:
    layout = laid_out(before, height)
    for column in layout.columns:
        free = 0
        for row, task in zip(column.rows, column.tasks, strict=True):
            assert row >= free
            free = row + (1 if task is None else height)
            if task is not None:
                assert layout.row[task] == row
                assert layout.task_at(column.x, row) == task
                assert layout.task_at(column.x + column.width - 1, row + height - 1) == task
    for gutter in layout.gutters:
        for track in gutter.tracks:
            for above, below in pairwise(track):
                assert above.bottom < below.top


def drawn(layout: Layout) -> dict[tuple[int, int], tuple[int, int]]:
    """By cell: its arms, and which of them are bold; boxes are left out."""
    cells: dict[tuple[int, int], tuple[int, int]] = {}
    for y in range(layout.height):
        for number, column in enumerate(layout.columns):
            found = column.at(y, layout.box_height)
            if found is not None and found[0] is None:
                bold = LEFT | RIGHT if y in column.bold else 0
                for x in range(column.x, column.x + column.width):
                    cells[x, y] = LEFT | RIGHT, bold
            if number < len(layout.gutters):
                gutter, start = layout.gutters[number], column.x + column.width
                arms = list(gutter.cells(y))
                for at, cell in enumerate(arms):
                    cells[start + at, y] = cell
                if gutter.enters(y):
                    heavy = LEFT | RIGHT if gutter.is_bold_at_end(y) else 0
                    cells[start + len(arms), y] = LEFT | RIGHT, heavy
    return {at: cell for at, cell in cells.items() if cell[0]}


STEPS = {LEFT: (-1, 0, RIGHT), RIGHT: (1, 0, LEFT), UP: (0, -1, DOWN), DOWN: (0, 1, UP)}


@given(waits(), heights)
def test_every_stroke_goes_on_in_the_next_cell(before: list[tuple[int, ...]], height: int) -> None:
    layout = laid_out(before, height)
    cells = drawn(layout)
    for (x, y), (arms, bold) in cells.items():
        assert strokes(arms, bold) != " "
        assert plain_strokes(arms) != " "
        for arm, (dx, dy, back) in STEPS.items():
            if arms & arm:
                other = cells.get((x + dx, y + dy))
                if other is None:  # then it is a box that the line ends at
                    assert not dy
                    task = layout.task_at(x + dx, y)
                    assert task is not None
                    assert layout.row[task] + height // 2 == y
                else:
                    assert other[0] & back
                    assert bool(other[1] & back) == bool(bold & arm)


def reached(layout: Layout, task: int, *, bold: bool) -> set[int]:
    """Boxes that lines from this one lead to, never going back to the left."""
    cells = drawn(layout)
    column = layout.columns[layout.graph.layer[task]]
    start = column.x + column.width, layout.row[task] + layout.box_height // 2
    found: set[int] = set()
    todo, seen = deque([(start, LEFT)]), {start}
    while todo:
        (x, y), came = todo.popleft()
        if (x, y) not in cells:
            other = layout.task_at(x, y)
            assert other is not None
            found.add(other)
            continue
        arms = cells[x, y][1 if bold else 0]
        for arm in (RIGHT, UP, DOWN):
            dx, dy, back = STEPS[arm]
            if arms & arm and arm != came and (x + dx, y + dy) not in seen:
                seen.add((x + dx, y + dy))
                todo.append(((x + dx, y + dy), back))
    return found


@given(waits(), heights)
def test_lines_lead_from_each_task_to_all_that_directly_wait_for_it(
    before: list[tuple[int, ...]], height: int
) -> None:
    layout = laid_out(before, height)
    cells = drawn(layout)
    for task, after in enumerate(layout.graph.after()):
        if after:
            column = layout.columns[layout.graph.layer[task]]
            assert (column.x + column.width, layout.row[task] + height // 2) in cells
            assert set(after) <= reached(layout, task, bold=False)


@given(waits(), heights)
def test_the_critical_path_is_bold_from_box_to_box(
    before: list[tuple[int, ...]], height: int
) -> None:
    layout = laid_out(before, height)
    chain = layout.critical
    assert len(chain) == max(layout.graph.layer) + 1
    for one, other in pairwise(chain):
        assert other in reached(layout, one, bold=True)


@pytest.mark.parametrize(
    ("arms", "bold", "sign"),
    [
        (LEFT | RIGHT, 0, "─"),
        (LEFT | RIGHT, LEFT | RIGHT, "━"),
        (UP | DOWN | RIGHT, UP | DOWN, "┠"),
        (LEFT | DOWN, LEFT, "┑"),
        (UP | DOWN | LEFT | RIGHT, 0, "┼"),
        (0, 0, " "),
    ],
)
def test_signs(arms: int, bold: int, sign: str) -> None:
    assert strokes(arms, bold) == sign


def test_there_is_a_sign_for_every_joint() -> None:
    for arms in range(1, 16):
        for bold in range(16):
            if bold & arms == bold:
                assert strokes(arms, bold) != " "


def test_a_barrier_between_batches_is_one_line() -> None:
    first = tuple(range(5))
    layout = laid_out([()] * 5 + [first] * 5, 1)
    assert [len(gutter.tracks) for gutter in layout.gutters] == [1]
