"""Every tab in three sizes and two themes, in one app: a theme changes colours and nothing else."""

from typing import Any

from textual.app import App

from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.options import StartOptions, Tab


SIZES = ((80, 24), (120, 36), (200, 50))
THEMES = ("cc4-dark", "cc4-light")
LEAST_CONTRAST = 3.0
"""Of text on what is behind it, as WCAG asks of large text and of signs."""


def rows(app: App[None]) -> list[str]:
    """What stands on the screen."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def luminance(rgb: tuple[int, int, int]) -> float:
    """As WCAG defines it."""
    parts = [part / 255 for part in rgb]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def unseen(app: App[None]) -> list[str]:
    """Text in the colour of what is behind it."""
    found = []
    for strip in app.screen._compositor.render_strips():
        for text, style, _ in strip:
            if not text.strip() or style is None or not style.color or not style.bgcolor:
                continue
            front, back = style.color.triplet, style.bgcolor.triplet
            if front is None or back is None:
                continue
            high, low = sorted((luminance(tuple(front)), luminance(tuple(back))), reverse=True)
            if (high + 0.05) / (low + 0.05) < LEAST_CONTRAST and any(map(str.isalnum, text)):
                found.append(text)
    return found


async def test_a_theme_changes_colours_and_nothing_else(fill: Any, clock: Any, until: Any) -> None:
    app = CommandCenterApp(await fill(), StartOptions(tab=Tab.PLANS, clock=clock))

    def at_work() -> bool:
        return any(work.is_running and work.group == "view" for work in app.workers)

    async with app.run_test(size=SIZES[0]) as pilot:
        for tab in Tab:
            await app.show_tab(tab)
            await until(pilot, lambda: not at_work())
            for size in SIZES:
                await pilot.resize_terminal(*size)
                seen = []
                for theme in THEMES:
                    app.theme = theme
                    await pilot.pause()
                    seen.append(rows(app))
                    assert {len(row) for row in seen[-1]} == {size[0]}, (tab, size, theme)
                    assert len(seen[-1]) == size[1]
                    assert unseen(app) == [], (tab, size, theme)
                assert seen[0] == seen[1], (tab, size)
                assert sum(bool(row.strip()) for row in seen[0]) > 4, (tab, size)
