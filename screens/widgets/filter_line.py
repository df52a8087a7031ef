"""The line that `/` opens: what is typed filters or searches at once."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from cc4tui.screens.bindings import bindings
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.typed import CleanInput


class FilterLine(Horizontal):
    """Hidden until it is opened; Enter keeps the filter and goes to the list, Esc takes it away.

    Args:
        placeholder: What an empty line says.
    """

    DEFAULT_CSS = """
    FilterLine { height: 1; background: $panel; }
    FilterLine > Static { width: 4; color: $accent; padding: 0 1; }
    FilterLine > Input, FilterLine > Input:focus {
        width: 1fr; border: none; padding: 0; height: 1; background: $panel;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.FILTER)

    class Changed(Message):
        """Other text is to be looked for."""

        def __init__(self, line: "FilterLine", text: str) -> None:
            super().__init__()
            self.line = line
            self.text = text

    class Left(Message):
        """The person goes back to the list."""

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self._input = CleanInput(placeholder=placeholder, select_on_focus=False)
        self.display = False

    def compose(self) -> ComposeResult:
        """A slash and the text."""
        yield Static(" /", markup=False)
        yield self._input

    @property
    def text(self) -> str:
        """What is looked for."""
        return self._input.value

    def open(self) -> None:
        """Show the line and type into it."""
        self.display = True
        # At once, not in turn: the next key that was typed belongs to the filter.
        self.screen.set_focus(self._input)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()

    def action_accept(self) -> None:
        """Keep the filter; an empty line is closed."""
        if not self.text:
            self.display = False
        self.post_message(self.Left())

    def action_clear(self) -> None:
        """Take the filter away."""
        self._input.value = ""
        self.display = False
        self.post_message(self.Left())
