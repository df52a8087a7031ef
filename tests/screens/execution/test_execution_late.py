"""What was asked for before comes late: it never takes the place of what came since."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui.domain.agent import TextSaid
from cc4tui.ports import Against
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab
from tests.screens.held import Held


Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
Settle = Callable[..., Awaitable[None]]

RUN = "r-7f3"
DIFF = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-x\n+y\n"


def tab_of(pilot: Pilot[None]) -> ExecutionTab:
    return pilot.app.query_one(ExecutionTab)


async def test_a_look_does_not_undo_what_was_chosen_meanwhile(
    open_app: Open, center: Any, stage: Any, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stage(center, {"1.1": "Settings model"})
    told.start("1.1")
    center.diffs[RUN, "1.1"] = DIFF.format("begin.py")
    center.diffs[RUN, "1.1", "merged"] = DIFF.format("merged.py")
    center.live.add("1.1")
    async with open_app(tab=Tab.EXECUTION) as pilot:
        pane = tab_of(pilot).diff
        await settle(pilot, lambda: tab_of(pilot).grid.panes)
        await pilot.press("alt+1", "d")
        await settle(pilot, lambda: pane.is_open)
        held = Held(center, "task_changes", monkeypatch)
        center.diffs[RUN, "1.1"] = DIFF.format("later.py")
        pane._rest_until = 0.0
        pane.tick()
        await pilot.pause()
        await pilot.press("B")
        held.let(1)
        await settle(pilot, lambda: pane.view.diff.files[0].path == "merged.py")
        held.let(0)
        await pilot.pause()
        assert pane.view.diff.files[0].path == "merged.py"
        assert pane._told is not None
        assert pane._told.against is Against.MERGED
        pane._rest_until = 0.0
        pane.tick()
        await settle(pilot, lambda: len(held.gates) == 3)  # it goes on looking


async def test_a_run_that_is_over_has_no_time_left(
    open_app: Open, center: Any, stage: Any, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stage(center, {"1.1": "Settings model"})
    told.start("1.1")
    center.left = (400.0, 700.0)
    held = Held(center, "time_left", monkeypatch)
    async with open_app(tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: held.gates)
        told.end("1.1")
        told.finish()
        await settle(pilot, lambda: tab_of(pilot).live.is_over)
        held.let_all()
        await pilot.pause()
        assert tab_of(pilot).head._left is None


async def test_the_timeline_is_that_of_the_run_that_is_shown(
    open_app: Open, center: Any, stage: Any, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.screens.execution.timeline_view.MANY", 6)
    told = stage(center, {f"1.{n}": f"Task {n}" for n in range(8)})
    told.start("1.1")
    async with open_app(tab=Tab.EXECUTION) as pilot:
        tab = tab_of(pilot)
        await settle(pilot, lambda: tab.grid.panes)
        held = Held(asyncio, "to_thread", monkeypatch)
        await pilot.press("t")
        assert len(held.gates) == 1
        tab.show_run("r-8")  # six tasks, none of which has begun
        await settle(pilot, lambda: tab.live.run.id == "r-8")
        held.let_all()
        await pilot.pause()
        assert not tab.timeline.view.told.rows


async def test_no_run_gets_the_past_of_another(
    open_app: Open, center: Any, stage: Any, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stage(center, {"1.1": "Settings model"})
    told.start("1.1")
    async with open_app(tab=Tab.EXECUTION) as pilot:
        tab = tab_of(pilot)
        await settle(pilot, lambda: tab.grid.panes)
        held = Held(asyncio, "to_thread", monkeypatch)
        await pilot.press("[")
        assert len(held.gates) == 1
        tab.show_run("r-8")
        await settle(pilot, lambda: tab.live.run.id == "r-8")
        held.let_all()
        await pilot.pause()
        assert tab.as_of is None
        assert tab.model.run.id == "r-8"


async def test_an_older_try_stays_whole_when_the_size_of_a_newer_one_is_known(
    open_app: Open, center: Any, stage: Any, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stage(center, {"1.1": "Settings model"})
    told.start("1.1")
    told.end("1.1", outcome="failed")
    told.start("1.1", 2)
    told.use("1.1", 10, None, 2)
    told.end("1.1", 2, outcome="failed")
    told.say("1.1", *[TextSaid(f"older {n}") for n in range(5)])
    told.say("1.1", TextSaid("newer"), attempt=2)
    begin = told.model.tasks["1.1"].attempts[1].started
    center.sizes[RUN, "1.1", 2] = [(begin + timedelta(seconds=n), n) for n in range(2)]
    async with open_app(tab=Tab.EXECUTION) as pilot:
        tab = tab_of(pilot)
        await settle(pilot, lambda: tab.model is not None)
        held = Held(center, "output_times", monkeypatch)
        await pilot.press("[")  # before the second try ended
        await settle(pilot, lambda: held.gates)
        pane = tab.grid.panes[0]
        pane.show_attempt(-1)
        held.let_all()
        await pilot.pause()
        await pane.pull()
        pane.poll()
        assert pane.attempt_number == 1
        lines = [pane.log_view.render_line(y).text for y in range(8)]
        assert any("older 4" in line for line in lines)
