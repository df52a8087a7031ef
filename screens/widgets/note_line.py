"""The line into which a thought is typed, from any tab: Enter keeps it, the next one at once."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import TextArea

from cc4tui.domain.text import clean
from cc4tui.screens.bindings import bindings
from cc4tui.screens.dialogs.frame import pressable
from cc4tui.screens.messages import Note
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.typed_area import CleanArea


class NoteLine(Widget):
    """Opens above the tab that is shown, so that nothing has to be left for a thought."""

    DEFAULT_CSS = """
    NoteLine {
        height: auto; max-height: 10; margin: 1 0 0 0; padding: 0 1;
        background: $surface; border: round $primary;
        border-title-color: $primary; border-subtitle-color: $ink-muted;
    }
    NoteLine > TextArea, NoteLine > TextArea:focus {
        height: auto; max-height: 8; border: none; padding: 0; background: $surface;
        & .text-area--cursor-line { background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.CAPTURE)

    class Kept(Message):
        """Text is to be stored."""

        def __init__(self, kind: Note, text: str, subject: int | None) -> None:
            super().__init__()
            self.kind = kind
            self.text = text
            self.subject = subject
            """Id of what is edited."""

    class Closed(Message):
        """The line was closed; the focus goes back to where it was."""

    def __init__(self) -> None:
        super().__init__(id="note")
        self.kind = Note.IDEA
        self._subject: int | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """The text field."""
        yield CleanArea.plain()

    def open(self, kind: Note, text: str = "", subject: int | None = None) -> None:
        """Show the line for writing; text that is being written for the same purpose stays."""
        editor = self.query_one(TextArea)
        if not (self.is_open and kind is self.kind and subject == self._subject):
            editor.load_text(clean(text))
            editor.move_cursor(editor.document.end)
        self.kind, self._subject = kind, subject
        self.border_title = Content(kind.heading)
        self.border_subtitle = pressable(kind.hint)
        self.display = True
        # At once, not in turn: the next key that was typed belongs to the note.
        self.screen.set_focus(editor)

    @property
    def is_open(self) -> bool:
        """Whether a note is being written."""
        return bool(self.display)

    @property
    def text(self) -> str:
        """What stands there now."""
        return self.query_one(TextArea).text

    def action_submit(self) -> None:
        """Keep it; a new thought can be typed at once, an edit ends."""
        text = clean(self.text).strip()
        if text:
            self.post_message(self.Kept(self.kind, text, self._subject))
        self.query_one(TextArea).load_text("")
        if self.kind.is_edit or not text:
            self._close()

    def action_newline(self) -> None:
        """Add a line."""
        self.query_one(TextArea).insert("\n")

    def action_cancel(self) -> None:
        """Close; what was not kept is dropped."""
        self.query_one(TextArea).load_text("")
        self._close()

    def _close(self) -> None:
        self.display = False
        self.post_message(self.Closed())
