"""The colours: a dark theme, a light one and the terminal's own; colour means state, else calm."""

from textual.theme import Theme


def _inks(muted: str, faint: str, tag: str, cursor: str, quiet_cursor: str) -> dict[str, str]:
    return {
        "ink-muted": muted,
        "ink-faint": faint,
        "ink-tag": tag,
        "ink-cursor": cursor,
        "ink-quiet-cursor": quiet_cursor,
    }


DARK = Theme(
    name="cc4-dark",
    primary="#7aa2f7",
    secondary="#6d8dcc",
    accent="#c8a878",
    foreground="#d4d7dd",
    background="#15171c",
    surface="#1a1d22",
    panel="#22252b",
    success="#8dbd7c",
    warning="#ddb065",
    error="#e2717c",
    variables={
        **_inks("#848b98", "#3b414d", "#79b8b0", "#2f343f", "#22252b"),
        "border": "#3b414d",
        "border-blurred": "#2a2f38",
        "scrollbar": "#2f343c",
        "scrollbar-hover": "#3b4048",
        "scrollbar-active": "#4a5364",
        "scrollbar-background": "#15171c",
        "scrollbar-background-hover": "#15171c",
        "scrollbar-background-active": "#15171c",
        "input-selection-background": "#7aa2f7 35%",
    },
)

LIGHT = Theme(
    name="cc4-light",
    dark=False,
    primary="#2c5fc7",
    secondary="#4a6fb5",
    accent="#8a5a13",
    foreground="#2a2d33",
    background="#fafafa",
    surface="#f3f3f3",
    panel="#ebebeb",
    success="#2c7a45",
    warning="#946200",
    error="#b42b33",
    variables={
        **_inks("#666a72", "#cccccc", "#17736b", "#dbe4f6", "#ebebeb"),
        "border": "#cccccc",
        "border-blurred": "#dddddd",
        "scrollbar": "#d3d3d3",
        "scrollbar-hover": "#c0c0c0",
        "scrollbar-active": "#aaaaaa",
        "scrollbar-background": "#fafafa",
        "scrollbar-background-hover": "#fafafa",
        "scrollbar-background-active": "#fafafa",
        "input-selection-background": "#2c5fc7 25%",
    },
)

TERMINAL = Theme(
    name="cc4-terminal",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_yellow",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    luminosity_spread=0,
    variables={
        **_inks("ansi_bright_black", "ansi_bright_black", "ansi_cyan", "ansi_blue", "ansi_default"),
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border": "ansi_bright_black",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_bright_blue",
        "screen-selection-foreground": "ansi_black",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_bright_black",
        "scrollbar-active": "ansi_white",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)

THEMES = (DARK, LIGHT, TERMINAL)


def theme_after(name: str) -> str:
    """The next of our themes; the first one after a theme that is not ours."""
    names = [theme.name for theme in THEMES]
    at = names.index(name) + 1 if name in names else 0
    return names[at % len(names)]


def ink_defaults(theme: Theme) -> dict[str, str]:
    """The variables that our style sheets use, for a theme of Textual's that lacks them."""
    grey = "ansi_bright_black" if theme.ansi else "#808080"
    cursor = theme.panel or ("ansi_blue" if theme.ansi else "#404040")
    return _inks(grey, grey, theme.secondary or theme.primary, cursor, cursor)
