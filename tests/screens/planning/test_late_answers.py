"""What was read for an earlier wish comes late: it never takes the place of what came since."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui.domain.plan import Plan, PlanTaskState, Task
from cc4tui.domain.run import TaskRunState
from cc4tui.errors import NotFoundError
from cc4tui.events import PlanChanged, RunFinished
from cc4tui.screens import app as app_module
from cc4tui.screens.dialogs.difference import DifferenceDialog
from cc4tui.screens.options import Tab
from cc4tui.screens.plans import PlansTab
from tests.screens.held import Held


API, REPORT = "plans/api.md", "docs/plans/report.md"


def tab_of(pilot: Pilot[None]) -> PlansTab:
    return pilot.app.query_one(PlansTab)


def shown(pilot: Pilot[None]) -> str:
    """The plan whose tree is shown."""
    tab = tab_of(pilot)
    assert tab.plan is not None
    assert tab.tree_list._plan is tab.plan
    return tab.plan.path


def longer(plan: Plan) -> Plan:
    """The plan with one task more."""
    last = plan.batches[-1]
    task = Task("2.9", "Newest", PlanTaskState.TODO, 50, 51, "2")
    batch = replace(last, tasks=(*last.tasks, task))
    return replace(plan, batches=(*plan.batches[:-1], batch))


async def test_the_tree_is_that_of_the_plan_under_the_cursor(
    open_app: Any, center: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("escape")
        held = Held(center, "read_plan", monkeypatch)
        await pilot.press("down", "up")
        assert len(held.gates) == 1
        held.let_all()
        await pilot.pause()
        assert shown(pilot) == API
        assert tab_of(pilot)._states.run is not None
        await pilot.press("down")
        assert shown(pilot) == REPORT
        assert tab_of(pilot)._states.run is None


async def test_the_cursor_moves_before_the_first_plan_was_read(
    open_app: Any, center: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(center, "read_plan", monkeypatch)
    async with open_app(tab=Tab.PLANS) as pilot:
        tab_of(pilot).plans.focus()
        await pilot.press("down")
        held.let_all()
        await pilot.pause()
        assert shown(pilot) == REPORT


async def test_a_plan_that_goes_away_while_it_is_read_does_not_end_the_watch(
    open_app: Any, center: Any, toasts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(path: str) -> Plan:
        raise NotFoundError(f"There is no plan at {path}.")

    async with open_app(tab=Tab.PLANS) as pilot:
        with monkeypatch.context() as patch:
            patch.setattr(center, "read_plan", gone)
            center.change_plan(longer(center.all_plans[API]))
            await pilot.pause()
        assert toasts(pilot) == [f"There is no plan at {API}."]
        center.change_plan(center.all_plans[API])
        await pilot.pause()
        assert "=2.9" in {row.key for row in tab_of(pilot).tree_list.items}


async def test_problems_are_those_of_the_newest_text(
    open_app: Any, center: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        held = Held(center, "plan_source", monkeypatch)
        await pilot.press("w")
        center.change_plan(replace(center.all_plans[API], title="Newer", diagnostics=()))
        await pilot.pause()
        held.let(1)
        await pilot.pause()
        held.let(0)
        await pilot.pause()
        assert tab_of(pilot).problems.rows.items == []


async def test_the_forecast_is_for_as_many_workers_as_were_wanted_last(
    open_app: Any, center: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("f")
        held = Held(center, "forecast", monkeypatch)
        center.change_plan(center.all_plans[API])
        await pilot.pause()
        await pilot.press("plus")
        held.let(1)
        await pilot.pause()
        held.let(0)
        await pilot.pause()
        told = tab_of(pilot).forecast.told
        assert told is not None
        assert told.workers == 5


async def test_the_graph_is_that_of_the_newest_text(
    open_app: Any, center: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("g")
        graph = tab_of(pilot).graph
        assert graph.layout_now is not None
        held = Held(asyncio, "to_thread", monkeypatch)
        graph.show_states({"1.3": TaskRunState.MERGED})  # something else is critical now
        await pilot.pause()
        center.change_plan(longer(center.all_plans[API]))
        await pilot.pause()
        assert len(held.gates) == 2
        held.let(1)
        await pilot.pause()
        held.let(2)
        await pilot.pause()
        assert "2.9" in graph.layout_now.graph.number
        held.let(0)
        await pilot.pause()
        assert "2.9" in graph.layout_now.graph.number


async def test_an_edit_whose_run_ended_meanwhile_is_not_asked_about(
    open_app: Any, center: Any, make_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "CALM_SECONDS", -1.0)
    run = make_run("r-9", API)
    await center.journal.create_run(run, center.journal.all_tasks["r-8"])
    async with open_app(tab=Tab.PLANS) as pilot:
        held = Held(center, "read_plan", monkeypatch)
        center.publish(PlanChanged(run="r-9", added=["2.4"], changed=[], removed=[], applied=False))
        await pilot.pause()
        assert len(held.gates) == 1
        center.publish(
            RunFinished(
                run="r-9",
                status="succeeded",
                counts={},
                target="main",
                landed=True,
                reason="",
                seconds=1.0,
                efficiency=None,
            )
        )
        await pilot.pause()
        held.let_all()
        await pilot.pause()
        assert not isinstance(pilot.app.screen, DifferenceDialog)
