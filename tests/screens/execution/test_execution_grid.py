"""Panes in their grid: used again, alone when zoomed, never with another task's output."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from cc4tui import events as e
from cc4tui.domain.agent import TextSaid
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.execution.grid import PaneGrid
from cc4tui.screens.execution.more import MoreStrip
from cc4tui.screens.execution.pane import AgentPane
from cc4tui.screens.options import Tab


TASKS = {f"1.{n}": f"Task {n}" for n in range(1, 7)}
Settle = Callable[..., Awaitable[None]]


class GridApp(App[None]):
    """A grid and the strip below it."""

    def __init__(self, center: Any, clock: Callable[[], Any]) -> None:
        super().__init__()
        self.grid = PaneGrid(center, clock)
        self.more = MoreStrip(clock)
        self.picked: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.grid
        yield self.more

    def on_more_strip_picked(self, message: MoreStrip.Picked) -> None:
        self.picked.append(message.task_id)


@pytest.fixture
def told(empty_center: Any, stage: Callable[..., Any]) -> Any:
    run = stage(empty_center, TASKS)
    run.center = empty_center
    for task in TASKS:
        run.start(task)
        run.say(task, TextSaid(f"said by {task}"))
    return run


@pytest.fixture
def opened(told: Any, clock: Callable[[], Any]) -> Callable[..., Any]:
    @asynccontextmanager
    async def open_grid(size: tuple[int, int] = (120, 30)) -> AsyncIterator[tuple[Any, Any]]:
        app = GridApp(told.center, clock)
        async with app.run_test(size=size) as pilot:
            yield app, pilot

    return open_grid


def regions(grid: PaneGrid) -> list[tuple[int, int, int, int]]:
    return [tuple(pane.region) for pane in grid.panes]  # type: ignore[misc]


def output(pane: AgentPane) -> str:
    log = pane.log_view
    return "\n".join(log.render_line(y).text.strip() for y in range(log.size.height))


async def pull(grid: PaneGrid, pilot: Pilot[None]) -> None:
    for pane in grid.in_sight():
        await pane.pull()
        pane.poll()
    await pilot.pause()


async def test_panes_lie_in_the_order_asked_for(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.2", "1.1"])
        await pilot.pause()
        assert [pane.task_id for pane in app.grid.panes] == ["1.2", "1.1"]
        first, second = regions(app.grid)
        app.grid.show(told.model, ["1.1", "1.2"])
        await pilot.pause()
        assert [pane.task_id for pane in app.grid.panes] == ["1.1", "1.2"]
        assert regions(app.grid) == [first, second]


async def test_a_pane_whose_task_left_is_used_again(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1", "1.2"])
        await pilot.pause()
        before = list(app.grid.panes)
        await pull(app.grid, pilot)
        app.grid.show(told.model, ["1.3", "1.2"])
        await pilot.pause()
        assert app.grid.panes == before
        await pull(app.grid, pilot)
        assert "said by 1.3" in output(app.grid.panes[0])
        assert "said by 1.1" not in output(app.grid.panes[0])


async def test_fewer_tasks_leave_no_widgets_behind(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, list(TASKS))
        await pilot.pause()
        app.grid.show(told.model, ["1.4"])
        await pilot.pause()
        await pilot.pause()
        assert len(app.grid.query(AgentPane)) == 2  # with the one for guests
        assert app.grid.panes[0].task_id == "1.4"
        assert app.grid.panes[0].region.size == app.grid.region.size


async def test_a_zoomed_pane_has_all_the_room(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1", "1.2", "1.3"])
        await pilot.pause()
        pane = app.grid.zoom(told.model, "1.2")
        await pilot.pause()
        assert pane is app.grid.panes[1]
        assert pane.region == app.grid.region
        assert [p for p in app.grid.panes if p.display] == [pane]
        assert list(app.grid.in_sight()) == [pane]
        assert app.grid.unzoom() is pane
        await pilot.pause()
        assert all(p.display for p in app.grid.panes)


async def test_a_task_without_a_place_is_a_guest(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1"])
        await pilot.pause()
        guest = app.grid.zoom(told.model, "1.6")
        await pull(app.grid, pilot)
        assert guest not in app.grid.panes
        assert "said by 1.6" in output(guest)
        told.add(e.TaskFailed, "1.6", reason_code="agent", reason="boom")
        app.grid.show(told.model, ["1.1"])
        await pilot.pause()
        assert "boom" in guest.head.render_line(1).text
        assert app.grid.unzoom() is None
        assert not guest.display


async def test_a_zoomed_pane_whose_place_is_taken_becomes_the_guest(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1", "1.2"])
        await pilot.pause()
        pane = app.grid.zoom(told.model, "1.1")
        app.grid.show(told.model, ["1.3", "1.2"])
        await pilot.pause()
        assert app.grid.zoomed is pane
        assert pane.task_id == "1.1"
        assert [p.task_id for p in app.grid.panes] == ["1.3", "1.2"]
        app.grid.unzoom()
        app.grid.show(told.model, ["1.3", "1.2"])
        await pilot.pause()
        assert not pane.display


async def test_digits_are_given_in_order(opened: Any, told: Any) -> None:
    async with opened(size=(120, 60)) as (app, pilot):
        app.grid.show(told.model, list(TASKS))
        await pilot.pause()
        heads = [pane.head.render_line(0).text for pane in app.grid.panes]
        assert [head[0] for head in heads] == list("123456")


# --- one pane ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "rows"), [(3, 1), (7, 1), (8, 2), (30, 2)])
async def test_a_tall_pane_has_two_lines_of_heading(
    opened: Any, told: Any, height: int, rows: int
) -> None:
    async with opened(size=(80, height)) as (app, pilot):
        app.grid.show(told.model, ["1.1"])
        await pilot.pause()
        pane = app.grid.panes[0]
        assert pane.head.size.height == rows
        assert pane.log_view.size.height == height - rows


async def test_a_task_that_has_not_started_says_what_it_waits_for(opened: Any, told: Any) -> None:
    model = told.model
    task = model.tasks["1.1"]
    waiting = type(task)("1.1", "Task 1", waits_for=("0.1", "0.2"))
    async with opened() as (app, pilot):
        app.grid.show(type(model)(model.run, {"1.1": waiting}), ["1.1"])
        await pull(app.grid, pilot)
        assert "waits for 0.1, 0.2" in output(app.grid.panes[0])


async def test_a_new_try_begins_with_an_empty_pane(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1"])
        await pull(app.grid, pilot)
        pane = app.grid.panes[0]
        assert "said by 1.1" in output(pane)
        told.end("1.1", retry_in=0.0)
        told.start("1.1", 2)
        app.grid.show(told.model, ["1.1"])
        await pull(app.grid, pilot)
        assert "said by 1.1" not in output(pane)
        assert "nothing said yet" in output(pane)


async def test_an_older_try_stays_while_it_is_read(opened: Any, told: Any) -> None:
    told.end("1.1", retry_in=0.0)
    told.start("1.1", 2)
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1"])
        pane = app.grid.panes[0]
        pane.show_attempt(-1)
        pane.show_attempt(-1)
        told.use("1.1", 7, None, attempt=2)
        app.grid.show(told.model, ["1.1"])
        await pull(app.grid, pilot)
        assert "said by 1.1" in output(pane)
        assert "try 1 is shown" in pane.head.render_line(1).text
        pane.show_attempt(1)
        await pull(app.grid, pilot)
        assert "try 1 is shown" not in pane.head.render_line(1).text


async def test_raw_and_structured_keep_what_was_read(
    opened: Any, empty_center: Any, stage: Callable[..., Any], tmp_path: Path, clock: Any
) -> None:
    (tmp_path / "out").write_text("raw text\n")
    run = stage(empty_center, {"1.1": "Task"})
    run.start("1.1", folder=str(tmp_path))
    run.say("1.1", TextSaid("structured text"))
    app = GridApp(empty_center, clock)
    async with app.run_test(size=(80, 20)) as pilot:
        app.grid.show(run.model, ["1.1"])
        pane = app.grid.panes[0]
        await pull(app.grid, pilot)
        for expected in ("raw text", "structured text", "raw text", "structured text"):
            pane.toggle_raw()
            await pull(app.grid, pilot)
            assert expected in output(pane)


async def test_raw_without_a_folder_stays_structured(opened: Any, told: Any) -> None:
    told.start("1.1", 1, folder="")
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1"])
        pane = app.grid.panes[0]
        pane.toggle_raw()
        await pull(app.grid, pilot)
        assert pane.log_view.window.reader.size == 0


# --- what finds no room -----------------------------------------------------------------------


async def test_the_strip_names_what_finds_no_room(opened: Any, told: Any) -> None:
    async with opened(size=(60, 10)) as (app, pilot):
        app.more.show(list(told.model.tasks.values()))
        await pilot.pause()
        text = app.more.render_line(0).text
        assert text.startswith(" +6 ")
        assert "● 1.1 Task 1" in text
        assert len(text) == 60
        app.more.show([])
        await pilot.pause()
        assert not app.more.display


async def test_a_click_on_the_strip_picks_a_task(opened: Any, told: Any) -> None:
    async with opened(size=(100, 10)) as (app, pilot):
        app.more.show(list(told.model.tasks.values()))
        await pilot.pause()
        column = app.more.render_line(0).text.index("1.2")
        await pilot.click(app.more, offset=(column, 0))
        await pilot.click(app.more, offset=(1, 0))
        await pilot.pause()
        assert app.picked == ["1.2"]


async def test_what_only_holds_panes_paints_nothing(opened: Any, told: Any) -> None:
    async with opened() as (app, pilot):
        app.grid.show(told.model, ["1.1", "1.2", "1.3"])
        await pilot.pause()
        for holder in (app.grid, *app.grid.panes):
            assert holder.render_lines(holder.region) == []
            covered = sum(child.region.area for child in holder.children if child.display)
            assert covered == holder.region.area


async def test_the_list_gives_room_to_panes_that_need_it(
    open_app: Any, empty_center: Any, stage: Callable[..., Any], settle: Settle
) -> None:
    run = stage(empty_center, {f"1.{n}": f"Task {n}" for n in range(60)}, workers=60)
    for n in range(20):
        run.start(f"1.{n}")
    async with open_app(empty_center, tab=Tab.EXECUTION, size=(200, 50)) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: len(tab.grid.panes) == 20 and tab.tasks.outer_size.width == 60)
        for n in range(20, 60):
            run.start(f"1.{n}")
        await settle(pilot, lambda: len(tab.grid.panes) == 45 and tab.tasks.outer_size.width == 44)
