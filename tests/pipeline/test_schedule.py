"""What may start when: dependencies, barriers, failures, files."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.run import DONE_STATES, FINAL_STATES, TaskRunState
from cc4tui.services.pipeline.schedule import Schedule, ScheduledTask, files_overlap


S = TaskRunState


def make(*tasks: ScheduledTask, keep_going: bool = False, **states: TaskRunState) -> Schedule:
    start = {task.id: states.get(task.id, S.PENDING) for task in tasks}
    return Schedule(tasks, start, keep_going=keep_going)


def task(task_id: str, *waits_for: str, needs: tuple[str, ...] | None = None, files=()):
    declared = waits_for if needs is None else needs
    return ScheduledTask(task_id, waits_for, declared, tuple(files))


def run_to_end(schedule: Schedule, failing: frozenset[str] = frozenset()) -> list[str]:
    """Start and end tasks one at a time; the order they started in."""
    order: list[str] = []
    while True:
        while blocked := list(schedule.newly_blocked()):
            for name, _ in blocked:
                schedule.states[name] = S.BLOCKED
        for name in schedule.newly_ready():
            schedule.states[name] = S.READY
        started = schedule.next()
        if started is None:
            return order
        order.append(started)
        schedule.states[started] = S.FAILED if started in failing else S.MERGED


def test_a_task_is_ready_when_all_it_waits_for_is_done():
    schedule = make(task("a"), task("b", "a"), task("c", "a", "b"))
    assert schedule.newly_ready() == ["a"]
    schedule.states["a"] = S.MERGED
    assert schedule.newly_ready() == ["b"]
    schedule.states["b"] = S.SKIPPED
    assert schedule.newly_ready() == ["c"]


def test_tasks_outside_the_run_hold_nothing_back():
    assert make(task("b", "not-in-this-run")).newly_ready() == ["b"]


@pytest.mark.parametrize("end", [S.FAILED, S.CANCELLED, S.NO_CHANGE, S.BLOCKED])
def test_any_end_without_success_blocks_what_waits_for_it(end: TaskRunState):
    schedule = make(task("a"), task("b", "a"), a=end)
    assert list(schedule.newly_blocked()) == [("b", "a")]


def test_blocking_goes_through_the_whole_chain():
    schedule = make(task("a"), task("b", "a"), task("c", "b"), task("d"))
    assert run_to_end(schedule, frozenset({"a"})) == ["a", "d"]
    assert schedule.states == {"a": S.FAILED, "b": S.BLOCKED, "c": S.BLOCKED, "d": S.MERGED}


def test_keep_going_blocks_only_declared_dependents():
    tasks = [task("a"), task("b"), task("c", "a", "b", needs=()), task("d", "a", "b", needs=("a",))]
    schedule = make(*tasks, keep_going=True)
    assert run_to_end(schedule, frozenset({"a"})) == ["a", "b", "c"]
    assert schedule.states["d"] is S.BLOCKED


def test_keep_going_still_waits_for_a_barrier():
    schedule = make(task("a"), task("b"), task("c", "a", "b", needs=()), keep_going=True)
    schedule.states |= {"a": S.FAILED, "b": S.RUNNING}
    assert schedule.newly_ready() == []
    schedule.states["b"] = S.MERGED
    assert schedule.newly_ready() == ["c"]


def test_two_tasks_that_name_one_file_never_run_at_once():
    schedule = make(task("a", files=["app.py"]), task("b", files=["app.py"]), task("c"))
    for name in schedule.newly_ready():
        schedule.states[name] = S.READY
    assert schedule.next() == "a"
    schedule.states["a"] = S.MERGING
    assert schedule.clashing("b") == "a"
    assert schedule.next() == "c"
    schedule.states |= {"c": S.RUNNING, "a": S.MERGED}
    assert schedule.next() == "b"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("a.py", "a.py", True),
        ("./a.py", "a.py", True),
        ("src/", "src/a.py", True),
        ("src", "srcs/a.py", False),
        ("src/*.py", "src/a.py", True),
        ("src/a.py", "src/b.py", False),
    ],
)
def test_files_overlap(first: str, second: str, same: bool):
    assert files_overlap([first], [second]) is same
    assert files_overlap([second], [first]) is same


def test_dependents_are_found_through_others():
    schedule = make(task("a"), task("b", "a"), task("c", "b"), task("d"))
    assert schedule.dependents("a") == ["b", "c"]


names = [f"t{number}" for number in range(12)]


@st.composite
def graphs(draw: st.DrawFn) -> list[ScheduledTask]:
    tasks = []
    for index, name in enumerate(names):
        earlier = st.sampled_from(names[:index]) if index else st.nothing()
        waits = tuple(draw(st.sets(earlier, max_size=3))) if index else ()
        files = draw(st.sets(st.sampled_from(["a.py", "b.py", "src/", "src/c.py"]), max_size=2))
        tasks.append(task(name, *waits, needs=waits[:1], files=files))
    return tasks


@settings(max_examples=100, deadline=None)
@given(graphs(), st.sets(st.sampled_from(names)), st.booleans())
def test_every_task_ends_and_none_runs_before_what_it_needs(tasks, failing, keep_going):
    schedule = make(*tasks, keep_going=keep_going)
    order = run_to_end(schedule, frozenset(failing))
    assert schedule.finished
    assert len(order) == len(set(order))
    for item in tasks:
        if item.id in order:
            required = item.needs if keep_going else item.waits_for
            assert all(schedule.states[other] in DONE_STATES for other in required)
        else:
            assert schedule.states[item.id] is S.BLOCKED
            assert schedule.states[item.id] in FINAL_STATES
