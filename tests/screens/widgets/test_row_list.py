"""The list that draws only what is seen."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from cc4tui.screens.themes import DARK, TERMINAL
from cc4tui.screens.widgets.row_list import Row, RowList


Item = tuple[int, str]


class ListApp(App[None]):
    """A list, and what it told."""

    def __init__(self, items: Sequence[Item], *, marks: bool = True) -> None:
        super().__init__()
        self.drawn: list[int] = []
        self.told: list[tuple[str, Item | None]] = []
        self.rows: RowList[Item] = RowList(
            self.draw,
            key=lambda item: item[0],
            text=lambda item: item[1],
            empty=((("Nothing here.", "title"),),),
            marks=marks,
        )
        self.first = items

    def draw(self, item: Item, width: int) -> Row:
        self.drawn.append(item[0])
        return Row(((item[1], "text"),), ((f"#{item[0]}", "muted"),))

    def compose(self) -> ComposeResult:
        yield self.rows

    def on_mount(self) -> None:
        for theme in (DARK, TERMINAL):
            self.register_theme(theme)
        self.theme = DARK.name
        self.rows.set_items(self.first)
        self.rows.focus()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        self.told.append(("moved", self.rows.current))

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.told.append(("chosen", self.rows.current))

    def on_row_list_marks_changed(self, event: RowList.MarksChanged) -> None:
        self.told.append(("marks", self.rows.current))


def numbered(count: int) -> list[Item]:
    return [(n, f"row {n}") for n in range(count)]


def line(app: ListApp, y: int) -> str:
    return app.rows.render_line(y).text


async def test_a_million_rows_cost_what_is_seen() -> None:
    class Endless(Sequence[Item]):
        def __len__(self) -> int:
            return 1_000_000

        def __getitem__(self, at: Any) -> Any:
            return at, f"row {at}"

    app = ListApp(Endless())
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        assert set(app.drawn) == set(range(10))
        app.drawn.clear()
        await pilot.press("end")
        await pilot.pause()
        assert set(app.drawn) <= {0, *range(999_980, 1_000_000)}
        assert app.rows.current == (999_999, "row 999999")
        assert "row 999999" in line(app, 9)


async def test_keys_move_the_cursor_and_the_view_follows() -> None:
    app = ListApp(numbered(30))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("down", "j", "up", "k", "up")
        assert app.rows.cursor == 0
        await pilot.press("pagedown", "pagedown")
        assert app.rows.cursor == 18
        assert app.rows.scroll_offset.y == 9
        await pilot.press("pageup", "home")
        assert (app.rows.cursor, app.rows.scroll_offset.y) == (0, 0)
        await pilot.press("end", "down")
        assert app.rows.cursor == 29


async def test_the_row_shows_cursor_text_and_right_end() -> None:
    app = ListApp(numbered(3))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("down")
        assert line(app, 0) == "  row 0" + " " * 29 + " #0 "
        assert line(app, 1).startswith("▌ row 1")
        assert line(app, 1).endswith("#1 ")


async def test_without_focus_the_cursor_is_quiet() -> None:
    app = ListApp(numbered(3))
    async with app.run_test(size=(40, 10)) as pilot:
        app.set_focus(None)
        await pilot.pause()
        assert line(app, 0).startswith("  row 0")


async def test_in_the_terminals_own_colours_the_cursor_is_reversed() -> None:
    app = ListApp(numbered(3))
    async with app.run_test(size=(40, 10)) as pilot:
        app.theme = TERMINAL.name
        await pilot.pause()
        segments = list(app.rows.render_line(0))
        assert all(segment.style is not None and segment.style.reverse for segment in segments)


async def test_ascii_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC4TUI_ASCII", "1")
    app = ListApp(numbered(3))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("space", "up")
        assert line(app, 0).startswith(">*row 0")
        assert line(app, 0).isascii()


async def test_enter_and_clicks_choose() -> None:
    app = ListApp(numbered(5))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.click(app.rows, offset=(5, 2))
        assert app.rows.cursor == 2
        assert ("chosen", (2, "row 2")) not in app.told
        await pilot.click(app.rows, offset=(5, 3), times=2)
        assert ("chosen", (3, "row 3")) in app.told
        await pilot.click(app.rows, offset=(5, 8))
        assert app.rows.cursor == 3


async def test_a_click_on_a_scrolled_list_means_the_row_that_is_seen() -> None:
    app = ListApp(numbered(50))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("end")
        await pilot.click(app.rows, offset=(5, 0))
        assert app.rows.current == (40, "row 40")


async def test_the_wheel_scrolls_without_moving_the_cursor() -> None:
    app = ListApp(numbered(50))
    async with app.run_test(size=(40, 10)) as pilot:
        app.rows.scroll_to(y=20, animate=False)
        await pilot.pause()
        assert app.rows.cursor == 0
        assert "row 20" in line(app, 0)


async def test_the_cursor_stays_on_its_item_when_items_are_replaced() -> None:
    app = ListApp(numbered(5))
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("down", "down")
        app.rows.set_items([(9, "new"), *numbered(5)])
        assert app.rows.current == (2, "row 2")
        app.rows.set_items([(0, "row 0"), (1, "row 1")])
        assert app.rows.current == (1, "row 1")
        app.rows.set_items([])
        assert app.rows.current is None
        await pilot.press("down", "space", "end")
        assert app.rows.current is None


async def test_a_filter_wants_every_word_in_any_case() -> None:
    app = ListApp([(1, "Fix the Upload"), (2, "upload docs"), (3, "other")])
    async with app.run_test(size=(40, 10)) as pilot:
        app.rows.filter("UPLOAD fix")
        assert app.rows.shown == [(1, "Fix the Upload")]
        app.rows.filter("upload")
        assert app.rows.shown == [(1, "Fix the Upload"), (2, "upload docs")]
        app.rows.filter("nothing such")
        await pilot.pause()
        assert app.rows.current is None
        assert "Nothing matches" in line(app, 1)
        app.rows.filter("")
        assert len(app.rows.shown) == 3


async def test_the_filter_keeps_the_cursor_on_its_item() -> None:
    app = ListApp([(n, "even" if n % 2 == 0 else "odd") for n in range(20)])
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("down", "down", "down", "down")
        app.rows.filter("even")
        assert app.rows.current == (4, "even")
        assert app.rows.cursor == 2
        app.rows.filter("")
        assert app.rows.cursor == 4


async def test_an_empty_list_teaches() -> None:
    app = ListApp([])
    async with app.run_test(size=(40, 10)):
        assert line(app, 1).strip() == "Nothing here."


async def test_marks_go_on_to_the_next_row_and_survive_new_items() -> None:
    app = ListApp(numbered(5))
    async with app.run_test(size=(40, 10)) as pilot:
        assert app.rows.targets == [(0, "row 0")]
        await pilot.press("space", "space", "down", "space")
        assert app.rows.marked == [(0, "row 0"), (1, "row 1"), (3, "row 3")]
        assert app.rows.targets == app.rows.marked
        await pilot.press("home", "space")
        assert app.rows.marked == [(1, "row 1"), (3, "row 3")]
        app.rows.set_items(list(reversed(numbered(5))))
        assert app.rows.marked == [(3, "row 3"), (1, "row 1")]
        app.rows.clear_marks()
        await pilot.pause()
        assert app.rows.marked == []
        assert [kind for kind, _ in app.told].count("marks") == 5


async def test_where_marks_mean_nothing_space_does_nothing() -> None:
    app = ListApp(numbered(5), marks=False)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("space")
        assert app.rows.marked == []
        assert app.rows.cursor == 0


async def test_markup_in_rows_is_text(hostile: str) -> None:
    app = ListApp([(1, hostile), (2, "\x1b]52;c;aGk=\x07plain\x9b6n")])
    async with app.run_test(size=(60, 10)):
        assert hostile in line(app, 0)
        assert "plain" in line(app, 1)
        for y in (0, 1):
            strip = app.rows.render_line(y)
            assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in strip.text)
            assert all(not (s.style and s.style.meta) for s in strip)


@pytest.mark.parametrize("width", [10, 23, 60])
async def test_rows_fill_exactly_the_width(width: int) -> None:
    app = ListApp([(1, "日本語テキスト" * 5), (2, "")])
    async with app.run_test(size=(width, 6)):
        for y in range(6):
            assert app.rows.render_line(y).cell_length == app.rows.size.width


async def test_a_smaller_window_keeps_the_cursor_in_sight(
    until: Callable[..., Any],
) -> None:
    app = ListApp(numbered(40))
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press(*["down"] * 15)
        await pilot.resize_terminal(40, 8)
        await until(pilot, lambda: app.rows.scroll_offset.y == 8)
        assert isinstance(pilot, Pilot)
