"""What spares a repaint the widgets that it touches without need."""

from typing import Any

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


class Kept(Widget):
    """A widget without scroll bars whose strips are kept until it changes.

    A repaint of sixteen panes asks every widget between them for its lines, and although Textual
    keeps lines too, finding out that they still hold costs it a tenth of a millisecond each.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[Region, list[Strip]] = {}

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the widget, or give back what was drawn of it."""
        strips = self._kept.get(crop)
        if strips is None:
            strips = self._kept[crop] = super().render_lines(crop)
        return strips

    def notify_style_update(self) -> None:
        """Draw in other styles."""
        super().notify_style_update()
        self._kept.clear()

    def _set_dirty(self, *regions: Region) -> None:
        super()._set_dirty(*regions)
        self._kept.clear()


class CoveredContainer(Covered, Container):
    """A container that paints nothing."""


class CoveredVertical(Covered, Vertical):
    """A column that paints nothing."""
