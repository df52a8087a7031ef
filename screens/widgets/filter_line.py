"""The line that `/` opens: what is typed filters or searches at once."""

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from cc4tui.screens.bindings import bindings
from cc4tui.screens.verbs import Scope


if TYPE_CHECKING:
    from textual.widgets import Input

    from cc4tui.screens.widgets.typed import CleanInput


class FilterLine(Horizontal):
    """Hidden until it is opened; Enter keeps the filter and goes to the list, Esc takes it away.

    The field in it, a tenth of what the first frame would cost, is made when it is first opened.

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
        self._placeholder = placeholder
        self._input: CleanInput | None = None
        self.display = False

    @property
    def text(self) -> str:
        """What is looked for."""
        return "" if self._input is None else self._input.value

    async def open(self) -> None:
        """Show the line and type into it."""
        if self._input is None:
            from cc4tui.screens.widgets.typed import CleanInput

            self._input = CleanInput(placeholder=self._placeholder, select_on_focus=False)
            await self.mount(Static(" /", markup=False), self._input)
        self.display = True
        # At once, not in turn: the next key that was typed belongs to the filter.
        self.screen.set_focus(self._input)

    def on_input_changed(self, event: "Input.Changed") -> None:
        """Tell of other text."""
        event.stop()
        self.post_message(self.Changed(self, event.value))

    def on_input_submitted(self, event: "Input.Submitted") -> None:
        """Enter is a verb of the line."""
        event.stop()

    def action_accept(self) -> None:
        """Keep the filter; an empty line is closed."""
        if not self.text:
            self.display = False
        self.post_message(self.Left())

    def action_clear(self) -> None:
        """Take the filter away."""
        if self._input is not None:
            self._input.value = ""
        self.display = False
        self.post_message(self.Left())
