"""A text area that keeps the order of what is typed; apart, for the first frame needs none."""

from textual import events
from textual.widgets import TextArea

from cc4tui.domain.text import clean
from cc4tui.screens.widgets.typed import TypedInOrder


class CleanArea(TypedInOrder, TextArea):
    """Lines of text into which nothing can be pasted that a terminal would obey."""

    @classmethod
    def plain(cls) -> "CleanArea":
        """One for prose: wrapped, without numbers."""
        return cls(
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            compact=True,
            highlight_cursor_line=False,
        )

    def on_paste(self, event: events.Paste) -> None:
        """Paste what a terminal would not obey."""
        event.prevent_default()
        event.stop()
        self.insert(clean(event.text))
