"""What of a log is seen: the end while it is followed, else the rows from a place on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.screens.widgets.ansi import Pen
from cc4tui.screens.widgets.log_lines import BLOCK, LineReader
from cc4tui.screens.widgets.log_source import FileSource, MemorySource
from cc4tui.screens.widgets.log_window import LogWindow


def window_of(text: str, width: int = 20, height: int = 4, limit: int = 2**20) -> LogWindow:
    source = MemorySource(limit)
    source.append(text)
    window = LogWindow(LineReader(source))
    window.width, window.height = width, height
    window.reader.refresh()
    return window


def append(window: LogWindow, text: str) -> None:
    source = window.reader.source
    assert isinstance(source, MemorySource)
    source.append(text)
    window.reader.refresh()


def seen(window: LogWindow) -> list[str]:
    return ["".join(text for text, _ in row.spans) for row in window.rows()]


def numbered(first: int, last: int) -> list[str]:
    return [f"line {n}" for n in range(first, last + 1)]


def lines(count: int) -> str:
    return "".join(f"line {n}\n" for n in range(count))


def test_the_end_is_followed() -> None:
    window = window_of(lines(100))
    assert seen(window) == numbered(96, 99)
    append(window, "line 100\nline 1")
    assert seen(window) == [*numbered(98, 100), "line 1"]


def test_a_short_log_begins_at_the_top() -> None:
    assert seen(window_of(lines(2))) == numbered(0, 1)
    assert seen(window_of("")) == []


def test_scrolling_up_stands_still_while_lines_come() -> None:
    window = window_of(lines(100))
    window.scroll(-10)
    assert not window.following
    assert seen(window) == numbered(86, 89)
    append(window, lines(50))
    assert seen(window) == numbered(86, 89)


def test_scrolling_down_to_the_end_follows_again() -> None:
    window = window_of(lines(100))
    window.scroll(-3)
    window.scroll(2)
    assert not window.following
    window.scroll(1)
    assert window.following
    append(window, "new\n")
    assert seen(window)[-1] == "new"


def test_a_log_that_fits_is_always_followed() -> None:
    window = window_of(lines(3))
    window.scroll(-5)
    assert window.following


@pytest.mark.parametrize("by", [-1_000, -97, -96])
def test_the_first_line_is_the_limit(by: int) -> None:
    window = window_of(lines(100))
    window.scroll(by)
    assert seen(window) == numbered(0, 3)


def test_begin_and_end() -> None:
    window = window_of(lines(100))
    window.go_to_begin()
    assert seen(window) == numbered(0, 3)
    window.follow()
    assert seen(window) == numbered(96, 99)


def test_a_place_is_shown_with_rows_above_it() -> None:
    window = window_of(lines(100))
    window.go_to(window.reader.size // 2, above=1)
    assert len(seen(window)) == 4
    assert int(seen(window)[0].split()[1]) == pytest.approx(50, abs=4)


def test_long_lines_go_on_below_and_scroll_row_by_row() -> None:
    window = window_of("a\n" + "one two three four five six seven eight nine ten\n" + "z\n", 12)
    assert seen(window) == ["five six ", "seven eight ", "nine ten", "z"]
    window.scroll(-1)
    assert seen(window) == ["three four ", "five six ", "seven eight ", "nine ten"]
    window.scroll(-1)
    assert seen(window)[0] == "one two "


def test_unwrapped_lines_take_one_row() -> None:
    window = window_of("x" * 100 + "\nshort\n")
    window.wrapped = False
    assert seen(window) == ["x" * 20, "short"]


def test_a_log_that_begins_anew_is_shown_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("\x1b[31m" + lines(3 * BLOCK // 8))
    window = LogWindow(LineReader(FileSource(path)))
    window.width, window.height = 20, 4
    window.reader.refresh()
    window.go_to_begin()
    assert seen(window) == numbered(0, 3)
    path.write_text("fine 0\nfine 1\n")  # cut off and written anew
    assert window.reader.refresh()
    assert seen(window) == ["fine 0", "fine 1"]
    assert window.following
    assert {pen for row in window.rows() for _, pen in row.spans} == {Pen()}
    (tmp_path / "other").write_text("a file of its name\n")
    (tmp_path / "other").rename(path)
    window.reader.refresh()  # is empty for once
    window.reader.refresh()
    assert seen(window) == ["a file of its name"]
    path.unlink()
    window.reader.refresh()
    assert seen(window) == ["a file of its name"]
    window.reader.close()


def test_going_up_looks_for_colours_once(monkeypatch: pytest.MonkeyPatch) -> None:
    window = window_of("\x1b[32mgreen " + "words " * 9 + "\n" + lines(500), height=40)
    looked: list[int] = []
    pen_at = window.reader.pen_at
    monkeypatch.setattr(window.reader, "pen_at", lambda at: looked.append(at) or pen_at(at))
    window.go_to(window.reader.size)
    window.rows()
    looked.clear()
    window.scroll(-200)
    assert seen(window)[0] == "line 260"
    assert {pen for row in window.rows() for _, pen in row.spans} == {Pen(ink=2)}
    assert len(looked) <= 2


def test_colours_carry_over_lines_in_view_and_above_it() -> None:
    window = window_of("\x1b[31mred starts\n" + lines(10))
    assert {pen for row in window.rows() for _, pen in row.spans} == {Pen(ink=1)}
    append(window, "\x1b[0mplain\n")
    assert window.rows()[-1].spans == (("plain", Pen()),)
    assert window.rows()[0].spans[0][1] == Pen(ink=1)


def test_what_memory_dropped_is_left_behind() -> None:
    window = window_of(lines(10), limit=400)
    window.go_to_begin()
    append(window, lines(100))
    assert len(seen(window)) == 4
    window.scroll(-5)
    assert window.rows()[0].line == window.reader.begin


def test_the_share_tells_the_place() -> None:
    window = window_of(lines(100))
    assert window.share()[1] == 1
    window.go_to_begin()
    assert window.share()[0] == 0
    assert window.share()[1] < 0.1


MOVES = st.lists(
    st.one_of(
        st.integers(-30, 30).map(lambda by: ("scroll", by)),
        st.text("ab \n\x1b", max_size=30).map(lambda text: ("append", text)),
        st.integers(0, 500).map(lambda at: ("go", at)),
        st.sampled_from([("follow", 0), ("begin", 0)]),
    ),
    max_size=25,
)


@given(st.text("ab \n漢", max_size=200), MOVES, st.integers(2, 30), st.integers(1, 8))
def test_whatever_is_done_the_rows_are_a_stretch_of_the_log(
    text: str, moves: list[tuple[str, int | str]], width: int, height: int
) -> None:
    window = window_of(text, width, height)
    for kind, value in moves:
        if kind == "scroll":
            window.scroll(int(value))
        elif kind == "append":
            append(window, str(value))
        elif kind == "go":
            window.go_to(int(value))
        elif kind == "follow":
            window.follow()
        else:
            window.go_to_begin()
        shown = [(row.line, row.number) for row in window.rows()]
        everything = all_rows(window)
        assert len(shown) == min(height, len(everything))
        first = everything.index(shown[0]) if shown else 0
        assert everything[first : first + len(shown)] == shown
        if window.following:
            assert shown == everything[-height:]


def all_rows(window: LogWindow) -> list[tuple[int, int]]:
    whole = LogWindow(window.reader)
    whole.width, whole.height = window.width, 10_000
    return [(row.line, row.number) for row in whole.rows()]
