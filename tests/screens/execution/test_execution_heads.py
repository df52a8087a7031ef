"""The headings of runs and panes, and the rows of the list."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui import events as e
from cc4tui.domain.agent import BackingOff, StderrSaid, TextSaid
from cc4tui.domain.run import TaskRunState
from cc4tui.domain.usage import TokenUsage
from cc4tui.screens.execution.counting import LineCounter
from cc4tui.screens.execution.feed import Feed, last_line
from cc4tui.screens.execution.heads import pane_lines, progress_bar, run_lines
from cc4tui.screens.execution.model import Heard, RunModel, TaskView
from cc4tui.screens.execution.numbers import cost, growth, meters, tokens
from cc4tui.screens.execution.resting import resting_lines
from cc4tui.screens.execution.tasks import draw_task, ordered
from cc4tui.screens.lines import Line, width_of
from tests.screens.conftest import FakeOutput


S = TaskRunState
Model = Callable[..., RunModel]


def plain(line: Line) -> str:
    return "".join(text for text, _ in line)


@pytest.mark.parametrize(
    ("total", "told"),
    [(None, "?"), (0, "0"), (950, "950"), (34_400, "34k"), (999_499, "999k"), (1_250_000, "1.2M")],
)
def test_tokens(total: int | None, told: str) -> None:
    assert tokens(TokenUsage(output_tokens=total)) == told


@pytest.mark.parametrize(
    ("usd", "told"),
    [(None, "$?"), (0.0, "$0.00"), (0.001, "<$0.01"), (0.41, "$0.41"), (12.5, "$12.50")],
)
def test_cost(usd: float | None, told: str) -> None:
    assert cost(usd) == told


@given(
    st.lists(st.sampled_from(list(TaskRunState)), max_size=40),
    st.integers(1, 60),
)
def test_the_bar_is_as_wide_as_asked_and_done_only_when_all_is(
    states: list[TaskRunState], width: int
) -> None:
    tasks = {str(n): TaskView(str(n), state=state) for n, state in enumerate(states)}
    bar = progress_bar(RunModel(run=None, tasks=tasks), width)  # type: ignore[arg-type]
    assert width_of(bar) == width
    done = sum(len(text) for text, ink in bar if ink == "good")
    all_done = states and all(s in (S.MERGED, S.LANDED, S.SKIPPED) for s in states)
    assert (done == width) == bool(all_done)


@pytest.mark.parametrize("width", [40, 60, 79, 120, 200])
def test_a_runs_lines_fit(model: Model, now: datetime, width: int) -> None:
    states = {f"t{n}": state for n, state in enumerate(TaskRunState)}
    lines = run_lines(model(**states), now, width)
    assert len(lines) == 2
    for line in lines:
        assert width_of(line) <= width


def test_words_are_left_out_from_the_end_where_there_is_no_room(
    model: Model, now: datetime
) -> None:
    run = model(a=S.FAILED, b=S.RUNNING, c=S.PENDING, d=S.LANDED)
    wide = plain(run_lines(run, now, 120)[1])
    assert "✗ 1 failed  ● 1 running  ○ 1 pending  ✓ 1 landed" in wide
    narrow = plain(run_lines(run, now, 32)[1])
    assert "✗ 1 failed" in narrow
    assert "✓ 1" in narrow
    assert "landed" not in narrow


def test_a_part_of_the_cost_that_is_unknown_is_said(
    story: Callable[..., Any], now: datetime
) -> None:
    told = story({"1": "One", "2": "Two"})
    told.start("1")
    told.use("1", 1000, 0.5)
    assert "$0.50 " in plain(run_lines(told.model, now, 100)[1])
    told.start("2")
    told.use("2", 1000, None)
    assert "$0.50 + ?" in plain(run_lines(told.model, now, 100)[1])


def test_why_no_task_starts_is_said(story: Callable[..., Any], now: datetime) -> None:
    told = story({"1": "One"})
    told.add(e.RunPaused, reason="the quota is used up", until="15:40")
    assert "no new task starts: the quota is used up until 15:40" in plain(
        run_lines(told.model, now, 100)[2]
    )


def test_a_limit_is_counted_down_and_then_forgotten(
    story: Callable[..., Any], now: datetime
) -> None:
    told = story({"1": "One", "2": "Two", "3": "Three"})
    until = (now + timedelta(seconds=125)).astimezone(UTC).isoformat()
    for task in ("1", "2"):
        told.add(e.TaskParked, task, agent="claude", reason="hit it", until=until)
    told.add(e.TaskParked, "3", agent="claude", reason="hit it", until="some day")
    row = plain(run_lines(told.model, now, 100)[2])
    assert "claude is limited until" in row
    assert "(in 2:05), 2 tasks wait: hit it" in row
    rows = [draw_task(task, now, 100) for task in told.model.tasks.values()]
    assert "parked" in plain(rows[0].left)
    assert "⏸ parked" in plain(pane_lines(told.model.tasks["1"], now, 100)[0])
    assert plain(rows[0].right) == "claude in 2:05"
    assert "parked" not in plain(rows[2].left)
    later = now + timedelta(seconds=126)
    assert len(run_lines(told.model, later, 100)) == 2
    assert "ready" in plain(draw_task(told.model.tasks["1"], later, 100).left)
    told.start("1")
    assert told.model.tasks["1"].parked is None


def test_a_long_reason_takes_four_lines_at_most(story: Callable[..., Any], now: datetime) -> None:
    told = story({"1": "One"})
    told.finish("failed", reason="why " * 200)
    lines = run_lines(told.model, now, 60)
    assert len(lines) == 6
    assert plain(lines[-1]).endswith("…")
    assert all(width_of(line) <= 60 for line in lines)


def test_a_pane_tells_state_task_agent_time_tokens_cost_and_action(
    story: Callable[..., Any], now: datetime
) -> None:
    told = story({"2.1": "Rate limiter"})
    told.start("2.1")
    told.use("2.1", 34_000, 0.41)
    task = told.model.tasks["2.1"]
    first, second = pane_lines(task, now, 90, number=2, doing="Edit a.py")
    text = plain(first)
    assert text.startswith("2 ● running  2.1 Rate limiter   ")
    assert text.endswith("1:58  34k $0.41 ")
    assert plain(second).strip().startswith("Edit a.py   ")
    assert plain(second).endswith("claude sonnet ")
    (only,) = pane_lines(task, now, 90, doing="Edit a.py", tall=False)
    assert "Edit a.py" in plain(only)


def test_a_person_s_pause_is_told_until_it_ends(story: Callable[..., Any], now: datetime) -> None:
    told = story({"1": "One"})
    told.add(e.RunPaused, reason="the disk is full")
    told.add(e.RunPaused, reason="nothing new is started", by="person")
    assert "paused: nothing new is started; P goes on" in plain(run_lines(told.model, now, 80)[2])
    told.add(e.RunResumed, reason="goes on", by="person")
    assert "no new task starts: the disk is full" in plain(run_lines(told.model, now, 80)[2])
    told.add(e.RunPaused, reason="nothing new is started", by="person")
    told.add(e.RunResumed, reason="continued")
    assert len(run_lines(told.model, now, 80)) == 2


def test_a_second_try_is_marked(story: Callable[..., Any], now: datetime) -> None:
    told = story({"1": "One"})
    told.start("1", 2)
    assert plain(pane_lines(told.model.tasks["1"], now, 90)[1]).endswith("try 2  claude sonnet ")


def test_what_matters_least_is_left_out_first(story: Callable[..., Any], now: datetime) -> None:
    told = story({"2.1": "Rate limiter"})
    told.start("2.1", 2)
    told.use("2.1", 34_000, 0.41, 2)
    task = told.model.tasks["2.1"]
    gone: list[str] = []
    for width in range(120, 20, -1):
        (line,) = pane_lines(task, now, width, number=1, tall=False, changed=(84, 3))
        words = ("sonnet", "claude", "+84 −3", "try 2", "34k $0.41", "1:58")
        gone += [word for word in words if word not in plain(line) and word not in gone]
        assert width_of(line) <= width
        assert plain(line).startswith("1 ● running")
    assert gone == ["sonnet", "claude", "+84 −3", "try 2", "34k $0.41"]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("one\ntwo\n\n  \n", "two"),
        ("10%\r50%\r100%\n", "100%"),
        ("\x1b[32mgreen\x1b[0m\n", "green"),
        ("", ""),
    ],
)
def test_the_last_line_of_an_output(text: str, last: str) -> None:
    assert last_line(text) == last


async def test_lines_are_counted_when_something_happened_and_seldom() -> None:
    asked: list[str] = []

    class Center:
        async def task_lines(self, run: str, task: str) -> tuple[int, int]:
            asked.append(task)
            return len(asked), 0

    told: list[str] = []
    counter = LineCounter(Center(), told.append)  # type: ignore[arg-type]
    counter._rest = 0.0
    working = asyncio.create_task(counter.work())

    async def idle() -> None:
        while counter._due:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.001)

    for _ in range(3):
        counter.look("r", "a", "running")
        counter.look("r", "b", "running")
    await idle()
    assert asked == told == ["a", "b"]
    assert counter.lines("a") == (1, 0)
    counter.wrote("a")
    await idle()
    assert asked == ["a", "b"]
    counter.look("r", "a", "merged")
    await idle()
    assert asked == ["a", "b", "a"]
    counter.look("r2", "a", "running")
    assert counter.lines("b") is None
    working.cancel()


@given(st.text(max_size=80), st.integers(10, 150), st.booleans())
def test_a_panes_lines_fit_whatever_the_title(title: str, width: int, tall: bool) -> None:
    when = datetime.fromisoformat("2026-11-21T10:00:00+00:00")
    task = TaskView(title, title, state=S.FAILED, reason=title)
    for line in pane_lines(task, when, width, doing=title, tall=tall):
        assert width_of(line) <= width


def test_problems_come_first_then_what_runs_what_waits_and_the_newest_end(model: Model) -> None:
    run = model(
        a=S.LANDED,
        b=S.PENDING,
        c=S.RUNNING,
        d=S.BLOCKED,
        e=S.FAILED,
        f=S.READY,
        g=S.MERGED,
        ended={"a": 5, "g": 9},
    )
    assert "".join(task.id for task in ordered(run)) == "edcfbga"


def test_a_row_tells_what_one_asks_next(now: datetime, story: Callable[..., Any]) -> None:
    waiting = TaskView("2", "Two", waits_for=("1", "1b"))
    assert plain(draw_task(waiting, now, 60).right) == "after 1b +1"
    told = story({"1": "One"})
    told.start("1", 1)
    told.end("1", 1, retry_in=0.0)
    told.start("1", 2)
    row = draw_task(told.model.tasks["1"], now, 60)
    assert plain(row.right).startswith("2 tries  ")
    failed = TaskView("3", "Three", state=S.FAILED, reason="tests red")
    assert "tests red" in plain(draw_task(failed, now, 80).left)
    assert plain(draw_task(failed, now, 80).left).startswith("✗ failed ")


def test_a_run_that_waits_for_its_first_agent_says_so(model: Model) -> None:
    text = "\n".join(plain(line) for line in resting_lines(model(a=S.PENDING)))
    assert "the first agents are about to start" in text


def test_many_problems_are_summed_up(model: Model) -> None:
    run = model(**{f"t{n}": S.FAILED for n in range(20)})
    text = "\n".join(plain(line) for line in resting_lines(run))
    assert text.count("✗ failed") == 8
    assert "and 12 more" in text


def test_a_limit_that_is_near_is_counted_down(story: Callable[..., Any]) -> None:
    run = story({"1.1": "Settings"})
    run.start("1.1", timeout=600.0)
    task = run.model.tasks["1.1"]
    begun = task.attempt.started

    def told(seconds: int) -> str:
        groups = meters(task, begun + timedelta(seconds=seconds))
        return "".join(text for _, line in groups for text, _ in line)

    assert "stops in" not in told(300)
    assert told(480) == "  stops in 2:00  8:00"
    assert told(700) == "  stops in 0 s  11:40"
    run.end("1.1")
    assert "stops in" not in "".join(
        text for _, line in meters(run.model.tasks["1.1"], begun) for text, _ in line
    )


def test_every_limit_is_counted_down(story: Callable[..., Any]) -> None:
    run = story({"1.1": "Settings"})
    run.start("1.1", timeout=600.0, first_output=40.0, silence=80.0, after_result=20.0)
    task = run.model.tasks["1.1"]
    begun = task.attempt.started

    def told(seconds: int, heard: Heard) -> str:
        groups = meters(task, begun + timedelta(seconds=seconds), heard)
        return "".join(text for _, line in groups for text, _ in line).strip().split("  ")[0]

    assert told(20, Heard()) == "20 s"
    assert told(32, Heard()) == "no output, stops in 8 s"
    spoke = Heard(anything=True, last=begun + timedelta(seconds=100))
    assert told(150, spoke) == "2:30"
    assert told(170, spoke) == "silent, stops in 10 s"
    assert told(500, Heard(anything=True)) == "stops in 1:40"
    ended = Heard(anything=True, last=spoke.last, finished=begun + timedelta(seconds=100))
    assert told(116, ended) == "finished, stops in 4 s"


def test_an_agent_that_rests_says_why_or_since_when(story: Callable[..., Any]) -> None:
    run = story({"1.1": "Settings"})
    run.start("1.1")
    task = run.model.tasks["1.1"]
    begun = task.attempt.started

    def told(seconds: int, heard: Heard) -> str:
        groups = meters(task, begun + timedelta(seconds=seconds), heard)
        return "".join(text for _, line in groups for text, _ in line).strip().split("  ")[0]

    spoke = Heard(anything=True, last=begun)
    assert told(59, spoke) == "59 s"
    assert told(130, spoke) == "silent for 2:10"
    assert told(130, replace(spoke, finished=begun)) == "2:10"
    waits = replace(spoke, tries_again=begun + timedelta(seconds=100))
    assert told(70, waits) == "tries again in 30 s"
    assert told(101, waits) == "silent for 1:41"


def test_an_agent_of_which_nothing_was_heard_is_starting(
    story: Callable[..., Any], now: datetime
) -> None:
    run = story({"1.1": "Settings"})
    run.start("1.1")
    task = run.model.tasks["1.1"]

    def told(heard: Heard, doing: str = "") -> str:
        return plain(pane_lines(task, now, 90, heard=heard, doing=doing)[1]).strip()

    assert told(Heard()).startswith("starting  ")
    assert told(Heard(), doing="Edit a.py").startswith("Edit a.py  ")
    assert "starting" not in told(Heard(anything=True))


def test_a_feed_knows_that_the_agent_waits_until_it_says_something_else() -> None:
    feed = Feed(FakeOutput([]))
    feed.take([TextSaid("hello"), BackingOff(12.0, "overloaded"), StderrSaid("noise")])
    assert feed.waits == 12.0
    assert "waits for 12 s: overloaded" in feed.last_action
    feed.take([TextSaid("again")])
    assert feed.waits == 0.0


# --- how tokens and cost grew -----------------------------------------------------------------


def test_growth_is_drawn_where_it_happened() -> None:
    steps = [(0.0, 100.0), (59.0, 200.0), (60.0, 200.0)]
    assert growth(steps, 60.0, 6) == "█▁▁▁▁█"
    assert growth([(0.0, 10.0), (30.0, 90.0)], 60.0, 6) == "▂▁▁█▁▁"
    assert growth([], 60.0, 6) == growth([(1.0, 0.0)], 60.0, 6) == growth(steps, 0.0, 6) == ""


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1e6))), st.integers(1, 40))
def test_growth_has_its_width_whatever_grew(steps: list[tuple[float, float]], cells: int) -> None:
    grown = sorted(total for _, total in steps)
    told = growth(list(zip(sorted(at for at, _ in steps), grown, strict=True)), 100.0, cells)
    assert len(told) in (0, cells)


def test_the_estimate_is_a_range_and_the_growth_stands_beside_its_sum(
    story: Callable[..., Any], now: datetime
) -> None:
    told = story({"1": "One", "2": "Two"})
    told.start("1")
    for used, paid in ((1000, 0.01), (21_000, 0.30), (30_000, 0.41)):
        told.use("1", used, paid)
    told.start("2")
    told.use("2", 4000, None)
    lines = [plain(line) for line in run_lines(told.model, now, 120, (360.0, 660.0))]
    assert "6 to 11 min left  2 of 4 workers" in lines[0]
    assert lines[1].rstrip().endswith("34k tokens █▁▁▁▁▁▁▁▁▁▁▁  $0.41 + ? █▁▁▁▁▁▁▁▁▁▁▁")
    assert [step.tokens for step in told.model.spent] == [1000, 21_000, 30_000, 34_000]
    narrow = [plain(line) for line in run_lines(told.model, now, 80, (360.0, 660.0))]
    assert "6 to 11 min left" in narrow[0]


def test_of_a_long_run_not_every_step_is_kept(story: Callable[..., Any]) -> None:
    told = story({"1": "One"})
    told.start("1")
    for n in range(1, 1200):
        told.use("1", n, n / 100)
    assert len(told.model.spent) <= 400
    assert told.model.spent[-1].tokens == 1199
