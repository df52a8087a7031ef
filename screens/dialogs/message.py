"""A message to an agent: the words, when it gets them, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from cc4tui.domain.text import clean
from cc4tui.screens.bindings import bindings
from cc4tui.screens.dialogs.form import Cycle
from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.lines import Line
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.text_pane import TextPane
from cc4tui.screens.widgets.typed_area import CleanArea


@dataclass(frozen=True, slots=True)
class Words:
    """What the person wants to say."""

    text: str
    interrupt: bool = False
    """What the agent is doing is ended first."""


class WordsField(Vertical):
    """Several lines of text; Enter sends them."""

    DEFAULT_CSS = """
    WordsField { height: 6; margin: 1 0; padding: 0 1; border: round $border-blurred; }
    WordsField:focus-within { border: round $primary; }
    WordsField > TextArea, WordsField > TextArea:focus {
        height: 1fr; border: none; padding: 0; background: $surface;
        & .text-area--cursor-line { background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.MESSAGE)

    class Sent(Message):
        """Enter was pressed."""

    def compose(self) -> ComposeResult:
        """The text field."""
        yield CleanArea.plain()

    @property
    def text(self) -> str:
        """What stands there now."""
        return clean(self.query_one(CleanArea).text).strip()

    def action_send(self) -> None:
        """It is to be sent."""
        self.post_message(self.Sent())

    def action_newline(self) -> None:
        """Add a line."""
        self.query_one(CleanArea).insert("\n")


class MessageDialog(Dialog[Words]):
    """Asks for the words; answers None when there are to be none.

    Args:
        title: Whom they are for.
        lines: What becomes of them.
        when: How the two moments are called in which they can reach the agent: when it is through
            with what it does, and at once; empty when there is no choice.
        interrupt: Begin with the second.
    """

    DEFAULT_CSS = """
    MessageDialog TextPane { max-height: 8; }
    """
    AUTO_FOCUS: ClassVar[str] = "CleanArea"

    def __init__(
        self,
        title: str,
        lines: Sequence[Line],
        when: tuple[str, str] | None = None,
        *,
        interrupt: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._about = TextPane(lines)
        self._about.can_focus = False
        self.when: Cycle[bool] | None = None
        if when is not None:
            self.when = Cycle("when", [(False, when[0]), (True, when[1])])
            self.when.choose(interrupt)

    def compose(self) -> ComposeResult:
        """What becomes of the words above them."""
        choice = "Tab when · " if self.when is not None else ""
        with Box(self._title, f"Enter sends · ctrl+j adds a line · {choice}Esc leaves"):
            yield self._about
            yield WordsField()
            if self.when is not None:
                yield self.when

    def on_words_field_sent(self) -> None:
        """Enter in the text."""
        self.action_choose()

    def action_choose(self) -> None:
        """Answer, unless there is nothing to say."""
        text = self.query_one(WordsField).text
        if text:
            self.dismiss(Words(text, self.when is not None and self.when.value))
