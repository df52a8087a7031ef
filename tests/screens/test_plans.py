"""The Plans tab: choose, read, fold, mark, run, follow."""

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui.domain.plan import PlanTaskState
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.errors import PlanError
from cc4tui.ports import RunOptions, TrustQuestion
from cc4tui.screens.dialogs.reading import ReadingDialog
from cc4tui.screens.dialogs.run import RunDialog
from cc4tui.screens.dialogs.trust import TrustDialog
from cc4tui.screens.messages import RunProgressed
from cc4tui.screens.options import Tab
from cc4tui.screens.plan_states import PlanStates
from cc4tui.screens.plans import PlansTab
from cc4tui.screens.widgets.plan_tree_list import PlanTreeList
from cc4tui.screens.widgets.text_pane import TextPane


def tab_of(pilot: Pilot[None]) -> PlansTab:
    return pilot.app.query_one(PlansTab)


def row_keys(pilot: Pilot[None]) -> list[str]:
    return [row.key for row in tab_of(pilot).tree_list.shown]


def current(pilot: Pilot[None]) -> str:
    row = tab_of(pilot).tree_list.current
    return "" if row is None else row.key


def pane_text(pilot: Pilot[None]) -> str:
    return tab_of(pilot).pane.text


@pytest.fixture
def plans(open_app: Any, until: Any) -> Any:
    """Opens the app on the Plans tab with the first plan's tree loaded."""

    @asynccontextmanager
    async def opened(**options: Any) -> Any:
        async with open_app(tab=Tab.PLANS, **options) as pilot:
            await until(pilot, lambda: tab_of(pilot).tree_list.items)
            await pilot.pause()
            yield pilot

    return opened


def told(pilot: Pilot[None]) -> bool:
    """Whether Execution has told of the run that it found itself; later news are the test's own."""
    return pilot.app.progress is not None


def in_front(pilot: Pilot[None], kind: type[Any]) -> bool:
    return isinstance(pilot.app.screen, kind)


async def test_the_first_plan_shows_its_tree_at_the_first_thing_to_do(plans: Any) -> None:
    async with plans() as pilot:
        tab = tab_of(pilot)
        assert [plan.path for plan in tab.plans.shown] == ["plans/api.md", "docs/plans/report.md"]
        assert row_keys(pilot) == [
            "!", "!0", "#1@5", "=1.1", "=1.2", "=1.3", "#2@20", "=2.1", "=2.2", "=2.3",
        ]  # fmt: skip
        assert tab.tree_list.has_focus
        assert current(pilot) == "=1.3"
        assert "1.3  Request identity" in pane_text(pilot)


async def test_the_pane_follows_the_cursor(plans: Any) -> None:
    async with plans() as pilot:
        await pilot.press("down", "down")
        await pilot.pause()
        assert "2.1  Rate limiter" in pane_text(pilot)
        await pilot.press("up")
        await pilot.pause()
        assert "2  Limits" in pane_text(pilot)


async def test_another_plan_is_read_when_the_cursor_comes_to_it(plans: Any, until: Any) -> None:
    async with plans() as pilot:
        await pilot.press("escape", "down")
        await until(pilot, lambda: row_keys(pilot) == ["#1@4", "=1.1", "=1.2", "=1.3"])
        assert tab_of(pilot).plans.has_focus
        await pilot.press("enter")
        await until(pilot, lambda: tab_of(pilot).tree_list.has_focus)


async def test_folding(plans: Any) -> None:
    async with plans() as pilot:
        await pilot.press("left")
        assert current(pilot) == "#1@5"
        assert "=1.1" not in row_keys(pilot)
        await pilot.press("right")
        assert "=1.1" in row_keys(pilot)
        await pilot.press("enter")
        assert "=1.1" not in row_keys(pilot)
        await pilot.press("z")
        assert row_keys(pilot) == ["!", "#1@5", "#2@20"]
        await pilot.press("z")
        assert len(row_keys(pilot)) == 10


