"""What widgets that draw their own scrolling lines share."""

from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cc4tui.screens.ink import Ink, ink


class LineView(ScrollView):
    """Keeps the cost of a change at the lines that are seen."""

    _paint: tuple[Style, Ink] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw visible lines; the widget's own style is worked out once, not once per line."""
        self._paint = (self.rich_style, ink(self.app))
        try:
            return super().render_lines(crop)
        finally:
            self._paint = None

    @property
    def paint(self) -> tuple[Style, Ink]:
        """The widget's own style, and the styles by meaning to lay over it."""
        return self._paint or (self.rich_style, ink(self.app))

    def set_lines_count(self, count: int) -> None:
        """Say how many lines there are to scroll.

        Only a widget that is as high as its lines lays the screen out again: setting `virtual_size`
        always would, which is most of the cost of a key press.
        """
        size = Size(self.scrollable_content_region.width, count)
        if self.styles.height is not None and self.styles.height.is_auto:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(ScrollView.virtual_size, size)
            self._scroll_update(size)
