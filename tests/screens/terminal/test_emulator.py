"""The terminal in memory: what it shows, what it sends, and what it refuses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cc4tui.domain.text import UNSAFE
from cc4tui.screens.driver import KeyParser, TerminalDriver, mended
from cc4tui.screens.terminal.emulator import CLUSTER, HISTORY, Emulator
from cc4tui.screens.widgets.ansi import PLAIN, Pen


class Desk:
    """An emulator, with what its program would have read."""

    def __init__(self, columns: int = 20, rows: int = 5) -> None:
        self.sent = b""
        self.sizes: list[tuple[int, int]] = []
        self.emulator = Emulator(self._take, lambda *size: self.sizes.append(size))
        self.emulator.resize(columns, rows)

    def _take(self, data: bytes) -> None:
        self.sent += data

    def show(self, text: str | bytes) -> list[str]:
        self.emulator.feed(text if isinstance(text, bytes) else text.encode())
        return self.lines

    @property
    def lines(self) -> list[str]:
        rows = (self.emulator.row(y) for y in range(self.emulator.rows))
        return ["".join(text for text, _ in row) for row in rows]

    def type(self, key: str, character: str | None = None) -> bytes:
        self.sent = b""
        self.emulator.press(key, character)
        return self.sent


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_text_colours_and_places(desk: Desk) -> None:
    assert desk.show("one\r\n\x1b[3;5Htwo\x1b[1;1H\x1b[1;38;2;1;2;3mO")[:3] == [
        "One",
        "",
        "    two",
    ]
    assert desk.emulator.row(0) == (("O", Pen((1, 2, 3), None, 1 << 1)), ("ne", PLAIN))
    assert desk.emulator.cursor == (1, 0)
    desk.show("\x1b[?25l")
    assert desk.emulator.cursor is None
    desk.show("\x1b[5;1H\x1b[0;44m  \x1b[0m")
    assert desk.emulator.row(4) == (("  ", Pen(None, 4, 0)),)


def test_wide_and_combining_characters_take_the_cells_they_should(desk: Desk) -> None:
    desk.show("漢字ab\r\ne\u0301x\r\n\x1b[4;1H" + "a" + "\u0301" * 50)
    assert desk.lines[0] == "漢字ab"
    assert cell_len(desk.lines[1]) == 2
    assert cell_len(desk.lines[3]) == 1
    assert len(desk.lines[3]) <= CLUSTER


def test_what_scrolls_off_is_kept_and_the_other_screen_keeps_nothing(desk: Desk) -> None:
    desk.show("".join(f"line {n}\r\n" for n in range(HISTORY + 20)))
    assert len(desk.emulator.history) == HISTORY
    assert desk.emulator.row(-1) == ((f"line {HISTORY + 15}", PLAIN),)
    assert desk.emulator.row(-HISTORY - 1) == ()
    scrolled = desk.emulator.scrolled
    desk.show("\x1b[?1049h\x1b[Hfull" + "\r\n" * 50)
    assert desk.emulator.is_full_screen
    assert desk.emulator.scrolled == scrolled
    desk.show("\x1b[?1049l")
    assert desk.lines[0] == f"line {HISTORY + 16}"


def test_only_rows_that_changed_are_drawn_again(desk: Desk) -> None:
    desk.show("a\r\nb")
    assert desk.emulator.changed() == set(range(5))
    assert desk.emulator.changed() == set()
    desk.show("c")
    assert desk.emulator.changed() == {1}
    desk.show("\x1b[4;1H")
    assert desk.emulator.changed() == {1, 3}
    desk.show("\x1b[?1049h")
    assert desk.emulator.changed() == set(range(5))


def test_another_size_is_told_once(desk: Desk) -> None:
    desk.emulator.resize(30, 6)
    desk.emulator.resize(30, 6)
    assert desk.sizes == [(20, 5), (30, 6)]
    assert desk.emulator.rows == 6


@pytest.mark.parametrize("size", [(20, 3), (10, 3)])
def test_a_smaller_size_keeps_the_cursors_row_and_what_stood_above(
    desk: Desk, size: tuple[int, int]
) -> None:
    desk.show("one\r\ntwo\r\nthree\r\nfour\r\n> \x1b[31m\x1b[2;4r\x1b[5;3H")
    desk.emulator.resize(*size)
    assert [line.rstrip() for line in desk.lines] == ["three", "four", ">"]
    assert desk.emulator.cursor == (2, 2)
    assert [desk.emulator.row(y)[0][0].rstrip() for y in (-2, -1)] == ["one", "two"]
    assert desk.emulator.scrolled == 2
    desk.show("\x1b[2A\x1b[J\rnew")  # drawn upwards from the cursor
    assert desk.lines[0] == "new"


def test_a_smaller_size_keeps_what_is_written_below_the_cursor(desk: Desk) -> None:
    desk.show("said\r\n---\r\n> \r\n---\x1b[3;3H")
    desk.emulator.resize(20, 3)
    assert [line.rstrip() for line in desk.lines] == ["---", ">", "---"]
    assert desk.emulator.cursor == (2, 1)
    desk.emulator.resize(20, 1)  # no further up than the cursor
    assert [line.rstrip() for line in desk.lines] == [">"]
    desk.show("\x1b[?1049h\x1b[Hfull")
    desk.emulator.resize(20, 5)
    desk.emulator.resize(20, 2)
    assert desk.lines == ["full", ""]


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("plus", "+", b"+"),
        ("+", "+", b"+"),
        ("space", " ", b" "),
        ("é", "é", "é".encode()),
        ("enter", "\r", b"\r"),
        ("tab", "\t", b"\t"),
        ("shift+tab", None, b"\x1b[Z"),
        ("escape", "\x1b", b"\x1b"),
        ("backspace", "\x7f", b"\x7f"),
        ("delete", None, b"\x1b[3~"),
        ("up", None, b"\x1b[A"),
        ("ctrl+right", None, b"\x1b[1;5C"),
        ("shift+up", None, b"\x1b[1;2A"),
        ("alt+left", None, b"\x1b[1;3D"),
        ("home", None, b"\x1b[H"),
        ("pagedown", None, b"\x1b[6~"),
        ("f1", None, b"\x1bOP"),
        ("ctrl+f5", None, b"\x1b[15;5~"),
        ("f12", None, b"\x1b[24~"),
        ("ctrl+a", "\x01", b"\x01"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+@", "\x00", b"\x00"),
        ("ctrl+backslash", "\x1c", b"\x1c"),
        ("ctrl+underscore", "\x1f", b"\x1f"),
        ("alt+x", "x", b"\x1bx"),
        ("alt+shift+x", "X", b"\x1bX"),
    ],
)
def test_keys(desk: Desk, key: str, character: str | None, sent: bytes) -> None:
    assert desk.type(key, character) == sent


@pytest.mark.parametrize(
    ("pressed", "sent"),
    [
        (same, same)
        for same in (
            *(
                "\x1b.",
                "\x1b/",
                "\x1b<",
                "\x1b\r",
                "\x1b ",
                "\x1b1",
                "\x1b0",
                "\x1b-",
                "\x1ba",
                "\x1bA",
            ),
            *("\x1bb", "\x1bf", "\x1b\x7f", "\x1b\x01", "\x1bé", "\x1b[", "\x1bO", "\x1b[1;3D"),
        )
    ]
    + [
        ("\x1b[13;2u", "\x1b\r"),  # shift+enter, to a program that has not asked for such keys
        ("\x1b\x1b[D", "\x1b\x1b[D"),
        ("\x1b", "\x1b"),
        ("a\x1b.b", "a\x1b.b"),
    ],
)
def test_alt_goes_through_in_terminals_that_send_an_escape(
    desk: Desk, pressed: str, sent: str
) -> None:
    parser = KeyParser()
    seen = list(parser.feed(pressed))
    parser._timeout_time = parser._timeout_time and 0.0  # nothing came for a while
    seen += list(parser.tick())
    typed = b"".join(desk.type(key.key, key.character) for key in seen)
    assert typed == sent.encode()


def test_both_drivers_read_keys_with_alt() -> None:
    from textual.drivers import linux_driver, web_driver

    assert mended(linux_driver.LinuxDriver) is TerminalDriver
    assert mended(web_driver.WebDriver) is web_driver.WebDriver
    assert linux_driver.XTermParser is web_driver.XTermParser is KeyParser
    (key,) = KeyParser().feed("\x1b1")
    assert key.key == "alt+1"  # goes to the first pane


def test_keys_as_the_program_asked_for_them(desk: Desk) -> None:
    desk.show("\x1b[?1h")
    assert desk.type("up") == b"\x1bOA"
    desk.show("\x1b[>1u")
    assert desk.type("shift+enter") == b"\x1b[13;2u"
    desk.show("\x1b[<u\x1b[>4;2m")
    assert desk.type("shift+enter") == b"\x1b[27;2;13~"


def test_pasting_cannot_leave_its_brackets(desk: Desk) -> None:
    desk.emulator.paste("a\nb")
    assert desk.sent == b"a\rb"
    desk.sent = b""
    desk.show("\x1b[?2004h")
    desk.emulator.paste("rm\x1b[201~\nx")
    assert desk.sent == b"\x1b[200~rm [201~\rx\x1b[201~"


def test_the_mouse_goes_to_programs_that_ask_for_it(desk: Desk) -> None:
    assert not desk.emulator.wants_mouse
    desk.emulator.mouse("press", (1, 2), 0, ())
    assert desk.sent == b""
    desk.show("\x1b[?1002h\x1b[?1006h\x1b[?1004h")
    assert desk.emulator.wants_mouse
    desk.emulator.mouse("press", (1, 2), 0, ("ctrl",))
    desk.emulator.mouse("move", (4, 2), 0, ())
    desk.emulator.mouse("release", (4, 2), 0, ())
    desk.emulator.mouse("press", (0, 0), 65, ())
    assert desk.sent == b"\x1b[<16;2;3M\x1b[<32;5;3M\x1b[<0;5;3m\x1b[<65;1;1M"
    desk.sent = b""
    desk.emulator.focus(has=True)
    desk.emulator.focus(has=False)
    assert desk.sent == b"\x1b[I\x1b[O"


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b]0;rm -rf ~\x07\x1b[21t",
        "\x1b]2;x\x1b\\\x1b[20t",
        "\x05",
        "\x1b]52;c;?\x07",
        "\x1b]52;c;b3duZWQ=\x07",
        "\x1b]50;?\x07",
        "\x1b[8;500;500t",
        "\x1bP0;1|17/72\x1b\\",
        "\x1bP1;0;0!zowned\x1b\\\x1b[1*z",
        "\x1b[i",
        "\x1b[1;1;1;1;9;9*y",
    ],
)
def test_nobody_is_made_to_type_by_what_is_shown(desk: Desk, sequence: str) -> None:
    desk.show(sequence)
    assert desk.sent == b""
    assert desk.sizes == [(20, 5)]
    assert not any(desk.lines)
    assert desk.type("shift+f6") == b"\x1b[17;2~"


def test_what_programs_need_to_know_is_answered(desk: Desk) -> None:
    desk.show("ab\x1b[6n\x1b[c\x1b[5n\x1b[?u")
    assert re.fullmatch(rb"\x1b\[1;3R\x1b\[\?62;[\d;]+c\x1b\[0n\x1b\[\?0u", desk.sent)


_PIECES = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=8).map(str.encode),
    st.sampled_from(
        [b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b#8", b"\x1bc", b"\x9b", b"\x07"]
    ),
    st.from_regex(rb"\x1b\[[?>=<!]?[0-9;:]{0,12}[ $*\"']?[@-~]", fullmatch=True),
    st.sampled_from(["\u202e", "\u200d", "\x85", "\ufeff", "👩‍👩‍👧", "漢", "e\u0301"]).map(
        str.encode
    ),
)


@given(st.lists(_PIECES, max_size=40))
def test_whatever_is_written_only_clean_rows_come_out(pieces: list[bytes]) -> None:
    desk = Desk()
    desk.show(b"".join(pieces))
    _expect_clean(desk)
    desk.emulator.resize(7, 3)
    _expect_clean(desk)


def _expect_clean(desk: Desk) -> None:
    kept = [*desk.emulator.history, *(desk.emulator.row(y) for y in range(desk.emulator.rows))]
    for row in kept:
        for text, _ in row:
            assert UNSAFE.search(text) is None, repr(text)
    desk.emulator.changed()
    assert all(cell_len(line) <= 132 for line in desk.lines)
