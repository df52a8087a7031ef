"""Budgets warn once, and end what goes beyond them."""

from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.run import TaskRunRecord, TaskRunState
from cc4tui.domain.usage import TokenUsage
from cc4tui.services.pipeline.budgets import Budgets


def spent(tokens: int) -> TokenUsage:
    """Half in, half out, and much from the cache that does not count."""
    return TokenUsage(tokens // 2, 10**9, tokens - tokens // 2)


def test_a_task_is_warned_once_and_then_stopped():
    budgets, limits = Budgets({}, []), {"tokens": 1000.0}
    budgets.used("1.1", 1, spent(799), None)
    assert list(budgets.alarms("1.1", limits)) == []
    budgets.used("1.1", 1, spent(800), None)
    [warning] = budgets.alarms("1.1", limits)
    assert not warning.over
    assert warning.sentence == (
        "the budget of task 1.1 is nearly used up: 800 tokens of 1,000 tokens"
    )
    assert list(budgets.alarms("1.1", limits)) == []
    budgets.used("1.1", 1, spent(1000), None)
    [alarm] = budgets.alarms("1.1", limits)
    assert alarm.over
    assert "used up: 1,000 tokens" in budgets.exhausted("1.1", limits)
    assert budgets.exhausted("1.2", limits) == ""


def test_attempts_and_earlier_processes_count_together():
    before = TaskRunRecord(
        run="r",
        task="1.1",
        position=0,
        title="",
        batch="1",
        state=TaskRunState.READY,
        usage=spent(500),
        cost_usd=1.5,
    )
    budgets = Budgets({"usd": 2.0}, [before])
    budgets.used("1.1", 2, spent(300), None)
    budgets.used("1.1", 3, spent(300), None)
    assert budgets.exhausted("1.1", {"tokens": 1000.0})
    assert budgets.exhausted("1.2", None) == ""
    budgets.used("1.2", 1, spent(1), 0.5)
    assert budgets.exhausted("1.3", None) == "the budget of the run is used up: $2.00 of $2.00"


def test_unknown_cost_is_said_and_not_taken_for_nothing():
    budgets = Budgets({"usd": 1.0}, [])
    budgets.used("1.1", 1, spent(10**6), None)
    [told] = budgets.alarms("1.1", None)
    assert not told.over
    assert told.sentence == "the agent tells no cost, so the run has no limit in $"
    assert list(budgets.alarms("1.1", None)) == []


@given(st.lists(st.integers(0, 500), max_size=20), st.integers(1, 2000))
def test_it_is_over_exactly_when_the_sum_is(parts: list[int], limit: int):
    budgets = Budgets({"tokens": float(limit)}, [])
    for number, tokens in enumerate(parts):
        budgets.used(f"{number}", 1, spent(tokens), None)
    assert bool(budgets.exhausted("x", None)) == (sum(parts) >= limit)
