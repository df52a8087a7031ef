"""Something to read whole, in front of everything."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult

from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.lines import Line
from cc4tui.screens.widgets.text_pane import TextPane


class ReadingDialog(Dialog[None]):
    """Shows text; arrows scroll, Esc leaves.

    Args:
        title: Of the text.
        lines: The text.
    """

    DEFAULT_CSS = """
    ReadingDialog Box { width: 96%; max-width: 110; height: auto; }
    ReadingDialog TextPane { max-height: 18; }
    """
    AUTO_FOCUS: ClassVar[str] = "TextPane"

    def __init__(self, title: str, lines: Iterable[Line]) -> None:
        super().__init__()
        self._title = title
        self._lines = list(lines)

    def compose(self) -> ComposeResult:
        """The text in its frame."""
        with Box(self._title, "↑ ↓ scroll · Esc leaves"):
            yield TextPane(self._lines)
