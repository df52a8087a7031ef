"""The line that says who else works in this repository, while that is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.glyphs import sign
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, cleaned, fit, strip_of


if TYPE_CHECKING:
    from cc4tui.ports import Instance


class OthersLine(Widget):
    """Takes no room while nobody else is there."""

    DEFAULT_CSS = """
    OthersLine { height: 1; background: $panel; display: none; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.other: Instance | None = None

    def show(self, other: Instance | None) -> None:
        """Name it, or nobody."""
        if other != self.other:
            self.other = other
            self.display = other is not None
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the sentence."""
        line: Line = ()
        if self.other is not None:
            line = ((f" {sign('⚑', '!')} only watching  ", "alarm"), (_who(self.other), "text"))
        width = self.size.width
        return strip_of(fit(cleaned(line), width), width, ink(self.app), self.rich_style)


def _who(other: Instance) -> str:
    """What matters first: the line may be cut."""
    pid = "another process" if other.pid is None else f"process {other.pid}"
    since = f" since {other.since.astimezone():%H:%M}" if other.since else ""
    command = f" (`{other.command}`)" if other.command else ""
    return f"{pid} works here{since}; when it has ended, runs start here{command}"


def only_watching(other: Instance) -> str:
    """Why nothing is started here, and how to go on."""
    return (
        f"{other.named} works in this repository, so this one only watches; start it again when"
        " that has ended, or end its run first (`S`, or `cc4tui cancel`)"
    )
