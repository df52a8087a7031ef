"""What an agent has yet to do, by its own list, beside its output."""

from collections.abc import Iterator, Sequence

from textual.strip import Strip

from cc4tui.domain.agent import Todo
from cc4tui.domain.text import clean_line
from cc4tui.screens.execution.feed import todo_mark
from cc4tui.screens.glyphs import sign
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, cleaned, strip_of, wrap
from cc4tui.screens.widgets.covered import Kept


_EDGE = 2
"""Cells of the line between the output and the list."""


class TodoList(Kept):
    """Draws the list; what is being done, and what comes after it, stays in sight."""

    DEFAULT_CSS = """
    TodoList { background: $background; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._todos: Sequence[Todo] = ()

    def show(self, todos: Sequence[Todo]) -> None:
        """Show this list."""
        if todos != self._todos:
            self._todos = todos
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one row of it."""
        width, height = self.size
        rows = list(self._rows(max(width - _EDGE - 1, 1)))
        now = next((n for n, (_, active) in enumerate(rows) if active), 0)
        first = min(max(now - height // 2, 0), max(len(rows) - height, 0))
        line = rows[first + y][0] if first + y < len(rows) else ()
        edge = (f"{sign('│', '|')} ", "faint")
        return strip_of((edge, *line), width, ink(self.app), self.rich_style)

    def _rows(self, width: int) -> Iterator[tuple[Line, bool]]:
        """The rows, and which of them tell what is being done."""
        done = sum(todo.done for todo in self._todos)
        yield cleaned(((f"steps {done}/{len(self._todos)}", "heading"),)), False
        for todo in self._todos:
            colour = "muted" if todo.done else "title" if todo.active else "text"
            mark = (
                f"{todo_mark(todo)} ",
                "good" if todo.done else "run" if todo.active else "muted",
            )
            line = cleaned((mark, (clean_line(todo.text, 400), colour)))
            for row in wrap(line, width, indent=2):
                yield row, todo.active
