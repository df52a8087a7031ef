"""An edit of the plan while its run goes on: told, held, applied, never lost."""

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui.domain.run import TaskRunState
from cc4tui.errors import UsageError
from cc4tui.events import PlanChanged, RunFinished
from cc4tui.screens import app as app_module
from cc4tui.screens.dialogs.difference import DifferenceDialog
from cc4tui.screens.dialogs.new_plan import NewPlanDialog
from cc4tui.screens.options import Tab
from cc4tui.screens.widgets.status_bar import StatusBar


EDIT = PlanChanged(run="r-9", added=["2.4"], changed=["2.1"], removed=[], applied=False)


def asks(pilot: Pilot[None]) -> bool:
    return isinstance(pilot.app.screen, DifferenceDialog)


def flag(pilot: Pilot[None]) -> str:
    return pilot.app.query_one(StatusBar).render_line(0).text


@pytest.fixture
def running(
    open_app: Any, center: Any, make_run: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The app with a run of its own going on, as if nobody had typed for a while."""
    monkeypatch.setattr(app_module, "CALM_SECONDS", -1.0)
    run = make_run("r-9", "plans/api.md")
    rows = [replace(row, run="r-9") for row in center.journal.all_tasks["r-8"]]
    center.journal.all_runs["r-9"] = run
    center.journal.all_tasks["r-9"] = rows
    center.set_task("r-9", "2.1", state=TaskRunState.RUNNING)
    return open_app(tab=Tab.PLANS)


async def told(pilot: Pilot[None], center: Any, until: Any, event: Any = EDIT) -> None:
    await until(pilot, lambda: len(center._subscribers) == 2)
    center.publish(event)


async def test_an_edit_asks_and_is_applied(
    running: Any, center: Any, until: Any, screen_text: Any, toasts: Any
) -> None:
    async with running as pilot:
        await told(pilot, center, until)
        await until(pilot, lambda: "1 added, 1 changed" in screen_text(pilot))
        text = screen_text(pilot)
        assert "~ changed 2.1 Rate limiter  goes on with its old text" in text
        assert "⚑ 1" in flag(pilot)
        await pilot.press("a")
        await until(pilot, lambda: center.calls == [("apply_plan_edit", "r-9")])
        center.publish(replace(EDIT, applied=True))
        await until(pilot, lambda: "⚑" not in flag(pilot))
        assert toasts(pilot) == ["Run r-9 goes by the edited plan now: 1 added, 1 changed."]


@pytest.mark.parametrize("key", ["D", "exclamation_mark"])
async def test_what_is_held_stays_one_key_away(
    running: Any, center: Any, until: Any, key: str
) -> None:
    async with running as pilot:
        await told(pilot, center, until)
        await until(pilot, lambda: asks(pilot))
        await pilot.press("h")
        await until(pilot, lambda: not asks(pilot))
        assert center.calls == []
        assert "⚑ 1" in flag(pilot)
        await pilot.press("1", key)
        await until(pilot, lambda: asks(pilot))
        await pilot.press("a")
        await until(pilot, lambda: center.calls == [("apply_plan_edit", "r-9")])


async def test_nobody_answers_while_they_type(
    running: Any, center: Any, until: Any, toasts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running as pilot:
        monkeypatch.setattr(app_module, "CALM_SECONDS", 3600.0)
        await pilot.press("j")
        await told(pilot, center, until)
        await until(pilot, lambda: toasts(pilot))
        assert not asks(pilot)
        assert toasts(pilot) == ["The plan of run r-9 was edited: 1 added, 1 changed. D shows it."]
        assert "⚑ 1" in flag(pilot)


async def test_nothing_comes_up_in_front_of_another_question(
    running: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with running as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, NewPlanDialog))
        await told(pilot, center, until)
        await until(pilot, lambda: toasts(pilot))
        assert isinstance(pilot.app.screen, NewPlanDialog)


@pytest.mark.parametrize(
    "event",
    [
        PlanChanged(run="r-9", added=[], changed=[], removed=[], applied=True),
        RunFinished(
            run="r-9",
            status="succeeded",
            counts={},
            target="main",
            landed=True,
            reason="",
            seconds=1.0,
            efficiency=None,
        ),
    ],
)
async def test_a_question_that_is_over_goes_away(
    running: Any, center: Any, until: Any, event: Any
) -> None:
    async with running as pilot:
        await told(pilot, center, until)
        await until(pilot, lambda: asks(pilot))
        center.publish(event)
        await until(pilot, lambda: not asks(pilot) and "⚑" not in flag(pilot))
        assert center.calls == []


async def test_a_second_edit_asks_anew(
    running: Any, center: Any, until: Any, screen_text: Any
) -> None:
    async with running as pilot:
        await told(pilot, center, until)
        await until(pilot, lambda: asks(pilot))
        center.publish(replace(EDIT, removed=["2.2"]))
        await until(pilot, lambda: "1 added, 1 changed, 1 removed" in screen_text(pilot))
        assert len(pilot.app.screen_stack) == 2


async def test_why_it_could_not_be_applied_is_told(
    running: Any, center: Any, until: Any, screen_text: Any, toasts: Any
) -> None:
    async with running as pilot:
        await told(pilot, center, until, replace(EDIT, reason="plans/api.md:3:1 E04 no task 9.9"))
        await until(pilot, lambda: "not be applied: plans/api.md:3:1" in screen_text(pilot))
        center.failure = UsageError("run r-9 does not go on in this process")
        await pilot.press("a")
        await until(pilot, lambda: "run r-9 does not go on in this process" in toasts(pilot))
        assert "⚑ 1" in flag(pilot)


async def test_another_processs_run_is_only_told_of(
    running: Any, center: Any, until: Any, toasts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(center), "active_run", None)
    async with running as pilot:
        await told(pilot, center, until)
        await until(pilot, lambda: toasts(pilot))
        assert toasts(pilot) == ["Run r-9 of another process holds an edit of its plan."]
        await pilot.press("D")
        await until(pilot, lambda: toasts(pilot)[-1] == "No edit of a plan waits.")
