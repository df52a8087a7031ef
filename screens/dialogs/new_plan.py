"""The question for a new plan: its title, and the file that gets it."""

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from cc4tui.screens.dialogs.form import TextField
from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.lines import Line
from cc4tui.screens.widgets.text_pane import TextPane


FOLDER = "plans"


@dataclass(frozen=True, slots=True)
class NewPlan:
    """What was answered."""

    title: str
    path: str
    """Relative to the repository."""


class NewPlanDialog(Dialog[NewPlan]):
    """Answers with title and path, or None."""

    DEFAULT_CSS = """
    NewPlanDialog TextPane { max-height: 4; margin-top: 1; }
    """
    AUTO_FOCUS: ClassVar[str] = "Input"

    def __init__(self) -> None:
        super().__init__()
        self.name_field = TextField("title", "what will be different when it is done")
        self.path_field = TextField("file", path_for(""))
        self._remarks = TextPane(_REMARKS)
        self._remarks.can_focus = False

    def compose(self) -> ComposeResult:
        """Two fields; the file follows the title until it is named."""
        with Box("A new plan", "↑ ↓ field · Enter writes it · Esc leaves"):
            yield self.name_field
            yield self.path_field
            yield self._remarks

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.path_field.query_one(Input).placeholder = path_for(self.name_field.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_choose()

    def action_choose(self) -> None:
        """Answer; without a title there is nothing to write."""
        title = self.name_field.value
        if title:
            self.dismiss(NewPlan(title, self.path_field.value or path_for(title)))
        else:
            self._remarks.set_lines([(("It needs a title.", "wait"),), *_REMARKS])


def path_for(title: str) -> str:
    """A file in `plans/` named after the title."""
    flat = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", flat)
    return f"{FOLDER}/{'-'.join(words)[:60].strip('-') or 'plan'}.md"


_REMARKS: list[Line] = [
    (("It begins with two batches and three tasks to fill in;", "muted"),),
    (("docs/writing-plans.md shows the format. No file is ever overwritten.", "muted"),),
]
