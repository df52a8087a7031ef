"""Following a run: no event twice, none lost, none of another run; and its exit code."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.cli.conduct import Follower, Reporter, exit_code
from cc4tui.cli.output import OutputClosedError
from cc4tui.domain.run import RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.errors import ExitCode
from cc4tui.events import AgentOutput, Event, RunPaused, TaskFailed, TaskReady
from cc4tui.ports import RunView


WHEN = datetime(2026, 11, 21, tzinfo=UTC)


def event(seq: int, run: str = "r-1") -> Event:
    return TaskReady(run=run, task="1.1", seq=seq, ts=WHEN)


class Recorder(Reporter):
    """A reporter that remembers instead of writing."""

    def __init__(self) -> None:
        super().__init__(as_json=True, with_output=True)
        self.told: list[Event] = []

    def tell(self, event: Event) -> None:
        self.told.append(event)


class Center:
    """A journal that gives out its events in pages."""

    def __init__(self, stored: list[Event], page: int) -> None:
        self.journal = self
        self._stored = stored
        self._page = page

    async def events(self, run: str, after: int) -> list[Event]:
        return [e for e in self._stored if e.run == run and e.seq > after][: self._page]


async def follow(live: list[Event], stored: list[Event], page: int = 3) -> list[Event]:
    """What is told when `live` arrives and the run then ends."""

    async def stream() -> AsyncIterator[Event]:
        for one in live[1:]:
            yield one

    async def first() -> Event:
        return live[0]

    recorder = Recorder()
    follower = Follower("r-1", recorder)
    if live:
        await follower.follow(asyncio.ensure_future(first()), stream())
    await follower.catch_up(Center(stored, page))  # type: ignore[arg-type]
    return recorder.told


@given(
    begin=st.integers(1, 5),
    count=st.integers(1, 20),
    live=st.integers(1, 20),
    doubled=st.lists(st.integers(0, 30)),
    others=st.lists(st.integers(0, 30)),
    page=st.integers(1, 7),
)
def test_every_event_is_told_once_and_in_order(
    begin: int, count: int, live: int, doubled: list[int], others: list[int], page: int
) -> None:
    """Events before `begin` are of an earlier process; only some of ours arrive live."""
    stored = [event(seq) for seq in range(1, begin + count)]
    ours = stored[begin - 1 :]
    arriving = list(ours[: min(live, count)])
    for place in doubled:
        if 0 < place < len(arriving):
            arriving.insert(place, arriving[place - 1])
    for place in others:
        if place < len(arriving):
            arriving.insert(place, event(place + 1, run="r-2"))
    told = asyncio.run(follow(arriving, stored, page))
    assert [e.seq for e in told] == [e.seq for e in ours]
    assert {e.run for e in told} == {"r-1"}


def test_a_run_that_told_nothing_is_not_told_from_its_past() -> None:
    assert asyncio.run(follow([], [event(1), event(2)])) == []


def test_output_has_no_number_and_is_told_where_it_comes() -> None:
    said = AgentOutput(run="r-1", task="1.1", attempt=1, kind="text", text="x", offset=0)
    live = [event(1), said, event(2), said]
    assert asyncio.run(follow(live, [event(1), event(2), event(3)])) == [*live, event(3)]


# --- the reporter ----------------------------------------------------------------------------


def test_json_goes_out_and_people_read_on_the_other_side(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reporter = Reporter(as_json=True, with_output=False)
    reporter.tell(RunPaused(run="r-1", seq=1, ts=WHEN, reason="quota"))
    said = capsys.readouterr()
    assert json.loads(said.out)["event"] == "run_paused"
    assert said.err.endswith("paused: quota\n")
    Reporter(as_json=False, with_output=False).tell(RunPaused(run="r-1", reason="quota"))
    said = capsys.readouterr()
    assert (said.out.endswith("paused: quota\n"), said.err) == (True, "")


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("with_output", [True, False])
def test_output_of_agents_only_when_asked_for(
    capsys: pytest.CaptureFixture[str], as_json: bool, with_output: bool
) -> None:
    reporter = Reporter(as_json=as_json, with_output=with_output)
    reporter.tell(
        AgentOutput(run="r-1", task="1.1", attempt=1, kind="text", text="words", offset=0)
    )
    said = capsys.readouterr()
    assert ("words" in said.out) == with_output
    assert said.err == ""


def test_when_nobody_reads_it_is_said_once_and_nothing_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(_: Any) -> None:
        raise OutputClosedError

    monkeypatch.setattr("cc4tui.cli.conduct.print_json", closed)
    reporter = Reporter(as_json=True, with_output=True)
    for seq in (1, 2, 3):
        reporter.tell(event(seq))
    assert capsys.readouterr().err.count("nobody reads") == 1


def test_a_failure_in_json_keeps_its_text_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(as_json=True, with_output=False)
    evil = "a\x1b]52;c;AA\x07\x9b\u202e\ud800"
    reporter.tell(TaskFailed(run="r-1", task="1.1", seq=1, reason_code="agent", reason=evil))
    said = capsys.readouterr()
    assert said.out.isascii()
    assert json.loads(said.out)["reason"] == evil
    assert said.err.replace("\n", "").isprintable()


# --- the exit code ---------------------------------------------------------------------------


@pytest.fixture
def view() -> Callable[..., RunView]:
    def make(*states: TaskRunState) -> RunView:
        run = RunRecord(
            id="r-1", plan="p.md", plan_key="p.md", status=RunStatus.SUCCEEDED, base="0" * 40,
            branch="cc4/r-1/merged", target="main", workers=1, mode="worktree", agent="a",
            started=WHEN,
        )  # fmt: skip
        tasks = [
            TaskRunRecord("r-1", str(number), number, "t", "1", state)
            for number, state in enumerate(states)
        ]
        return RunView(run, tuple(tasks))

    return make


@given(st.lists(st.sampled_from(TaskRunState), max_size=6))
def test_zero_means_that_the_target_holds_everything(states: list[TaskRunState]) -> None:
    run = RunRecord(
        id="r", plan="p", plan_key="p", status=RunStatus.FAILED, base="", branch="b", target="t",
        workers=1, mode="worktree", agent="a", started=WHEN,
    )  # fmt: skip
    tasks = tuple(TaskRunRecord("r", str(n), n, "t", "", s) for n, s in enumerate(states))
    done = set(states) <= {TaskRunState.LANDED, TaskRunState.SKIPPED}
    assert exit_code(RunView(run, tasks)) == (ExitCode.OK if done else ExitCode.NOT_LANDED)


@pytest.mark.parametrize("state", [TaskRunState.MERGED, TaskRunState.NO_CHANGE])
def test_merged_but_not_landed_and_no_change_are_no_success(
    view: Callable[..., RunView], state: TaskRunState
) -> None:
    assert exit_code(view(TaskRunState.LANDED, state)) == ExitCode.NOT_LANDED
    assert exit_code(view(TaskRunState.LANDED, TaskRunState.SKIPPED)) == ExitCode.OK
