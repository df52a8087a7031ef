"""Coloured output becomes clean spans: colours carried on, everything in its cells."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len, split_graphemes

from cc4tui.domain.text import UNSAFE, clean
from cc4tui.screens.widgets.ansi import PLAIN, Pen, cut, pen_after, read_line, wrap


RAW = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "\x1b[31m",
                "\x1b[0m",
                "\x1b[1;4m",
                "\x1b[38;5;9m",
                "\x1b]0;t\x07",
                "\x1b[2K",
                "\x1b",
                "\t",
            ]
        ),
        st.sampled_from(
            ["漢字", "e\u0301", "👨\u200d👩\u200d👧", "word ", " ", "☺\ufe0f", "\u0301"]
        ),
        st.text(max_size=12).map(lambda text: text.replace("\n", "").replace("\r", "")),
    ),
    max_size=20,
).map("".join)


def text_of(spans: tuple[tuple[str, Pen], ...]) -> str:
    return "".join(text for text, _ in spans)


def pens(raw: str) -> list[tuple[str, Pen]]:
    return list(read_line(raw)[0])


RED, BOLD = Pen(ink=1), Pen(flags=1 << 1)


@pytest.mark.parametrize(
    ("raw", "spans"),
    [
        ("plain", [("plain", PLAIN)]),
        ("", []),
        ("a\x1b[31mb\x1b[0mc", [("a", PLAIN), ("b", RED), ("c", PLAIN)]),
        ("\x1b[1mx\x1b[22my", [("x", BOLD), ("y", PLAIN)]),
        ("\x1b[91;103mx", [("x", Pen(9, 11))]),
        ("\x1b[38;5;200mx", [("x", Pen(200))]),
        ("\x1b[48;2;1;2;3mx\x1b[49my", [("x", Pen(None, (1, 2, 3))), ("y", PLAIN)]),
        ("\x1b[31;39mx", [("x", PLAIN)]),
        ("\x1b[1;3;4;7;9;53mx", [("x", Pen(flags=0b1010111010 | 1 << 5))]),
        ("\x1b[7mx\x1b[27my", [("x", Pen(flags=1 << 7)), ("y", PLAIN)]),
        ("a\x1bb\x1b", [("a␛", PLAIN)]),
        ("one\rtwo\rthree", [("three", PLAIN)]),
        ("\x1b[31m10%\r20%\r", [("20%", RED)]),
        ("crlf\r", [("crlf", PLAIN)]),
        ("a\tb", [("a       b", PLAIN)]),
        ("\x1b[31mab\x1b[0m\tc", [("ab", RED), ("      c", PLAIN)]),
        ("漢\tb", [("漢      b", PLAIN)]),
        ("\x1b]52;c;x\x07shown\x1b[6n", [("shown", PLAIN)]),
    ],
)
def test_a_line_as_spans(raw: str, spans: list[tuple[str, Pen]]) -> None:
    assert pens(raw) == spans


def test_colours_carry_over_line_ends() -> None:
    _, pen = read_line("\x1b[1;31merror")
    spans, pen = read_line("still red\x1b[0m", pen)
    assert spans == (("still red", Pen(1, None, 1 << 1)),)
    assert pen == PLAIN


def test_progress_keeps_the_colour_of_what_was_drawn_over() -> None:
    spans, _ = read_line("\x1b[32mdone 1\rdone 2")
    assert spans == (("done 2", Pen(ink=2)),)


@given(RAW)
def test_only_clean_text_comes_out(raw: str) -> None:
    text = text_of(read_line(raw)[0])
    assert UNSAFE.search(text) is None
    assert "\t" not in text
    if "\t" not in raw:
        assert text == clean(raw)


@given(RAW)
def test_the_last_pen_is_what_all_sequences_leave(raw: str) -> None:
    assert read_line(raw)[1] == pen_after(raw)


@given(RAW, st.integers(2, 40))
def test_wrapping_loses_nothing_and_fits(raw: str, width: int) -> None:
    spans, _ = read_line(raw)
    rows = wrap(spans, width)
    assert "".join(text_of(row) for row in rows) == text_of(spans)
    for row in rows:
        over = cell_len(text_of(row)) - width
        assert over <= 0 or (over == 1 and " " in text_of(row))  # the space it was broken at
    flat = [(char, pen) for row in rows for text, pen in row for char in text]
    assert flat == [(char, pen) for text, pen in spans for char in text]


@given(RAW, st.integers(1, 30))
@example("z" + "\u0301" * 500 + "after it", 3)
@example("\U0001f468\u200d\U0001f469\u200d\U0001f467 family", 2)
def test_cutting_keeps_as_much_as_fits(raw: str, width: int) -> None:
    spans, _ = read_line(raw)
    kept = cut(spans, width)
    flat = [(char, pen) for text, pen in spans for char in text]
    assert [(char, pen) for text, pen in kept for char in text] == flat[: len(text_of(kept))]
    room = width - sum(cell_len(text) for text, _ in kept)
    assert room >= 0
    rest = text_of(spans)[len(text_of(kept)) :]
    if room and rest:  # the next letter is a wide one
        assert split_graphemes(rest)[0][0][2] > room


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("one two three", 7, ["one two ", "three"]),
        ("one two three", 8, ["one two ", "three"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("漢字漢字", 5, ["漢字", "漢字"]),
        ("exact", 5, ["exact"]),
        ("a loooooooooong", 6, ["a looo", "oooooo", "ong"]),
        ("five  ", 5, ["five  "]),
    ],
)
def test_wrapping_breaks_after_spaces(text: str, width: int, rows: list[str]) -> None:
    assert [text_of(row) for row in wrap(((text, PLAIN),), width)] == rows


@pytest.mark.parametrize("unit", ["\x1b[31m", "\x1b]", "\t", "漢", "\u0301", "a\x1b[m", "\r", " "])
def test_long_lines_cost_linear_time(unit: str) -> None:
    def cost(count: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            wrap(read_line(unit * count)[0], 40)
            cut(read_line(unit * count)[0], 40)
            best = min(best, time.process_time() - start)
        return best

    assert cost(8_000) < 24 * max(cost(1_000), 0.001)