async def test_a_click_on_the_sign_of_a_batch_folds_it(plans: Any) -> None:
    async with plans() as pilot:
        tree = pilot.app.query_one(PlanTreeList)
        at = row_keys(pilot).index("#1@5")
        await pilot.click(tree, offset=(8, at))
        assert current(pilot) == "#1@5"
        assert "=1.1" in row_keys(pilot)
        await pilot.click(tree, offset=(2, at))
        assert "=1.1" not in row_keys(pilot)
        await pilot.click(tree, offset=(2, at))
        assert "=1.1" in row_keys(pilot)


async def test_enter_shows_the_task_whole(plans: Any, until: Any, screen_text: Any) -> None:
    async with plans(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: in_front(pilot, ReadingDialog))
        assert "No client can starve the others." in screen_text(pilot)
        assert pilot.app.screen.query_one(TextPane).has_focus
        await pilot.press("escape")
        await until(pilot, lambda: not in_front(pilot, ReadingDialog))


async def test_problems_are_one_key_away(plans: Any, toasts: Any, until: Any) -> None:
    async with plans() as pilot:
        await pilot.press("w")
        tab = tab_of(pilot)
        await until(pilot, lambda: tab.problems.rows.has_focus)
        assert tab.problems.rows.current.code == "W06"
        await pilot.press("escape")
        await until(pilot, lambda: tab.tree_list.has_focus)
        await pilot.press("escape", "down")
        await until(pilot, lambda: len(row_keys(pilot)) == 4)
        await pilot.press("w")
        await until(pilot, lambda: toasts(pilot) == ["This plan has no problems."])


async def test_filtering_shows_matching_tasks_only(plans: Any, until: Any) -> None:
    async with plans() as pilot:
        await pilot.press("slash", *"limits.py")
        await until(pilot, lambda: row_keys(pilot) == ["=2.1"])
        await pilot.press("enter")
        await until(pilot, lambda: tab_of(pilot).tree_list.has_focus)
        await pilot.press("slash", "escape")
        await until(pilot, lambda: len(row_keys(pilot)) == 10)


async def test_the_plan_is_read_again_when_its_file_changes(
    plans: Any, center: Any, until: Any
) -> None:
    async with plans() as pilot:
        await pilot.press("down", "down")
        plan = center.all_plans["plans/api.md"]
        first = plan.batches[0]
        done = replace(first.tasks[2], state=PlanTaskState.DONE)
        batch = replace(first, tasks=(*first.tasks[:2], done))
        center.change_plan(replace(plan, batches=(batch, plan.batches[1]), diagnostics=()))
        await until(pilot, lambda: row_keys(pilot)[0] == "#1@5")
        assert current(pilot) == "=2.1"
        assert tab_of(pilot).plans.shown[0].done == 3


async def test_a_new_plan_and_a_deleted_one_are_noticed(
    plans: Any, center: Any, until: Any, make_plan: Any
) -> None:
    async with plans() as pilot:
        center.change_plan(make_plan("plans/new.md", "New", []))
        await until(pilot, lambda: len(tab_of(pilot).plans.shown) == 3)
        center.remove_plan("plans/api.md")
        await until(pilot, lambda: tab_of(pilot).plan.path == "docs/plans/report.md")
        center.remove_plan("docs/plans/report.md")
        center.remove_plan("plans/new.md")
        await until(pilot, lambda: tab_of(pilot).plan is None)


async def test_marks_on_tasks_and_batches(plans: Any) -> None:
    async with plans() as pilot:
        tree = tab_of(pilot).tree_list
        await pilot.press("space", "space")
        assert [task.id for task in tree.marked_tasks] == ["1.3", "2.1", "2.2", "2.3"]
        await pilot.press("left")
        assert len(tree.marked_tasks) == 4
        await pilot.press("space")
        assert [task.id for task in tree.marked_tasks] == ["1.3"]


