"""Tokens and money that agents report."""

from dataclasses import asdict, dataclass, field
from typing import TypeVar


Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens by kind; None means the agent did not say, which is never shown as 0."""

    input_tokens: int | None = None
    """Uncached input, in tokens."""
    cached_input_tokens: int | None = None
    output_tokens: int | None = None

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            add_known(self.input_tokens, other.input_tokens),
            add_known(self.cached_input_tokens, other.cached_input_tokens),
            add_known(self.output_tokens, other.output_tokens),
        )

    def to_dict(self) -> dict[str, int | None]:
        """As JSON has it."""
        return asdict(self)

    @property
    def total(self) -> int | None:
        """All tokens together, or None when nothing is known."""
        numbers = (self.input_tokens, self.cached_input_tokens, self.output_tokens)
        known = [n for n in numbers if n is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens and money together."""

    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float | None = None
    """None = nobody knows, which is never shown as 0."""
    cost_estimated: bool = False
    """Some of the cost comes from the price list and not from an agent."""

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.usage + other.usage,
            add_known(self.cost_usd, other.cost_usd),
            self.cost_estimated or other.cost_estimated,
        )


def add_known(a: Number | None, b: Number | None) -> Number | None:
    """The sum of what is known; None only when both are unknown."""
    if a is None:
        return b
    return a if b is None else a + b
