"""Messages that cross from one screen to another; a widget's own messages are nested in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING

from textual.message import Message


if TYPE_CHECKING:
    from cc4tui.domain.run import RunRecord, TaskRunState
    from cc4tui.ports import RunOptions


class Note(Enum):
    """What is being written in the line for notes: its heading and what helps to write it."""

    IDEA = ("capture an idea", "Enter keeps it · #tag !priority @plan · ctrl+j adds a line · Esc")
    EDIT = ("edit the idea", "Enter keeps it · #tag !priority @plan · ctrl+j adds a line · Esc")
    LESSON = (
        "write down a lesson",
        "Enter keeps it · #tag · of several lines the first is the title · Esc",
    )
    EDIT_LESSON = (
        "edit the lesson",
        "Enter keeps it · #tag · of several lines the first is the title · Esc",
    )

    def __init__(self, heading: str, hint: str) -> None:
        self.heading = heading
        self.hint = hint

    @property
    def is_edit(self) -> bool:
        """Whether something that is there already is changed."""
        return self in (Note.EDIT, Note.EDIT_LESSON)


class RunProgressed(Message):
    """The run that Execution shows has moved on; sent a few times a second at most."""

    def __init__(
        self,
        run: RunRecord,
        states: Mapping[str, TaskRunState],
        *,
        busy: int = 0,
        waiting: int = 0,
    ) -> None:
        super().__init__()
        self.run = run
        self.states = states
        """State of every task of the run, by id."""
        self.busy = busy
        """Workers that have an agent now."""
        self.waiting = waiting
        """Things that wait for a person."""


class RunChosen(Message):
    """A person wants to see this run in Execution."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id


class Undoable(Message):
    """Something was done that `u` can take back."""

    def __init__(self, label: str, undo: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.label = label
        """What undoing brings back, for example ``idea deleted``."""
        self.undo = undo


class NotebookChanged(Message, bubble=False):
    """Ideas or lessons were written elsewhere in the app; what shows them reads them again."""


class RunRequested(Message):
    """A person wants this plan, or a part of it, to be run."""

    def __init__(self, plan: str, options: RunOptions) -> None:
        super().__init__()
        self.plan = plan
        self.options = options


class NoteRequested(Message):
    """The line for notes is to be opened."""

    def __init__(self, kind: Note, text: str = "", subject: int | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.text = text
        self.subject = subject
        """Id of what is edited."""


class TerminalLeft(Message):
    """The person goes back from a terminal; its program goes on if it has not ended."""
