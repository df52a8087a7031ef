"""What is painted of a change, against Textual's own way to put a screen together."""

import random
from collections.abc import Iterator

import pyte
import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.widgets.compositor import DirectScreen
from cc4tui.screens.widgets.covered import CoveredContainer, Kept


COLUMNS, ROWS = 40, 14


class Letters(Widget):
    """Draws a letter of its own everywhere, maybe a wide one; counts the lines that it drew."""

    def __init__(self, letter: str, widget_id: str) -> None:
        super().__init__(id=widget_id)
        self.letter = letter
        self.lines = 0

    def render_line(self, y: int) -> Strip:
        self.lines += 1
        cells = 2 if self.letter == "漢" else 1
        text = self.letter * (self.size.width // cells)
        return Strip([Segment(text)]).adjust_cell_length(self.size.width, self.rich_style)


class KeptLetters(Kept, Letters):
    """The same, as headings draw."""


class Layers(App[None]):
    """Widgets beside each other, one within two containers, one over the edges of others."""

    CSS = """
    Screen { layers: below above; }
    CoveredContainer { layout: horizontal; height: 10; overflow: hidden; }
    #a { width: 9; } #b { width: 12; } #c { width: 30; }
    #bottom { height: 3; }
    #over { layer: above; width: 11; height: 5; offset: 6 7; }
    """

    def get_default_screen(self) -> Screen[object]:
        return DirectScreen()

    def compose(self) -> ComposeResult:
        with CoveredContainer(id="row"):
            yield Letters("a", "a")
            yield KeptLetters("b", "b")
            yield Letters("漢", "c")
        yield Letters("d", "bottom")
        yield Letters("o", "over")


def written(terminal: pyte.Screen, app: App[None], update: object) -> None:
    """Let a terminal read what the app writes for an update; None = nothing in sight changed."""
    if update is not None:
        text = update.render_segments(app.console)  # type: ignore[attr-defined]
        pyte.Stream(terminal).feed(text.replace("\n", "\r\n"))


def shown(terminal: pyte.Screen) -> list[list[str]]:
    """What every cell holds."""
    return [[terminal.buffer[y][x].data for x in range(COLUMNS)] for y in range(ROWS)]


def changed(app: App[None], chance: random.Random) -> Iterator[Widget]:
    """Change some letters, of whole widgets or of parts, and ask for a repaint."""
    letters = list(app.query(Letters))
    for widget in chance.sample(letters, chance.randint(1, len(letters))):
        if widget.letter != "漢":
            widget.letter = chance.choice("abcdefgh")
            widget.refresh()
        else:
            y, x = chance.randrange(widget.size.height), chance.randrange(widget.size.width)
            widget.refresh(Region(x, y, chance.randint(1, 9), 1))
        yield widget
    if chance.random() < 0.3:
        row = app.query_one("#row")
        row.refresh()
        yield row


@pytest.mark.parametrize("seed", range(8))
async def test_a_terminal_shows_the_same_as_after_a_full_repaint(seed: int) -> None:
    app, chance = Layers(), random.Random(seed)
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await pilot.pause()
        compositor = app.screen._compositor
        terminal = pyte.Screen(COLUMNS, ROWS)
        written(terminal, app, compositor.render_update(full=True))
        for _ in range(12):
            compositor.update_widgets(set(changed(app, chance)))
            written(terminal, app, compositor.render_update())
            whole = pyte.Screen(COLUMNS, ROWS)
            written(whole, app, compositor.render_update(full=True))
            assert shown(terminal) == shown(whole)


async def test_only_what_changed_is_drawn() -> None:
    app = Layers()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await pilot.pause()
        app.query_one("#a", Letters).refresh()
        app.query_one("#bottom", Letters).refresh()
        before = {widget: widget.lines for widget in app.query(Letters)}
        await pilot.pause()
        drawn = {widget.id for widget, lines in before.items() if widget.lines > lines}
        assert drawn == {"a", "bottom"}  # not what lies over both, nor what lies between


async def test_where_widgets_are_is_asked_anew_after_a_layout() -> None:
    app = Layers()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        compositor = app.screen._compositor
        app.query_one("#b", Letters).refresh()
        await pilot.pause()
        app.query_one("#over").display = False
        await pilot.pause()
        await pilot.resize_terminal(COLUMNS - 4, ROWS)
        terminal, whole = pyte.Screen(COLUMNS, ROWS), pyte.Screen(COLUMNS, ROWS)
        written(terminal, app, compositor.render_update(full=True))
        for widget in app.query(Letters):
            widget.letter = "x"
            widget.refresh()
        compositor.update_widgets(set(app.query(Letters)))
        written(terminal, app, compositor.render_update())
        written(whole, app, compositor.render_update(full=True))
        assert shown(terminal) == shown(whole)
        assert compositor.render_update() is None
