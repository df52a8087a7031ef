"""Tool calls are one line in the log; their result, and what the agent has yet to do, on demand."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui.domain.agent import TextSaid, Todo, TodosChanged, ToolCalled, ToolReturned
from cc4tui.screens.dialogs.call import CallDialog
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab


Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
Settle = Callable[..., Awaitable[None]]
RESULT = "\n".join(f"result {n}" for n in range(40))


@pytest.fixture
def run(empty_center: Any, stage: Callable[..., Any]) -> Any:
    told = stage(empty_center, {"1.1": "Client"})
    told.center = empty_center
    told.start("1.1")
    told.say(
        "1.1",
        ToolCalled("a", "Bash", {"command": "ls\npwd", "timeout": 5}, "Bash ls"),
        ToolReturned("a", True, RESULT),
        ToolCalled("b", "Edit", {"old_string": "x", "new_string": "y"}, "Edit a.py"),
        ToolReturned("b", False, "no such text"),
        TodosChanged((Todo("Read it", True), Todo("Write 漢字", False, True))),
        TextSaid("the end"),
    )
    return told


async def whole(pilot: Pilot[None], settle: Settle, shown: Callable[..., str]) -> ExecutionTab:
    """The agent's log, alone."""
    tab = pilot.app.query_one(ExecutionTab)
    await settle(pilot, lambda: tab.grid.panes)
    await pilot.press("alt+1", "enter")
    await settle(pilot, lambda: "the end" in shown(pilot))
    return tab


def call_shown(pilot: Pilot[None]) -> str:
    dialog = pilot.app.screen
    return str(dialog._box.border_title) if isinstance(dialog, CallDialog) else ""


async def test_enter_shows_the_last_result_and_the_arrows_the_others(
    open_app: Open, run: Any, settle: Settle, screen_text: Callable[..., str]
) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION, size=(80, 24)) as pilot:
        await whole(pilot, settle, screen_text)
        await pilot.press("enter")
        await settle(pilot, lambda: call_shown(pilot) == "2 of 2  Edit a.py")
        for words in ("− x", "+ y", "failed", "no such text"):
            await settle(pilot, lambda words=words: words in screen_text(pilot))
        await pilot.press("right", "left")
        await settle(pilot, lambda: call_shown(pilot) == "1 of 2  Bash ls")
        await settle(pilot, lambda: "timeout  5" in screen_text(pilot))
        assert "result 0" in screen_text(pilot)
        await pilot.press("end")
        await settle(pilot, lambda: "result 39" in screen_text(pilot))
        await pilot.press("escape")
        await settle(pilot, lambda: not isinstance(pilot.app.screen, CallDialog))


async def test_a_click_on_a_call_or_its_result_shows_it(
    open_app: Open, run: Any, settle: Settle, screen_text: Callable[..., str]
) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION, size=(80, 24)) as pilot:
        await whole(pilot, settle, screen_text)
        rows = screen_text(pilot).splitlines()
        for words, title in (("the end", ""), ("result 0", "1 of 2  Bash ls")):
            at = next(n for n, row in enumerate(rows) if words in row)
            await pilot.click(offset=(4, at))
            await settle(pilot, lambda title=title: call_shown(pilot) == title)


@pytest.mark.parametrize(("width", "beside"), [(80, False), (120, True)])
async def test_the_agents_own_list_stands_beside_its_log_where_there_is_room(
    open_app: Open,
    run: Any,
    settle: Settle,
    screen_text: Callable[..., str],
    width: int,
    beside: bool,
) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION, size=(width, 24)) as pilot:
        tab = await whole(pilot, settle, screen_text)
        await settle(pilot, lambda: ("│ ▶ Write 漢字" in screen_text(pilot)) is beside)
        assert ("│ steps 1/2" in screen_text(pilot)) is beside
        await pilot.press("l")
        await settle(pilot, lambda: "│ steps 1/2" not in screen_text(pilot))
        await pilot.press("l", "escape")
        await settle(pilot, lambda: not tab.is_whole)
        assert "│ steps 1/2" not in screen_text(pilot)
