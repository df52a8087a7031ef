"""What `clean` promises: nothing that a terminal obeys remains, fast, whatever comes in."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.text import clean, clean_ansi, clean_line, parse_sgr


UNSAFE_RANGES = (
    (0x00, 0x08),
    (0x0B, 0x1F),
    (0x7F, 0x9F),
    (0x061C, 0x061C),
    (0x200B, 0x200B),
    (0x200E, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xE0000, 0xE007F),
)
PIECES = st.sampled_from(
    [
        *("\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1bk", "\x1b\\", "\x07"),
        *("\x9b", "\x9c", "\x9d", "\x90", "\x9f", "\x18", "\x1a", "\r", "\n", "\t", "\x00", "\x7f"),
        *(
            "[",
            "]",
            "m",
            ";",
            ":",
            "31",
            "38;5;",
            "0",
            "?25l",
            ">4;2m",
            "52;c;",
            "6n",
            "1;2",
            "/",
            "~",
        ),
        *(" ", "text", "é", "漢", "e\u0301", "\u202e", "\U000e0041", "\ufeff", "\ud800", "\u241b"),
    ]
)
HOSTILE = st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=30).map("".join)


def is_unsafe(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in UNSAFE_RANGES)


def without_sgr(text: str) -> str:
    """Takes out exactly what clean_ansi may leave, by another way than the code under test."""
    out, rest = [], text
    while (start := rest.find("\x1b[")) >= 0:
        end = rest.find("m", start)
        body = rest[start + 2 : end] if end >= 0 else "?"
        assert set(body) <= set("0123456789;"), f"not a plain SGR: {rest[start : start + 20]!r}"
        assert 1 <= len(body.split(";")) <= 32
        out.append(rest[:start])
        rest = rest[end + 1 :]
    return "".join(out) + rest


@given(HOSTILE)
def test_no_unsafe_character_remains(text: str) -> None:
    assert not [c for c in clean(text) if is_unsafe(c)]


@given(HOSTILE)
def test_with_colours_only_plain_sgr_remains(text: str) -> None:
    assert not [c for c in without_sgr(clean_ansi(text)) if is_unsafe(c)]


@given(HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_ansi(clean_ansi(text)) == clean_ansi(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(HOSTILE)
def test_taking_colours_out_later_is_the_same(text: str) -> None:
    assert clean(clean_ansi(text)) == clean(text)


@given(HOSTILE, st.integers(2, 50))
def test_a_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = clean_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert "\t" not in line
    assert not [c for c in line if is_unsafe(c)]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs", "Mn"]), max_size=50))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert clean_ansi(text) == text


@given(HOSTILE)
def test_the_result_can_always_be_encoded(text: str) -> None:
    clean(text).encode("utf-8")
    clean_ansi(text).encode("utf-8")


@given(st.lists(HOSTILE, max_size=5))
def test_lines_are_independent(parts: list[str]) -> None:
    """So that a view may clean the visible lines only."""
    lines = [part.replace("\n", "") for part in parts]
    assert clean("\n".join(lines)) == "\n".join(clean(line) for line in lines)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\x1b]52;c;aGFjaw==\x07b", "ab"),
        ("a\x1b]52;c;aGFjaw==\x1b\\b", "ab"),
        ("a\x1b]0;title\x9cb", "ab"),
        ("a\x1b]8;;http://x\x07link\x1b]8;;\x07b", "alinkb"),
        ("a\x1bPq#0;2;0\x07;0\x1b\\b", "ab"),
        ("a\x1b_Gf=100;AAAA\x1b\\b", "ab"),
        ("a\x1b^pm\x1b\\b\x1bXsos\x1b\\c", "abc"),
        ("a\x1bktitle\x1b\\b", "ab"),
        ("a\x1b[6nb\x1b[2J\x1b[?1049h\x1b[31mc\x1b[0m", "abc"),
        ("a\x1b[>4;2mb", "ab"),
        ("a\x1bcb\x1b(Bc\x1b#8d", "abcd"),
        ("a\x9b6nb\x9d52;c;x\x9cc\x90q\x1b\\d", "abcd"),
        ("a\x85b\x84c", "abc"),
        ("a\x1b\x1b[mb", "a␛b"),
        ("a\x1b", "a␛"),
        ("a\x1b漢", "a␛漢"),
        ("a\x1b[31", "a"),
        ("a\x1b]0;cut off\nnext line", "a\nnext line"),
        ("a\x1b]0;one\x1b[31mred", "ared"),
        ("stray \x9d in latin-1 text", "stray  in latin-1 text"),
        ("one\r\ntwo\rthree\x08\x0b\x0c", "one\ntwothree"),
        ("a\u202eb\u2066c\u200ed\ufeffe\u061cf", "abcdef"),
        ("x\U000e0041\U000e0042y", "xy"),
        ("family 👨\u200d👩\u200d👧 e\u0301", "family 👨\u200d👩\u200d👧 e\u0301"),
        ("bad \udc80 byte", "bad \ufffd byte"),
        ("[@click=app.quit]x[/] a [/] b", "[@click=app.quit]x[/] a [/] b"),
        ("keep\ttab\nand line", "keep\ttab\nand line"),
    ],
)
def test_what_becomes_of(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("\x1b[31mred\x1b[m", "\x1b[31mred\x1b[0m"),
        ("\x1b[001;031mx", "\x1b[1;31mx"),
        ("\x1b[38:2::10:20:30mx", "\x1b[38;2;10;20;30mx"),
        ("\x1b[38:2:10:20:30mx", "\x1b[38;2;10;20;30mx"),
        ("\x1b[48:5:7mx", "\x1b[48;5;7mx"),
        ("\x1b[4:3mx\x1b[4:0my", "\x1b[4mx\x1b[24my"),
        ("\x1b[58;2;1;2;3;1mx", "\x1b[1mx"),
        ("\x1b[38;5;999mx", "\x1b[38;5;255mx"),
        ("\x1b[8;5;6mhidden", "hidden"),
        ("\x1b[38;2;1;2mcut", "\x1b[38;2;1;2;0mcut"),
        ("\x1b[?1mprivate", "private"),
        ("\x1b[1 mspace", "space"),
        ("\x1b[38;7;1mx", "\x1b[1mx"),
    ],
)
def test_colours_are_kept_in_their_shortest_form(raw: str, kept: str) -> None:
    assert clean_ansi(raw) == kept


def test_parameters_are_capped() -> None:
    assert len(parse_sgr(";".join(["1"] * 100))) == 32


def test_a_line_shows_its_breaks() -> None:
    assert clean_line("fix\nthis\tnow\n") == "fix⏎this now"
    assert clean_line("abcdef", 4) == "abc…"


def cost(text: str) -> float:
    """CPU seconds, the least of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        clean(text)
        clean_ansi(text)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "\x1b]",
            "\x1b]0;x",
            "\x1b[",
            "\x1b[1",
            "\x1b",
            "\x9d",
            "\x9d0",
            "\x9b",
            "\x9b1",
            "\x1bP",
        ),
        *(
            "\x1bP\x07",
            "\x1b(",
            "\x1b ",
            "\x90a\x9d",
            "1;",
            "\x1b[;",
            "\x1b[:",
            "\x1b\x1b]",
            "\x1b_\n",
        ),
    ],
)
@pytest.mark.parametrize("prefix", ["", "\x1b]", "\x1b[", "\x9d", "\x1bP", "\x1b("])
def test_hostile_input_costs_linear_time(prefix: str, unit: str) -> None:
    """Eight times the input may cost 8 times the time; 64 times would be quadratic."""
    small, large = cost(prefix + unit * 1_500), cost(prefix + unit * 12_000)
    assert large < 24 * max(small, 0.001)
