"""The log widget on a screen: follows, scrolls, searches, and never lays the screen out anew."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen

from cc4tui.screens.ink import ink
from cc4tui.screens.widgets.compositor import DirectScreen
from cc4tui.screens.widgets.log_source import FileSource, MemorySource
from cc4tui.screens.widgets.log_view import LogView


class LogApp(App[None]):
    """A log and nothing else."""

    def __init__(self, view: LogView) -> None:
        super().__init__()
        self.view = view
        view.can_focus = True

    def compose(self) -> ComposeResult:
        yield self.view


@asynccontextmanager
async def shown(view: LogView, size: tuple[int, int] = (30, 5)) -> AsyncIterator[Pilot[None]]:
    async with LogApp(view).run_test(size=size) as pilot:
        view.focus()
        await pilot.pause()
        yield pilot


def screen_of(view: LogView) -> list[str]:
    return [view.render_line(y).text[1:].replace("┃", "").rstrip() for y in range(view.size.height)]


def memory(text: str) -> MemorySource:
    source = MemorySource()
    source.append(text)
    return source


def lines(count: int) -> str:
    return "".join(f"line {n}\n" for n in range(count))


async def settle(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(200):
        await pilot.pause()
        if condition():
            return
    raise AssertionError("the condition never came true")


async def test_the_end_is_shown_and_followed() -> None:
    source = memory(lines(50))
    view = LogView(source)
    async with shown(view):
        assert screen_of(view) == [f"line {n}" for n in range(45, 50)]
        source.append("one more\n")
        view.poll()
        assert screen_of(view)[-1] == "one more"


async def test_a_file_is_followed_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "out"
    view = LogView(FileSource(path), empty=(("nothing yet", "muted"),))
    async with shown(view):
        assert screen_of(view)[0] == "nothing yet"
        path.write_text("first\n")
        view.poll()
        assert screen_of(view) == ["first", "", "", "", ""]


async def test_growth_causes_no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    source = memory(lines(50))
    view = LogView(source)
    async with shown(view) as pilot:
        layouts: list[Size] = []
        screen = pilot.app.screen
        refresh_layout = screen._refresh_layout
        monkeypatch.setattr(
            screen,
            "_refresh_layout",
            lambda *args, **kw: (layouts.append(view.size), refresh_layout(*args, **kw)),
        )
        for number in range(20):
            source.append(f"new {number}\n")
            view.poll()
            await pilot.pause()
        assert screen_of(view)[-1] == "new 19"
        assert layouts == []


async def test_keys_scroll_and_the_end_key_follows() -> None:
    source = memory(lines(50))
    view = LogView(source)
    async with shown(view) as pilot:
        await pilot.press("up", "k")
        assert screen_of(view)[-1] == "line 47"
        source.append("more\n")
        view.poll()
        assert screen_of(view)[-1] == "line 47"
        await pilot.press("pageup")
        assert screen_of(view)[-1] == "line 43"
        await pilot.press("home")
        assert screen_of(view)[0] == "line 0"
        await pilot.press("pagedown", "j")
        assert screen_of(view)[0] == "line 5"
        await pilot.press("end")
        assert view.following
        assert screen_of(view)[-1] == "more"


async def test_the_wheel_scrolls_and_the_bar_tells_the_place() -> None:
    view = LogView(memory(lines(50)))
    async with shown(view) as pilot:
        view.scroll_rows(-20)
        await pilot.pause()
        bar = [view.render_line(y).text[-1] for y in range(5)]
        assert bar.count("┃") == 1
        await pilot.mouse_down(view, offset=(29, 0))
        await pilot.mouse_up(view, offset=(29, 0))
        assert screen_of(view)[0] == "line 0"


async def test_searching_goes_up_to_the_nearest_hit_and_counts_all() -> None:
    text = "".join(f"line {n}{' Needle' if n % 20 == 3 else ''}\n" for n in range(100))
    view = LogView(memory(text))
    async with shown(view, (30, 9)) as pilot:
        view.start_search("needle")
        await settle(pilot, lambda: view.search is not None and view.search.count is not None)
        assert view.search is not None
        assert view.search.count == 5
        assert screen_of(view)[3] == "line 83 Needle"
        await pilot.press("N")
        await settle(pilot, lambda: "line 63 Needle" in screen_of(view))
        await pilot.press("n", "n")
        await settle(pilot, lambda: "line 3 Needle" in screen_of(view))
        lit = [segment.text for segment in view.render_line(3) if segment.style.reverse]
        assert lit == ["Needle"]


async def test_a_search_finds_text_not_escape_sequences() -> None:
    view = LogView(memory("\x1b[31mred\x1b[0m\nline 31\n\x1b[31mred\x1b[0m\n"))
    async with shown(view) as pilot:
        view.start_search("31")
        await settle(pilot, lambda: view.search is not None and view.search.count is not None)
        assert view.search is not None
        assert view.search.here == len("\x1b[31mred\x1b[0m\n")
        assert view.search.count == 1


async def test_a_search_without_hits_changes_nothing_and_can_be_left() -> None:
    view = LogView(memory(lines(50)))
    async with shown(view) as pilot:
        view.start_search("nowhere")
        await settle(pilot, lambda: view.search is not None and view.search.count is not None)
        assert screen_of(view)[-1] == "line 49"
        view.start_search("")
        assert view.search is None


async def test_nothing_a_terminal_obeys_is_drawn() -> None:
    view = LogView(memory("a\x1b]52;c;aGFjaw==\x07b\x1b[6nc\x9b6nd\u202ee [@click=app.quit]x[/]\n"))
    async with shown(view, (60, 3)):
        strip = view.render_line(0)
        assert strip.text.strip() == "abcde [@click=app.quit]x[/]"
        assert all("@click" not in (segment.style.meta or {}) for segment in strip)


async def test_colours_are_the_themes() -> None:
    view = LogView(memory("\x1b[31mred\x1b[0m plain\n"))
    async with shown(view) as pilot:
        pilot.app.theme = "nord"
        await pilot.pause()
        _, segment, *_ = view.render_line(0)
        assert segment.style.color == ink(pilot.app).style("bad").color


async def test_wrapping_can_be_turned_off() -> None:
    view = LogView(memory("word " * 20 + "\n"))
    async with shown(view) as pilot:
        assert screen_of(view)[1].startswith("word")
        await pilot.press("W")
        assert screen_of(view)[1] == ""


async def test_a_resize_wraps_again() -> None:
    view = LogView(memory("one two three four five six seven\n"))
    async with shown(view, (40, 5)) as pilot:
        assert screen_of(view)[1] == ""
        await pilot.resize_terminal(20, 5)
        await settle(pilot, lambda: screen_of(view)[1] != "")


async def test_selected_text_is_what_is_seen() -> None:
    view = LogView(memory("\x1b[31mfirst line\x1b[0m\nsecond line\nthird\n"))
    async with shown(view) as pilot:
        await pilot.mouse_down(view, offset=(7, 0))
        await pilot.hover(view, offset=(7, 1))
        await pilot.mouse_up(view, offset=(7, 1))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == "line\nsecond "
        chosen = pilot.app.screen.get_component_rich_style("screen--selection").bgcolor
        assert any(segment.style.bgcolor == chosen for segment in view.render_line(1))


async def test_a_selection_may_begin_in_the_margin() -> None:
    view = LogView(memory("first line\nsecond line\n"))
    async with shown(view) as pilot:
        await pilot.mouse_down(view, offset=(0, 0))
        await pilot.hover(view, offset=(5, 1))
        await pilot.mouse_up(view, offset=(5, 1))
        await pilot.pause()
        assert pilot.app.screen.get_selected_text() == "first line\nsecon"


async def test_showing_another_source_closes_the_first(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("of the file\n")
    view = LogView(FileSource(path))
    async with shown(view):
        assert screen_of(view)[0] == "of the file"
        view.set_source(memory("of memory\n"), wrapped=True)
        assert screen_of(view)[0] == "of memory"


class CrowdApp(App[None]):
    """Nine logs on the app's own screen."""

    CSS = "Grid { grid-size: 3 3; }"

    def __init__(self, views: list[LogView]) -> None:
        super().__init__()
        self.views = views

    def get_default_screen(self) -> Screen[object]:
        return DirectScreen()

    def compose(self) -> ComposeResult:
        with Grid():
            yield from self.views


async def test_a_terminal_that_is_resized_all_the_time_while_logs_grow() -> None:
    sources, chance = [MemorySource() for _ in range(9)], random.Random(4)
    app = CrowdApp([LogView(source) for source in sources])
    async with app.run_test(size=(90, 30)) as pilot:
        for number in range(30):
            for source, view in zip(sources, app.views, strict=True):
                source.append(f"\x1b[3{number % 8}mline {number} 漢字 " * 9 + "\n")
                view.poll()
            await pilot.resize_terminal(chance.randint(1, 200), chance.randint(1, 60))
        await pilot.resize_terminal(90, 30)
        for source, view in zip(sources, app.views, strict=True):
            source.append("the end\n")
            view.poll()
        await pilot.pause()
        assert [screen_of(view)[-1] for view in app.views] == ["the end"] * 9
        assert {view.size for view in app.views} == {Size(30, 10)}
