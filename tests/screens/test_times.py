"""Times as people say them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.screens.times import ago, duration


NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(seconds=-5), "now"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=9, minutes=59), "9 h"),
        (timedelta(hours=11), "yesterday"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=6), "6 d"),
        (timedelta(days=9), "12 Nov"),
        (timedelta(days=400), "Oct 2025"),
    ],
)
def test_ago(passed: timedelta, said: str) -> None:
    assert ago(NOW - passed, NOW) == said


def test_days_change_at_the_persons_midnight() -> None:
    tokyo = timezone(timedelta(hours=9))
    now = datetime(2026, 11, 21, 8, 0, tzinfo=tokyo)
    assert ago(datetime(2026, 11, 20, 14, 0, tzinfo=UTC), now) == "yesterday"
    assert ago(datetime(2026, 11, 20, 15, 30, tzinfo=UTC), now) == "7 h"


@given(st.timedeltas(timedelta(0), timedelta(days=9000)))
def test_ago_fits_its_column(passed: timedelta) -> None:
    assert 2 <= len(ago(NOW - passed, NOW)) <= 9


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1:00"), (161, "2:41"), (3723, "1:02:03")],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said
