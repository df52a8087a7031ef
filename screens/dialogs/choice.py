"""A dialog that tells something and offers a few answers, each with its own key."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult

from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.lines import Line
from cc4tui.screens.widgets.row_list import Row, RowList
from cc4tui.screens.widgets.text_pane import TextPane


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer."""

    key: str
    label: str
    effect: str = ""
    """What happens then."""


class ChoiceDialog(Dialog[str]):
    """Answers with the key of the choice, or None.

    Args:
        title: What it is about.
        lines: What the person needs to know to answer; scrolls when it is long.
        choices: In order; the first one is under the cursor.
    """

    DEFAULT_CSS = """
    ChoiceDialog TextPane { max-height: 13; }
    ChoiceDialog RowList { margin-top: 1; }
    """
    AUTO_FOCUS: ClassVar[str] = "RowList"

    def __init__(self, title: str, lines: Iterable[Line], choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = title
        self._lines = list(lines)
        self.choices = choices

    def compose(self) -> ComposeResult:
        """The text above the answers."""
        with Box(self._title, "Enter chooses · Esc leaves"):
            yield TextPane(self._lines)
            yield RowList(_draw, key=lambda choice: choice.key)

    def on_mount(self) -> None:
        """Fill in the answers."""
        rows = self.query_one(RowList)
        rows.set_items(self.choices)
        rows.styles.height = len(self.choices)

    def on_key(self, event: events.Key) -> None:
        """A choice's own key answers at once."""
        for choice in self.choices:
            if event.key == choice.key:
                event.stop()
                self.dismiss(choice.key)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        choice = event.rows.current
        if choice is not None:
            self.dismiss(choice.key)


def _draw(choice: Choice, _width: int) -> Row:
    return Row(((f"{choice.key}  ", "key"), (choice.label, "title")), ((choice.effect, "muted"),))
