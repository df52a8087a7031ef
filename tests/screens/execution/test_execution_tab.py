"""The Execution tab as a person uses it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui import events as e
from cc4tui.domain.agent import StderrSaid, TextSaid, ToolCalled
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.errors import UsageError
from cc4tui.ports import Retry
from cc4tui.screens.dialogs.again import RetryDialog
from cc4tui.screens.dialogs.choice import ChoiceDialog
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.execution.pane import AgentPane
from cc4tui.screens.options import Tab


S = TaskRunState
TASKS = {"1.1": "Settings model", "1.2": "Redis client", "2.1": "Rate limiter", "2.2": "Quota page"}

Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
Settle = Callable[..., Awaitable[None]]


def tab_of(pilot: Pilot[None]) -> ExecutionTab:
    return pilot.app.query_one(ExecutionTab)


def text_of(widget: Any) -> str:
    """What a widget draws, without padding."""
    rows = [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]
    return "\n".join(rows)


def screen_text(pilot: Pilot[None]) -> str:
    """What stands on the whole screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def shown(pilot: Pilot[None]) -> list[str | None]:
    return [pane.task_id for pane in tab_of(pilot).grid.panes if pane.display]


@pytest.fixture
def run(empty_center: Any, stage: Callable[..., Any]) -> Any:
    """A run with two agents at work and two tasks that wait."""
    told = stage(empty_center, TASKS)
    told.center = empty_center
    told.start("1.1")
    told.start("1.2", agent="codex")
    told.use("1.1", 34_000, 0.41)
    told.say(
        "1.1", TextSaid("Reading settings.py"), ToolCalled("1", "Edit", {}, "Edit settings.py")
    )
    told.say("1.2", TextSaid("one\ntwo\nthree"))
    return told


@pytest.fixture
def watch(open_app: Open, run: Any, settle: Settle) -> Open:
    """Opens the app on the run, with its panes shown."""

    def opened(**options: Any) -> AbstractAsyncContextManager[Pilot[None]]:
        return open_app(run.center, tab=Tab.EXECUTION, **options)

    return opened


# --- what is shown ----------------------------------------------------------------------------


async def test_without_a_run_the_tab_teaches(open_app: Open, empty_center: Any) -> None:
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        text = screen_text(pilot)
        assert "Here you watch agents work" in text
        assert "cc4tui run" in text


async def test_each_agent_has_a_pane_with_its_output(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: "▸ Edit settings.py" in screen_text(pilot))
        assert shown(pilot) == ["1.1", "1.2"]
        head = text_of(tab_of(pilot).grid.panes[0].head)
        for part in ("● running", "1.1 Settings model", "claude", "34k $0.41", "Edit settings.py"):
            assert part in head
        assert "three" in text_of(tab_of(pilot).grid.panes[1].log_view)


