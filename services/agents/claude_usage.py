"""Counts Claude Code's tokens and money, which it tells in three ways that must not be mixed up.

``modelUsage`` and ``total_cost_usd`` of a result run over the whole process; ``usage`` of a result
is that of its turn; ``usage`` of a message counts the input of one request, is repeated for every
block of the message, and knows hardly any output. So results count, and messages only for what
came after the last result: that is all a killed process leaves.
"""

from collections.abc import Iterable
from typing import Any

from cc4tui.domain.agent import UsageReported
from cc4tui.domain.usage import TokenUsage, add_known
from cc4tui.services.agents.wire import count_at, dict_at, number_at, text_at


SYNTHETIC = "<synthetic>"
"""Model of messages that the program wrote itself, to tell an error."""


class UsageCounter:
    """The total of one process."""

    def __init__(self) -> None:
        self._settled = TokenUsage()
        self._cost: float | None = None
        self._open: dict[str, TokenUsage] = {}
        self._streaming: dict[str, str] = {}

    def total(self) -> UsageReported:
        """Everything so far."""
        return UsageReported(_sum([self._settled, *self._open.values()]), self._cost)

    def message(self, body: dict[str, Any]) -> bool:
        """Count a message of the model; whether that changed the total."""
        identity = text_at(body, "id")
        if not identity or identity in self._open or text_at(body, "model") == SYNTHETIC:
            return False
        self._open[identity] = _request_input(dict_at(body, "usage"))
        return True

    def partial(self, event: dict[str, Any], parent: str) -> bool:
        """Count a raw event of the API, which carries the true output of a message.

        Args:
            event: The event.
            parent: Tool call whose subagent it belongs to; messages of several are interleaved.
        """
        match text_at(event, "type"):
            case "message_start":
                self._streaming[parent] = text_at(event, "message", "id")
                return self.message(dict_at(event, "message"))
            case "message_delta":
                identity = self._streaming.get(parent, "")
                output = count_at(event, "usage", "output_tokens")
                if identity not in self._open or output is None:
                    return False
                known = self._open[identity]
                self._open[identity] = TokenUsage(
                    known.input_tokens, known.cached_input_tokens, output
                )
                return True
        return False

    def result(self, message: dict[str, Any]) -> bool:
        """Count a result; it replaces what the messages before it gave."""
        models = dict_at(message, "modelUsage")
        if models:
            self._settled = _sum(_model_usage(usage) for usage in models.values())
        elif turn := dict_at(message, "usage"):
            output = TokenUsage(output_tokens=count_at(turn, "output_tokens"))
            self._settled = self._settled + _request_input(turn) + output
        else:
            return False
        self._open.clear()
        cost = number_at(message, "total_cost_usd")
        self._cost = self._cost if cost is None else cost
        return True


def _request_input(usage: dict[str, Any]) -> TokenUsage:
    fresh = count_at(usage, "input_tokens")
    written = count_at(usage, "cache_creation_input_tokens")
    return TokenUsage(add_known(fresh, written), count_at(usage, "cache_read_input_tokens"))


def _model_usage(usage: Any) -> TokenUsage:
    fresh = count_at(usage, "inputTokens")
    written = count_at(usage, "cacheCreationInputTokens")
    return TokenUsage(
        add_known(fresh, written),
        count_at(usage, "cacheReadInputTokens"),
        count_at(usage, "outputTokens"),
    )


def _sum(usages: Iterable[TokenUsage]) -> TokenUsage:
    total = TokenUsage()
    for usage in usages:
        total += usage
    return total
