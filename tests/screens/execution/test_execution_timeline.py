"""The timeline of a run: what is drawn from its events, and what keys do in it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from cc4tui import events as e
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.ports import RunView
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.execution.fold import settle as settle_records
from cc4tui.screens.execution.timeline import Phase, Stint, Timeline, _rows, timeline
from cc4tui.screens.execution.timeline_view import TimelineView
from cc4tui.screens.options import Tab


S = TaskRunState
TASKS = {"1.1": "Settings model", "1.2": "Redis client", "2.1": "Rate limiter", "2.2": "Quota page"}

Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
Settle = Callable[..., Awaitable[None]]


def lived(told: Any) -> Any:
    """Two workers: 1.1 merges, 1.2 is tried twice, 2.1 asks, 2.2 has not started."""
    told.events[0].tasks[2]["waits_for"] = ["1.1"]
    told.start("1.1")  # second 1
    told.start("1.2", agent="codex")
    for _ in range(20):
        told.use("1.1", 1000, 0.1)
    told.end("1.1")  # 23
    told.add(e.TaskStateChanged, "1.1", state="merging")
    told.add(e.TaskStateChanged, "1.1", state="verifying")
    for _ in range(10):
        told.use("1.2", 1000, None)
    told.add(e.TaskMerged, "1.1", commit="c", merged_as="m")  # 36
    told.end("1.2", outcome="failed", reason="tests red")
    told.add(e.TaskReady, "1.2")  # 38
    told.start("2.1")
    told.add(
        e.RequestOpened, "2.1", attempt=1, request="q", kind="permission", tool="Bash", summary="rm"
    )
    told.start("1.2", 2)  # 41
    return told


def drawn(told: Timeline) -> list[list[tuple[str, float, float, TaskRunState]]]:
    return [[(it.task, it.start, it.end, it.state) for it in row] for row in told.rows]


# --- what is known ----------------------------------------------------------------------------


def test_each_stint_stands_in_a_row_of_its_own_time(
    story: Callable[..., Any], now: datetime
) -> None:
    told = timeline(lived(story(TASKS)).model, now)
    assert drawn(told) == [
        [("1.1", 1, 36, S.MERGED), ("2.1", 39, 119, S.RUNNING)],
        [("1.2", 2, 38, S.READY), ("1.2", 41, 119, S.RUNNING)],
    ]
    assert told.seconds == 119


def test_phases_of_a_stint(story: Callable[..., Any], now: datetime) -> None:
    told = timeline(lived(story(TASKS)).model, now)
    first = told.rows[0][0]
    assert [(it.phase, it.end - it.start) for it in first.pieces] == [
        (Phase.WORKING, 22),
        (Phase.WAITING, 1),
        (Phase.MERGING, 1),
        (Phase.VERIFYING, 11),
    ]
    asking = told.rows[0][1]
    assert [it.phase for it in asking.pieces] == [Phase.WORKING, Phase.WAITING]
    assert asking.seconds(Phase.WAITING) == 79


def test_the_chain_that_takes_longest_is_critical(story: Callable[..., Any], now: datetime) -> None:
    told = timeline(lived(story(TASKS)).model, now)
    assert told.critical == ("1.1", "2.1")  # 115 s; 1.2 alone has 114


def test_efficiency_is_that_of_the_run_or_what_it_would_be_now(
    story: Callable[..., Any], now: datetime
) -> None:
    run = lived(story(TASKS, workers=2))
    worked = 22 + 80 + 35 + 78  # seconds that agents ran
    assert timeline(run.model, now).efficiency == pytest.approx(worked / (2 * 119), abs=0.02)
    run.finish("failed", efficiency=0.5)
    assert timeline(run.model, now).efficiency == 0.5


def test_a_run_without_events_is_drawn_from_its_records(
    empty_center: Any, stage: Callable[..., Any], now: datetime
) -> None:
    run = lived(stage(empty_center, TASKS))
    journal = empty_center.journal
    view = RunView(run.model.run, tuple(journal.all_tasks[run.model.run.id]))
    model = settle_records(None, view, journal.all_attempts[run.model.run.id])
    first = timeline(model, now).rows[0]
    assert [(it.task, it.start, it.end) for it in first] == [("1.1", 1, 23), ("2.1", 39, 119)]
    assert first[0].state is S.MERGED


def test_a_run_whose_process_died_ends_with_what_is_known(
    story: Callable[..., Any], now: datetime
) -> None:
    model = lived(story(TASKS)).model
    dead = replace(model, run=replace(model.run, status=RunStatus.INTERRUPTED))
    told = timeline(dead, now + timedelta(days=3))
    assert told.seconds == 41
    assert told.efficiency is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=40))
def test_rows_never_overlap_and_are_as_few_as_can_be(times: list[tuple[int, int]]) -> None:
    stints = [Stint(str(n), at, at + took, (), S.MERGED) for n, (at, took) in enumerate(times)]
    rows = _rows(sorted(stints, key=lambda it: it.start))
    assert sorted(it.task for row in rows for it in row) == sorted(it.task for it in stints)
    for row in rows:
        assert all(a.end <= b.start for a, b in pairwise(row))
    busiest = max(
        (sum(a.start <= it.start < a.end or a is it for a in stints) for it in stints), default=0
    )
    assert len(rows) <= max(busiest, 1) + sum(it.start == it.end for it in stints)


# --- as a person uses it ----------------------------------------------------------------------


@pytest.fixture
def run(empty_center: Any, stage: Callable[..., Any]) -> Any:
    told = lived(stage(empty_center, TASKS, workers=2))
    told.center = empty_center
    return told


@pytest.fixture
def watch(open_app: Open, run: Any) -> Open:
    def opened(**options: Any) -> AbstractAsyncContextManager[Pilot[None]]:
        return open_app(run.center, tab=Tab.EXECUTION, **options)

    return opened


def tab_of(pilot: Pilot[None]) -> ExecutionTab:
    return pilot.app.query_one(ExecutionTab)


def view_of(pilot: Pilot[None]) -> TimelineView:
    return tab_of(pilot).timeline.view


def text_of(widget: Any) -> str:
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.size.height))


async def opened(pilot: Pilot[None], settle: Settle, *keys: str) -> TimelineView:
    await settle(pilot, lambda: tab_of(pilot).grid.panes)
    await pilot.press("t")
    view = view_of(pilot)
    await settle(pilot, lambda: view.has_focus and view.size and view.told.rows)
    await pilot.press(*keys)
    await pilot.pause()
    return view


async def test_t_draws_the_run_and_t_goes_back(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        view = await opened(pilot, settle)
        axis, first, second = text_of(view).split("\n")[:3]
        assert axis.split()[:8] == ["0", "s", "20", "s", "40", "s", "1:00", "1:20"]
        assert first.startswith("  1 1.1██")
        assert "◆◆" in first
        assert "◉" in first
        assert "░░" in first
        assert second.startswith("  2  1.2▄▄")
        assert not tab_of(pilot).tasks.display
        await pilot.press("t")
        await settle(pilot, lambda: tab_of(pilot).grid.display)


@pytest.mark.parametrize(("rows", "below"), [(36, True), (16, False)])
async def test_the_panes_stand_below_where_there_is_room(
    watch: Open, settle: Settle, rows: int, below: bool
) -> None:
    async with watch(size=(120, rows)) as pilot:
        view = await opened(pilot, settle)
        tab = tab_of(pilot)
        await settle(pilot, lambda: tab.grid.display is below)
        assert view.has_focus
        assert view.size.height >= 3
        if below:
            await settle(pilot, lambda: tab.grid.region.y == tab.timeline.region.bottom)
            await pilot.click(tab.grid.panes[1])
            await settle(pilot, lambda: tab.selected is tab.grid.panes[1].task_view)
            await pilot.press("up")
            await settle(pilot, lambda: tab.grid.panes[0].has_focus or view.has_focus)
        await pilot.press("escape")
        await settle(pilot, lambda: not tab.timeline_shown and tab.grid.display)


async def test_dragging_through_the_time_shows_each_moment(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        view, tab = await opened(pilot, settle), tab_of(pilot)
        moments = []
        await pilot.mouse_down(view, offset=(6, 0))
        for x in (6, 10, 16):
            await pilot.hover(view, offset=(x, 0))
            seconds = (x - 4 + 1) * view.scale
            await settle(pilot, lambda seconds=seconds: view._moment == seconds)
            moments.append(tab.as_of)
        await pilot.mouse_up(view, offset=(16, 0))
        assert moments == sorted(moments)
        assert len(set(moments)) == 3
        await pilot.hover(view, offset=(30, 0))
        await pilot.pause()
        assert tab.as_of == moments[-1], "it was let go"
        end = 4 + int(view.told.seconds / view.scale) + 5
        await pilot.click(view, offset=(end, 0))
        await settle(pilot, lambda: tab.as_of is None)


async def test_what_is_left_is_a_range_or_unknown(watch: Open, run: Any, settle: Settle) -> None:
    async with watch() as pilot:
        await opened(pilot, settle)
        head = tab_of(pilot).timeline.head
        assert "? left" in text_of(head)
        assert "critical path 1.1 › 2.1" in text_of(head)
    run.center.left = (400.0, 700.0)
    async with watch() as pilot:
        await opened(pilot, settle)
        await settle(pilot, lambda: "7 to 12 min left" in text_of(tab_of(pilot).timeline.head))


async def test_arrows_go_from_stint_to_stint_and_enter_goes_in(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        view = await opened(pilot, settle, "home")
        assert view.current is not None
        assert view.current.task == "1.1"
        head = tab_of(pilot).timeline.head
        assert "working 22 s" in text_of(head)
        assert "verifying 11 s" in text_of(head)
        await pilot.press("down")
        assert view.current.task == "1.2"
        assert view.current.state is S.READY
        await pilot.press("right")
        assert view.current.start == 41
        await pilot.press("up")
        assert view.current.task == "2.1"
        await pilot.press("enter")
        zoomed = tab_of(pilot).grid.zoomed
        assert zoomed is not None
        assert zoomed.task_id == "2.1"
        await pilot.press("escape")
        await settle(pilot, lambda: view.has_focus)
        await pilot.press("escape")
        await settle(pilot, lambda: tab_of(pilot).focused_pane is not None)
        assert tab_of(pilot).focused_pane.task_id == "2.1"  # type: ignore[union-attr]


async def test_closer_and_farther_and_following(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        view = await opened(pilot, settle)
        assert view.scale == 2
        assert view.following
        await pilot.press("plus", "plus", "plus")
        await settle(pilot, lambda: view.scale == 0.2 and view.scroll_x == view.max_scroll_x > 0)
        await pilot.press("home")
        await settle(pilot, lambda: view.scroll_x == 0 and not view.following)
        assert "End follows" in text_of(tab_of(pilot).timeline.head)
        await pilot.press("end")
        await settle(pilot, lambda: view.scroll_x == view.max_scroll_x and view.following)
        await pilot.press("z")
        await settle(pilot, lambda: view.scale == 2 and view.max_scroll_x == 0)
        await pilot.press("minus")
        assert view.scale == 3


@pytest.mark.parametrize("many", [500, 1])
async def test_what_happens_meanwhile_is_drawn(
    watch: Open, run: Any, settle: Settle, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.screens.execution.timeline_view.MANY", many)
    async with watch() as pilot:
        view = await opened(pilot, settle)
        run.end("1.2", 2)
        run.add(e.TaskFailed, "1.2", reason_code="checks", reason="tests red")
        await settle(pilot, lambda: view.told.rows[1][-1].state is S.FAILED)
        await settle(pilot, lambda: "✗" in text_of(view))


async def test_a_second_click_opens(watch: Open, settle: Settle) -> None:
    async with watch() as pilot:
        view = await opened(pilot, settle)
        await pilot.click(TimelineView, offset=(6, 2))
        assert view.current is not None
        assert (view.current.task, view.current.start) == ("1.2", 2)
        await pilot.click(TimelineView, offset=(6, 1), times=2)
        await settle(pilot, lambda: tab_of(pilot).grid.zoomed is not None)
        assert tab_of(pilot).grid.zoomed.task_id == "1.1"  # type: ignore[union-attr]


async def test_nothing_has_started(
    open_app: Open, empty_center: Any, stage: Any, settle: Settle
) -> None:
    stage(empty_center, TASKS)
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: tab_of(pilot).model is not None)
        await pilot.press("t")
        await settle(pilot, lambda: "No agent has worked yet" in text_of(view_of(pilot)))
        await pilot.press("up", "down", "left", "right", "home", "end", "plus", "enter", "escape")
        assert not tab_of(pilot).timeline_shown
