"""The other views of a plan: graph, forecast, problems; and a new plan."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot

from cc4tui.domain.plan import Batch, Diagnostic, FileRef, PlanTaskState, Severity, Task
from cc4tui.domain.run import TaskRunState
from cc4tui.errors import UsageError
from cc4tui.screens.dialogs.new_plan import NewPlanDialog
from cc4tui.screens.dialogs.reading import ReadingDialog
from cc4tui.screens.dialogs.run import RunDialog
from cc4tui.screens.messages import RunProgressed
from cc4tui.screens.options import Tab
from cc4tui.screens.plans import PlansTab, View


def tab_of(pilot: Pilot[None]) -> PlansTab:
    return pilot.app.query_one(PlansTab)


def in_front(pilot: Pilot[None], kind: type[Any]) -> bool:
    return isinstance(pilot.app.screen, kind)


def here(pilot: Pilot[None]) -> str | None:
    task = tab_of(pilot).graph.current
    return task.id if task is not None else None


@pytest.fixture
def view(open_app: Any, until: Any) -> Any:
    """Opens the app on a view of the first plan, by its key."""

    @asynccontextmanager
    async def opened(key: str, **options: Any) -> Any:
        async with open_app(tab=Tab.PLANS, **options) as pilot:
            tab = tab_of(pilot)
            await until(pilot, lambda: tab.tree_list.items)
            await pilot.press(key)
            filled: dict[str, Callable[[], Any]] = {
                "g": lambda: tab.graph.layout_now,
                "f": lambda: tab.forecast.told,
                "w": lambda: tab.problems.rows.items,
            }
            await until(pilot, filled[key])
            await pilot.pause()
            yield pilot

    return opened


# --- graph -----------------------------------------------------------------------------------


async def test_the_graph_begins_at_the_task_of_the_tree(view: Any, screen_text: Any) -> None:
    async with view("g") as pilot:
        assert here(pilot) == "1.3"
        assert tab_of(pilot).graph.has_focus
        text = screen_text(pilot)
        assert "┃ ◐ 1.3 Request identity" in text
        assert "│ ✓ 1.1 Settings model" in text
        assert "2 Limits" in text
        assert "Request identity" in tab_of(pilot).pane.text


async def test_arrows_follow_the_lines_and_lead_back(view: Any) -> None:
    async with view("g") as pilot:
        await pilot.press("right")
        assert here(pilot) == "2.1"
        await pilot.press("right")
        assert here(pilot) == "2.2"
        await pilot.press("right")  # nothing waits for it
        assert here(pilot) == "2.2"
        await pilot.press("left", "left", "up")
        assert here(pilot) == "1.2"
        await pilot.press("right", "left")
        assert here(pilot) == "1.2"
        await pilot.press("home")
        assert here(pilot) == "1.3"
        await pilot.press("end")
        assert here(pilot) == "2.2"
        await pilot.press("left", "left", "pageup")
        assert here(pilot) == "1.1"
        await pilot.press("down", "down", "down", "down")
        assert here(pilot) == "2.3"


async def test_the_selected_box_is_what_verbs_are_about(
    view: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[int] = []

    async def fake(app: Any, path: Any, line: int) -> None:
        lines.append(line)

    monkeypatch.setattr("cc4tui.screens.plans.open_editor", fake)
    async with view("g") as pilot:
        await pilot.press("right", "e")
        await until(pilot, lambda: lines == [22])
        await pilot.press("enter")
        await until(pilot, lambda: in_front(pilot, ReadingDialog))
        await pilot.press("escape")
        await until(pilot, lambda: not in_front(pilot, ReadingDialog))
        await pilot.press("space", "r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        assert pilot.app.screen.part.value.tasks == ("2.1",)


async def test_the_graph_is_live(
    view: Any, center: Any, make_run: Any, until: Any, screen_text: Any
) -> None:
    async with view("g") as pilot:
        await until(pilot, lambda: pilot.app.progress is not None)  # of the run before
        run = make_run("r-9", "plans/api.md")
        await center.journal.create_run(run, [])
        states = {"1.3": TaskRunState.RUNNING, "2.3": TaskRunState.FAILED}
        pilot.app.post_message(RunProgressed(run, states))
        await until(pilot, lambda: "┃ ● 1.3" in screen_text(pilot))
        assert "│ ✗ 2.3" in screen_text(pilot)
        states = {"1.3": TaskRunState.MERGED, "2.1": TaskRunState.RUNNING}
        pilot.app.post_message(RunProgressed(run, states))
        await until(pilot, lambda: "│ ◉ 1.3" in screen_text(pilot))  # no longer critical
        assert "┃ ● 2.1" in screen_text(pilot)
        assert here(pilot) == "1.3"


async def test_the_graph_follows_the_file(
    view: Any, center: Any, until: Any, screen_text: Any
) -> None:
    async with view("g") as pilot:
        await pilot.press("right")
        plan = center.all_plans["plans/api.md"]
        second = plan.batches[1]
        added = Task("2.0", "One more", PlanTaskState.TODO, 21, 21, "2", waits_for=("1.3",))
        batch = replace(second, tasks=(added, *second.tasks))
        center.change_plan(replace(plan, batches=(plan.batches[0], batch)))
        await until(pilot, lambda: "2.0 One more" in screen_text(pilot))
        assert here(pilot) == "2.1"


async def test_boxes_have_two_sizes(view: Any, until: Any, screen_text: Any) -> None:
    async with view("g", size=(80, 24)) as pilot:
        assert "╭──" in screen_text(pilot)
        await pilot.press("z")
        await until(pilot, lambda: "╭──" not in screen_text(pilot))
        assert "┃ ◐ 1.3 Request identity" in screen_text(pilot)
        await pilot.press("z")
        await until(pilot, lambda: "╭──" in screen_text(pilot))


async def test_the_mouse_selects_and_opens_boxes(view: Any, until: Any) -> None:
    async with view("g") as pilot:
        graph = tab_of(pilot).graph
        layout = graph.layout_now
        number = layout.graph.number["2.1"]
        x = layout.columns[layout.graph.layer[number]].x + 3
        await pilot.click(graph, offset=(x, layout.row[number] + 2))
        assert here(pilot) == "2.1"
        await pilot.click(graph, offset=(1, graph.size.height - 1))
        assert here(pilot) == "2.1"
        await pilot.click(graph, offset=(x, layout.row[number] + 2), times=2)
        await until(pilot, lambda: in_front(pilot, ReadingDialog))


async def test_a_wide_graph_scrolls_with_the_cursor(
    view: Any, center: Any, make_plan: Any, screen_text: Any, until: Any
) -> None:
    tasks = tuple(
        Task(f"1.{n}", f"Step {n}", PlanTaskState.TODO, n, n, "1", waits_for=(f"1.{n - 1}",))
        for n in range(30)
    )
    center.all_plans = {"plans/a.md": make_plan("plans/a.md", "A", [Batch("1", "B", 1, tasks)])}
    async with view("g", size=(80, 24)) as pilot:
        await pilot.press("end")
        await until(pilot, lambda: "1.29 Step 29" in screen_text(pilot))
        assert "1.0 Step 0" not in screen_text(pilot)
        await pilot.press("home")
        await until(pilot, lambda: "1.0 Step 0" in screen_text(pilot))


async def test_ascii(view: Any, screen_text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC4TUI_ASCII", "1")
    async with view("g") as pilot:
        graph = tab_of(pilot).graph
        text = "\n".join(graph.render_line(y).text for y in range(graph.size.height))
        assert text.isascii()
        assert "-->" in text


async def test_titles_are_text_and_never_obeyed(view: Any, screen_text: Any) -> None:
    async with view("g", size=(200, 50)) as pilot:
        assert "2.3 [@click=app.quit]x[/]" in screen_text(pilot)
        assert "\x1b" not in screen_text(pilot)


async def test_keys_find_their_view_before_the_plan_is_read(
    open_app: Any, until: Any, screen_text: Any
) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("g")
        await until(pilot, lambda: "1.3 Request identity" in screen_text(pilot))
        assert tab_of(pilot).view is View.GRAPH


async def test_keys_go_to_the_view_that_the_key_before_has_opened(
    open_app: Any, until: Any
) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        tab = tab_of(pilot)
        await until(pilot, lambda: tab.tree_list.items)
        for key in ("g", "f", "equals_sign", "equals_sign", "slash", "q", "u", "o"):
            pilot.app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: [row.key for row in tab.tree_list.shown] == ["=2.2"])


# --- forecast --------------------------------------------------------------------------------


async def test_the_forecast_tells_order_and_time(view: Any, screen_text: Any) -> None:
    async with view("f", size=(80, 24)) as pilot:
        text = screen_text(pilot)
        assert "4 workers" in text
        assert "4 tasks in 3 waves" in text
        assert "from 4 finished tasks" in text
        assert "▲ W06 The task has no acceptance criteria" in text
        assert text.index("Wave 1") < text.index("1.3  Request") < text.index("Wave 2")
        assert tab_of(pilot).forecast.task_id == "1.3"


async def test_workers_are_changed_and_kept_for_the_run(
    view: Any, center: Any, until: Any, screen_text: Any
) -> None:
    async with view("f") as pilot:
        await pilot.press("minus", "minus", "minus", "minus")
        await until(pilot, lambda: "1 worker " in screen_text(pilot))
        assert "in 4 waves" in screen_text(pilot)
        await pilot.press("plus")
        await until(pilot, lambda: "2 workers" in screen_text(pilot))
        assert [options.workers for _, options in center.asked][-1] == 2
        await pilot.press("r")
        await until(pilot, lambda: in_front(pilot, RunDialog))
        assert pilot.app.screen.options().workers == 2


async def test_tasks_that_share_a_file_are_told_by_name(
    view: Any, center: Any, make_plan: Any, screen_text: Any
) -> None:
    shared = (FileRef("api/app.py"),)
    tasks = tuple(
        Task(f"1.{n}", f"Step {n}", PlanTaskState.TODO, n, n, "1", files=shared) for n in (1, 2)
    )
    center.all_plans = {"plans/a.md": make_plan("plans/a.md", "A", [Batch("1", "B", 1, tasks)])}
    async with view("f", size=(80, 24)) as pilot:
        text = screen_text(pilot)
        assert "1 task waits only because another one names the same file" in text
        assert "after 1.1: both name api/app.py" in text
        lines = text.splitlines()
        head = next(at for at, line in enumerate(lines) if "Same files" in line)
        assert lines[head].split()[:4] == ["Same", "files", "1.1", "1.2"]
        assert lines[head + 1].split()[:3] == ["1.1", "╲", "■"]
        assert lines[head + 2].split()[:3] == ["1.2", "■", "╲"]


async def test_why_nothing_can_be_foretold_is_said(
    view: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with view("g") as pilot:
        center.forecast_failure = UsageError('no agent "x"')
        await pilot.press("f")
        await until(pilot, lambda: toasts(pilot) == ['no agent "x"'])


# --- problems --------------------------------------------------------------------------------


async def test_the_line_of_a_problem_is_lit_in_the_text(
    view: Any, center: Any, until: Any, screen_text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[int] = []

    async def fake(app: Any, path: Any, line: int) -> None:
        lines.append(line)

    monkeypatch.setattr("cc4tui.screens.plans.open_editor", fake)
    plan = center.all_plans["plans/api.md"]
    error = Diagnostic("E04", Severity.ERROR, 22, 7, 'unknown dependency "9.9"', "nearest: 1.1")
    center.all_plans["plans/api.md"] = replace(plan, diagnostics=(*plan.diagnostics, error))
    async with view("w") as pilot:
        tab = tab_of(pilot)
        assert tab.problems.rows.current == error
        assert tab.problems.source.line == 22
        assert "▶ 22  - [ ] 2.1 Rate limiter" in screen_text(pilot)
        await pilot.press("down")
        await until(pilot, lambda: tab.problems.source.line == 41)
        await pilot.press("e")
        await until(pilot, lambda: lines == [41])
        await pilot.press("enter")
        await until(pilot, lambda: in_front(pilot, ReadingDialog))
        await pilot.press("escape", "w")
        await until(pilot, lambda: tab.tree_list.has_focus)


async def test_problems_that_are_mended_go_away(
    view: Any, center: Any, until: Any, screen_text: Any
) -> None:
    async with view("w", size=(80, 24)) as pilot:
        plan = center.all_plans["plans/api.md"]
        center.change_plan(replace(plan, diagnostics=()))
        await until(pilot, lambda: "This plan has no problems." in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: tab_of(pilot).tree_list.has_focus)


# --- views together --------------------------------------------------------------------------


async def test_the_cursor_stays_on_its_task_from_view_to_view(view: Any, until: Any) -> None:
    async with view("g") as pilot:
        tab = tab_of(pilot)
        await pilot.press("right", "f")
        await until(pilot, lambda: tab.forecast.task_id == "2.1")
        await pilot.press("g")
        await until(pilot, lambda: tab.graph.has_focus)
        assert here(pilot) == "2.1"
        await pilot.press("g")
        await until(pilot, lambda: tab.tree_list.has_focus)
        assert tab.tree_list.current.key == "=2.1"


async def test_filtering_leads_to_the_tree(view: Any, until: Any) -> None:
    async with view("g") as pilot:
        tab = tab_of(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: tab.view is View.TREE and tab.filter_line.display)
        await pilot.press(*"quota")
        await until(pilot, lambda: [row.key for row in tab.tree_list.shown] == ["=2.2"])


async def test_other_tabs_leave_the_view_as_it_is(view: Any, until: Any) -> None:
    async with view("g") as pilot:
        await pilot.press("1", "2")
        await until(pilot, lambda: tab_of(pilot).graph.has_focus)


# --- a new plan ------------------------------------------------------------------------------


async def test_a_new_plan_is_written_and_shown(
    view: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with view("g") as pilot:
        tab = tab_of(pilot)
        await pilot.press("n")
        await until(pilot, lambda: in_front(pilot, NewPlanDialog))
        await pilot.press(*"Fast search", "enter")
        await until(pilot, lambda: toasts(pilot))
        assert center.calls == [("create_plan", "plans/fast-search.md", "Fast search")]
        assert tab.plan.path == tab.plans.current.path == "plans/fast-search.md"
        assert tab.tree_list.has_focus
        assert toasts(pilot) == ["plans/fast-search.md is written. e opens it in your editor."]


async def test_a_plan_that_is_there_is_not_overwritten(
    view: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with view("g") as pilot:
        center.failure = UsageError("plans/api.md is there already; choose another name")
        await pilot.press("n")
        await until(pilot, lambda: in_front(pilot, NewPlanDialog))
        await pilot.press(*"Api", "enter")
        await until(pilot, lambda: toasts(pilot))
        assert toasts(pilot) == ["plans/api.md is there already; choose another name"]
        assert tab_of(pilot).plan.path == "plans/api.md"
