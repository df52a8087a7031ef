"""The one table of task states: every move that it does not list is refused."""

from itertools import product

import pytest

from cc4tui.domain.run import (
    ACTIVE_STATES,
    DONE_STATES,
    FINAL_STATES,
    TRANSITIONS,
    TaskRunState,
    may_move,
)
from cc4tui.errors import StaleWriteError
from cc4tui.services.pipeline.orchestrator import RETRYABLE
from cc4tui.services.pipeline.recorder import move


S = TaskRunState

LEGAL = """
pending    ready blocked cancelled skipped
ready      running blocked cancelled skipped
running    ready merging failed cancelled no_change
merging    verifying merged ready failed cancelled
verifying  merging reviewing merged ready failed cancelled
reviewing  merging ready failed cancelled
merged     landed
landed
failed     ready skipped
cancelled  ready skipped
skipped
blocked    pending ready skipped
no_change  ready skipped
"""
"""Written out a second time: whoever changes the table says so here."""
MOVES = {(S(line.split()[0]), S(after)) for line in LEGAL.split("\n") for after in line.split()[1:]}


@pytest.mark.parametrize(("before", "after"), [*product(S, S)])
def test_every_pair_is_allowed_or_refused(before: TaskRunState, after: TaskRunState) -> None:
    if (before, after) in MOVES:
        assert may_move(before, after)
        assert move("t", before, after).expect == {before}
    else:
        assert not may_move(before, after)
        with pytest.raises(StaleWriteError, match=f"from {before.value} to {after.value}"):
            move("t", before, after)


def test_what_is_merged_is_never_run_again() -> None:
    reachable, waiting = set(), [S.MERGED]
    while waiting:
        state = waiting.pop()
        reachable.add(state)
        waiting += TRANSITIONS[state] - reachable
    assert reachable == {S.MERGED, S.LANDED}


def test_every_state_is_final_active_or_waits() -> None:
    assert not FINAL_STATES & ACTIVE_STATES
    assert set(S) - FINAL_STATES - ACTIVE_STATES == {S.PENDING, S.READY}
    assert DONE_STATES <= FINAL_STATES


def test_a_retry_is_a_legal_move_from_where_it_is_offered() -> None:
    assert RETRYABLE == FINAL_STATES - DONE_STATES
    assert all(may_move(state, S.READY) for state in RETRYABLE)


def test_every_state_can_be_reached() -> None:
    reached = {after for _, after in MOVES} | {S.PENDING}
    assert reached == set(S)