async def test_run_asks_then_starts_and_shows_the_run(plans: Any, center: Any, until: Any) -> None:
    async with plans() as pilot:
        await pilot.press("r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        await pilot.press("enter")
        await until(pilot, lambda: center.calls)
        assert center.calls == [("start_run", "plans/api.md", RunOptions(hold_edits=True))]
        await until(pilot, lambda: pilot.app.tab is Tab.EXECUTION)


async def test_escape_starts_nothing(plans: Any, center: Any, until: Any) -> None:
    async with plans() as pilot:
        await pilot.press("r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        await pilot.press("escape")
        await until(pilot, lambda: not in_front(pilot, RunDialog))
        assert center.calls == []
        assert tab_of(pilot).tree_list.has_focus


async def test_commands_are_shown_and_asked_for_first(
    plans: Any, center: Any, until: Any, screen_text: Any, toasts: Any
) -> None:
    async with plans(size=(80, 24)) as pilot:
        center.question = TrustQuestion("k1", ("make install", "rm -rf build # [bold]x[/]"))
        await pilot.press("r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        await pilot.press("enter")
        await until(pilot, lambda: in_front(pilot, TrustDialog))
        assert "rm -rf build # [bold]x[/]" in screen_text(pilot)
        await pilot.press("n")
        await until(pilot, lambda: toasts(pilot) == ["Not trusted, so nothing was started."])
        assert center.calls == []
        await pilot.press("r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        await pilot.press("enter")
        await until(pilot, lambda: in_front(pilot, TrustDialog))
        await pilot.press("y")
        await until(pilot, lambda: len(center.calls) == 2)
        assert center.calls[0] == ("trust", "k1")


async def test_a_plan_that_cannot_run_says_why(
    plans: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with plans() as pilot:
        center.failure = PlanError("plans/api.md:3:1 E04 unknown dependency 9.9")
        await pilot.press("r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        await pilot.press("enter")
        await until(pilot, lambda: toasts(pilot))
        assert toasts(pilot) == ["plans/api.md:3:1 E04 unknown dependency 9.9"]
        assert pilot.app.tab is Tab.PLANS


async def test_live_states_show_in_the_tree(
    plans: Any, center: Any, make_run: Any, screen_text: Any, until: Any
) -> None:
    async with plans() as pilot:
        await until(pilot, lambda: told(pilot))
        run = make_run("r-9", "plans/api.md")
        await center.journal.create_run(run, [])
        pilot.app.post_message(
            RunProgressed(
                run, {"1.3": TaskRunState.RUNNING, "2.1": TaskRunState.BLOCKED}, busy=1, waiting=2
            )
        )
        await until(pilot, lambda: "● 1.3" in screen_text(pilot))
        text = screen_text(pilot)
        assert "⊘ 2.1" in text
        assert "⚑ 2" in text.splitlines()[0]


async def test_states_are_true_after_a_run_that_ended_behind_another_tab(
    plans: Any, center: Any, make_run: Any, screen_text: Any, until: Any
) -> None:
    async with plans() as pilot:
        await until(pilot, lambda: told(pilot))
        run = make_run("r-9", "plans/api.md", agent="codex")
        rows = center.journal.all_tasks["r-8"]
        await center.journal.create_run(run, [replace(row, run="r-9") for row in rows])
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.tab is Tab.IDEAS)
        running = {"1.3": TaskRunState.RUNNING, "2.1": TaskRunState.BLOCKED}
        pilot.app.post_message(RunProgressed(run, running, busy=1))
        await pilot.pause()
        over = replace(run, status=RunStatus.FAILED)
        center.journal.all_runs["r-9"] = over
        center.set_task("r-9", "1.3", state=TaskRunState.FAILED, reason="tests are red", attempts=2)
        center.set_task("r-9", "2.1", state=TaskRunState.BLOCKED)
        ended = {"1.3": TaskRunState.FAILED, "2.1": TaskRunState.BLOCKED}
        pilot.app.post_message(RunProgressed(over, ended))
        await pilot.press("2")
        await until(pilot, lambda: "r-9  2 tries" in screen_text(pilot))
        assert "tests are red" in screen_text(pilot)
        assert "○ 2.1" in screen_text(pilot)


async def test_a_run_that_begins_while_the_last_one_is_read_is_the_newer(
    center: Any, make_run: Any
) -> None:
    states, run = PlanStates(center), make_run("r-9", "plans/api.md")
    read_view = center.run_view

    async def slow(run_id: str) -> Any:
        view = await read_view(run_id)
        states.follow(RunProgressed(run, {"1.3": TaskRunState.RUNNING}))
        return view

    center.run_view = slow
    await states.read("plans/api.md")
    assert states.run == run
    assert states.states == {"1.3": TaskRunState.RUNNING}
    assert states.records == {}


async def test_states_come_in_while_a_dialog_is_open(
    plans: Any, center: Any, make_run: Any, screen_text: Any, until: Any
) -> None:
    async with plans() as pilot:
        await pilot.press("r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        await until(pilot, lambda: told(pilot))
        run = make_run("r-9", "plans/api.md")
        await center.journal.create_run(run, [])
        pilot.app.post_message(RunProgressed(run, {"1.3": TaskRunState.RUNNING}, busy=1))
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: "● 1.3" in screen_text(pilot))


async def test_another_plans_run_changes_nothing(
    plans: Any, make_run: Any, screen_text: Any, until: Any
) -> None:
    async with plans() as pilot:
        await until(pilot, lambda: told(pilot))
        run = make_run("r-9", "docs/plans/report.md")
        pilot.app.post_message(RunProgressed(run, {"1.3": TaskRunState.RUNNING}))
        await pilot.pause()
        assert "◐ 1.3" in screen_text(pilot)


async def test_how_the_last_run_ended_is_told(
    plans: Any, center: Any, make_run: Any, screen_text: Any
) -> None:
    center.set_task("r-8", "2.1", state=TaskRunState.FAILED, reason="tests are red")
    center.set_task("r-8", "2.2", state=TaskRunState.BLOCKED)
    assert center.journal.all_runs["r-8"].status is RunStatus.FAILED
    async with plans() as pilot:
        text = screen_text(pilot)
        assert "✗ 2.1" in text
        assert "○ 2.2" in text
        await pilot.press("down", "down")
        await pilot.pause()
        assert "tests are red" in pane_text(pilot)


async def test_the_editor_opens_at_the_line(
    plans: Any, center: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Path, int]] = []

    async def fake(app: Any, path: Path, line: int) -> None:
        opened.append((path, line))

    monkeypatch.setattr("cc4tui.screens.plans.open_editor", fake)
    async with plans() as pilot:
        await pilot.press("down", "down", "e")
        await until(pilot, lambda: opened)
        await pilot.press("escape", "e")
        await until(pilot, lambda: len(opened) == 2)
        root = center.repository.root
        assert opened == [(root / "plans/api.md", 22), (root / "plans/api.md", 1)]


async def test_no_plan_teaches_the_format(
    open_app: Any, empty_center: Any, screen_text: Any, until: Any, toasts: Any
) -> None:
    async with open_app(on=empty_center, tab=Tab.PLANS, size=(80, 24)) as pilot:
        await until(pilot, lambda: "This repository has no plan yet." in screen_text(pilot))
        assert "- [ ] 1.1 Measure the upload path" in screen_text(pilot)
        await pilot.press("r")
        await until(pilot, lambda: toasts(pilot))
        await pilot.press("e", "enter", "left", "right", "z", "slash", "escape")
        assert empty_center.calls == []


async def test_the_layout_follows_the_width(plans: Any, until: Any) -> None:
    async with plans(size=(80, 24)) as pilot:
        tab = tab_of(pilot)
        assert not tab.pane.display or tab.pane.size.width == 0
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: tab.pane.size.width > 30)
        assert tab.plans.region.y < tab.tree_list.region.y
        await pilot.resize_terminal(200, 50)
        await until(pilot, lambda: tab.plans.region.x < tab.tree_list.region.x)
        assert tab.plans.content_region.y == tab.tree_list.content_region.y
