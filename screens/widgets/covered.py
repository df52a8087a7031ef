"""Containers that paint nothing."""

from textual.containers import Container, Vertical
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Covered(Widget):
    """A container without a look of its own: children, or the screen behind it, paint its cells.

    Textual draws every widget that a repaint touches, back ones included, and throws away what
    others cover. With sixteen panes that is half of what a repaint costs.
    """

    def render_lines(self, crop: Region) -> list[Strip]:
        """Nothing: what is not drawn here is taken from behind."""
        return []


class CoveredContainer(Covered, Container):
    """A container that paints nothing."""


class CoveredVertical(Covered, Vertical):
    """A column that paints nothing."""
