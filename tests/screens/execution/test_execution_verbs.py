"""Every verb of the tab has its action, and the footer offers what makes sense."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui import events as e
from cc4tui.domain.run import TaskRunState
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.execution.diff_view import DiffView
from cc4tui.screens.execution.offers import is_offered
from cc4tui.screens.execution.refusals import why_not
from cc4tui.screens.execution.tab import nearest
from cc4tui.screens.options import Tab
from cc4tui.screens.verbs import Scope, verbs
from cc4tui.screens.widgets.key_bar import KeyBar
from cc4tui.screens.widgets.log_view import LogView


TASKS = {"1.1": "Settings", "1.2": "Client", "1.3": "Docs", "1.4": "Tests"}
Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
Settle = Callable[..., Awaitable[None]]


@pytest.mark.parametrize(
    ("scope", "owner"),
    [
        (Scope.EXECUTION, ExecutionTab),
        (Scope.AGENT, ExecutionTab),
        (Scope.PAST, ExecutionTab),
        (Scope.LOG, LogView),
        (Scope.DIFF, DiffView),
    ],
)
def test_every_verb_has_an_action(scope: Scope, owner: type) -> None:
    for verb in verbs(scope):
        assert hasattr(owner, f"action_{verb.action.split('(')[0]}"), verb.action


@pytest.fixture
def run(empty_center: Any, stage: Callable[..., Any]) -> Any:
    told = stage(empty_center, TASKS)
    told.center = empty_center
    told.start("1.1")
    told.start("1.2")
    told.end("1.2")
    told.add(e.TaskFailed, "1.2", reason_code="agent", reason="boom")
    told.start("1.3")
    return told


def offered(pilot: Pilot[None]) -> set[str]:
    bar = pilot.app.screen.query_one(KeyBar)
    return {item[1].description for item in bar.items()}


async def test_the_footer_follows_what_is_selected(
    open_app: Open, run: Any, settle: Settle
) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: len(tab.grid.panes) == 2)
        await pilot.press("alt+1")
        assert {"zoom", "stop", "diff", "raw", "problems", "stop run"} <= offered(pilot)
        assert not {"retry", "dismiss", "back", "search"} & offered(pilot)
        await pilot.press("T", "home")
        await settle(pilot, lambda: "retry" in offered(pilot))
        assert "stop" not in offered(pilot)
        await pilot.press("enter")
        await settle(pilot, lambda: {"back", "search", "retry"} <= offered(pilot))
        assert "zoom" not in offered(pilot)


async def test_a_task_that_never_ran_has_no_diff(open_app: Open, run: Any, settle: Settle) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: len(tab.grid.panes) == 2)
        await pilot.press("T", "end")
        await settle(pilot, lambda: "diff" not in offered(pilot))


async def test_a_run_that_is_over_cannot_be_stopped(
    open_app: Open, run: Any, settle: Settle
) -> None:
    for task in ("1.1", "1.3"):
        run.end(task)
        run.add(e.TaskLanded, task, target="main")
    run.finish("partly_failed")
    async with open_app(run.center, run="r-7f3") as pilot:
        await settle(pilot, lambda: "retry" in offered(pilot))
        assert not {"stop run", "stop"} & offered(pilot)


async def test_following_is_offered_when_the_log_stands_still(
    open_app: Open, run: Any, settle: Settle
) -> None:
    from cc4tui.domain.agent import TextSaid

    run.say("1.1", *[TextSaid(f"line {n}") for n in range(100)])
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: len(tab.grid.panes) == 2)
        await pilot.press("alt+1", "enter")
        await settle(pilot, lambda: tab.shown_log and tab.shown_log.window.reader.size > 500)
        assert "follow" not in offered(pilot)
        await pilot.press("pageup")
        await settle(pilot, lambda: "follow" in offered(pilot))
        await pilot.press("end")
        await settle(pilot, lambda: "follow" not in offered(pilot))


async def test_hits_are_gone_through_only_while_there_is_a_search(
    open_app: Open, run: Any, settle: Settle
) -> None:
    from cc4tui.domain.agent import TextSaid

    run.say("1.1", TextSaid("needle"), TextSaid("hay"), TextSaid("needle"))
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: len(tab.grid.panes) == 2)
        await pilot.press("alt+1", "enter")
        await settle(pilot, lambda: tab.shown_log and tab.shown_log.window.reader.size > 10)
        assert "next" not in offered(pilot)
        await pilot.press("slash", *"needle", "enter")
        await settle(pilot, lambda: "next" in offered(pilot))
        log = tab.shown_log
        assert log is not None
        assert log.search is not None
        first = log.search.here
        await pilot.press("n")
        await settle(pilot, lambda: log.search is not None and log.search.here != first)
        await pilot.press("slash", "escape")
        await settle(pilot, lambda: log.search is None and "next" not in offered(pilot))


async def test_the_nearest_widget_in_a_direction(open_app: Open, run: Any, settle: Settle) -> None:
    run.start("1.4")
    async with open_app(run.center, tab=Tab.EXECUTION, size=(200, 50)) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: len(tab.grid.panes) == 3)
        panes = tab.grid.panes
        everything = [*panes, tab.tasks]
        one, two, three = panes
        assert nearest(one, everything, "right") is two
        assert nearest(one, everything, "down") is three
        assert nearest(two, everything, "right") is tab.tasks
        assert nearest(one, everything, "left") is None
        assert nearest(one, everything, "up") is None
        assert nearest(three, everything, "up") in (one, two)


async def test_a_shell_is_offered_where_an_agent_works(
    open_app: Open, run: Any, settle: Settle
) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: tab.model is not None and len(tab.tasks.items) == len(TASKS))
        for task, offered in (("1.1", True), ("1.2", False), ("1.4", False)):
            tab.tasks.select(task)
            tab.tasks.focus()
            await settle(
                pilot, lambda task=task: tab.selected is not None and tab.selected.id == task
            )
            assert tab.check_action("shell", ()) is offered


async def test_a_picture_of_the_screen_is_saved(
    open_app: Open, run: Any, settle: Settle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(tmp_path))
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        await pilot.press("f4")
        await settle(pilot, lambda: list(tmp_path.glob("*.svg")))


async def test_pausing_and_taking_it_back_and_pinning(
    open_app: Open, run: Any, settle: Settle
) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: tab.grid.panes)
        await pilot.press("P")
        await settle(pilot, lambda: ("pause_run", "r-7f3", True) in run.center.calls)
        await pilot.press("u")
        await settle(pilot, lambda: ("pause_run", "r-7f3", False) in run.center.calls)
        run.add(e.RunPaused, reason="nothing new is started", by="person")
        await settle(pilot, lambda: tab.model.held)
        await pilot.press("P")
        await settle(pilot, lambda: run.center.calls.count(("pause_run", "r-7f3", False)) == 2)
        await pilot.press("alt+1", "space")
        assert tab.pinned == {tab.grid.panes[0].task_id}
        assert tab.grid.panes[0].pinned
        await pilot.press("space")
        assert not tab.pinned


INTERVENTIONS = [
    *("stop_task", "retry_task", "message", "redirect", "fork", "skip_task", "diff", "attach"),
    *("hang_up", "shell", "editor", "pause", "stop_run", "judge_changes", "dismiss"),
]


async def test_whatever_cannot_be_done_to_a_task_is_refused_with_a_sentence(
    open_app: Open, run: Any, settle: Settle
) -> None:
    """In every state, with and without a try: an action is offered, or says why it is not."""
    async with open_app(run.center, tab=Tab.EXECUTION, size=(120, 36)) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: tab.grid.panes)
        for name in ("1.2", "1.4"):
            tab.tasks.select(name)
            tab.tasks.focus()
            await settle(pilot, lambda: tab.selected.id == name)  # noqa: B023
            for state in TaskRunState:
                tab.model.tasks[name] = replace(tab.model.tasks[name], state=state)
                assert tab.selected.state is state
                for action in INTERVENTIONS:
                    reason = why_not(tab, action)
                    assert is_offered(tab, action) is (reason is None), (state, action)
                    if reason is not None:
                        assert reason.endswith("."), reason
                        assert "{" not in reason
        assert why_not(tab, "zoom") is None


async def test_a_key_that_does_nothing_now_says_why(
    open_app: Open, run: Any, settle: Settle
) -> None:
    async with open_app(run.center, tab=Tab.EXECUTION, size=(120, 36)) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: tab.grid.panes)
        tab.tasks.select("1.4")
        tab.tasks.focus()
        await settle(pilot, lambda: tab.selected.id == "1.4")
        for key, said in (
            ("s", "1.4 is pending: there is nothing to stop."),
            ("R", "1.4 is pending: it has not been tried yet, and begins when it can."),
            (
                "M",
                "1.4 is pending: no agent works on it that could be interrupted; m writes to it.",
            ),
            ("o", "1.4 is pending: nobody has worked on it yet, so it has no files."),
            ("A", "1.4 is pending: nobody has worked on it yet; there is nothing to attach to."),
            ("X", "No terminal is open for 1.4; A opens one."),
        ):
            pilot.app.clear_notifications()
            await pilot.press(key)
            await settle(
                pilot,
                lambda: [note.message for note in pilot.app._notifications] == [said],  # noqa: B023
            )
