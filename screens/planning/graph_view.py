"""The dependencies of a plan, drawn: a box for each task, in layers from left to right."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cc4tui.domain.graph import TaskGraph, task_graph
from cc4tui.domain.plan import Plan, PlanTaskState, Task
from cc4tui.domain.run import DONE_STATES, TaskRunState
from cc4tui.screens.bindings import bindings
from cc4tui.screens.glyphs import ascii_only, plain, sign
from cc4tui.screens.ink import Ink
from cc4tui.screens.lines import Line, cell, cleaned, fit, strip_of, width_of
from cc4tui.screens.looks import Look
from cc4tui.screens.plan_rows import look_of
from cc4tui.screens.plan_tree import is_done
from cc4tui.screens.planning.lanes import LEFT, RIGHT, Gutter, plain_strokes, strokes
from cc4tui.screens.planning.layout import Column, Layout, lay_out
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.line_view import LineView


States = Mapping[str, TaskRunState]
Piece = tuple[str, str, bool, bool]
"""Text, ink, whether it is bold, whether the cursor is on it."""

LABELS = (8, 26)
"""Cells for id and title in a box, at least and at most."""
_HEAD = 1
"""Rows above the graph: the names of the layers."""


class GraphView(LineView, can_focus=True):
    """Draws what is seen only; the cursor is on a task and goes along the lines.

    Args:
        is_marked: Whether the task of an id is marked.
        mark: Marks it, or takes its mark away.
    """

    DEFAULT_CSS = """
    GraphView { height: 1fr; background: $background; overflow: auto auto; }
    """
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.GRAPH)

    class Moved(Message):
        """The cursor is on another task."""

    class Chosen(Message):
        """A task was clicked twice."""

    def __init__(self, is_marked: Callable[[str], bool], mark: Callable[[str], None]) -> None:
        super().__init__()
        self.layout_now: Layout | None = None
        """What is drawn; None until it is made."""
        self._is_marked = is_marked
        self._mark = mark
        self._plan: Plan | None = None
        self._newest: Plan | None = None
        """The plan that was given last, which may not be laid out yet."""
        self._batches: Mapping[str, str] = {}
        """Titles by id."""
        self._states: States = {}
        self._after: list[list[int]] = []
        self._cursor = 0
        self._came_from: dict[tuple[int, int], int] = {}
        """By task and direction: where the cursor came from, to go back the same way."""
        self._compact: bool | None = None
        """Whether boxes have one row; None = when they would not fit else."""
        self._critical: frozenset[int] = frozenset()

    # --- content ----------------------------------------------------------------------------

    async def show(self, plan: Plan, states: States, current: str | None) -> None:
        """Draw a plan; large ones are laid out beside the screen.

        Args:
            plan: As read.
            states: Of its tasks, where a run says more than the plan.
            current: Id of the task that gets the cursor.
        """
        before = self.current
        if self._plan is plan:
            self.show_states(states)
        else:
            self._states = states
            self._newest = plan
            graph = await asyncio.to_thread(task_graph, plan)
            if not await self._arrange(graph, plan):
                return
            self._plan, self._after, self._came_from = plan, graph.after(), {}
            self._batches = {batch.id: batch.title for batch in plan.batches}
            self.refresh()
        wanted = current or (before.id if before is not None else None)
        if wanted is not None:
            self.select(wanted)

    async def _arrange(self, graph: TaskGraph, plan: Plan | None) -> bool:
        """Place the boxes; False when another plan has come meanwhile."""
        critical = graph.longest(self._is_open)
        widths = _widths(graph)
        height = 1 if self._is_compact(graph) else 3
        placed = await asyncio.to_thread(
            lay_out, graph, widths, box_height=height, critical=critical
        )
        if plan is not self._newest:
            return False
        self.layout_now = placed
        self._critical = frozenset(critical)
        self._cursor = min(self._cursor, max(len(graph.tasks) - 1, 0))
        size = Size(self.layout_now.width + 1, self.layout_now.height + _HEAD)
        self.set_reactive(ScrollView.virtual_size, size)
        self._scroll_update(size)
        self._reveal()
        self.refresh()
        return True

    def _is_compact(self, graph: TaskGraph) -> bool:
        if self._compact is not None:
            return self._compact
        counts: dict[int, int] = {}
        for layer in graph.layer:
            counts[layer] = counts.get(layer, 0) + 1
        return max(counts.values(), default=0) * 3 > max(self.size.height - _HEAD, 12)

    def show_states(self, states: States) -> None:
        """Draw other states; what is bold follows when a task was done."""
        before, self._states = self._done, states
        self.refresh()
        layout = self.layout_now
        if layout is None or self._done == before:
            return
        if layout.graph.longest(self._is_open) != layout.critical:
            self.run_worker(
                self._arrange(layout.graph, self._plan), group="arrange", exclusive=True
            )

    @property
    def _done(self) -> frozenset[str]:
        return frozenset(task for task, state in self._states.items() if state in DONE_STATES)

    def _is_open(self, task: Task) -> bool:
        gone = task.state is PlanTaskState.CANCELLED
        return not gone and not is_done(task, self._states.get(task.id))

    # --- cursor -----------------------------------------------------------------------------

    @property
    def current(self) -> Task | None:
        """The task under the cursor."""
        layout = self.layout_now
        if layout is None or not layout.graph.tasks:
            return None
        return layout.graph.tasks[self._cursor]

    def select(self, task_id: str) -> None:
        """Put the cursor on this task."""
        number = self.layout_now.graph.number.get(task_id) if self.layout_now else None
        if number is not None:
            self._move(number)

    def _move(self, number: int) -> None:
        moved = number != self._cursor
        self._cursor = number
        self._reveal()
        if moved:
            self.refresh()
            self.post_message(self.Moved())

    def _follow(self, choices: list[int], back: int) -> None:
        """Along a line: back to where the cursor came from, or else to the nearest box."""
        layout = self.layout_now
        if not choices or layout is None:
            return
        here, remembered = self._cursor, self._came_from.get((self._cursor, back))
        row = layout.row[here]
        nearest = min(choices, key=lambda one: (one not in self._critical, 0))
        if here not in self._critical:
            nearest = min(choices, key=lambda one: abs(layout.row[one] - row))
        target = remembered if remembered in choices else nearest
        self._came_from[target, -back] = here
        self._move(target)

    def action_follow_back(self) -> None:
        """To what the task waits for."""
        if self.layout_now is not None and self.layout_now.graph.tasks:
            self._follow(list(self.layout_now.graph.before[self._cursor]), -1)

    def action_follow_on(self) -> None:
        """To what waits for the task."""
        if self._after:
            self._follow(self._after[self._cursor], 1)

    def action_step(self, by: int) -> None:
        """To another box of the same layer."""
        if self.layout_now is not None and self.layout_now.graph.tasks:
            self._move(self.layout_now.neighbour(self._cursor, by))

    def action_page(self, by: int) -> None:
        """As many boxes up or down as are seen."""
        box = self.layout_now.box_height if self.layout_now else 1
        self.action_step(by * max((self.size.height - _HEAD) // box - 1, 1))

    def action_end(self, which: int) -> None:
        """To the first or the last task in order; on the critical path when there is one."""
        layout = self.layout_now
        if layout is not None and layout.graph.order:
            self._move((layout.critical or layout.graph.order)[which])

    def action_mark(self) -> None:
        """Mark the task, or take its mark away."""
        if self.current is not None:
            self._mark(self.current.id)
            self.refresh()

    def action_size(self) -> None:
        """Boxes of three rows, or of one."""
        if self.layout_now is not None:
            self._compact = self.layout_now.box_height == 3
            self.run_worker(
                self._arrange(self.layout_now.graph, self._plan), group="arrange", exclusive=True
            )

    def _reveal(self) -> None:
        layout = self.layout_now
        if layout is None or not layout.graph.tasks or not self.size:
            return
        column = layout.columns[layout.graph.layer[self._cursor]]
        row, width, height = layout.row[self._cursor], self.size.width, self.size.height - _HEAD
        x, y = round(self.scroll_x), round(self.scroll_y)
        if column.x < x or column.x + column.width + 2 > x + width:
            x = max(column.x - max((width - column.width) // 2, 0), 0)
        if row < y or row + layout.box_height > y + height:
            y = max(row - max((height - layout.box_height) // 2, 0), 0)
        self.scroll_to(x, y, animate=False, force=True)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._reveal()

    def on_focus(self) -> None:
        """The cursor looks alive."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks quiet."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a box, a second one opens it."""
        offset = event.get_content_offset(self)
        layout = self.layout_now
        if offset is None or layout is None or offset.y < _HEAD or not layout.graph.tasks:
            return
        x, y = offset.x + round(self.scroll_x), offset.y - _HEAD + round(self.scroll_y)
        task = layout.task_at(x, y)
        if task is not None:
            event.stop()
            self._move(task)
            if event.chain == 2:
                self.post_message(self.Chosen())

    # --- drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw what is seen of one row."""
        width = self.size.width
        base, colours = self.paint
        layout = self.layout_now
        if layout is None or not layout.graph.tasks:
            words = "  This plan has no tasks yet." if layout is not None else "  …"
            line: Line = ((words if y == 1 else "", "muted"),)
            return strip_of(line, width, colours, base)
        left = round(self.scroll_x)
        if y < _HEAD:
            return self._head(layout, left, width, colours, base)
        row = y - _HEAD + round(self.scroll_y)
        first = layout.column_at(left)
        segments: list[Segment] = []
        for text, name, bold, here in self._pieces(layout, row, first, left + width):
            style = base + colours.style(name)
            if bold:
                style += Style(bold=True)
            if here:
                style += colours.style("cursor" if self.has_focus else "quiet-cursor")
            segments.append(Segment(plain(text), style))
        start = left - layout.columns[first].x
        return Strip(segments).adjust_cell_length(start + width, base).crop(start, start + width)

    def _head(self, layout: Layout, left: int, width: int, colours: Ink, base: Style) -> Strip:
        """The names of the layers above their columns, on the one that the cursor is in bold."""
        line: list[tuple[str, str]] = []
        first, at = layout.column_at(left), 0
        here = layout.graph.layer[self._cursor]
        for number in range(first, len(layout.columns)):
            column = layout.columns[number]
            if column.x >= left + width:
                break
            room = column.width + (
                layout.gutters[number].width if number < len(layout.gutters) else 0
            )
            name = _layer_name(layout, column, self._batches)
            line.append(cell(name, room - 1, "heading" if number == here else "muted"))
            line.append((" ", ""))
            at += room
        start = left - layout.columns[first].x
        strip = strip_of(tuple(line), at + width, colours, base)
        return strip.crop(start, start + width)

    def _pieces(self, layout: Layout, row: int, first: int, end: int) -> Iterator[Piece]:
        for number in range(first, len(layout.columns)):
            column = layout.columns[number]
            if column.x >= end:
                return
            yield from self._box(layout, column, row)
            if number < len(layout.gutters):
                following = layout.columns[number + 1]
                yield from _gutter(layout.gutters[number], following, row, layout.box_height)

    def _box(self, layout: Layout, column: Column, row: int) -> Iterator[Piece]:
        found = column.at(row, layout.box_height)
        if found is None:
            yield " " * column.width, "", False, False
            return
        number, below = found
        if number is None:
            bold = row in column.bold
            arms = LEFT | RIGHT
            stroke = plain_strokes(arms) if ascii_only() else strokes(arms, arms if bold else 0)
            yield stroke * column.width, "text" if bold else "faint", bold, False
            return
        task = layout.graph.tasks[number]
        critical, here = number in self._critical, number == self._cursor
        ink = "text" if critical else "faint"
        frame = _FRAMES[ascii_only(), critical]
        inner = column.width - 2
        if layout.box_height == 1 or below == 1:
            look = look_of(task, self._states.get(task.id))
            yield frame[5], ink, critical, here
            yield from self._label(task, look, inner, critical, here)
            yield frame[5], ink, critical, here
        else:
            corners = frame[:2] if below == 0 else frame[2:4]
            yield corners[0] + frame[4] * inner + corners[1], ink, critical, here

    def _label(
        self, task: Task, look: Look, room: int, critical: bool, here: bool
    ) -> Iterator[Piece]:
        mark = sign("•", "*") if self._is_marked(task.id) else " "
        yield mark, "alarm", False, here
        yield look.sign, look.ink, critical, here
        done = is_done(task, self._states.get(task.id))
        spans = cleaned(((f" {task.id} ", "muted"), (task.title, "muted" if done else "text")))
        shown = fit(spans, room - 2)
        for text, ink in shown:
            yield text, ink, critical and ink == "text", here
        yield " " * (room - 2 - width_of(shown)), "", False, here


