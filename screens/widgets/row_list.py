"""A list of any length: only the rows that are seen are drawn, so a million cost what ten cost."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from cc4tui.screens.bindings import bindings
from cc4tui.screens.glyphs import sign
from cc4tui.screens.ink import Ink
from cc4tui.screens.lines import Line, cleaned, spread, strip_of, wrap
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.line_view import LineView


R = TypeVar("R")

_MARGIN = 2
"""Cells before a row: the cursor's bar and the mark."""


@dataclass(frozen=True, slots=True)
class Row:
    """How an item is drawn; data in it is cleaned by the list."""

    left: Line
    right: Line = ()
    """Stands at the right end where there is room."""


class RowList(LineView, Generic[R], can_focus=True):
    """Virtual rows with a cursor, marks, a filter and the mouse.

    Args:
        draw: Makes the row of an item for a width in cells; called for visible items only.
        key: What an item is known by when the items are replaced: cursor and marks stay on it.
        text: What the filter looks at.
        empty: Shown while there is no item: what this is for and how to begin.
        marks: Whether items can be marked.
        widget_id: Of the widget.
    """

    DEFAULT_CSS = """
    RowList { height: 1fr; background: $background; overflow-x: hidden; overflow-y: auto; }
    """
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.LISTS)

    class Moved(Message):
        """The cursor is on another item, or its item was replaced."""

        def __init__(self, rows: "RowList[Any]") -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> "RowList[Any]":
            """The list, for `@on` selectors."""
            return self.rows

    class Chosen(Moved):
        """A double click on an item, or `choose`."""

    class MarksChanged(Moved):
        """A mark was set or taken away."""

    def __init__(
        self,
        draw: Callable[[R, int], Row],
        key: Callable[[R], Hashable],
        *,
        text: Callable[[R], str] | None = None,
        empty: Sequence[Line] = (),
        marks: bool = False,
        widget_id: str | None = None,
    ) -> None:
        super().__init__(id=widget_id)
        self._draw = draw
        self._key = key
        self._text = text
        self._empty = empty
        self._can_mark = marks
        self._items: Sequence[R] = ()
        self._shown: Sequence[int] = ()
        """Indices of the items that pass the filter."""
        self._needle: tuple[str, ...] = ()
        self._cursor = 0
        self._marks: set[Hashable] = set()

    # --- items ------------------------------------------------------------------------------

    def set_items(self, items: Sequence[R]) -> None:
        """Replace the items; the cursor stays on its item, or else on its place."""
        before = self.current
        self._items = items
        self._apply_filter()
        if before is not None:
            self._seek(self._key(before))
        self._settle()

    def take_out(self, items: Sequence[R]) -> None:
        """Drop items at once, before what keeps them is asked to; the next one gets the cursor."""
        gone = {self._key(item) for item in items}
        self.set_items([item for item in self._items if self._key(item) not in gone])

    def filter(self, text: str) -> None:
        """Show only items that hold every word of `text`, in any case."""
        before = self.current
        self._needle = tuple(text.casefold().split())
        self._apply_filter()
        if before is not None:
            self._seek(self._key(before))
        self._settle()

    def set_empty(self, empty: Sequence[Line]) -> None:
        """Replace what is shown while there is no item."""
        self._empty = empty
        self.refresh()

    def _apply_filter(self) -> None:
        if not self._needle or self._text is None:
            self._shown = range(len(self._items))
            return
        text, needle = self._text, self._needle
        self._shown = [
            at
            for at, item in enumerate(self._items)
            if all(word in hay for hay in (text(item).casefold(),) for word in needle)
        ]

    def _settle(self) -> None:
        """Bring cursor, scrolling and the screen in line with the items."""
        self._cursor = max(0, min(self._cursor, len(self._shown) - 1))
        self.set_lines_count(len(self._shown))
        self._reveal()
        self.refresh()
        self.post_message(self.Moved(self))

    @property
    def items(self) -> Sequence[R]:
        """All items, filtered out ones included."""
        return self._items

    @property
    def shown(self) -> list[R]:
        """The items that pass the filter."""
        return [self._items[at] for at in self._shown]

    @property
    def current(self) -> R | None:
        """The item under the cursor."""
        if 0 <= self._cursor < len(self._shown):
            return self._items[self._shown[self._cursor]]
        return None

    # --- cursor -----------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """Row of the cursor, from 0, among those shown."""
        return self._cursor

    def move_to(self, row: int) -> None:
        """Put the cursor on a row; rows outside mean the first or the last one."""
        row = max(0, min(row, len(self._shown) - 1))
        if row == self._cursor:
            self._reveal()
            return
        before, self._cursor = self._cursor, row
        self._refresh_row(before)
        self._refresh_row(row)
        self._reveal()
        self.post_message(self.Moved(self))

    def select(self, key: Hashable) -> bool:
        """Put the cursor on the item of this key; False when it is not shown."""
        row = self._find(key)
        if row is not None:
            self.move_to(row)
        return row is not None

    def _seek(self, key: Hashable) -> None:
        row = self._find(key)
        if row is not None:
            self._cursor = row

    def _find(self, key: Hashable) -> int | None:
        """Looks at the cursor's own row first: mostly nothing moved."""
        current = self.current
        if current is not None and self._key(current) == key:
            return self._cursor
        keys = (self._key(self._items[at]) for at in self._shown)
        return next((row for row, it in enumerate(keys) if it == key), None)

    def _reveal(self) -> None:
        height = self.size.height
        top = round(self.scroll_y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif height and self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, force=True)

    def _refresh_row(self, row: int) -> None:
        y = row - round(self.scroll_y)
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def action_cursor_down(self) -> None:
        """A row down."""
        self.move_to(self._cursor + 1)

    def action_cursor_up(self) -> None:
        """A row up."""
        self.move_to(self._cursor - 1)

    def action_page_down(self) -> None:
        """As many rows down as are seen."""
        self.move_to(self._cursor + max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        """As many rows up as are seen."""
        self.move_to(self._cursor - max(self.size.height - 1, 1))

    def action_first(self) -> None:
        """To the first row."""
        self.move_to(0)

    def action_last(self) -> None:
        """To the last row."""
        self.move_to(len(self._shown) - 1)

    def choose(self) -> None:
        """Tell that the item under the cursor was chosen."""
        if self.current is not None:
            self.post_message(self.Chosen(self))

    # --- marks ------------------------------------------------------------------------------

    @property
    def marked(self) -> list[R]:
        """The marked items, in order."""
        return [item for item in self._items if self._key(item) in self._marks]

    @property
    def targets(self) -> list[R]:
        """What a verb is about: the marked items, or else the one under the cursor."""
        if self._marks and (marked := self.marked):
            return marked
        return [] if self.current is None else [self.current]

    def clear_marks(self) -> None:
        """Take all marks away."""
        if self._marks:
            self._marks.clear()
            self.refresh()
            self.post_message(self.MarksChanged(self))

    def mark_all(self) -> None:
        """Mark every item that is shown, or take the marks away if all are marked."""
        every = {self._key(self._items[at]) for at in self._shown}
        self._marks = set() if every <= self._marks else self._marks | every
        self.refresh()
        self.post_message(self.MarksChanged(self))

    def action_mark(self) -> None:
        """Mark the item, or take its mark away, and go on to the next."""
        if not self._can_mark or self.current is None:
            return
        self._marks ^= {self._key(self.current)}
        self._refresh_row(self._cursor)
        self.post_message(self.MarksChanged(self))
        self.move_to(self._cursor + 1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Marking is offered only where it means something."""
        return self._can_mark if action == "mark" else True

    # --- drawing ----------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.set_lines_count(len(self._shown))
        self._reveal()

    def on_focus(self) -> None:
        """The cursor looks alive."""
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        """The cursor looks quiet."""
        self._refresh_row(self._cursor)

    def render_line(self, y: int) -> Strip:
        """Draw one visible row."""
        width = self.size.width
        row = round(self.scroll_y) + y
        base, colours = self.paint
        if row < len(self._shown):
            return self._strip(row, width, colours, base)
        if not self._shown:
            lines = self._empty_lines(width)
            if y < len(lines):
                return strip_of(lines[y], width, colours, base)
        return Strip.blank(width, base)

    def _strip(self, row: int, width: int, colours: Ink, base: Style) -> Strip:
        item = self._items[self._shown[row]]
        drawn = self._draw(item, width - _MARGIN - 1)
        here = row == self._cursor
        mark = sign("•", "*") if self._key(item) in self._marks else " "
        bar = sign("▌", ">") if here and self.has_focus else " "
        body = spread(cleaned(drawn.left), cleaned(drawn.right), width - _MARGIN - 1)
        line: Line = ((bar, "link"), (mark, "alarm"), *body, (" ", ""))
        if here:
            base += colours.style("cursor" if self.has_focus else "quiet-cursor")
            if colours.theme.ansi and self.has_focus:
                line = tuple((text, "") for text, _ in line)
        return strip_of(line, width, colours, base)

    def _empty_lines(self, width: int) -> list[Line]:
        if self._items and self._needle:
            return [(), (("  Nothing matches. Esc takes the filter away.", "muted"),)]
        lines: list[Line] = [()]
        for line in self._empty:
            indented: Line = (("  ", ""), *cleaned(line))
            lines += wrap(indented, max(width - 2, 8), indent=2)
        return lines

    # --- mouse ------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = offset.y + round(self.scroll_y)
        if row >= len(self._shown):
            return
        event.stop()
        self.move_to(row)
        if event.chain == 2:
            self.choose()
