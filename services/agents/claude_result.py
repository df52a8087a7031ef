"""What the last ``result`` event of Claude Code means, together with its exit code."""

from typing import Any

from cc4tui.domain.agent import AgentResult, ExitStatus
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.services.agents.conclusion import how_it_ended
from cc4tui.services.agents.reasons import failure, sentence
from cc4tui.services.agents.wire import count_at, list_at, text_at, value_at


def conclude(result: dict[str, Any], status: ExitStatus, problem: str) -> AgentResult:
    """Outcome and reason; tokens and session are the stream's.

    Args:
        result: The last event of the type.
        status: How the process ended.
        problem: The last error that a message told.
    """
    subtype = text_at(result, "subtype")
    if text_at(result, "terminal_reason").startswith("aborted"):
        return _ended(AttemptOutcome.STOPPED, ReasonCode.STOPPED, "claude was interrupted")
    if value_at(result, "is_error") is True or subtype.startswith("error"):
        return _failed(result, subtype, problem)
    if status.code != 0:
        reason = f"claude {how_it_ended(status.code)} after it had said it is finished"
        return _ended(AttemptOutcome.FAILED, ReasonCode.AGENT, reason)
    return AgentResult(AttemptOutcome.SUCCEEDED, reason=_denials(result))


def _failed(result: dict[str, Any], subtype: str, problem: str) -> AgentResult:
    words = sentence(_words(result) or problem or subtype.replace("_", " "))
    if subtype == "error_max_budget_usd":
        return _ended(AttemptOutcome.FAILED, ReasonCode.BUDGET, f"claude stopped: {words}")
    if subtype == "error_max_turns":
        return _ended(AttemptOutcome.FAILED, ReasonCode.AGENT, f"claude stopped: {words}")
    code, reason = failure("claude", words, count_at(result, "api_error_status"))
    if text_at(result, "stop_reason") == "refusal":
        reason = f"the model refused: {words}"
    return _ended(AttemptOutcome.FAILED, code, reason)


def _words(result: dict[str, Any]) -> str:
    """What it says itself: its last text, else its list of errors without the diagnostic ones."""
    errors = [error for error in list_at(result, "errors") if isinstance(error, str)]
    plain = [error for error in errors if not error.startswith("[")]
    return text_at(result, "result") or "; ".join(plain or errors)


def _denials(result: dict[str, Any]) -> str:
    tools = [
        text_at(denial, "tool_name") or "?" for denial in list_at(result, "permission_denials")
    ]
    if not tools:
        return ""
    names = ", ".join(dict.fromkeys(tools))
    calls = "a tool call" if len(tools) == 1 else f"{len(tools)} tool calls"
    return f"claude was denied {calls}: {names}"


def _ended(outcome: AttemptOutcome, code: ReasonCode, reason: str) -> AgentResult:
    return AgentResult(outcome, code, reason)
