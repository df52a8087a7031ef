"""The rows of a plan's tree, and what is told of each."""

from dataclasses import replace
from typing import Any

import pytest

from cc4tui.domain.plan import Batch, Diagnostic, Offer, Plan, PlanTaskState, Severity, Task
from cc4tui.domain.run import ReasonCode, TaskRunRecord, TaskRunState
from cc4tui.ports import PlanSummary
from cc4tui.screens.plan_details import BODY_LINES, row_lines
from cc4tui.screens.plan_rows import draw_plan, draw_tree_row
from cc4tui.screens.plan_tree import (
    Kind,
    TreeRow,
    fold_keys,
    is_done,
    row_text,
    telling_states,
    tree_rows,
)


def task(task_id: str, state: PlanTaskState = PlanTaskState.TODO, **values: Any) -> Task:
    return Task(task_id, f"Do {task_id}", state, 10, 12, **values)


def plan_of(*batches: Batch, **values: Any) -> Plan:
    return Plan("plans/a.md", "A", "cc4", batches, **values)


FIRST = Batch("1", "First", 5, (task("1.1", PlanTaskState.DONE), task("1.2")))
SECOND = Batch("2", "Second", 20, (task("2.1", needs=("1.2",)),))
ERROR = Diagnostic("E04", Severity.ERROR, 30, 2, "unknown dependency 9.9", "did you mean 1.1?")
WARNING = Diagnostic("W02", Severity.WARNING, 3, 1, "no goal")


def keys(plan: Plan, *folded: str) -> list[str]:
    return [row.key for row in tree_rows(plan, folded)]


def told(row: TreeRow, plan: Plan, **values: Any) -> str:
    states, records = values.get("states", {}), values.get("records", {})
    lines = row_lines(row, plan, states, records)
    return "\n".join("".join(text for text, _ in line) for line in lines)


def drawn(row: TreeRow, plan: Plan, states: Any = None, width: int = 80) -> tuple[str, str]:
    it = draw_tree_row(row, width, plan, states or {})
    return "".join(t for t, _ in it.left), "".join(t for t, _ in it.right)


def test_batches_hold_their_tasks() -> None:
    assert keys(plan_of(FIRST, SECOND)) == ["#1@5", "=1.1", "=1.2", "#2@20", "=2.1"]


def test_what_is_folded_is_left_out() -> None:
    plan = plan_of(FIRST, SECOND)
    assert keys(plan, "#1@5") == ["#1@5", "#2@20", "=2.1"]
    assert fold_keys(plan) == {"#1@5", "#2@20"}


def test_problems_come_first_and_errors_before_warnings() -> None:
    plan = plan_of(FIRST, diagnostics=(WARNING, ERROR))
    rows = list(tree_rows(plan, ()))
    assert [row.kind for row in rows[:3]] == [Kind.PROBLEMS, Kind.PROBLEM, Kind.PROBLEM]
    assert [row.problem for row in rows[1:3]] == [ERROR, WARNING]
    assert drawn(rows[0], plan)[0] == "▾ 2 problems  errors must be gone before it runs"
    assert drawn(rows[1], plan) == ("  ✗ E04 unknown dependency 9.9", "line 30")
    assert keys(plan, "!")[:2] == ["!", "#1@5"]


def test_a_single_batch_without_a_title_needs_no_heading() -> None:
    bare = replace(FIRST, title="")
    rows = list(tree_rows(plan_of(bare), ()))
    assert [(row.kind, row.depth) for row in rows] == [(Kind.TASK, 0), (Kind.TASK, 0)]


def test_offers_say_that_they_are_not_certain() -> None:
    plan = plan_of(offers=(Offer("table", 5, FIRST),))
    head, first, _ = tree_rows(plan, ())
    assert head.offered
    assert first.offered
    assert "offered" in drawn(head, plan)[0]


def test_a_task_shows_state_files_and_what_it_waits_for() -> None:
    plan = plan_of(FIRST, SECOND)
    row = list(tree_rows(plan, ()))[-1]
    assert drawn(row, plan) == ("  ○ 2.1  Do 2.1", "after 1.2")
    running = {"2.1": TaskRunState.RUNNING}
    left, right = drawn(row, plan, running)
    assert left == "  ● 2.1  Do 2.1"
    assert right.strip() == "running"


def test_a_batch_counts_what_is_done_by_the_plan_or_the_run() -> None:
    plan = plan_of(FIRST)
    head = next(iter(tree_rows(plan, ())))
    assert drawn(head, plan) == ("▾ 1  First", "1/2")
    assert drawn(head, plan, {"1.2": TaskRunState.MERGED})[1] == "2/2"
    assert drawn(head, plan, {"1.2": TaskRunState.FAILED})[1] == "1/2"


@pytest.mark.parametrize("state", list(TaskRunState))
def test_every_state_of_a_run_has_a_glyph_and_a_word(state: TaskRunState) -> None:
    plan = plan_of(FIRST)
    row = list(tree_rows(plan, ()))[2]
    left, right = drawn(row, plan, {"1.2": state})
    assert left[2] not in " 1"
    assert right.strip() == state.value.replace("_", " ")


