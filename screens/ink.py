"""Styles by meaning: every widget that draws its own lines takes its colours from here."""

from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.theme import Theme


_VARIABLES = {
    "text": "foreground",
    "muted": "ink-muted",
    "faint": "ink-faint",
    "tag": "ink-tag",
    "accent": "accent",
    "key": "accent",
    "link": "primary",
    "run": "primary",
    "good": "success",
    "wait": "warning",
    "bad": "error",
}
_BOLD = {"title": "foreground", "heading": "primary", "alarm": "warning"}
_UNDERLINED = {"tab": "primary"}
_ITALIC = {"quote": "ink-muted"}
_CURSORS = {"cursor": "ink-cursor", "quiet-cursor": "ink-quiet-cursor"}
_TINTS = {
    "added": ("success", 0.14),
    "added-part": ("success", 0.34),
    "removed": ("error", 0.14),
    "removed-part": ("error", 0.34),
}
"""Backgrounds of lines in a difference: a colour, and how much of it is mixed in."""

NAMES = frozenset({"", *_VARIABLES, *_BOLD, *_ITALIC, *_UNDERLINED, *_CURSORS, *_TINTS})
"""Every ink there is; the empty one changes nothing."""


class Ink:
    """The styles of one theme, made when first asked for.

    Args:
        theme: For its flags.
        variables: The theme's colours by name, as in style sheets.
    """

    def __init__(self, theme: Theme, variables: dict[str, str]) -> None:
        self.theme = theme
        self._variables = variables
        self._styles: dict[str, Style] = {"": Style.null()}

    def style(self, name: str) -> Style:
        """The style of this name, to lay over a base style."""
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self._make(name)
        return style

    def _make(self, name: str) -> Style:
        if name in _CURSORS:
            return self._cursor(name)
        if name in _TINTS:
            return self._tint(*_TINTS[name])
        if name in _BOLD:
            return Style(bold=True) + self._colour(_BOLD[name])
        if name in _UNDERLINED:
            return Style(bold=True, underline=True) + self._colour(_UNDERLINED[name])
        if name in _ITALIC:
            return Style(italic=True) + self._colour(_ITALIC[name])
        return self._colour(_VARIABLES[name])

    def _colour(self, variable: str) -> Style:
        return Style(color=Color.parse(self._variables[variable]).rich_color)

    def _cursor(self, name: str) -> Style:
        """A background; the terminal's own colours have no quiet one, so it is underlined there."""
        if self.theme.ansi:
            return Style(reverse=True) if name == "cursor" else Style(underline=True)
        return Style(bgcolor=Color.parse(self._variables[_CURSORS[name]]).rich_color)

    def _tint(self, variable: str, share: float) -> Style:
        """A background; the terminal's own colours cannot be mixed: a text colour there."""
        if self.theme.ansi:
            return self._colour(variable) + Style(bold=share > 0.2 or None)
        paper = Color.parse(self._variables["background"])
        mixed = paper.blend(Color.parse(self._variables[variable]), share)
        return Style(bgcolor=mixed.rich_color)


_cached: list[Ink] = []


def ink(app: App[Any]) -> Ink:
    """The styles of the app's present theme."""
    theme = app.current_theme
    if not _cached or _cached[0].theme is not theme:
        _cached[:] = [Ink(theme, _variables(theme))]
    return _cached[0]


def _variables(theme: Theme) -> dict[str, str]:
    from cc4tui.screens.themes import ink_defaults

    return {**ink_defaults(theme), **theme.to_color_system().generate(), **theme.variables}
