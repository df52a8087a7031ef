"""Going back over a run: everything shows as it was."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cc4tui import events as e
from cc4tui.domain.agent import TextSaid
from cc4tui.domain.run import TaskRunState
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.execution.fold import fold
from cc4tui.screens.execution.scrub import Past
from cc4tui.screens.options import Tab


S = TaskRunState
RUN = "r-7f3"


def _tell(story: Any) -> None:
    story.start("1.1")
    story.use("1.1", 1000, 0.1)
    story.start("1.2")
    story.end("1.1")
    story.add(e.TaskMerged, "1.1", commit="c", merged_as="abcdef1234567890")
    story.start("2.1")
    story.end("1.2", outcome="failed")
    story.add(e.TaskFailed, "1.2", reason_code="agent", reason="boom")


TASKS = {"1.1": "Settings", "1.2": "Client", "2.1": "Docs"}


def test_every_moment_is_what_the_events_until_then_tell(story: Callable[..., Any]) -> None:
    told = story(TASKS)
    _tell(told)
    past = Past(told.events)
    assert past.model(told.events[0].ts - timedelta(seconds=1)) is None
    for count, event in enumerate(told.events, 1):
        assert past.model(event.ts) == fold(None, told.events[:count])


def test_usage_is_no_moment_to_stop_at(story: Callable[..., Any]) -> None:
    told = story(TASKS)
    _tell(told)
    past = Past(told.events)
    steps, when = [], past.before(None)
    while when is not None:
        steps.append(when)
        when = past.before(when)
    times = [event.ts for event in told.events if not isinstance(event, e.UsageReported)]
    assert steps == list(reversed(times[:-1]))
    back = [past.after(when) for when in reversed(steps)]
    assert back == [*times[1:-1], None]
    assert past.nearest(times[0] - timedelta(days=1)) == times[0]
    assert past.nearest(times[-1] + timedelta(days=1)) == times[-1]


def test_a_long_past_is_the_same_from_whatever_side(story: Callable[..., Any]) -> None:
    told = story(TASKS)
    for n in range(1, 600):
        told.start("1.1", n)
        told.end("1.1", n, outcome="failed")
    past = Past(told.events)
    for count in (1100, 3, 499, 500, 501, 1199):
        assert past.model(told.events[count - 1].ts) == fold(None, told.events[:count])


@pytest.fixture
def past_run(empty_center: Any, stage: Callable[..., Any]) -> Any:
    told = stage(empty_center, TASKS)
    told.center = empty_center
    _tell(told)
    said = [TextSaid(f"line {n}") for n in range(10)]
    told.say("1.2", *said)
    begin = told.model.tasks["1.2"].attempts[0].started
    empty_center.sizes[RUN, "1.2", 1] = [(begin + timedelta(seconds=n), n) for n in range(10)]
    return told


async def test_panes_lists_and_the_branch_as_of_then(
    open_app: Any, past_run: Any, settle: Any, screen_text: Any
) -> None:
    async with open_app(past_run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: [pane.task_id for pane in tab.grid.panes] == ["2.1"])
        live = tab.model
        await pilot.press("[")  # before the failure
        await settle(pilot, lambda: tab.as_of is not None)
        assert tab.model.tasks["1.2"].state is S.RUNNING
        await pilot.press("[", "[")  # before 2.1 has started: 1.2 alone, 2 of its lines
        await settle(pilot, lambda: [pane.task_id for pane in tab.grid.panes] == ["1.2"])
        await settle(pilot, lambda: "line 1" in screen_text(pilot))
        text = screen_text(pilot)
        assert "line 3" not in text
        assert "as of " in text
        assert f"cc4/{RUN}/merged at abcdef123" in text
        assert tab.model.tasks["1.1"].state is S.MERGED
        await pilot.press("[")
        await settle(pilot, lambda: tab.model.tasks["1.1"].state is S.RUNNING)
        assert "merged at" not in screen_text(pilot)
        assert not tab.check_action("stop_run", ())
        assert not tab.check_action("stop_task", ())

        past_run.add(e.TaskStateChanged, "2.1", state="merging")  # meanwhile
        await settle(pilot, lambda: tab.live.tasks["2.1"].state is S.MERGING)
        assert tab.model.tasks["2.1"].state is S.PENDING

        await pilot.press("end")
        assert tab.as_of is None
        assert tab.model is tab.live is not live
        await settle(pilot, lambda: [pane.task_id for pane in tab.grid.panes] == ["2.1"])
        assert "as of " not in screen_text(pilot)
        assert tab.check_action("stop_run", ())


async def test_in_the_timeline_the_moment_is_marked(
    open_app: Any, past_run: Any, settle: Any, screen_text: Any
) -> None:
    async with open_app(past_run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: tab.grid.panes)
        await pilot.press("t", "[", "[")
        await settle(pilot, lambda: tab.as_of is not None)
        seconds = (tab.as_of - tab.live.run.started).total_seconds()
        assert tab.timeline.view._moment == seconds
        assert len(tab.timeline.view.told.rows) == 2  # all of it, not as of then
        await pilot.click(tab.timeline.view, offset=(4, 0))
        first = tab.live.run.started + timedelta(seconds=tab.timeline.view.scale)
        await settle(pilot, lambda: tab.as_of <= first)
        await pilot.press("escape")
        assert not tab.timeline_shown
        assert tab.as_of is not None
        await pilot.press("escape")
        assert tab.as_of is None


async def test_when_a_line_was_said(open_app: Any, past_run: Any, settle: Any) -> None:
    def column(pilot: Any) -> list[str]:
        view = pilot.app.query_one(ExecutionTab).grid.zoomed.log_view
        return [view.render_line(y).text[1:].rstrip() for y in range(view.size.height)]

    begin = past_run.model.tasks["1.2"].attempts[0].started
    times = [f"{(begin + timedelta(seconds=n)).astimezone():%H:%M:%S}" for n in range(10)]
    async with open_app(past_run.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: tab.grid.panes)
        tab._show_whole("1.2")
        await settle(pilot, lambda: "line 9" in column(pilot))
        await pilot.press("ctrl+t")
        # said within the second before it was noted; nobody noted when the last one was
        told = [f"{times[n + 1]} line {n}" for n in range(9)]
        await settle(pilot, lambda: column(pilot)[:9] == told)
        assert column(pilot)[9].endswith("line 9")
        await pilot.press("ctrl+t")
        await settle(pilot, lambda: column(pilot)[:2] == ["line 0", "line 1"])
