"""Paints what changed, and nothing between: a repaint costs what it shows."""

from collections.abc import Iterator

from rich.console import Console
from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget


PERIOD = 1 / 100
"""Between two repaints there are one to two of these. At Textual's 60 a second, news that come
right after a repaint would wait for up to 33 ms."""
_PIECES_KEPT = 1024
"""Regions of which it is remembered who paints them; a terminal's rows come one by one."""

Piece = tuple[Widget, Region, Region]
"""Who paints, where the whole of it lies, and which part of the screen it paints."""


class DirectScreen(Screen[object]):
    """The screen of live news: repaints soon, and only what changed."""

    def __init__(self) -> None:
        super().__init__(id="_default")
        self._compositor = DirectCompositor()
        self._repaints: Timer | None = None

    @property
    def _update_timer(self) -> Timer:
        """What Textual resumes when something is to be painted; pauses after it."""
        if self._repaints is None:
            self._repaints = self.set_interval(PERIOD, self._on_timer_update, pause=True)
        return self._repaints

    def note(self, widget: Widget) -> None:
        """A widget is to be painted again."""
        if self in self._compositor:
            self._dirty_widgets.add(widget)
            self.check_idle()


def repaint(widget: Widget) -> None:
    """Have the whole of a widget painted again.

    This is what `refresh` does in the end. On the way there, it sends three messages for each
    widget, which with the news of sixteen panes is a fifth of what they cost.
    """
    screen = widget.screen if widget.is_attached else None
    if isinstance(screen, DirectScreen):
        widget._set_dirty()
        screen.note(widget)
    else:
        widget.refresh()


class DirectCompositor(Compositor):
    """Gives every changed region to the frontmost widgets there, and asks nobody else.

    Textual's own draws all widgets inside the box around everything that changed. With news in two
    corners of the screen that is all of them, and cutting their lines and putting them together
    costs as much again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._layout: object = None
        """The widgets in sight for which the following holds."""
        self._painting: list[tuple[Widget, Region]] = []
        """Those that paint anything and where, the frontmost first."""
        self._pieces: dict[Region, list[Piece]] = {}

    def render_partial_update(self) -> "DirectUpdate | None":  # type: ignore[override]
        """Draw what changed since the last time; None when nothing did."""
        regions, screen = self._dirty_regions.copy(), self.size.region
        self._dirty_regions.clear()
        pieces = {
            piece: None for region in regions for piece in self._of(region.intersection(screen))
        }
        drawn: list[tuple[int, int, Strip]] = []
        for widget, area, part in pieces:
            strips = widget.render_lines(part.translate(-area.offset))
            drawn += [(part.x, y, strip) for y, strip in enumerate(strips, part.y)]
        return DirectUpdate(drawn) if drawn else None

    def _of(self, region: Region) -> list[Piece]:
        """Who paints a region."""
        visible = self.visible_widgets
        if visible is not self._layout:
            self._layout = visible
            self._pieces.clear()
            self._painting = [
                (widget, area.intersection(clip))
                for widget, (area, clip) in visible.items()
                if not getattr(widget, "paints_nothing", False)
            ]
        pieces = self._pieces.get(region)
        if pieces is None:
            if len(self._pieces) >= _PIECES_KEPT:
                self._pieces.clear()
            pieces = self._pieces[region] = [
                piece for widget, rows in self._find(region) for piece in self._whole(widget, rows)
            ]
        return pieces

    def _whole(self, widget: Widget, part: Region) -> Iterator[Piece]:
        """All that is seen of these rows of a widget: a part could begin within a wide letter."""
        area, clip = self.visible_widgets[widget]
        shown = area.intersection(clip)
        rows = Region(shown.x, part.y, shown.width, part.height)
        for painter, found in self._find(rows):
            if painter is widget:
                yield widget, area, found

    def _find(self, region: Region) -> Iterator[tuple[Widget, Region]]:
        left = [region] if region else []
        for widget, shown in self._painting:
            if not left:
                break
            for part in [part for part in left if part.overlaps(shown)]:
                both = part.intersection(shown)
                yield widget, both
                left.remove(part)
                left += _without(part, both)


class DirectUpdate(CompositorUpdate):
    """Lines and where they begin on the screen."""

    def __init__(self, drawn: list[tuple[int, int, Strip]]) -> None:
        self.drawn = drawn

    def render_segments(self, console: Console) -> str:
        """What is written to the terminal."""
        return "".join(
            [f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in self.drawn]
        )


def _without(whole: Region, part: Region) -> list[Region]:
    """What is left of a region when a part in it is taken away."""
    left, middle = part.x - whole.x, part.y - whole.y
    pieces = (
        Region(whole.x, whole.y, whole.width, middle),
        Region(whole.x, part.bottom, whole.width, whole.bottom - part.bottom),
        Region(whole.x, part.y, left, part.height),
        Region(part.right, part.y, whole.right - part.right, part.height),
    )
    return [piece for piece in pieces if piece]