async def test_the_run_head_counts_in_glyphs_and_words(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        head = text_of(tab_of(pilot).head)
        for part in ("● running", "0/4", "plans/api.md", "● 2 running", "○ 2 pending"):
            assert part in head
        for part in ("2 of 4 workers", "34k tokens █▁", "$0.41 █▁"):
            assert part in head


async def test_unknown_tokens_and_cost_are_question_marks(
    watch: Open, run: Any, settle: Settle
) -> None:
    run.use("1.1", 0, None)
    run.events[-1] = replace(run.events[-1], input_tokens=None)
    run.store()
    async with watch() as pilot:
        await settle(pilot, lambda: "? tokens  $?" in text_of(tab_of(pilot).head))


async def test_output_streams_in_while_it_is_watched(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        run.say("1.2", TextSaid("brand new"), StderrSaid("a warning"))
        await settle(pilot, lambda: "brand new" in screen_text(pilot))
        assert "a warning" in screen_text(pilot)


async def test_tasks_that_start_and_end_move_through_the_list(
    watch: Open, run: Any, settle: Settle
) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        run.add(e.TaskFailed, "1.1", reason_code="checks", reason="tests red")
        run.start("2.1")
        await settle(pilot, lambda: shown(pilot) == ["1.1", "1.2", "2.1"])
        assert [task.id for task in tab_of(pilot).tasks.items] == ["1.1", "1.2", "2.1", "2.2"]
        assert "✗ 1 failed" in text_of(tab_of(pilot).head)


async def test_the_reason_stands_on_a_finished_pane(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        run.add(e.TaskFailed, "1.1", reason_code="checks", reason="tests red after 2 tries")
        await settle(pilot, lambda: "tests red after 2 tries" in screen_text(pilot))
        assert shown(pilot) == ["1.1", "1.2"]


async def test_the_app_is_told_of_progress(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        run.add(e.TaskReady, "2.1")
        app: Any = pilot.app
        await settle(pilot, lambda: app.progress.states["2.1"] is S.READY)
        assert app.progress.busy == 2


async def test_a_finished_run_tells_how_it_ended(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        for task in TASKS:
            run.add(e.TaskLanded, task, target="main")
        run.finish(reason="landed on main")
        await settle(pilot, lambda: "landed on main" in text_of(tab_of(pilot).head))
        head = text_of(tab_of(pilot).head)
        assert "✓ succeeded" in head
        assert "efficiency 0.91" in head
        assert "✓ 4 landed" in head


async def test_time_ticks_without_a_layout(
    run: Any,
    settle: Settle,
    open_app: Open,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = [now]
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        tab = tab_of(pilot)
        for holder in (tab, tab.head, *tab.grid.panes):
            holder.clock = lambda: time[0]
        layouts: list[int] = []
        screen = pilot.app.screen
        monkeypatch.setattr(screen, "_refresh_layout", lambda *a, **k: layouts.append(1))
        time[0] = now + timedelta(minutes=30)
        tab._second()
        await pilot.pause()
        assert "31:5" in text_of(tab.head)
        assert "31:5" in text_of(tab.grid.panes[0].head)
        assert layouts == []


async def test_a_crowd_is_tiled_and_the_rest_is_named(
    open_app: Open, empty_center: Any, stage: Any, settle: Settle
) -> None:
    tasks = {f"{n // 10}.{n % 10}": f"Task number {n}" for n in range(60)}
    told = stage(empty_center, tasks, workers=60)
    for task in tasks:
        told.start(task)
    async with open_app(empty_center, tab=Tab.EXECUTION, size=(80, 24)) as pilot:
        await settle(pilot, lambda: shown(pilot))
        count = len(shown(pilot))
        assert 3 <= count <= 5
        assert f"+{60 - count}" in text_of(tab_of(pilot).more)
        await pilot.resize_terminal(200, 50)
        await settle(pilot, lambda: len(shown(pilot)) > 20)
        assert all(pane.size.height >= 3 for pane in tab_of(pilot).grid.panes)


async def test_a_size_that_changed_while_one_was_zoomed_does_not_count_the_list(
    open_app: Open, empty_center: Any, stage: Any, settle: Settle
) -> None:
    tasks = {f"{n // 10}.{n % 10}": f"Task number {n}" for n in range(60)}
    told = stage(empty_center, tasks, workers=60)
    for task in tasks:
        told.start(task)
    async with open_app(empty_center, tab=Tab.EXECUTION, size=(120, 36)) as pilot:
        await settle(pilot, lambda: len(shown(pilot)) > 5)
        before = shown(pilot)
        await pilot.press("alt+1", "enter")
        await settle(pilot, lambda: len(shown(pilot)) == 1)
        await pilot.resize_terminal(119, 36)
        await pilot.resize_terminal(120, 36)
        await pilot.press("escape")
        await pilot.pause()
        assert shown(pilot) == before


async def test_hidden_tabs_and_panes_read_nothing(
    watch: Open, run: Any, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: "three" in screen_text(pilot))
        await pilot.press("2")
        looks: list[int] = []
        monkeypatch.setattr(AgentPane, "has_news", lambda self: looks.append(1))
        await pilot.pause(0.3)
        assert looks == []


# --- moving about -----------------------------------------------------------------------------


async def test_alt_and_a_digit_go_to_a_pane(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+2")
        assert pilot.app.focused is tab_of(pilot).grid.panes[1]
        await pilot.press("alt+9")
        assert pilot.app.focused is tab_of(pilot).grid.panes[1]


async def test_arrows_go_to_the_nearest_pane_and_to_the_list(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        tab = tab_of(pilot)
        await pilot.press("alt+1", "down")
        assert pilot.app.focused is tab.grid.panes[1]
        await pilot.press("right")
        assert pilot.app.focused is tab.tasks
        await pilot.press("left", "up")
        assert pilot.app.focused is tab.grid.panes[0]


async def test_enter_zooms_and_escape_leaves(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+2", "enter")
        assert shown(pilot) == ["1.2"]
        tab = tab_of(pilot)
        assert tab.grid.panes[1].size.width == 120
        assert pilot.app.focused is tab.grid.panes[1].log_view
        await pilot.press("escape")
        assert shown(pilot) == ["1.1", "1.2"]
        assert pilot.app.focused is tab.grid.panes[1]


async def test_left_and_right_go_on_to_other_agents_while_zoomed(
    watch: Open, settle: Settle
) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "enter", "right")
        assert shown(pilot) == ["1.2"]
        await pilot.press("left")
        assert shown(pilot) == ["1.1"]


async def test_a_double_click_zooms(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.click(tab_of(pilot).grid.panes[0].head, times=2)
        await settle(pilot, lambda: shown(pilot) == ["1.1"])


async def test_what_is_read_stays_when_its_place_is_needed(
    watch: Open, run: Any, settle: Settle
) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "enter")
        run.add(e.TaskMerged, "1.1", commit="c", merged_as="m")
        run.start("2.1")
        tab = tab_of(pilot)
        await settle(pilot, lambda: tab.grid.pane_of("2.1") is not None)
        assert tab.grid.zoomed is not None
        assert tab.grid.zoomed.task_id == "1.1"
        assert "Reading settings.py" in screen_text(pilot)
        await pilot.press("escape")
        assert shown(pilot) == ["2.1", "1.2", "1.1"]


async def test_any_task_of_the_list_can_be_opened(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("T", "end", "enter")
        tab = tab_of(pilot)
        assert tab.grid.zoomed is not None
        assert tab.grid.zoomed.task_id == "2.2"
        assert "not started yet" in screen_text(pilot)
        run.start("2.2")
        run.say("2.2", TextSaid("now it works"))
        await settle(pilot, lambda: "now it works" in screen_text(pilot))
        await pilot.press("escape")
        await settle(pilot, lambda: len(shown(pilot)) == 3)


async def test_a_focused_pane_scrolls_and_follows_again(
    watch: Open, run: Any, settle: Settle
) -> None:
    run.say("1.2", *[TextSaid(f"line {n}") for n in range(200)])
    async with watch() as pilot:
        await settle(pilot, lambda: "line 199" in screen_text(pilot))
        await pilot.press("alt+2", "pageup")
        assert "line 199" not in screen_text(pilot)
        assert "End follows" in screen_text(pilot)
        await pilot.press("home")
        await settle(pilot, lambda: "three" in text_of(tab_of(pilot).grid.panes[1].log_view))
        await pilot.press("pagedown", "end")
        await settle(pilot, lambda: "line 199" in screen_text(pilot))
        assert "End follows" not in screen_text(pilot)


async def test_text_is_selected_in_the_pane_that_is_read_only(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: "three" in screen_text(pilot))
        log = tab_of(pilot).grid.panes[1].log_view
        for zoomed, selected in ((False, None), (True, "one\ntwo")):
            if zoomed:
                await pilot.press("alt+2", "enter")
                await pilot.pause()
            await pilot.mouse_down(log, offset=(1, 0))
            await pilot.hover(log, offset=(3, 1))
            await pilot.mouse_up(log, offset=(3, 1))
            await pilot.pause()
            assert pilot.app.screen.get_selected_text() == selected


async def test_a_finished_pane_is_dismissed(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "x")
        assert shown(pilot) == ["1.1", "1.2"]
        run.add(e.TaskMerged, "1.1", commit="c", merged_as="m")
        await settle(pilot, lambda: "◉ merged" in text_of(tab_of(pilot).grid.panes[0].head))
        await pilot.press("x")
        assert shown(pilot) == ["1.2"]


async def test_w_goes_through_what_is_wrong(watch: Open, run: Any, settle: Settle) -> None:
    run.add(e.TaskFailed, "2.1", reason_code="agent", reason="boom")
    run.add(e.TaskBlocked, "2.2", by="2.1", reason="2.1 failed")
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        tab = tab_of(pilot)
        selected = []
        for _ in range(3):
            await pilot.press("w")
            assert tab.selected is not None
            selected.append(tab.selected.id)
        assert selected == ["2.1", "2.2", "2.1"]


# --- looking closer ---------------------------------------------------------------------------


async def test_the_diff_is_shown_with_its_sums(watch: Open, run: Any, settle: Settle) -> None:
    run.center.diffs["r-7f3", "1.1"] = (
        "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n"
        "@@ -1,2 +1,2 @@\n-old \x1b[31m\n+new\n+er\n"
    )
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "d")
        await settle(pilot, lambda: tab_of(pilot).diff.is_open)
        text = screen_text(pilot)
        assert "diff  1.1 Settings model  +2 −1  1 file" in text
        assert "+ new" in text
        await pilot.press("escape")
        assert shown(pilot) == ["1.1", "1.2"]


async def test_from_the_log_to_the_diff_and_back(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "enter", "d")
        await settle(pilot, lambda: tab_of(pilot).diff.is_open)
        assert "This task changed nothing." in screen_text(pilot)
        await pilot.press("escape")
        assert shown(pilot) == ["1.1"]
        assert "Reading settings.py" in screen_text(pilot)


async def test_the_raw_output_is_the_file(
    open_app: Open, empty_center: Any, stage: Any, settle: Settle, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text('{"type": "assistant"}\n')
    told = stage(empty_center, TASKS)
    told.start("1.1", folder=str(tmp_path))
    told.say("1.1", TextSaid("structured"))
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: "structured" in screen_text(pilot))
        await pilot.press("alt+1", "l")
        await settle(pilot, lambda: '{"type": "assistant"}' in screen_text(pilot))
        assert "raw output" in screen_text(pilot)
        with (tmp_path / "out").open("a") as out:
            out.write("more\n")
        await settle(pilot, lambda: "more" in text_of(tab_of(pilot).grid.panes[0].log_view))
        await pilot.press("l")
        await settle(pilot, lambda: "structured" in screen_text(pilot))


async def test_output_that_cannot_be_read_is_told_and_the_others_go_on(
    open_app: Open, empty_center: Any, stage: Any, settle: Settle, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    told = stage(empty_center, TASKS)
    told.start("1.1", folder=str(tmp_path))
    told.start("1.2")
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "l")
        await settle(pilot, lambda: "This output cannot be read" in screen_text(pilot))
        told.say("1.2", TextSaid("still there"))
        await settle(pilot, lambda: "still there" in screen_text(pilot))


async def test_a_log_is_searched(watch: Open, run: Any, settle: Settle) -> None:
    run.say("1.2", *[TextSaid(f"line {n}{' needle' if n == 7 else ''}") for n in range(300)])
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+2", "enter", "slash", *"needle")
        await settle(pilot, lambda: "1 hit of “needle”" in screen_text(pilot))
        assert "line 7 needle" in screen_text(pilot)
        await pilot.press("enter")
        log = tab_of(pilot).shown_log
        assert log is not None
        assert pilot.app.focused is log
        await pilot.press("escape")
        assert log.search is None
        assert shown(pilot) == ["1.2"]
        await pilot.press("escape")
        assert shown(pilot) == ["1.1", "1.2"]


async def test_earlier_tries_can_be_read(watch: Open, run: Any, settle: Settle) -> None:
    run.end("1.1", outcome="failed", reason="tests red", retry_in=0.0)
    run.start("1.1", 2)
    run.say("1.1", TextSaid("second try"), attempt=2)
    async with watch() as pilot:
        await settle(pilot, lambda: "second try" in screen_text(pilot))
        await pilot.press("alt+1", "left_curly_bracket")
        await settle(pilot, lambda: "Reading settings.py" in screen_text(pilot))
        assert "try 1 is shown" in screen_text(pilot)
        run.use("1.1", 5, None, attempt=2)
        await pilot.press("right_curly_bracket")
        await settle(pilot, lambda: "second try" in screen_text(pilot))


# --- intervening ------------------------------------------------------------------------------


async def test_stopping_a_task_asks_and_says_what_is_saved(
    watch: Open, run: Any, settle: Settle
) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+2", "s")
        await settle(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        text = screen_text(pilot)
        assert "Redis client" in text
        assert "codex has worked" in text
        assert "saved" in text
        await pilot.press("s")
        await settle(pilot, lambda: ("cancel_task", "r-7f3", "1.2") in run.center.calls)


async def test_leaving_the_question_stops_nothing(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        for keys in (["s"], ["S"]):
            await pilot.press("alt+1", *keys)
            await settle(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
            await pilot.press("escape")
        await pilot.pause()
        assert run.center.calls == []


async def test_stopping_the_run(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("S")
        await settle(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        assert "2 tasks that have not started" in screen_text(pilot)
        await pilot.press("s")
        await settle(pilot, lambda: ("cancel_run", "r-7f3") in run.center.calls)


async def test_only_what_ended_badly_is_tried_again(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "R")
        await pilot.pause()
        assert run.center.calls == []
        run.add(e.TaskFailed, "1.1", reason_code="agent", reason="boom")
        await settle(pilot, lambda: "boom" in screen_text(pilot))
        await pilot.press("R")
        await settle(pilot, lambda: isinstance(pilot.app.screen, RetryDialog))
        await pilot.press("enter")
        await settle(pilot, lambda: ("retry_task", "r-7f3", "1.1", Retry()) in run.center.calls)


async def test_a_refusal_is_one_sentence_on_the_screen(
    watch: Open, run: Any, settle: Settle
) -> None:
    run.add(e.TaskFailed, "1.1", reason_code="agent", reason="boom")
    async with watch() as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 1)
        run.center.failure = UsageError("the run is [b]over[/b]; start it again")
        await pilot.press("T", "home", "R")
        await settle(pilot, lambda: isinstance(pilot.app.screen, RetryDialog))
        await pilot.press("enter")
        await settle(pilot, lambda: list(pilot.app._notifications))
        told = next(iter(pilot.app._notifications))
        assert (told.message, told.markup) == ("the run is [b]over[/b]; start it again", False)


# --- past runs and hostile text ---------------------------------------------------------------


async def test_a_past_run_is_opened_with_its_logs_and_reasons(
    open_app: Open, run: Any, settle: Settle
) -> None:
    run.end("1.1")
    run.add(e.TaskLanded, "1.1", target="main")
    run.add(e.TaskFailed, "1.2", reason_code="checks", reason="2 tests failed")
    run.finish("partly_failed", reason="1.2 failed")
    async with open_app(run.center, run="r-7f3") as pilot:
        await settle(pilot, lambda: "✗ partly failed" in screen_text(pilot))
        text = screen_text(pilot)
        assert "2 tests failed" in text
        await pilot.press("T", "end", "enter")
        await settle(pilot, lambda: "Reading settings.py" in screen_text(pilot))


async def test_switching_runs_shows_the_other_one(
    open_app: Open, run: Any, center: Any, settle: Settle
) -> None:
    center.journal.all_runs |= run.center.journal.all_runs
    center.journal.all_tasks |= run.center.journal.all_tasks
    center.journal.all_events |= run.center.journal.all_events
    async with open_app(center, run="r-7f3") as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        await pilot.press("alt+1", "enter")
        tab_of(pilot).show_run("r-8")
        await settle(pilot, lambda: "✗ failed" in text_of(tab_of(pilot).head))
        assert shown(pilot) == []
        assert not tab_of(pilot).is_whole


async def test_an_interrupted_run_says_how_to_go_on(
    open_app: Open, run: Any, settle: Settle
) -> None:
    run.end("1.1")
    for task in TASKS:
        run.add(e.TaskStateChanged, task, state="ready")
    record = replace(run.model.run, status=RunStatus.INTERRUPTED)
    run.center.journal.all_runs["r-7f3"] = record
    async with open_app(run.center, run="r-7f3") as pilot:
        await settle(pilot, lambda: "cc4tui resume r-7f3" in screen_text(pilot))


async def test_hostile_text_is_only_text(
    open_app: Open, empty_center: Any, stage: Any, settle: Settle, hostile: str
) -> None:
    evil = f"{hostile} \x1b]52;c;aGFjaw==\x07\x1b[6n\x9b6n\u202e\x1b]0;t\x07 end"
    told = stage(empty_center, {"1.1": evil, evil: "strange id", "1.3": evil})
    told.start("1.1", agent=evil, folder=evil)
    told.say("1.1", TextSaid(evil), ToolCalled("1", evil, {}, evil), StderrSaid(evil))
    told.add(e.TaskFailed, "1.3", reason_code=evil, reason=evil)
    told.start(evil)
    empty_center.diffs["r-7f3", "1.1"] = f"diff --git {evil}\n@@ {evil}\n+{evil}\n"
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: len(shown(pilot)) == 2)
        for keys in (["alt+1", "enter"], ["d"], ["escape"], ["escape"], ["w"], ["alt+1", "s"]):
            await pilot.press(*keys)
            await pilot.pause()
            strips = pilot.app.screen._compositor.render_strips()
            text = "\n".join(strip.text for strip in strips)
            assert not set(text) & set("\x1b\x07\x9b\u202e")
            metas = [seg.style.meta for strip in strips for seg in strip if seg.style]
            clicks = {meta["@click"] for meta in metas if "@click" in meta}
            assert clicks <= {"app.press('enter')", "app.press('escape')"}, "keys of dialogs"
        assert hostile in text


async def test_nobody_says_that_nothing_was_run_before_it_is_known(
    open_app: Open, empty_center: Any, settle: Settle, screen_text: Any, monkeypatch: Any
) -> None:
    asked, known = asyncio.Event(), asyncio.Event()
    runs = empty_center.journal.runs

    async def slow(limit: int = 50) -> Any:
        asked.set()
        await known.wait()
        return await runs(limit)

    monkeypatch.setattr(empty_center.journal, "runs", slow)
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, asked.is_set)
        assert "No run yet" not in screen_text(pilot)
        known.set()
        await settle(pilot, lambda: "No run yet" in screen_text(pilot))
