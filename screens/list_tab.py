"""What the Ideas and Memory tabs share: views of one list, a filter line, and what is selected."""

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import Resize
from textual.widget import Widget

from cc4tui.screens.lines import Line
from cc4tui.screens.widgets.filter_line import FilterLine
from cc4tui.screens.widgets.row_list import RowList
from cc4tui.screens.widgets.text_pane import TextPane
from cc4tui.screens.widgets.view_bar import ViewBar


R = TypeVar("R")

WIDE = 110
"""Columns from which what is selected stands beside the list, not below it."""


class ListTab(Vertical, Generic[R]):
    """A list with views; subclasses say what is in it.

    Args:
        rows: The list.
        placeholder: What the empty filter line says.
    """

    VIEWS: ClassVar[tuple[str, ...]]
    DEFAULT_CSS = """
    ListTab ViewBar { margin: 1 0; }
    ListTab .split { height: 1fr; layout: vertical; }
    ListTab .split > RowList { height: 1fr; }
    ListTab .split > TextPane { height: 6; border-top: solid $border; padding: 0 2; }
    ListTab.-wide .split { layout: horizontal; }
    ListTab.-wide .split > RowList { height: 1fr; width: 3fr; }
    ListTab.-wide .split > TextPane {
        height: 1fr; width: 2fr; border-top: none; border-left: solid $border;
    }
    """

    def __init__(self, rows: RowList[R], placeholder: str) -> None:
        super().__init__()
        self.rows = rows
        self.views = ViewBar(self.VIEWS)
        self.filter_line = FilterLine(placeholder)
        self.pane = TextPane()
        self._kind: type | None = None
        """Of what the cursor is on: other verbs are offered for other kinds."""

    def compose(self) -> ComposeResult:
        """Views, filter, list and what is selected."""
        yield self.views
        yield self.filter_line
        with Container(classes="split"):
            yield self.rows
            yield self.pane

    @property
    def entry(self) -> Widget:
        """Where the focus goes when the tab is first shown."""
        return self.rows

    # --- what subclasses do -----------------------------------------------------------------

    def reload(self) -> None:
        """Read again what the list shows."""
        raise NotImplementedError

    def show_view(self) -> None:
        """Fill the list with what the view holds."""
        raise NotImplementedError

    def details(self, item: R) -> Iterable[Line]:
        """What is told of the selected item."""
        raise NotImplementedError

    def search(self, text: str) -> None:
        """Find `text`; the list's own filter unless a subclass knows better."""
        self.rows.filter(text)

    # --- the rest ---------------------------------------------------------------------------

    def on_show(self) -> None:
        """Load after the first paint, and again later: another process may have written."""
        self.reload()

    def on_resize(self, event: Resize) -> None:
        """Beside or below."""
        self.set_class(event.size.width >= WIDE, "-wide")

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.pane.set_lines_soon(self._details)
        self._show_marks()
        kind = type(self.rows.current)
        if kind is not self._kind:
            self._kind = kind
            self.refresh_bindings()

    def _details(self) -> Iterable[Line]:
        item = self.rows.current
        return () if item is None else self.details(item)

    @on(RowList.MarksChanged)
    def _marks_changed(self, event: RowList.MarksChanged) -> None:
        event.stop()
        self._show_marks()

    def _show_marks(self) -> None:
        count = len(self.rows.marked)
        self.views.set_note(((f"{count} marked", "alarm"),) if count else ())

    @on(ViewBar.Changed)
    def _view_changed(self, event: ViewBar.Changed) -> None:
        event.stop()
        self.rows.clear_marks()
        self.show_view()

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        event.stop()
        self.search(event.text)

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        event.stop()
        self.rows.focus()

    async def action_filter(self) -> None:
        """Open the filter line."""
        await self.filter_line.open()

    def action_next_view(self) -> None:
        """The view to the right."""
        self.views.step(1)

    def action_previous_view(self) -> None:
        """The view to the left."""
        self.views.step(-1)
