"""Everything that agents ask, in one list: several get the same answer at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from cc4tui.ports import OpenRequest
from cc4tui.screens.dialogs.frame import Box, Dialog, pressable
from cc4tui.screens.widgets.row_list import Row, RowList


ALL, ONE = "A", "enter"
MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Chosen:
    """An answer and whom it goes to."""

    key: str
    requests: tuple[OpenRequest, ...]


class RequestsDialog(Dialog[Chosen]):
    """Answers with a key and the marked requests, or the one under the cursor.

    Args:
        requests: The oldest first.
        keys: Each answer's key, and what it does; ALL and ONE are the dialog's own.
    """

    DEFAULT_CSS = """
    RequestsDialog Static { height: auto; max-height: 3; margin-top: 1; }
    """
    AUTO_FOCUS: ClassVar[str] = "RowList"

    def __init__(self, requests: Sequence[OpenRequest], keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._requests = requests
        self._keys = keys
        self.rows: RowList[OpenRequest] = RowList(_draw, key=lambda one: one.name, marks=True)
        self._told = Static(markup=False)

    def compose(self) -> ComposeResult:
        """The requests above the answers."""
        hint = "Space marks · A marks all · Enter shows one · Esc leaves"
        with Box(f"{len(self._requests)} requests wait for you", hint):
            yield self.rows
            yield self._told

    def on_mount(self) -> None:
        """Fill in the rows."""
        self.rows.set_items(self._requests)
        self.rows.styles.height = min(len(self._requests), MOST_ROWS)
        self._tell()

    @on(RowList.MarksChanged)
    def _tell(self) -> None:
        count = len(self.rows.marked)
        whom = f"{count} marked: " if count else "this one: "
        answers = pressable(" · ".join(f"{key} {what}" for key, what in self._keys))
        self._told.update(Content.assemble((whom, "$ink-muted"), answers))

    def on_key(self, event: events.Key) -> None:
        """An answer's own key answers at once."""
        if event.key == ALL:
            event.stop()
            self.rows.mark_all()
        elif event.key in dict(self._keys):
            event.stop()
            self._answer(event.key)

    @on(RowList.Chosen)
    def _shown(self) -> None:
        if self.rows.current is not None:
            self.dismiss(Chosen(ONE, (self.rows.current,)))

    def _answer(self, key: str) -> None:
        if self.rows.targets:
            self.dismiss(Chosen(key, tuple(self.rows.targets)))


def _draw(one: OpenRequest, _width: int) -> Row:
    verb = "asks: " if one.kind == "question" else ""
    return Row(((f"{one.task}  ", "muted"), (f"{verb}{one.summary}", "text")))
