"""Prices, and what attempts used added up: unknown is never nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.agent import AgentResult, SessionStarted, UsageReported
from cc4tui.domain.prices import Price, PriceList
from cc4tui.domain.run import AttemptOutcome, AttemptRecord
from cc4tui.domain.spending import GROUPS, Total, Work, totals_by
from cc4tui.domain.usage import Spent, TokenUsage
from cc4tui.services.agents.prices import Meter, price_list


PRICES = PriceList({"m-1": Price(2.0, 0.5, 10.0), "m-2": Price(input=1.0, output=2.0)})
USED = TokenUsage(1_000_000, 2_000_000, 100_000)


@pytest.mark.parametrize("name", ["m-1", "M-1", "openai/m-1", "m-1-2026-10-01", "m-1-latest"])
def test_a_model_is_known_with_and_without_provider_and_date(name: str):
    assert PRICES.cost(name, USED) == pytest.approx(2.0 + 1.0 + 1.0)


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("m-1-mini", USED),
        ("", USED),
        (None, USED),
        ("m-1", TokenUsage()),
        ("m-2", USED),  # nothing is known about its cache
    ],
)
def test_what_is_not_known_costs_not_nothing(model: str | None, usage: TokenUsage):
    assert PRICES.cost(model, usage) is None


def test_a_kind_without_a_price_does_not_matter_when_it_was_not_used():
    assert PRICES.cost("m-2", TokenUsage(1_000_000, 0, 500_000)) == pytest.approx(2.0)


def test_the_list_that_is_built_in_is_dated_whole_and_can_be_overridden():
    built_in = price_list()
    datetime.strptime(built_in.date, "%Y-%m-%d").replace(tzinfo=UTC)
    assert len(built_in.prices) >= 10
    for price in built_in.prices.values():
        assert price.input is not None
        assert price.output is not None
        assert 0 < (price.cached_input or price.input) <= price.input < price.output
    own = price_list({"GPT-5.4": Price(output=1.0), "mine": Price(1, 1, 1)})
    assert own.of("gpt-5.4") == Price(2.5, 0.25, 1.0)
    assert own.cost("local/mine", TokenUsage(1_000_000)) == 1.0


def test_only_a_cost_that_the_agent_does_not_tell_is_estimated():
    meter = Meter(PRICES, None)
    result = AgentResult(AttemptOutcome.SUCCEEDED, usage=USED)
    assert meter.result(result).cost_usd is None
    assert not meter.result(result).cost_estimated
    meter.hear(SessionStarted("s", "m-1"))
    assert meter.reported(UsageReported(USED)) == (4.0, True)
    assert meter.reported(UsageReported(USED, 0.5)) == (0.5, False)
    priced = meter.result(result)
    assert (priced.cost_usd, priced.cost_estimated) == (4.0, True)


DAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


def work(agent: str, cost: float | None, task: str = "1", **values: object) -> Work:
    fields = {
        "run": "r", "task": task, "attempt": 1, "agent": agent, "fence": 1, "token": "",
        "folder": "", "started": DAY, "finished": DAY + timedelta(seconds=9),
        "usage": TokenUsage(10, None, 5), "cost_usd": cost,
    }  # fmt: skip
    return Work(AttemptRecord(**{**fields, **values}), "B")  # type: ignore[arg-type]


def test_attempts_are_added_up_by_any_keys():
    works = [
        work("claude", 0.5),
        work("codex", None),
        work("codex", 0.25, "2", cost_estimated=True, started=DAY + timedelta(days=2)),
        work("gemini", None, started=None),
    ]
    by_agent = totals_by(works, ("agent",))
    assert list(by_agent) == [("claude",), ("codex",)]
    assert by_agent["codex",] == Total(
        2, 9.0, Spent(TokenUsage(20, None, 10), 0.25, cost_estimated=True), unpriced=1
    )
    assert len(totals_by(works, ("day",))) == 2
    assert set(totals_by(works, ("batch", "task"))) == {("r B", "r 1"), ("r B", "r 2")}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.floats(0, 9)), max_size=20))
def test_every_grouping_adds_up_to_the_same(parts: list[tuple[str, float | None]]):
    works = [work(agent, cost, str(number)) for number, (agent, cost) in enumerate(parts)]
    costs = [cost for _, cost in parts if cost is not None]
    for group in GROUPS:
        found = totals_by(works, (group,)).values()
        assert sum(total.attempts for total in found) == len(parts)
        known = [total.spent.cost_usd for total in found if total.spent.cost_usd is not None]
        assert sum(known) == pytest.approx(sum(costs))
        assert sum(total.unpriced for total in found) == len(parts) - len(costs)
