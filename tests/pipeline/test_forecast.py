"""How a run would go: by the same rules as the schedule, from what really happened before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.plan import Batch, FileRef, Plan, PlanTaskState, Task
from cc4tui.domain.run import AttemptRecord, RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.ports import RunView
from cc4tui.services.pipeline.forecast import forecast, time_left
from cc4tui.services.pipeline.schedule import Schedule, ScheduledTask
from cc4tui.services.pipeline.selection import PlannedTask
from cc4tui.services.pipeline.simulation import CLASHES, play


PAST = {"claude": (60.0, 120.0, 180.0)}
CLAUDE, CODEX = AgentSpec("claude", "claude"), AgentSpec("codex", "codex")


def told(tasks: list[Task], workers: int = 2, past: Any = PAST, **agents: AgentSpec) -> Any:
    batch = Batch("1", "B", 1, tuple(tasks))
    planned = [
        PlannedTask(
            task, batch, agents.get(f"t{task.id}", CLAUDE), None, None, None, 0, (), **state(task)
        )
        for task in tasks
    ]
    return forecast(Plan("p.md", "P", "cc4", (batch,)), planned, workers, past)


def state(task: Task) -> dict[str, Any]:
    if task.state is PlanTaskState.DONE:
        return {"state": TaskRunState.SKIPPED, "reason": "done in the plan"}
    if task.state is PlanTaskState.BLOCKED:
        return {"state": TaskRunState.BLOCKED, "reason": "marked as blocked in the plan"}
    return {"state": TaskRunState.PENDING}


def task(name: str, *waits: str, files: tuple[str, ...] = (), **values: Any) -> Task:
    values = {"state": PlanTaskState.TODO} | values
    refs = tuple(FileRef(path) for path in files)
    return Task(name, f"T{name}", line=1, end_line=1, waits_for=waits, files=refs, **values)


FILES = st.lists(st.sampled_from(["a.py", "b.py", "lib/c.py", "lib", "*.md", "x.md"]), max_size=2)


@st.composite
def scheduled(draw: st.DrawFn) -> list[ScheduledTask]:
    count = draw(st.integers(1, 8))
    return [
        ScheduledTask(
            str(n),
            tuple(str(m) for m in range(n) if draw(st.booleans())),
            files=tuple(draw(FILES)),
        )
        for n in range(count)
    ]


def waves(tasks: list[ScheduledTask], workers: int) -> list[list[str]]:
    """What starts together, by the schedule that a run goes by, if all take equally long."""
    schedule = Schedule(tasks, {one.id: TaskRunState.PENDING for one in tasks})
    out: list[list[str]] = []
    while True:
        for name in schedule.newly_ready():
            schedule.states[name] = TaskRunState.READY
        wave: list[str] = []
        while len(wave) < workers and (next_one := schedule.next()) is not None:
            schedule.states[next_one] = TaskRunState.RUNNING
            wave.append(next_one)
        if not wave:
            return out
        for name in wave:
            schedule.states[name] = TaskRunState.MERGED
        out.append(wave)


@given(scheduled(), st.integers(1, 4))
def test_it_goes_as_the_schedule_would_go(tasks: list[ScheduledTask], workers: int) -> None:
    expected = waves(tasks, workers)
    played = play(tasks, {one.id: 1.0 for one in tasks}, workers)
    found: list[list[str]] = [[] for _ in range(int(played.end))]
    for name, start in played.starts.items():
        found[int(start)].append(name)
    assert [sorted(wave) for wave in found] == [sorted(wave) for wave in expected]


@given(scheduled(), st.integers(1, 4), st.data())
def test_no_run_is_shorter_than_its_work_allows(
    tasks: list[ScheduledTask], workers: int, data: st.DataObject
) -> None:
    seconds = {one.id: data.draw(st.floats(0.5, 9)) for one in tasks}
    played = play(tasks, seconds, workers)
    total = sum(seconds.values())
    assert played.starts.keys() == seconds.keys()
    assert total / workers - 1e-6 <= played.end <= total + 1e-6
    for one in tasks:
        for before in one.waits_for:
            assert played.starts[one.id] >= played.starts[before] + seconds[before] - 1e-9


def test_order_and_what_is_not_run() -> None:
    found = told(
        [
            task("1", state=PlanTaskState.DONE),
            task("2", "1"),
            task("3", "2"),
            task("4", state=PlanTaskState.BLOCKED),
            task("5", "4"),
            task("6", "5"),
        ]
    )
    assert [(one.id, one.wave) for one in found.tasks] == [("2", 0), ("3", 1)]
    assert found.waves == 2
    assert {one.id: one.reason for one in found.left_out} == {
        "1": "done in the plan",
        "4": "marked as blocked in the plan",
        "5": "waits for 4, which does not run",
        "6": "waits for 5, which does not run",
    }


def test_who_waits_only_for_a_file() -> None:
    found = told(
        [
            task("1", files=("api/app.py",)),
            task("2", files=("./api/app.py", "b.py")),
            task("3", "2", files=("api",)),
            task("4"),
        ],
        workers=4,
    )
    held = {one.id: (one.held_by, one.files) for one in found.held}
    assert held == {"2": ("1", ("./api/app.py",))}
    assert [(one.path, one.tasks) for one in found.overlaps] == [
        ("api", ("1", "2", "3")),
        ("api/app.py", ("1", "2")),
    ]


def test_tasks_in_order_clash_with_nobody() -> None:
    found = told([task("1", files=("a",)), task("2", "1", files=("a",)), task("3", "2")])
    assert found.overlaps == found.held == ()


def test_time_is_a_range_from_what_tasks_took() -> None:
    found = told([task(str(n)) for n in range(8)], workers=2)
    low, high = found.seconds
    assert 8 * 60 / 2 <= low <= high <= 8 * 180 / 2
    assert high > low
    assert found.samples == 3
    assert told([task(str(n)) for n in range(8)], workers=2).seconds == (low, high)
    one_by_one = told([task(str(n)) for n in range(8)], workers=1)
    assert one_by_one.seconds[0] > high


@pytest.mark.parametrize("past", [{}, {"claude": (60.0, 70.0)}, {"codex": (1.0,) * 9}])
def test_without_a_past_nobody_knows_the_time(past: Any) -> None:
    found = told([task("1")], past=past)
    assert (found.seconds, found.unknown_agents) == (None, ("claude",))


def test_one_agent_without_a_past_is_named() -> None:
    found = told([task("1"), task("2")], t2=CODEX)
    assert (found.seconds, found.unknown_agents) == (None, ("codex",))


def test_with_nothing_to_run_there_is_no_time() -> None:
    found = told([task("1", state=PlanTaskState.DONE)])
    assert (found.tasks, found.seconds, found.waves) == ((), None, 0)


def test_a_plan_in_which_everything_clashes_ends_and_says_so() -> None:
    count = int((2 * CLASHES) ** 0.5) + 100
    tasks = [ScheduledTask(str(n), files=("CHANGELOG.md",)) for n in range(count)]
    played = play(tasks, {one.id: 1.0 for one in tasks}, 2)
    assert played.cut
    assert 0 < len(played.starts) < count


# --- how long a run still takes ---------------------------------------------------------------

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
S = TaskRunState


def left(
    *states: TaskRunState,
    past: Any = PAST,
    status: RunStatus = RunStatus.RUNNING,
    worked: float = 0.0,
    waits: bool = False,
) -> tuple[float, float] | None:
    """Of a run with two workers; `worked` seconds ago its running tasks began."""
    run = RunRecord(
        "r-1", "p.md", "p.md", status, "b", "i", "main", 2, "worktree", "claude", started=NOW
    )
    tasks = tuple(
        TaskRunRecord(
            "r-1",
            str(n),
            n,
            f"T{n}",
            "1",
            state,
            agent="claude",
            waits_for=tuple(str(other) for other in range(n)) if waits else (),
        )
        for n, state in enumerate(states)
    )
    began = NOW - timedelta(seconds=worked)
    attempts = [
        AttemptRecord("r-1", task.task, 1, "claude", 1, "t", "f", started=began)
        for task in tasks
        if task.state is S.RUNNING
    ]
    return time_left(RunView(run, tasks), attempts, NOW, past)


def test_what_is_left_of_a_run_is_a_range_from_the_past() -> None:
    assert left(S.PENDING, S.MERGED, S.FAILED) == (60.0, 180.0)
    first, last = left(*[S.PENDING] * 6, waits=True) or (0.0, 0.0)
    assert 6 * 60 < first < last < 6 * 180


def test_what_is_worked_on_has_less_left() -> None:
    assert left(S.RUNNING, worked=90) == (30.0, 90.0)  # 120 or 180 in all: 60 it took already
    assert left(S.VERIFYING) == (0.0, 0.0)
    first, last = left(S.RUNNING, worked=1000) or (0.0, 0.0)  # longer than any before
    assert 0 < first < last < 1000


def test_what_is_worked_on_keeps_its_worker() -> None:
    busy = left(S.PENDING, S.RUNNING, S.RUNNING, past={"claude": (100.0,) * 3}, worked=40)
    assert busy == (160.0, 160.0)


@pytest.mark.parametrize(
    "values", [{"past": {}}, {"past": {"claude": (1.0, 2.0)}}, {"status": RunStatus.INTERRUPTED}]
)
def test_nobody_knows_what_is_left(values: Any) -> None:
    assert left(S.PENDING, **values) is None


def test_nothing_is_left_when_all_tasks_have_ended() -> None:
    assert left(S.MERGED, S.FAILED, past={}) == (0.0, 0.0)
