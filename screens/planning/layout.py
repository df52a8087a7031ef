"""Where the boxes and lines of a plan's graph stand: pure numbers, made once per plan."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cc4tui.domain.graph import TaskGraph
from cc4tui.screens.planning.lanes import Gutter, Turns, Wire


@dataclass(slots=True)
class Column:
    """A layer: boxes, and lines that only pass through, from the top."""

    x: int
    width: int
    rows: list[int] = field(default_factory=list)
    """First rows of what stands in it."""
    tasks: list[int | None] = field(default_factory=list)
    """The task of each box; None for a line that passes."""
    bold: set[int] = field(default_factory=set)
    """Rows of passing lines that belong to the critical path."""

    def at(self, row: int, height: int) -> tuple[int | None, int] | None:
        """What stands at this row, and how many rows below its first one; None for nothing."""
        at = bisect_right(self.rows, row) - 1
        if at < 0:
            return None
        below = row - self.rows[at]
        return (self.tasks[at], below) if below < self._size(at, height) else None

    def _size(self, at: int, height: int) -> int:
        return 1 if self.tasks[at] is None else height


@dataclass(slots=True)
class Layout:
    """The whole drawing."""

    graph: TaskGraph
    box_height: int
    columns: list[Column]
    gutters: list[Gutter]
    """At the right of each column but the last."""
    row: list[int]
    """By task: the first row of its box."""
    critical: tuple[int, ...] = ()
    """The chain of open tasks that decides the end."""
    starts: list[int] = field(default_factory=list)
    """First cells of the columns."""

    @property
    def width(self) -> int:
        """Cells from the first box to the last."""
        return self.columns[-1].x + self.columns[-1].width if self.columns else 0

    @property
    def height(self) -> int:
        """Rows of the highest column."""
        return max(
            (
                column.rows[-1] + (1 if column.tasks[-1] is None else self.box_height)
                for column in self.columns
                if column.rows
            ),
            default=0,
        )

    def column_at(self, x: int) -> int:
        """Number of the column that holds this cell, or that its gutter belongs to."""
        return max(bisect_right(self.starts, x) - 1, 0)

    def task_at(self, x: int, y: int) -> int | None:
        """The task whose box covers this cell."""
        column = self.columns[self.column_at(x)]
        found = column.at(y, self.box_height) if x < column.x + column.width else None
        return found[0] if found is not None else None

    def neighbour(self, task: int, by: int) -> int:
        """The box below or above in the same column; the task itself at the end."""
        column = self.columns[self.graph.layer[task]]
        boxes = [one for one in column.tasks if one is not None]
        at = boxes.index(task) + by
        return boxes[min(max(at, 0), len(boxes) - 1)]


def lay_out(
    graph: TaskGraph,
    widths: Sequence[int],
    *,
    box_height: int,
    critical: Sequence[int] = (),
) -> Layout:
    """Place everything.

    Args:
        graph: What waits for what.
        widths: By layer: cells of its boxes.
        box_height: Rows of a box: 3 with borders above and below, 1 without.
        critical: The chain that is drawn bold.
    """
    return _Placing(graph, widths, box_height, critical).done()


@dataclass(slots=True)
class _Line:
    """Everything that waits for the same tasks, and those tasks."""

    sources: tuple[int, ...]
    targets: list[int]
    last: int
    """Layer of the last source: the next one holds the targets."""
    row: int = -1
    """Where it passed through the layer before; -1 = it begins."""


class _Placing:
    """Goes from left to right: what stands in a layer is put where its lines come from."""

    def __init__(
        self, graph: TaskGraph, widths: Sequence[int], box_height: int, critical: Sequence[int]
    ) -> None:
        self._graph = graph
        self._widths = widths
        self._height = box_height
        self._middle = box_height // 2
        self._critical = tuple(critical)
        self._rows = [0] * len(graph.tasks)
        self._columns = [Column(0, width) for width in widths]
        self._layers: list[list[int]] = [[] for _ in widths]
        for task, layer in enumerate(graph.layer):
            self._layers[layer].append(task)
        self._begins, self._line_to = self._lines()
        pairs = pairwise(self._critical)
        self._bold = {id(self._line_to[after]): (before, after) for before, after in pairs}

    def _lines(self) -> tuple[Mapping[int, list[_Line]], Mapping[int, _Line]]:
        """Lines by the layer of their first source, and by target."""
        found: dict[tuple[int, ...], _Line] = {}
        line_to: dict[int, _Line] = {}
        known: dict[int, _Line] = {}
        layer = self._graph.layer
        for task, before in enumerate(self._graph.before):
            if before:
                line = known.get(id(before)) or found.get(before)
                if line is None:
                    line = found[before] = _Line(before, [], max(layer[one] for one in before))
                known[id(before)] = line_to[task] = line
                line.targets.append(task)
        begins: dict[int, list[_Line]] = defaultdict(list)
        for line in found.values():
            begins[min(layer[one] for one in line.sources)].append(line)
        return begins, line_to

    def done(self) -> Layout:
        """The layout."""
        gutters: list[Gutter] = []
        lines: list[_Line] = []
        wires: list[Wire] = []
        x = 0
        for number, column in enumerate(self._columns):
            self._fill(number, column, lines, wires)
            if number:
                gutters.append(Gutter(wires))
                x += self._columns[number - 1].width + gutters[-1].width
                column.x = x
            lines = [line for line in lines if line.last >= number]
            lines += self._begins.get(number, ())
            wires = [self._wire(line, number) for line in lines]
        return Layout(
            self._graph,
            self._height,
            self._columns,
            gutters,
            self._rows,
            self._critical,
            [column.x for column in self._columns],
        )

    def _wire(self, line: _Line, layer: int) -> Wire:
        """The line's part at the right of a layer; where it goes to follows later."""
        here = [one for one in line.sources if self._graph.layer[one] == layer]
        left = [self._rows[one] + self._middle for one in here]
        return Wire(left if line.row < 0 else [line.row, *left], [])

    def _fill(
        self, number: int, column: Column, lines: Sequence[_Line], wires: Sequence[Wire]
    ) -> None:
        """Place what stands in a layer, and tell the wires at its left where they go on."""
        wanted: list[tuple[float, int, int, int]] = []
        comes_by: dict[int, int] = {}
        for at, (line, wire) in enumerate(zip(lines, wires, strict=True)):
            mean, top = sum(wire.left) / len(wire.left), min(wire.left)
            if line.last >= number:
                wanted.append((mean, top, -1, at))
            else:
                comes_by |= dict.fromkeys(line.targets, at)
                wanted += [(mean, top - self._middle, one, at) for one in line.targets]
        wanted += [(0, 0, one, -1) for one in self._layers[number] if one not in comes_by]
        free, turns = 0, Turns(wires)
        for _, top, task, at in sorted(wanted):
            middle = self._middle if task >= 0 else 0
            row = max(free, top, 0)
            if at >= 0:
                row = turns.row(at, row + middle) - middle
            column.rows.append(row)
            column.tasks.append(None if task < 0 else task)
            if task < 0:
                lines[at].row = row
                wires[at].right.append(row)
                free = row + 1
            else:
                self._rows[task] = row
                if at >= 0:
                    wires[at].right.append(row + self._middle)
                free = row + self._height
        for line, wire in zip(lines, wires, strict=True):
            self._embolden(number, column, line, wire)

    def _embolden(self, number: int, column: Column, line: _Line, wire: Wire) -> None:
        """Let the critical path take this wire, where it does."""
        ends = self._bold.get(id(line))
        if ends is None or self._graph.layer[ends[0]] >= number:
            return
        before, after = ends
        passed_before = self._graph.layer[before] < number - 1
        start = wire.left[0] if passed_before else self._rows[before] + self._middle
        if line.last >= number:
            column.bold.add(line.row)
            wire.bold = start, line.row
        else:
            wire.bold = start, self._rows[after] + self._middle
