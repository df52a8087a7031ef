"""Pens become styles in the theme's colours, filtered once."""

from collections.abc import Callable
from typing import Any

import pytest
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import MONOKAI
from textual.filter import ANSIToTruecolor, DimFilter, LineFilter, NoColor
from textual.theme import Theme

from cc4tui.screens.ink import Ink
from cc4tui.screens.themes import DARK, LIGHT, TERMINAL, ink_defaults
from cc4tui.screens.widgets.ansi import OVERLINE, Pen
from cc4tui.screens.widgets.palette import CHOSEN, FOUND, FOUND_HERE, Palette


BASE = Style(color="#d4d7dd", bgcolor="#15171c")
SELECTION = Style(bgcolor="#333366")


def ink_of(theme: Theme) -> Ink:
    variables = {**ink_defaults(theme), **theme.to_color_system().generate(), **theme.variables}
    return Ink(theme, variables)


@pytest.fixture
def palette() -> Callable[..., Palette]:
    def make(theme: Theme = DARK, *filters: LineFilter) -> Palette:
        return Palette(ink_of(theme), BASE, SELECTION, filters)

    return make


def test_plain_text_is_the_base(palette: Callable[..., Palette]) -> None:
    assert palette().style(Pen()) == BASE
    assert palette().base == BASE


@pytest.mark.parametrize(
    ("index", "ink"),
    [(1, "bad"), (2, "good"), (3, "wait"), (4, "run"), (6, "tag"), (7, "text"), (8, "muted")],
)
def test_the_sixteen_colours_are_the_themes(
    palette: Callable[..., Palette], index: int, ink: str
) -> None:
    for theme in (DARK, LIGHT):
        assert palette(theme).style(Pen(ink=index)).color == ink_of(theme).style(ink).color
        if index in range(1, 7):
            bright = palette(theme).style(Pen(ink=index + 8)).color
            assert bright == ink_of(theme).style(ink).color


def test_magenta_lies_between_red_and_blue(palette: Callable[..., Palette]) -> None:
    made = palette()
    red, magenta, blue = (made.style(Pen(ink=n)).color for n in (1, 5, 4))
    assert red is not None
    assert magenta is not None
    assert blue is not None
    for ours, one, other in zip(
        magenta.get_truecolor(), red.get_truecolor(), blue.get_truecolor(), strict=True
    ):
        assert min(one, other) <= ours <= max(one, other)


def test_the_terminals_own_colours_stay_its_own(palette: Callable[..., Palette]) -> None:
    made = palette(TERMINAL)
    for index in range(16):
        assert made.style(Pen(ink=index)).color == Color.from_ansi(index)


def test_other_colours_are_as_asked_for(palette: Callable[..., Palette]) -> None:
    made = palette()
    assert made.style(Pen(ink=200)).color == Color.from_ansi(200)
    assert made.style(Pen(paper=(1, 2, 3))).bgcolor == Color.from_rgb(1, 2, 3)


@pytest.mark.parametrize(
    ("code", "attribute"),
    [
        (1, "bold"),
        (2, "dim"),
        (3, "italic"),
        (4, "underline"),
        (7, "reverse"),
        (9, "strike"),
        (OVERLINE, "overline"),
    ],
)
def test_attributes(palette: Callable[..., Palette], code: int, attribute: str) -> None:
    style = palette().style(Pen(flags=1 << code))
    assert getattr(style, attribute) is True
    others = {"bold", "dim", "italic", "underline", "reverse", "strike", "overline"} - {attribute}
    assert not any(getattr(style, other) for other in others)


def test_hits_stand_out_and_the_one_gone_to_differs(palette: Callable[..., Palette]) -> None:
    made = palette()
    found = made.style(Pen(flags=1 << FOUND))
    here = made.style(Pen(flags=1 << FOUND_HERE))
    assert found.reverse
    assert here.reverse
    assert found.color != here.color


def test_selected_text_has_the_selections_background(palette: Callable[..., Palette]) -> None:
    assert palette().style(Pen(ink=1, flags=1 << CHOSEN)).bgcolor == SELECTION.bgcolor


def test_filters_are_applied_to_every_style(palette: Callable[..., Palette]) -> None:
    made = palette(DARK, NoColor())
    for style in (made.base, made.style(Pen(ink=1)), made.named("bad")):
        assert style.color is None or style.color.is_default
        assert style.bgcolor is None or style.bgcolor.is_default
    assert made.style(Pen(flags=2)).bold


def test_dim_becomes_a_colour_where_a_filter_says_so(palette: Callable[..., Palette]) -> None:
    for dim_filter in (DimFilter(), ANSIToTruecolor(MONOKAI)):
        style = palette(DARK, dim_filter).style(Pen(flags=1 << 2))
        assert not style.dim
        assert style.color != BASE.color


def test_palette_colours_become_true_colours(palette: Callable[..., Palette]) -> None:
    style = palette(DARK, ANSIToTruecolor(MONOKAI)).style(Pen(ink=200, paper=17))
    assert style.color is not None
    assert style.color.triplet is not None
    assert style.bgcolor is not None
    assert style.bgcolor.triplet is not None


def test_a_rainbow_does_not_fill_the_memory(palette: Callable[..., Palette]) -> None:
    made: Any = palette()
    for red in range(100):
        for green in range(100):
            made.style(Pen(ink=(red, green, 0)))
    assert len(made._styles) <= 4_097
    assert made.style(Pen()) == BASE
