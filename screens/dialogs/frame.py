"""What all dialogs share: a calm box with a title, and the way out."""

from typing import ClassVar, TypeVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style

from cc4tui.domain.text import clean_line
from cc4tui.screens.bindings import bindings
from cc4tui.screens.glyphs import plain
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.row_list import RowList


Answer = TypeVar("Answer")

MAX_ROWS = 22
"""Of a dialog, so that it fits 80x24."""

_KEYS = {
    "Enter": "enter",
    "Esc": "escape",
    "Tab": "tab",
    "Space": "space",
    "ctrl+j": "ctrl+j",
    "↑": "up",
    "↓": "down",
    "←": "left",
    "→": "right",
}
"""Keys as a hint names them; a single letter is its own."""


def pressable(hint: str) -> Content:
    """A hint of which each key can be pressed with the mouse, too: ``Enter starts · Esc leaves``.

    Args:
        hint: Our own words: parts with ` · ` between them, each begins with its keys.
    """
    parts: list[Content] = []
    for part in hint.split(" · "):
        words = part.split(" ")
        keys = [_KEYS.get(word, word if len(word) == 1 else "") for word in words]
        last = max(next((n for n, key in enumerate(keys) if not key), len(keys)) - 1, 0)
        texts = [*words[:last], " ".join(words[last:])]
        parts.append(Content(" ").join(map(_press, texts, keys)))
    return Content(" · ").join(parts)


def _press(text: str, key: str) -> Content:
    shown = Content(plain(text))
    if not key:
        return shown
    first = len(text.partition(" ")[0])
    press = Style.from_meta({"@click": f"app.press({key!r})"})
    return shown.stylize(press).stylize("$foreground", 0, first)


class Box(Vertical):
    """The frame around a dialog.

    Args:
        title: Stands in the upper border.
        hint: Stands in the lower border: the keys, which a click presses.
    """

    DEFAULT_CSS = """
    Box {
        width: 76; max-width: 96%; height: auto; max-height: 22; padding: 1 2;
        background: $surface; border: round $border; border-title-color: $foreground;
        border-title-style: bold; border-subtitle-color: $ink-muted;
    }
    Box TextPane, Box RowList { background: $surface; height: auto; padding: 0; }
    """

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__()
        self.border_title = Content(clean_line(title, 60))
        if hint:
            self.border_subtitle = pressable(hint)


class Dialog(ModalScreen[Answer | None]):
    """A question; leaving it answers None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.DIALOGS)

    def action_choose(self) -> None:
        """Answer with the row under the cursor, where there are rows."""
        for rows in self.query(RowList):
            rows.choose()

    def action_next_field(self) -> None:
        """The field below."""
        self.focus_next()

    def action_previous_field(self) -> None:
        """The field above."""
        self.focus_previous()

    def action_leave(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
