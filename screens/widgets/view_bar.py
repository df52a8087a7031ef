"""A line of views of one list: `inbox 7   planned 12   done 31   all`."""

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, cleaned, spread, strip_of, width_of


class ViewBar(Widget):
    """Names the views with their counts, underlines the one that is shown; a click changes it.

    Args:
        names: Of the views, in order.
    """

    DEFAULT_CSS = """
    ViewBar { height: 1; background: $background; }
    """
    ALLOW_SELECT = False

    class Changed(Message):
        """Another view is to be shown."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names
        self.shown = names[0]
        self._counts: dict[str, int] = {}
        self._note: Line = ()
        self._targets: list[tuple[int, int, str]] = []

    def show(self, name: str) -> None:
        """Change the view and tell of it."""
        if name != self.shown:
            self.shown = name
            self.refresh()
            self.post_message(self.Changed(name))

    def step(self, by: int) -> None:
        """Go to the view that many places to the right, round the end."""
        self.show(self.names[(self.names.index(self.shown) + by) % len(self.names)])

    def set_counts(self, counts: dict[str, int]) -> None:
        """Show how many each view holds."""
        self._counts = counts
        self.refresh()

    def set_note(self, note: Line) -> None:
        """Show something at the right end, for example how many are marked."""
        self._note = note
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the names and note where they are."""
        self._targets = []
        line: list[tuple[str, str]] = [(" ", "")]
        at = 1
        for name in self.names:
            count = self._counts.get(name)
            ink_name = "tab" if name == self.shown else "muted"
            label: Line = ((" ", ""), (name, ink_name))
            if count is not None:
                label = (*label, (f" {count}", "muted"))
            label = (*label, ("  ", ""))
            self._targets.append((at, at + width_of(label), name))
            at += width_of(label)
            line += label
        width = self.size.width
        whole = spread(tuple(line), cleaned((*self._note, (" ", ""))), width)
        return strip_of(whole, width, ink(self.app), self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Show the view under the mouse."""
        event.stop()
        for start, end, name in self._targets:
            if start <= event.x < end:
                self.show(name)
