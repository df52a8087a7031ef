"""A tool call whole: what it was told, what it changes, and all that came back."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from cc4tui.domain.agent import ToolCalled, ToolReturned
from cc4tui.domain.text import clean, clean_line
from cc4tui.screens.bindings import bindings
from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.execution.edits import edit_lines, edits
from cc4tui.screens.execution.feed import Call
from cc4tui.screens.glyphs import sign
from cc4tui.screens.guard import attempt
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.log_source import MemorySource
from cc4tui.screens.widgets.log_view import LogView


_RESET, _DIM, _RED = "\x1b[0m", "\x1b[0;2m", "\x1b[0;31m"
_ALL = 1_000_000
"""More lines than any edit has."""


class CallDialog(Dialog[None]):
    """Shows one call of an attempt; the arrows go to the others.

    Args:
        read: Finds a call by its number; None when it is not there any more.
        number: Of the call to begin with.
        count: How many calls there are.
    """

    DEFAULT_CSS = """
    CallDialog Box { width: 96%; max-width: 130; height: 22; }
    CallDialog LogView { background: $surface; }
    """
    AUTO_FOCUS: ClassVar[str] = "LogView"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.CALL)

    def __init__(
        self, read: Callable[[int], Awaitable[Call | None]], number: int, count: int
    ) -> None:
        super().__init__()
        self._read, self.number, self._count = read, number, count
        self.log_view = LogView(MemorySource())
        self._box = Box("", "← before · → after · ↑ ↓ scroll · Esc leaves")

    def compose(self) -> ComposeResult:
        """The call in its frame."""
        with self._box:
            yield self.log_view

    def on_mount(self) -> None:
        """Read it."""
        self.log_view.set_reading(True)
        self.action_other_call(0)

    def action_other_call(self, by: int) -> None:
        """Show the call before (-1) or after (1)."""
        if 0 <= self.number + by < self._count:
            self.number += by
            attempt(self, self._show(self.number), group="call", latest=True)

    async def _show(self, number: int) -> None:
        call = await self._read(number)
        source = MemorySource()
        source.append(
            "\n".join(["It is not there any more."] if call is None else call_text(*call))
        )
        title = "" if call is None else clean_line(call[0].summary or call[0].name, 60)
        self._box.border_title = Content(f"{number + 1} of {self._count}  {title}".rstrip())
        self.log_view.set_source(source, wrapped=True)
        self.log_view.action_begin()


def call_text(called: ToolCalled, returned: ToolReturned | None) -> Iterator[str]:
    """The lines that tell of a call."""
    written = {text for pair in edits(called) for text in pair}
    for name, value in called.arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        if text in written or (name == "edits" and written):
            continue
        first, *rest = clean(text).rstrip().split("\n")
        yield f"{_DIM}{clean_line(name)}{_RESET}  {first}"
        yield from (f"  {line}" for line in rest)
    yield from edit_lines(called, _ALL)
    if returned is None:
        yield f"{_DIM}{sign('─', '-') * 3} nothing came back yet{_RESET}"
        return
    ink, word = (_DIM, "came back") if returned.ok else (_RED, "failed")
    yield f"{ink}{sign('─', '-') * 3} {word}{'' if returned.text.strip() else ': nothing'}{_RESET}"
    yield returned.text
