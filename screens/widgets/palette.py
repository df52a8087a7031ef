"""Pens as Rich styles in the theme's colours, so that agents' output is as calm as the rest."""

from collections.abc import Sequence

from rich.color import Color, blend_rgb
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as Background
from textual.filter import LineFilter

from cc4tui.screens.ink import Ink
from cc4tui.screens.widgets.ansi import OVERLINE, Colour, Pen


FOUND = 10
"""Pen flag of text that a search found."""
FOUND_HERE = 11
"""Pen flag of the hit that the view went to."""
CHOSEN = 12
"""Pen flag of text that is selected."""

_NAMES = ("faint", "bad", "good", "wait", "run", "", "tag", "text")
_BRIGHT = ("muted", "bad", "good", "wait", "run", "", "tag", "text")
_MAGENTA = 5
_STYLES_KEPT = 4096
"""A picture drawn in 24-bit colours has more."""


class Palette:
    """Makes each style once, as it reaches the terminal: the app's line filters are applied to it.

    Filters (dim colours, NO_COLOR, ...) change styles only, so that doing it here spares doing it
    for every line of every frame.

    Args:
        ink: The colours of the theme.
        base: What text without any colour is drawn in; holds the background.
        chosen: Laid over what is selected.
        filters: The app's line filters.
    """

    def __init__(
        self, ink: Ink, base: Style, chosen: Style, filters: Sequence[LineFilter] = ()
    ) -> None:
        self._ink = ink
        self._plain = base
        self._chosen = chosen
        self._filters = filters
        self._background = Background.from_rich_color(base.bgcolor)
        self._styles: dict[Pen | str, Style] = {}
        self._colours = self._sixteen()
        self.base = self.style(Pen())
        """How text without any colour is drawn."""

    def style(self, pen: Pen) -> Style:
        """How text of this pen is drawn."""
        style = self._styles.get(pen)
        if style is None:
            if len(self._styles) > _STYLES_KEPT:
                self._styles.clear()
            style = self._styles[pen] = self._filtered(self._make(pen))
        return style

    def named(self, ink: str) -> Style:
        """How text in one of the theme's inks is drawn."""
        style = self._styles.get(ink)
        if style is None:
            style = self._styles[ink] = self._filtered(self._plain + self._ink.style(ink))
        return style

    def _filtered(self, style: Style) -> Style:
        segments = [Segment(" ", style)]
        for line_filter in self._filters:
            segments = line_filter.apply(segments, self._background)
        return segments[0].style or Style.null()

    def _make(self, pen: Pen) -> Style:
        style = self._plain + Style(
            color=None if pen.ink is None else self._colour(pen.ink),
            bgcolor=None if pen.paper is None else self._colour(pen.paper),
            bold=pen.has(1) or None,
            dim=pen.has(2) or None,
            italic=pen.has(3) or None,
            underline=pen.has(4) or None,
            reverse=pen.has(7) or None,
            strike=pen.has(9) or None,
            overline=pen.has(OVERLINE) or None,
        )
        if pen.has(FOUND) or pen.has(FOUND_HERE):
            mark = self._ink.style("wait" if pen.has(FOUND) else "run")
            style += mark + Style(reverse=True, bold=pen.has(FOUND_HERE) or None)
        return style + self._chosen if pen.has(CHOSEN) else style

    def _colour(self, colour: Colour) -> Color:
        if isinstance(colour, tuple):
            return Color.from_rgb(*colour)
        return self._colours[colour] if colour < 16 else Color.from_ansi(colour)

    def _sixteen(self) -> list[Color]:
        if self._ink.theme.ansi:
            return [Color.from_ansi(number) for number in range(16)]
        named = [self._ink.style(name).color for name in (*_NAMES, *_BRIGHT)]
        colours = [colour or Color.default() for colour in named]
        magenta = Color.from_triplet(
            blend_rgb(colours[1].get_truecolor(), colours[4].get_truecolor())
        )
        colours[_MAGENTA] = colours[_MAGENTA + 8] = magenta
        return colours