def _gutter(gutter: Gutter, following: Column, row: int, height: int) -> Iterator[Piece]:
    if not gutter.tracks:
        yield "  ", "", False, False
        return
    simple = ascii_only()
    bold = False
    for arms, heavy in gutter.cells(row):
        bold = bool(heavy)
        text = plain_strokes(arms) if simple else strokes(arms, heavy)
        yield text, "text" if heavy else "faint", bold, False
    found = following.at(row, height) if gutter.enters(row) else None
    heavy_end = gutter.is_bold_at_end(row)
    if found is None:
        yield " ", "", False, False
    elif found[0] is not None:
        yield sign("▶", ">"), "text" if heavy_end else "muted", heavy_end, False
    else:
        arms = LEFT | RIGHT
        text = plain_strokes(arms) if simple else strokes(arms, arms if heavy_end else 0)
        yield text, "text" if heavy_end else "faint", heavy_end, False


def _widths(graph: TaskGraph) -> list[int]:
    """By layer: as wide as its longest title, within limits."""
    widths = [LABELS[0]] * (max(graph.layer, default=-1) + 1)
    for task, layer in zip(graph.tasks, graph.layer, strict=True):
        if widths[layer] < LABELS[1]:
            label = width_of(cleaned(((f"{task.id} {task.title}", ""),)))
            widths[layer] = max(widths[layer], min(label, LABELS[1]))
    return [width + 5 for width in widths]  # borders, mark, state and a space


def _layer_name(layout: Layout, column: Column, batches: Mapping[str, str]) -> str:
    """The batches that its tasks are of; of one alone, its title too."""
    tasks = (layout.graph.tasks[one] for one in column.tasks if one is not None)
    ids = list(dict.fromkeys(task.batch for task in tasks))
    if len(ids) == 1:
        return f"{ids[0]} {batches.get(ids[0], '')}"
    return " · ".join(ids)


_FRAMES: Mapping[tuple[bool, bool], str] = {
    (False, False): "╭╮╰╯─│",
    (False, True): "┏┓┗┛━┃",
    (True, False): "..''-|",
    (True, True): "####=#",
}
"""By whether only ASCII can be shown and whether it is on the critical path: corners, sides."""
