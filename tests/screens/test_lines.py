"""Lines keep their width and their text, whatever is in them."""

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from cc4tui.screens.ink import NAMES, Ink
from cc4tui.screens.lines import Line, cell, cleaned, fit, spread, strip_of, width_of, wrap
from cc4tui.screens.themes import DARK, ink_defaults


TEXT = st.text(max_size=40) | st.text("ab 日本é\u0301👩‍👩‍👧\x1b[m", max_size=40)
LINES = st.lists(st.tuples(TEXT, st.sampled_from(sorted(NAMES))), max_size=5).map(
    lambda spans: cleaned(tuple(spans))
)
WIDTHS = st.integers(0, 60)


def plain(line: Line) -> str:
    return "".join(text for text, _ in line)


def test_cleaned_takes_out_what_a_terminal_would_obey() -> None:
    line = cleaned((("a\x1b]52;c;aGk=\x07b\x1b[6n", ""), ("\u202ec\nd\te", "bad")))
    assert line == (("ab", ""), ("c⏎d e", "bad"))


def test_fit_leaves_a_line_that_fits() -> None:
    line = (("abc", "text"), ("de", "bad"))
    assert fit(line, 5) is line


def test_fit_marks_what_it_cut() -> None:
    assert fit((("abc", "text"), ("def", "bad")), 5) == (
        ("abc", "text"),
        ("d", "bad"),
        ("…", "muted"),
    )


def test_fit_never_halves_a_wide_character() -> None:
    assert width_of(fit((("日本語", ""),), 4)) == 4


@given(LINES, WIDTHS)
def test_fit_never_exceeds_the_width(line: Line, width: int) -> None:
    assert width_of(fit(line, width)) <= width


@given(LINES, LINES, WIDTHS)
def test_spread_fills_the_width_exactly(left: Line, right: Line, width: int) -> None:
    assert width_of(spread(left, right, width)) == width


def test_spread_gives_up_the_right_end_before_the_left_one_is_unreadable() -> None:
    line = spread((("a title that matters", ""),), (("x" * 30, ""),), 32)
    assert plain(line).startswith("a title that matters")
    assert "x" not in plain(line)


@given(TEXT, WIDTHS, st.booleans())
def test_cell_fills_its_column_exactly(text: str, width: int, end: bool) -> None:
    assert width_of((cell(text, width, "text", end=end),)) == width


def test_cell_stands_at_the_side_it_is_told() -> None:
    assert cell("ab", 4, "text") == ("ab  ", "text")
    assert cell("ab", 4, "text", end=True) == ("  ab", "text")
    assert cell("abcdef", 4, "text") == ("abc…", "text")


@given(LINES, st.integers(8, 60), st.integers(0, 3))
def test_wrap_keeps_every_character_and_every_row_narrow(
    line: Line, width: int, indent: int
) -> None:
    rows = wrap(line, width, indent)
    for row in rows:
        *most, (last, ink) = row or (("", ""),)
        assert width_of((*most, (last.rstrip(" "), ink))) <= width
    joined = plain(rows[0]) + "".join(plain(row)[indent:] for row in rows[1:])
    assert joined == plain(line)


def test_wrap_breaks_at_spaces_and_indents() -> None:
    rows = wrap((("goal  ", "muted"), ("no client can starve others", "text")), 20, 6)
    assert [plain(row).rstrip() for row in rows] == [
        "goal  no client can",
        "      starve others",
    ]


def test_wrap_cuts_a_word_that_is_wider_than_the_line() -> None:
    rows = wrap((("x" * 25, ""),), 10)
    assert [len(plain(row)) for row in rows] == [10, 10, 5]


def test_wrap_is_fast_on_a_long_line() -> None:
    rows = wrap((("word " * 3000, ""),), 80)
    assert len(rows) == 188


@given(LINES, st.integers(1, 60))
def test_a_strip_has_exactly_its_width_and_no_control_character(line: Line, width: int) -> None:
    colours = Ink(DARK, {**ink_defaults(DARK), **DARK.to_color_system().generate()})
    strip = strip_of(fit(line, width), width, colours, Style.null())
    assert strip.cell_length == width
    assert cleaned(((strip.text, ""),))[0][0] == strip.text.rstrip("\u200d")
