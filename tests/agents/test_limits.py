"""The time at which a limit is over, read from what agents say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.agents.limits import LONGEST, reset_time


NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC).timestamp()


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("words", "when"),
    [
        ("Claude AI usage limit reached|1795262400", 1795262400.0),
        ("You've hit your limit · resets 3pm (UTC)", at("2026-11-21T15:00Z")),
        ("You've hit your session limit · resets 3:30am (UTC)", at("2026-11-22T03:30Z")),
        ("limit reached ∙ resets 12am (Europe/Berlin)", at("2026-11-21T23:00Z")),
        ("weekly limit · resets Nov 25 at 9pm (UTC)", at("2026-11-25T21:00Z")),
        ("weekly limit · resets Jan 3, 9am (UTC)", at("2027-01-03T09:00Z")),
        ("try again at Dec 3rd, 2026 3:04 PM (UTC)", at("2026-12-03T15:04Z")),
        ("You've hit your usage limit. Try again in 3 days 4 hours 5 minutes.",
         NOW + 3 * 86400 + 4 * 3600 + 300),
        ("Rate limit reached for gpt-5. Please try again in 1.5s. Visit", NOW + 1.5),
        ("Please try again in 250ms.", NOW + 0.25),
        ("Your quota will reset after 3h21m4s.", NOW + 3 * 3600 + 21 * 60 + 4),
        ("Please retry in 32.5s.", NOW + 32.5),
        ("429, retry-after: 90", NOW + 90),
        ("Too many requests, please wait 30 seconds", NOW + 30),
        ("limited until 2026-11-21T11:30:00Z", at("2026-11-21T11:30Z")),
        ("resets at 2026-11-21 12:00:00.5+01:00", at("2026-11-21T11:00Z")),
    ],
)  # fmt: skip
def test_times_are_read_from_the_words_of_agents(words: str, when: float):
    assert reset_time(words, NOW) == when


@pytest.mark.parametrize(
    "words",
    [
        "",
        "rate limit exceeded",
        "API Error: 529 Overloaded.",
        "exceeded retry limit, last status: 429 Too Many Requests",
        "Credit balance is too low",
        "usage limit reached|1000000000",  # long over
        "resets 2019-01-01T00:00:00Z",
        "try again in 4000 days",
        "try again at 99:99 pm",
        "resets Feb 31 at 9pm",
    ],
)
def test_words_without_a_time_that_can_be_meant_tell_none(words: str):
    assert reset_time(words, NOW) is None


@given(st.text(max_size=80), st.sampled_from(["resets ", "try again in ", "|", "until "]))
def test_any_words_are_survived_and_no_time_lies_in_the_past(words: str, cue: str):
    when = reset_time(cue + words, NOW)
    assert when is None or NOW < when <= NOW + LONGEST
