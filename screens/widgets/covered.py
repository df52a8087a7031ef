"""What spares a repaint the widgets that it touches without need."""

from collections.abc import Iterator
from typing import Any, ClassVar

from rich.style import Style
from textual.color import TRANSPARENT
from textual.containers import Container, Vertical
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Covered(Widget):
    """A container without a look of its own: children, or the screen behind it, paint its cells.

    Textual draws every widget that a repaint touches, back ones included, and throws away what
    others cover. With sixteen panes that is half of what a repaint costs.
    """

    paints_nothing: ClassVar = True
    """Tells the compositor, which has to know it before any of these is imported."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Nothing: what is not drawn here is taken from behind."""
        return []


class Kept(Widget):
    """A widget that draws whole lines by itself, which are kept until it changes.

    Borders, padding and tints have no effect. Textual leads every line through caches and rules of
    style for these, which with sixty headings a second costs more than the headings.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[Region, list[Strip]] = {}
        self._base: Style | None = None

    @property
    def base(self) -> Style:
        """The widget's own style, worked out once."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the widget, or give back what was drawn of it."""
        strips = self._kept.get(crop)
        if strips is None:
            strips = self._kept[crop] = list(self._draw(crop))
        return strips

    def _draw(self, crop: Region) -> Iterator[Strip]:
        filters, columns = self.get_line_filters(), crop.column_span
        paper = self.background_colors[1] if filters else TRANSPARENT
        for y in crop.line_range:
            strip = self.render_line(y)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, paper)
            yield strip if columns == (0, strip.cell_length) else strip.crop(*columns)

    def notify_style_update(self) -> None:
        """Draw in other styles."""
        super().notify_style_update()
        self._kept.clear()
        self._base = None

    def _set_dirty(self, *regions: Region) -> None:
        super()._set_dirty(*regions)
        self._kept.clear()


class CoveredContainer(Covered, Container):
    """A container that paints nothing."""


class CoveredVertical(Covered, Vertical):
    """A column that paints nothing."""
