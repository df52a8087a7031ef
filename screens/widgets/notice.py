"""A sentence that has to be read once: above what the person works with, never over it."""

from textual.content import Content
from textual.widgets import Static

from cc4tui.domain.text import clean_line


class Notice(Static):
    """Goes away by itself after a while, or at a click.

    Args:
        sentence: What to say; never markup.
        seconds: How long.
    """

    DEFAULT_CSS = """
    Notice { height: auto; max-height: 4; padding: 0 1; background: $panel; color: $warning; }
    """
    ALLOW_SELECT = False

    def __init__(self, sentence: str, seconds: float) -> None:
        super().__init__(Content(clean_line(sentence)), markup=False)
        self._seconds = seconds

    def on_mount(self) -> None:
        """Begin to wait."""
        self.set_timer(self._seconds, self.remove)

    def on_click(self) -> None:
        """Enough."""
        self.remove()
