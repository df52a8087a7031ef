"""What tokens cost, for agents that tell how many they used but not what they cost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cc4tui.domain.usage import TokenUsage


MILLION = 1_000_000
_DATED = re.compile(r"-(?:20\d\d-?[01]\d-?[0-3]\d|latest)$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; None = not known."""

    input: float | None = None
    cached_input: float | None = None
    output: float | None = None

    def of(self, usage: TokenUsage) -> float | None:
        """What this costs; None when the price of something that was used is not known."""
        parts = (
            (usage.input_tokens, self.input),
            (usage.cached_input_tokens, self.cached_input),
            (usage.output_tokens, self.output),
        )
        used = [(tokens, price) for tokens, price in parts if tokens]
        known = [tokens * price for tokens, price in used if price is not None]
        if len(known) < len(used) or usage.total is None:
            return None
        return sum(known) / MILLION


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by the names of models."""

    prices: Mapping[str, Price] = field(default_factory=dict)
    date: str = ""
    """Of the newest one that is built in."""

    def of(self, model: str | None) -> Price | None:
        """The price of a model, as it stands or without its provider and date; None = unknown."""
        name = (model or "").strip().lower()
        bare = _DATED.sub("", name.rpartition("/")[2])
        for known in (name, name.rpartition("/")[2], bare):
            if known in self.prices:
                return self.prices[known]
        return None

    def cost(self, model: str | None, usage: TokenUsage) -> float | None:
        """What tokens of a model cost; None = unknown."""
        price = self.of(model)
        return None if price is None else price.of(usage)
