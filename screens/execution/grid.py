"""The panes beside and below each other; one of them alone when it is zoomed."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from cc4tui.ports import CommandCenter
from cc4tui.screens.execution.board import tiles
from cc4tui.screens.execution.model import RunModel
from cc4tui.screens.execution.pane import AgentPane
from cc4tui.screens.options import Clock
from cc4tui.screens.widgets.covered import CoveredContainer


class TileLayout(Layout):
    """Places a grid's panes by its order, not by when they were made."""

    name = "tiles"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Share the whole room among the children."""
        assert isinstance(parent, PaneGrid)
        placed = zip(
            sorted(children, key=parent.place_of),
            tiles(len(children), size.width, size.height),
            strict=False,
        )
        return [
            WidgetPlacement(
                Region(tile.x, tile.y, tile.width, tile.height), NULL_OFFSET, Spacing(), widget
            )
            for widget, tile in placed
        ]


class PaneGrid(CoveredContainer):
    """Keeps a pane for each shown task; panes whose task left are used again.

    Args:
        center: Reads agents' output.
        clock: For elapsed times.
    """

    DEFAULT_CSS = """
    PaneGrid { height: 1fr; width: 1fr; background: $background; overflow: hidden; }
    """

    def __init__(self, center: CommandCenter, clock: Clock) -> None:
        super().__init__()
        self._tiles = TileLayout()
        self.zoomed: AgentPane | None = None
        """The pane that is shown alone."""
        self._center = center
        self.clock = clock
        self._order: list[AgentPane] = []
        self._as_of: datetime | None = None
        self._guest = AgentPane(center, clock)
        """Shows a zoomed task that has no place of its own."""

    def compose(self) -> ComposeResult:
        """The pane for what has no place; the others come with the tasks."""
        self._guest.display = False
        yield self._guest

    @property
    def layout(self) -> Layout:
        """Tiles; style sheets only know the layouts that Textual brings."""
        return self._tiles

    @property
    def panes(self) -> list[AgentPane]:
        """The panes in their places."""
        return self._order

    def pane_of(self, task_id: str) -> AgentPane | None:
        """The pane that shows the task."""
        return next((pane for pane in self._order if pane.task_id == task_id), None)

    def place_of(self, widget: Widget) -> int:
        """Where a child stands in the order; others come last."""
        places = [place for place, pane in enumerate(self._order) if pane is widget]
        return places[0] if places else len(self._order)

    def in_sight(self) -> Iterator[AgentPane]:
        """Panes that a person sees now."""
        if self.zoomed is not None:
            yield self.zoomed
        else:
            yield from self._order

    def show(
        self,
        model: RunModel,
        task_ids: Sequence[str],
        pinned: Collection[str] = (),
        as_of: datetime | None = None,
    ) -> None:
        """Show these tasks, in this order; those that are pinned say so.

        Args:
            model: The run, as it is or as it was.
            task_ids: What to show.
            pinned: Tasks whose panes stay.
            as_of: The time of the model; None = now.
        """
        self._as_of = as_of
        here = {pane.task_id: pane for pane in self._order}
        free = [pane for pane in self._order if pane.task_id not in task_ids]
        self._keep_zoomed(free)
        order: list[AgentPane] = []
        for task_id in task_ids:
            pane = here.get(task_id) or (free.pop() if free else self._new_pane())
            order.append(pane)
        for pane in free:
            pane.remove()
        moved = order != self._order
        self._order = order
        for number, (task_id, pane) in enumerate(zip(task_ids, order, strict=True), 1):
            pane.pinned = task_id in pinned
            pane.show(model.run.id, model.tasks[task_id], number, as_of)
        guest_task = model.tasks.get(self._guest.task_id or "")
        if self.zoomed is self._guest and guest_task is not None:
            self._guest.show(model.run.id, guest_task, as_of=as_of)
        self._show_or_hide()
        if moved and order:
            order[0].refresh(layout=True)  # a child's: the grid's own would keep its old layout

    def _new_pane(self) -> AgentPane:
        pane = AgentPane(self._center, self.clock)
        pane.display = self.zoomed is None
        self.mount(pane)
        return pane

    def _keep_zoomed(self, free: list[AgentPane]) -> None:
        """What a person reads stays in front of them when its place goes to another task."""
        if self.zoomed in free:
            free[free.index(self.zoomed)] = self._guest
            self._guest = self.zoomed

    # --- zoom -------------------------------------------------------------------------------

    def zoom(self, model: RunModel, task_id: str) -> AgentPane:
        """Show one task alone, whether it has a place or not."""
        pane = self.pane_of(task_id)
        if pane is None:
            pane = self._guest
            pane.show(model.run.id, model.tasks[task_id], as_of=self._as_of)
        self.zoomed = pane
        self._show_or_hide()
        pane.read_alone(True)
        return pane

    def unzoom(self) -> AgentPane | None:
        """Show all panes again; returns the one that was alone, if it has a place."""
        pane, self.zoomed = self.zoomed, None
        if pane is not None:
            pane.read_alone(False)
        self._show_or_hide()
        return pane if pane in self._order else None

    def _show_or_hide(self) -> None:
        alone = self.zoomed
        for pane in self._order:
            pane.display = alone is None or pane is alone
        self._guest.display = self._guest is alone
