"""The pane of text."""

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset, Region
from textual.selection import Selection

from cc4tui.screens.themes import DARK
from cc4tui.screens.widgets.text_pane import TextPane


class PaneApp(App[None]):
    """A pane and nothing else."""

    def __init__(self, lines: list[tuple[tuple[str, str], ...]]) -> None:
        super().__init__()
        self.pane = TextPane(lines)

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.register_theme(DARK)
        self.theme = DARK.name


def shown(app: PaneApp, rows: int) -> list[str]:
    return [app.pane.render_line(y).text.rstrip() for y in range(rows)]


async def test_long_lines_go_on_below_their_text() -> None:
    app = PaneApp([(("goal        ", "muted"), ("no client can starve the others", "text"))])
    async with app.run_test(size=(32, 5)) as pilot:
        await pilot.pause()
        assert shown(app, 3) == ["goal        no client can", "            starve the others", ""]


async def test_it_wraps_again_when_the_width_changes() -> None:
    app = PaneApp([(("one two three four five", "text"),)])
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        assert shown(app, 2) == ["one two three four five", ""]
        await pilot.resize_terminal(16, 5)
        await pilot.pause()
        assert shown(app, 2) == ["one two three", "four five"]


async def test_a_frame_that_comes_before_it_wraps_does_not_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrap_again = TextPane.on_resize

    def late(pane: TextPane) -> None:
        pane.render_lines(Region(0, 0, *pane.size))
        wrap_again(pane)

    monkeypatch.setattr(TextPane, "on_resize", late)
    app = PaneApp([(("one two three four five", "text"),)])
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(16, 5)
        await pilot.pause()
        lines = app.pane.render_lines(Region(0, 0, *app.pane.size))
        assert [line.text.strip() for line in lines][:2] == ["one two three", "four five"]


async def test_keys_scroll_it() -> None:
    app = PaneApp([((f"line {n}", "text"),) for n in range(50)])
    async with app.run_test(size=(40, 10)) as pilot:
        app.pane.focus()
        await pilot.pause()
        await pilot.press("down", "down")
        await pilot.pause()
        assert shown(app, 1) == ["line 2"]
        await pilot.press("end")
        await pilot.pause()
        assert shown(app, 10)[-1] == "line 49"


async def test_other_lines_begin_at_their_top_unless_told_otherwise() -> None:
    lines = [((f"line {n}", "text"),) for n in range(50)]
    app = PaneApp(lines)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        app.pane.scroll_to(y=20, animate=False)
        app.pane.set_lines(lines, keep_place=True)
        assert shown(app, 1) == ["line 20"]
        app.pane.set_lines(lines)
        assert shown(app, 1) == ["line 0"]


async def test_nothing_in_it_is_obeyed(hostile: str) -> None:
    app = PaneApp([((hostile, "text"), ("\x1b[6n\x1b]0;owned\x07", "text"))])
    async with app.run_test(size=(60, 3)) as pilot:
        await pilot.pause()
        assert shown(app, 1) == [hostile]
        assert app.pane.text == hostile
        for segment in app.pane.render_line(0):
            assert segment.style is not None
            assert "@click" not in segment.style.meta


async def test_selected_text_is_what_stands_there() -> None:
    app = PaneApp([(("first line", "text"),), (("second line", "text"),)])
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        selection = Selection(Offset(6, 0), Offset(6, 1))
        assert app.pane.get_selection(selection) == ("line\nsecond", "\n")
        app.screen.selections = {app.pane: selection}
        await pilot.pause()
        chosen = app.screen.get_component_rich_style("screen--selection").bgcolor
        lit = [s.text for s in app.pane.render_line(1) if s.style and s.style.bgcolor == chosen]
        assert "".join(lit) == "second"
        assert app.pane.render_line(1).text.startswith("second line")


async def test_it_is_as_high_as_its_wrapped_text_where_that_is_asked_for() -> None:
    app = PaneApp([(("one two three four five", "text"),)])
    async with app.run_test(size=(16, 10)) as pilot:
        app.pane.styles.height = "auto"
        await pilot.pause()
        assert app.pane.size.height == 2
