"""Time limits by a clock of the test's own: nothing here waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.pipeline.clocks import Clocks, Overdue, TimeLimits


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_without_limits_nothing_is_ever_overdue(clock: Clock):
    clocks = Clocks(TimeLimits(), clock)
    clocks.finished()
    clock.now += 1e9
    assert clocks.overdue() is None
    assert clocks.patience() == float("inf")


def test_the_whole_time_counts_whatever_is_written(clock: Clock):
    clocks = Clocks(TimeLimits(whole=60, silence=10), clock)
    for size in range(59):
        clock.now += 1
        clocks.wrote(size + 1)
    assert clocks.overdue() is None
    clock.now += 1
    assert clocks.overdue() == Overdue("timeout", "no end after 60 s; stopped")


def test_silence_begins_anew_with_every_byte(clock: Clock):
    clocks = Clocks(TimeLimits(silence=10), clock)
    clock.now += 9
    clocks.wrote(1)
    clock.now += 9
    clocks.wrote(1)
    assert clocks.overdue() is None
    assert clocks.patience() == 1
    clock.now += 1
    assert clocks.overdue() == Overdue("silence", "wrote nothing for 10 s; stopped")


def test_a_file_that_became_shorter_was_written_to(clock: Clock):
    clocks = Clocks(TimeLimits(silence=10), clock)
    clocks.wrote(100)
    clock.now += 9
    clocks.wrote(0)
    clock.now += 9
    assert clocks.overdue() is None


def test_the_first_output_has_a_limit_of_its_own(clock: Clock):
    limits = TimeLimits(first_output=5, silence=100)
    clocks, talks = Clocks(limits, clock), Clocks(limits, clock)
    talks.wrote(1)
    clock.now += 5
    assert clocks.overdue() == Overdue("silence", "wrote nothing in its first 5 s; stopped")
    assert talks.overdue() is None


def test_after_its_last_word_it_has_a_few_seconds(clock: Clock):
    clocks = Clocks(TimeLimits(whole=1000, silence=500, after_result=10), clock)
    clock.now += 100
    clocks.wrote(5)
    clocks.finished()
    clock.now += 9.5
    assert clocks.overdue() is None
    assert clocks.patience() == pytest.approx(0.5)
    clock.now += 0.5
    overdue = clocks.overdue()
    assert overdue is not None
    assert overdue.why == "lingering"
    assert "10 s" in overdue.reason


def test_one_that_goes_on_after_its_last_word_is_not_lingering(clock: Clock):
    clocks = Clocks(TimeLimits(after_result=10), clock)
    clocks.finished()
    clock.now += 5
    clocks.went_on()
    clock.now += 50
    assert clocks.overdue() is None
    clocks.finished()
    clock.now += 10
    assert clocks.overdue() is not None


seconds = st.none() | st.floats(0.1, 1000)


@given(
    st.builds(
        TimeLimits, whole=seconds, first_output=seconds, silence=seconds, after_result=seconds
    ),
    st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["wrote", "finished", "went_on", ""]))),
)
def test_it_is_overdue_exactly_when_there_is_no_patience_left(
    limits: TimeLimits, steps: list[tuple[float, str]]
):
    clock = Clock()
    clocks = Clocks(limits, clock)
    for number, (passed, what) in enumerate(steps):
        clock.now += passed
        if what == "wrote":
            clocks.wrote(number + 1)
        elif what:
            getattr(clocks, what)()
        assert (clocks.overdue() is not None) == (clocks.patience() == 0)


def test_waiting_for_a_person_does_not_count(clock: Clock):
    clocks = Clocks(TimeLimits(whole=60, silence=10), clock)
    clock.now += 5
    clocks.hold(held=True)
    clock.now += 1000
    assert clocks.overdue() is None
    clocks.hold(held=False)
    clock.now += 9
    assert clocks.overdue() is None
    clock.now += 1
    assert clocks.overdue().why == "silence"
