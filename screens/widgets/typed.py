"""Text fields that keep the order of what is typed, and take no control character in."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual import events
from textual.dom import DOMNode
from textual.widget import Widget
from textual.widgets import Input

from cc4tui.domain.text import clean_line


if TYPE_CHECKING:
    _Field = Widget
else:
    _Field = object  # a mixin: style sheets follow the first base that is a widget


class TypedInOrder(_Field):
    """Acts on keys like Enter, Esc and Backspace where it takes letters: in its own queue.

    Textual acts on them in the app's queue. When keys come faster than they are handled, on a busy
    machine, Enter then overtakes the letters before it and half a thought is stored.
    """

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable:
            return
        for node in self._actors():
            for binding in node._bindings.key_to_bindings.get(event.key, ()):
                if await self.app.run_action(binding.action, node):
                    event.stop()
                    event.prevent_default()
                    return

    def _actors(self) -> Iterator[DOMNode]:
        """The line that the field is in, the field, its dialog; other keys take the usual way."""
        if self.parent is not None:
            yield self.parent
        yield self
        if self.screen.is_modal:
            yield self.screen


class CleanInput(TypedInOrder, Input):
    """A line of text into which nothing can be pasted that a terminal would obey."""

    def on_paste(self, event: events.Paste) -> None:
        """Paste on one line, cleaned."""
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(clean_line(event.text))
