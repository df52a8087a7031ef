"""Events become a model: live, from the journal, in any portions, with the same result."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui import events as e
from cc4tui.domain.run import (
    AttemptOutcome,
    AttemptRecord,
    ReasonCode,
    RunStatus,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.domain.usage import TokenUsage
from cc4tui.ports import RunView
from cc4tui.screens.execution.fold import fold, settle
from cc4tui.screens.execution.model import RunModel


S = TaskRunState
TASKS = {"1.1": "Settings", "1.2": "Client", "2.1": "Limiter"}


@pytest.fixture
def tale(story: Callable[..., Any]) -> Any:
    return story(TASKS)


def test_nothing_is_known_before_a_run_starts() -> None:
    assert fold(None, []) is None
    assert fold(None, [e.TaskReady(run="r", task="1", seq=3)]) is None


def test_a_started_run_has_its_tasks_in_order(tale: Any) -> None:
    model = tale.model
    assert model.run.status is RunStatus.RUNNING
    assert model.run.plan == "plans/api.md"
    assert [task.title for task in model.tasks.values()] == list(TASKS.values())
    assert model.counts == {S.PENDING: 3}
    assert not model.is_over


def test_an_attempt_runs_and_uses_tokens(tale: Any, now: datetime) -> None:
    tale.add(e.TaskReady, "1.1")
    tale.start("1.1")
    tale.use("1.1", 1200, 0.25)
    task = tale.model.tasks["1.1"]
    assert task.state is S.RUNNING
    assert task.has_agent
    assert task.attempt.agent == "claude"
    assert task.usage == TokenUsage(input_tokens=1200)
    assert task.cost_usd == 0.25
    assert task.seconds(now) == (now - task.attempt.started).total_seconds()
    assert tale.model.busy == 1


def test_a_worktree_that_is_set_up_shows_until_its_agent_starts(tale: Any) -> None:
    tale.add(e.SetupStarted, "1.1", worktree="/w", commands=[{"command": "uv sync"}])
    task = tale.model.tasks["1.1"]
    assert (task.state, task.note, task.has_agent) == (S.RUNNING, "sets up its worktree", False)
    tale.add(e.SetupFinished, "1.1", passed=True)
    tale.start("1.1")
    assert tale.model.tasks["1.1"].note == ""


def test_unknown_cost_stays_unknown(tale: Any) -> None:
    tale.start("1.1")
    tale.use("1.1", 10, None)
    assert tale.model.cost_usd is None
    assert tale.model.usage.total == 10


def test_a_second_try_adds_up(tale: Any, now: datetime) -> None:
    tale.start("1.1")
    tale.use("1.1", 100, 0.1)
    tale.end("1.1", outcome="failed", reason="tests red", retry_in=0.0)
    assert tale.model.tasks["1.1"].note == "tries again: tests red"
    tale.add(e.TaskStateChanged, "1.1", attempt=1, state="ready", reason="tests red")
    tale.start("1.1", 2)
    tale.use("1.1", 50, None, attempt=2)
    task = tale.model.tasks["1.1"]
    assert [attempt.outcome for attempt in task.attempts] == [AttemptOutcome.FAILED, None]
    assert task.usage.total == 150
    assert task.cost_usd == 0.1
    assert task.note == ""
    first, second = task.attempts
    assert first.seconds(now) == 2
    assert task.seconds(now) == first.seconds(now) + second.seconds(now)


@pytest.mark.parametrize(
    ("kind", "data", "state", "reason"),
    [
        (e.TaskMerged, {"commit": "c", "merged_as": "m"}, S.MERGED, ""),
        (e.TaskLanded, {"target": "main"}, S.LANDED, ""),
        (e.TaskFailed, {"reason_code": "checks", "reason": "red"}, S.FAILED, "red"),
        (e.TaskSkipped, {"reason": "was done"}, S.SKIPPED, "was done"),
        (e.TaskBlocked, {"by": "1.2", "reason": ""}, S.BLOCKED, "1.2 did not succeed"),
        (e.TaskCancelled, {"reason": "by you"}, S.CANCELLED, "by you"),
        (e.TaskNoChange, {"reason": "no change"}, S.NO_CHANGE, "no change"),
        (e.TaskStateChanged, {"state": "merging"}, S.MERGING, ""),
        (e.TaskStateChanged, {"state": "something new"}, S.PENDING, ""),
        (e.TaskReady, {}, S.READY, ""),
    ],
)
def test_states_and_reasons(
    tale: Any, kind: type[e.Event], data: dict[str, Any], state: TaskRunState, reason: str
) -> None:
    tale.add(kind, "1.1", **data)
    task = tale.model.tasks["1.1"]
    assert (task.state, task.reason) == (state, reason)


def test_a_reason_code_is_kept_and_an_unknown_one_is_no_error(tale: Any) -> None:
    tale.add(e.TaskFailed, "1.1", reason_code="timeout", reason="too long")
    tale.add(e.TaskFailed, "1.2", reason_code="of the future", reason="")
    assert tale.model.tasks["1.1"].reason_code is ReasonCode.TIMEOUT
    assert tale.model.tasks["1.2"].reason_code is None


def test_checks_and_conflicts_are_noted(tale: Any) -> None:
    tale.start("1.1")
    tale.add(e.MergeConflict, "1.1", files=["a.py"], with_tasks=["1.2"])
    assert tale.model.tasks["1.1"].note == "conflict with 1.2 in a.py"
    commands = [{"command": "pytest", "exit_code": 1}, {"command": "ruff", "exit_code": 0}]
    tale.add(e.TaskVerified, "1.1", passed=False, commands=commands)
    assert tale.model.tasks["1.1"].note == "checks failed: pytest"
    tale.add(e.TaskVerified, "1.1", passed=True, commands=[])
    assert tale.model.tasks["1.1"].note == ""


def test_a_pause_is_told_until_it_ends(tale: Any) -> None:
    tale.add(e.RunPaused, reason="quota", until="15:40")
    assert tale.model.paused == "quota until 15:40"
    tale.add(e.RunResumed, reason="quota is back")
    assert tale.model.paused == ""


def test_a_finished_run(tale: Any) -> None:
    tale.finish("partly_failed", reason="1.1 failed", landed=False)
    model = tale.model
    assert model.is_over
    assert model.run.status is RunStatus.PARTLY_FAILED
    assert model.run.reason == "1.1 failed"
    assert (model.landed, model.efficiency) == (False, 0.91)


def test_a_resumed_run_goes_on_and_keeps_its_begin(tale: Any) -> None:
    tale.start("1.1")
    begun = tale.model.run.started
    told = [{"id": "1.1", "title": "Settings", "batch": "1", "state": "ready", "waits_for": []}]
    started = tale.events[0]
    tale.add(e.RunStarted, **{**started.data(), "tasks": told})
    tale.add(e.RunRecovered, done=2, adopted=0, retried=1)
    model = tale.model
    assert model.run.started == begun
    assert model.tasks["1.1"].state is S.READY
    assert len(model.tasks["1.1"].attempts) == 1
    assert model.recovered == "2 done, 1 tried again"


def test_other_runs_and_known_events_change_nothing(tale: Any) -> None:
    tale.start("1.1")
    model = tale.model
    other = replace(tale.events[-1], run="another", seq=99)
    assert fold(model, [other, *tale.events]) == model


def test_folding_leaves_the_old_model_alone(tale: Any) -> None:
    before = tale.model
    snapshot = dict(before.tasks)
    tale.start("1.1")
    after = fold(before, tale.events)
    assert before.tasks == snapshot
    assert after is not None
    assert after.tasks["1.1"].state is S.RUNNING


def test_a_task_no_event_told_of_is_shown_all_the_same(tale: Any) -> None:
    tale.start("9.9")
    assert tale.model.tasks["9.9"].state is S.RUNNING


# --- any events in any portions ---------------------------------------------------------------

START = datetime(2026, 11, 21, tzinfo=UTC)
TASK = st.sampled_from(["a", "b", "c"])
KINDS: list[Any] = [
    st.builds(lambda t: (e.TaskReady, t, {}), TASK),
    st.builds(
        lambda t, n: (
            e.AttemptStarted,
            t,
            {"attempt": n, "agent": "x", "model": None, "worktree": "", "pid": 1, "folder": ""},
        ),
        TASK,
        st.integers(1, 3),
    ),
    st.builds(
        lambda t, n, o: (
            e.AttemptFinished,
            t,
            {"attempt": n, "outcome": o, "reason_code": None, "reason": "", "exit_code": 0},
        ),
        TASK,
        st.integers(1, 3),
        st.sampled_from(["succeeded", "failed", "unheard of"]),
    ),
    st.builds(
        lambda t, n: (
            e.UsageReported,
            t,
            {
                "attempt": 1,
                "input_tokens": n,
                "cached_input_tokens": None,
                "output_tokens": None,
                "cost_usd": None,
            },
        ),
        TASK,
        st.one_of(st.none(), st.integers(0, 10**6)),
    ),
    st.builds(
        lambda t, s: (e.TaskStateChanged, t, {"state": s}),
        TASK,
        st.sampled_from([*(state.value for state in TaskRunState), "unheard of"]),
    ),
    st.builds(lambda t: (e.TaskBlocked, t, {"by": "x", "reason": ""}), TASK),
    st.builds(lambda r: (e.RunPaused, None, {"reason": r}), st.text(max_size=5)),
    st.just((e.RunResumed, None, {"reason": ""})),
]


@st.composite
def histories(draw: st.DrawFn) -> list[e.Event]:
    told = [{"id": n, "title": n.upper(), "batch": "1", "state": "pending"} for n in "ab"]
    base = {"plan": "p", "base": "", "branch": "", "target": "main"}
    base |= {"workers": 2, "mode": "worktree", "agent": "x", "tasks": told}
    out: list[e.Event] = [e.RunStarted(run="r", seq=1, ts=START, **base)]
    for kind, task, data in draw(st.lists(st.one_of(KINDS), max_size=25)):
        number = len(out) + 1
        when = START + timedelta(seconds=number)
        out.append(kind(run="r", task=task, seq=number, ts=when, **data))
    return out


@given(histories(), st.lists(st.integers(0, 30), max_size=4))
def test_portions_overlaps_and_repeats_make_no_difference(
    events: list[e.Event], cuts: list[int]
) -> None:
    whole = fold(None, events)
    model: RunModel | None = None
    at = 0
    for cut in [*sorted(cuts), len(events)]:
        model = fold(model, events[max(at - 3, 0) : cut])  # overlaps with what is folded in
        at = max(at, min(cut, len(events)))
        if at and model is None:
            model = fold(None, events[:at])
    assert model == whole


@given(histories())
def test_counts_add_up_and_states_are_known(events: list[e.Event]) -> None:
    model = fold(None, events)
    assert model is not None
    assert sum(model.counts.values()) == len(model.tasks)
    assert model.seq == len(events)
    assert all(task.seconds(START) >= 0 for task in model.tasks.values())


# --- records ----------------------------------------------------------------------------------


def records(model: RunModel, **states: TaskRunState) -> RunView:
    tasks = tuple(
        TaskRunRecord(model.run.id, t.id, n, t.title, t.batch, states.get(f"t{n}", t.state))
        for n, t in enumerate(model.tasks.values())
    )
    return RunView(model.run, tasks)


def test_records_have_the_last_word_on_states(tale: Any) -> None:
    tale.start("1.1")
    model = tale.model
    view = records(model, t0=S.CANCELLED)
    died = replace(view, run=replace(view.run, status=RunStatus.INTERRUPTED))
    settled = settle(model, died, [])
    assert settled.run.status is RunStatus.INTERRUPTED
    assert settled.tasks["1.1"].state is S.CANCELLED
    assert settled.tasks["1.1"].attempts == model.tasks["1.1"].attempts
    assert settled.seq == model.seq


def test_a_run_without_events_is_shown_from_its_records(tale: Any, now: datetime) -> None:
    view = records(tale.model, t0=S.FAILED)
    attempt = AttemptRecord(
        view.run.id,
        "1.1",
        1,
        "codex",
        1,
        "token",
        "/state/1.1/1",
        started=now - timedelta(seconds=30),
        finished=now,
        outcome=AttemptOutcome.FAILED,
        cost_usd=0.5,
    )
    model = settle(None, view, [attempt])
    task = model.tasks["1.1"]
    assert task.state is S.FAILED
    assert task.attempt is not None
    assert (task.attempt.agent, task.attempt.folder) == ("codex", "/state/1.1/1")
    assert task.seconds(now) == 30
    assert model.cost_usd == 0.5


def test_later_events_go_on_from_the_records(tale: Any) -> None:
    model = settle(tale.model, records(tale.model), [])
    tale.start("2.1")
    after = fold(model, tale.events)
    assert after is not None
    assert after.tasks["2.1"].state is S.RUNNING


def test_what_agents_ask_waits_until_it_is_answered(tale: Any) -> None:
    tale.start("1.1")
    for name in ("a1", "b2"):
        tale.add(
            e.RequestOpened, "1.1", request=name, kind="permission", tool="Bash", summary="Bash ls"
        )
    assert (tale.model.waiting, tale.model.tasks["1.1"].note) == (2, "asks: Bash ls")
    tale.add(e.RequestAnswered, "1.1", request="a1", decision="allowed", by="person")
    assert tale.model.waiting == 1
    tale.add(e.RequestAnswered, "1.1", request="b2", decision="denied", by="rule")
    assert (tale.model.waiting, tale.model.tasks["1.1"].note) == (0, "")
