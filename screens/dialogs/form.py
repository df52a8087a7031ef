"""Fields of a dialog that is filled in with the arrow keys."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from cc4tui.screens.bindings import bindings
from cc4tui.screens.glyphs import sign
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, cell, cleaned, fit, strip_of
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.typed import CleanInput


V = TypeVar("V")

LABEL_WIDTH = 11


class Cycle(Widget, Generic[V], can_focus=True):
    """One of a few values: left and right change it, so does a click.

    Args:
        label: Stands before it.
        values: Each with how it is shown.
        widget_id: Of the widget.
    """

    DEFAULT_CSS = """
    Cycle { height: 1; background: $surface; }
    """
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.FORMS)

    class Changed(Message):
        """Another value was chosen."""

    def __init__(
        self, label: str, values: Sequence[tuple[V, str]], widget_id: str | None = None
    ) -> None:
        super().__init__(id=widget_id)
        self._label = label
        self._values = values
        self._at = 0

    @property
    def value(self) -> V:
        """What is chosen."""
        return self._values[self._at][0]

    def choose(self, value: V) -> None:
        """Begin with this value, when it is one of those to choose from."""
        for at, (known, _) in enumerate(self._values):
            if known == value:
                self._at = at

    def action_next_value(self) -> None:
        """The value to the right."""
        self._step(1)

    def action_previous_value(self) -> None:
        """The value to the left."""
        self._step(-1)

    def _step(self, by: int) -> None:
        before = self._at
        self._at = (before + by) % len(self._values)
        self.refresh()
        if self._at != before:
            self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Go on to the next value; on the left arrow, back."""
        event.stop()
        self.focus()
        self._step(-1 if event.x <= LABEL_WIDTH + 2 else 1)

    def render_line(self, y: int) -> Strip:
        """Label, value, and arrows where there is a choice."""
        width = self.size.width
        here = self.has_focus
        left, right = (sign("‹ ", "< "), sign(" ›", " >")) if len(self._values) > 1 else ("  ", "")
        line: Line = (
            (sign("▌", ">") if here else " ", "link"),
            cell(self._label, LABEL_WIDTH, "title" if here else "muted"),
            (left, "key" if here else "faint"),
            (self._values[self._at][1], "text"),
            (right, "key" if here else "faint"),
        )
        colours, base = ink(self.app), self.rich_style
        if here and not colours.theme.ansi:
            base += colours.style("cursor")
        return strip_of(fit(cleaned(line), width), width, colours, base)


class TextField(Horizontal):
    """A line of free text with a label.

    Args:
        label: Stands before it.
        placeholder: What an empty field means.
        widget_id: Of the widget.
    """

    DEFAULT_CSS = """
    TextField { height: 1; background: $surface; }
    TextField > Static { width: 14; padding: 0 1; color: $ink-muted; }
    TextField:focus-within { background: $ink-cursor; }
    TextField:focus-within > Static { color: $foreground; text-style: bold; }
    TextField > Input, TextField > Input:focus {
        width: 1fr; height: 1; border: none; padding: 0; background: transparent;
    }
    """

    def __init__(self, label: str, placeholder: str, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._label = label
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        """Label and field."""
        yield Static(self._label, markup=False)
        yield CleanInput(placeholder=self._placeholder)

    @property
    def value(self) -> str:
        """What was typed."""
        return self.query_one(CleanInput).value.strip()