def test_of_a_run_that_is_over_only_the_ends_are_told() -> None:
    states = {
        "1": TaskRunState.PENDING,
        "2": TaskRunState.FAILED,
        "3": TaskRunState.LANDED,
        "4": TaskRunState.BLOCKED,
    }
    assert telling_states(states, active=True) == states
    assert set(telling_states(states, active=False)) == {"2", "3"}


def test_done_is_what_the_plan_or_the_run_calls_done() -> None:
    assert is_done(task("1", PlanTaskState.DONE), None)
    assert is_done(task("1"), TaskRunState.SKIPPED)
    assert not is_done(task("1"), TaskRunState.NO_CHANGE)
    assert not is_done(task("1", PlanTaskState.IN_PROGRESS), None)


def test_the_filter_sees_tasks_and_problems_not_headings() -> None:
    rows = list(tree_rows(plan_of(FIRST, diagnostics=(ERROR,)), ()))
    assert [row_text(row) for row in rows] == [
        "",
        "E04 unknown dependency 9.9",
        "",
        "1.1 Do 1.1 ",
        "1.2 Do 1.2 ",
    ]


def test_a_task_whole(center: Any) -> None:
    plan = center.all_plans["plans/api.md"]
    row = next(row for row in tree_rows(plan, ()) if row.key == "=2.1")
    text = told(row, plan)
    for part in (
        "2.1  Rate limiter",
        "○ to do   plans/api.md:22",
        "goal        No client can starve the others.",
        "depends on  1.3 ◐",
        "files       api/limits.py  create",
        "            api/app.py  modify",
        "verify      pytest tests/test_limits.py",
        "  – 429 after 100 calls a minute",
        "steps 1/2",
        "  ✓ token bucket",
        "A token bucket per API key",
    ):
        assert part in text


def test_a_task_tells_what_the_run_made_of_it() -> None:
    plan = plan_of(FIRST)
    row = list(tree_rows(plan, ()))[2]
    record = TaskRunRecord(
        "r-1",
        "1.2",
        1,
        "Do 1.2",
        "1",
        TaskRunState.FAILED,
        attempts=2,
        agent="claude",
        reason_code=ReasonCode.CHECKS,
        reason="tests are red",
        seconds=161,
    )
    text = told(row, plan, states={"1.2": record.state}, records={"1.2": record})
    assert "✗ failed" in text
    assert "r-1  2 tries  2:41  claude" in text
    assert "tests are red" in text
    assert "r-1" not in told(row, plan, records={"1.2": record})


def test_more_of_a_task() -> None:
    full = task(
        "1.1",
        run=("make", "make install"),
        agent="codex",
        model="o5",
        timeout=90,
        labels=("db", "ui"),
        priority="high",
        parallel=False,
        body="\n".join(f"line {n}" for n in range(BODY_LINES + 7)),
    )
    plan = plan_of(Batch("1", "First", 5, (full,)))
    text = told(list(tree_rows(plan, ()))[1], plan)
    for part in (
        "run         make\n            make install",
        "done by     codex · o5",
        "time limit  1:30",
        "labels      high #db #ui",
        "alone       not beside its neighbours",
        "… 7 more lines",
    ):
        assert part in text


def test_a_batch_and_a_problem_whole() -> None:
    batch = replace(
        FIRST, goal="Groundwork", depends_on=("0",), parallel=False, acceptance=("green",)
    )
    plan = plan_of(batch, diagnostics=(ERROR,))
    rows = list(tree_rows(plan, ()))
    text = told(rows[2], plan)
    assert "goal        Groundwork" in text
    assert "after       0" in text
    assert "order       one task after the other" in text
    assert "– green" in text
    assert told(rows[1], plan) == (
        "E04  unknown dependency 9.9\nplans/a.md:30:2\n\ndid you mean 1.1?"
    )
    assert told(rows[0], plan) == told(rows[1], plan)


@pytest.mark.parametrize(
    ("summary", "right"),
    [
        (PlanSummary("a.md", "A", "cc4", 6, 2, 0), "2/6"),
        (PlanSummary("a.md", "A", "cc4", 6, 2, 1), "1 ✗  2/6"),
        (PlanSummary("a.md", "A", "cc4", 0, 0, 0, offers=1), "offers"),
        (PlanSummary("a.md", "A", "cc4", 0, 0, 0), "no tasks"),
    ],
)
def test_a_line_of_the_list_of_plans(summary: PlanSummary, right: str) -> None:
    row = draw_plan(summary, 80)
    assert "".join(text for text, _ in row.left) == "a.md  A"
    assert "".join(text for text, _ in row.right) == right


def test_ten_thousand_tasks_make_their_rows_at_once() -> None:
    batches = [
        Batch(str(b), f"Batch {b}", b, tuple(task(f"{b}.{n}") for n in range(100)))
        for b in range(100)
    ]
    assert len(list(tree_rows(plan_of(*batches), ()))) == 10_100
