"""Panes of finished tasks stay, beside those at work or in the strip, until somebody says so."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cc4tui import events as e
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab


TASKS = {f"1.{n}": f"Task number {n}" for n in range(1, 9)}


@pytest.fixture
def watch(open_app: Any, empty_center: Any, stage: Callable[..., Any], settle: Any) -> Any:
    """Opens the app on a run of eight tasks, two of them at work."""
    run = stage(empty_center, TASKS, workers=2)
    run.start("1.1")
    run.start("1.2")

    @asynccontextmanager
    async def opened(size: tuple[int, int] = (80, 24)) -> Any:
        async with open_app(empty_center, tab=Tab.EXECUTION, size=size) as pilot:
            tab = pilot.app.query_one(ExecutionTab)
            await settle(pilot, lambda: len(tab.grid.panes) == 2)
            await pilot.press("T", "end")  # on none of those that end
            yield pilot, tab, run

    return opened


def land(run: Any, task: str) -> None:
    run.end(task)
    run.add(e.TaskMerged, task, commit="c0ffee", merged_as="beef")


async def go_on(pilot: Any, settle: Any, run: Any, done: str, begun: str) -> None:
    """One task ends and the next begins, each seen."""
    tab = pilot.app.query_one(ExecutionTab)
    land(run, done)
    await settle(pilot, lambda: not tab.model.tasks[done].is_active)
    run.start(begun)
    await settle(pilot, lambda: tab.model.tasks[begun].is_active)


def shown(tab: ExecutionTab) -> list[str]:
    return [pane.task_id for pane in tab.grid.panes]


def strip(tab: ExecutionTab) -> str:
    return tab.more.render_line(0).text if tab.more.display else ""


async def test_in_a_small_terminal_they_go_to_the_strip_and_are_new_there(
    watch: Any, settle: Any
) -> None:
    async with watch() as (pilot, tab, run):
        await go_on(pilot, settle, run, "1.1", "1.3")
        await settle(pilot, lambda: shown(tab) == ["1.3", "1.2"])
        await settle(pilot, lambda: "+1" in strip(tab) and "1.1 Task" in strip(tab))
        await pilot.press("4")  # what ends while another tab is shown has not been seen
        await settle(pilot, lambda: not tab.display)
        await go_on(pilot, settle, run, "1.2", "1.4")
        await pilot.press("3")
        await settle(pilot, lambda: shown(tab) == ["1.3", "1.4"] and "+2" in strip(tab))
        assert strip(tab).index("new 1.2") < strip(tab).index("new 1.1")

        at = strip(tab).index("1.2 Task")
        await pilot.click(tab.more, offset=(at, 0))
        await settle(pilot, lambda: tab.grid.zoomed is not None and tab.selected.id == "1.2")
        await pilot.press("escape")
        await settle(pilot, lambda: " 1.2 Task" in strip(tab))
        assert "new 1.1" in strip(tab)
        assert "new 1.2" not in strip(tab)


async def test_with_room_they_stay_where_they_are(watch: Any, settle: Any) -> None:
    async with watch((120, 36)) as (pilot, tab, run):
        await go_on(pilot, settle, run, "1.1", "1.3")
        await settle(pilot, lambda: shown(tab) == ["1.3", "1.2", "1.1"])
        assert strip(tab) == ""
        await settle(pilot, lambda: all(pane.size.height >= 8 for pane in tab.grid.panes))
        for number in range(3, 8):
            await go_on(pilot, settle, run, f"1.{number}", f"1.{number + 1}")
        await settle(pilot, lambda: {"1.2", "1.8"} < set(shown(tab)))
        await settle(pilot, lambda: all(pane.size.height >= 8 for pane in tab.grid.panes))
        assert f"+{8 - len(shown(tab))}" in strip(tab)
        run.finish()
        land(run, "1.8")
        land(run, "1.2")
        await settle(pilot, lambda: set(shown(tab)) == set(TASKS))  # nobody needs the room


async def test_they_go_one_by_one_or_all_at_once(watch: Any, settle: Any) -> None:
    async with watch() as (pilot, tab, run):
        for number in range(1, 5):
            await go_on(pilot, settle, run, f"1.{number}", f"1.{number + 2}")
        await settle(pilot, lambda: "+4" in strip(tab))
        await pilot.click(tab.more, offset=(strip(tab).index("1.4 Task"), 0))
        await settle(pilot, lambda: tab.selected.id == "1.4" and tab.is_whole)
        await pilot.press("x")
        await settle(pilot, lambda: "+3" in strip(tab) and "1.4" not in strip(tab))
        assert not tab.is_whole
        await pilot.press("ctrl+x")
        await settle(pilot, lambda: not tab.more.display)
        assert sorted(shown(tab)) == ["1.5", "1.6"]
        assert not tab.check_action("dismiss_all", ())
