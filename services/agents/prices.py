"""The price list that is built in, with the person's own prices over it."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

from cc4tui.domain.agent import AgentEvent, AgentResult, SessionStarted, UsageReported
from cc4tui.domain.prices import Price, PriceList


def price_list(own: Mapping[str, Price] | None = None) -> PriceList:
    """What models cost.

    Args:
        own: Prices of the person's configuration; a kind of tokens that one leaves out has the
            price that is built in.
    """
    text = files("cc4tui.services.agents").joinpath("prices.toml").read_text("utf-8")
    data = tomllib.loads(text)
    prices = {name: Price(**values) for name, values in data["prices"].items()}
    for name, price in (own or {}).items():
        prices[name.lower()] = _over(prices.get(name.lower(), Price()), price)
    return PriceList(prices, str(data["date"]))


def _over(low: Price, high: Price) -> Price:
    told: dict[str, Any] = {
        name: value
        for name in ("input", "cached_input", "output")
        if (value := getattr(high, name)) is not None
    }
    return replace(low, **told)


class Meter:
    """Puts a price on what one agent uses and does not price itself.

    Args:
        model: The one that it was started with; it may tell another one.
    """

    def __init__(self, prices: PriceList, model: str | None) -> None:
        self._prices = prices
        self._model = model

    def hear(self, event: AgentEvent) -> None:
        """An agent's own word about its model counts."""
        if isinstance(event, SessionStarted) and event.model:
            self._model = event.model

    def reported(self, told: UsageReported) -> tuple[float | None, bool]:
        """The cost so far, and whether it is estimated."""
        if told.cost_usd is not None:
            return told.cost_usd, False
        cost = self._prices.cost(self._model, told.usage)
        return cost, cost is not None

    def result(self, result: AgentResult) -> AgentResult:
        """The result with its cost."""
        cost, estimated = self.reported(UsageReported(result.usage, result.cost_usd))
        return replace(result, cost_usd=cost, cost_estimated=estimated)
