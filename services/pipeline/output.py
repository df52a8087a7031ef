"""Agents' decoded events as lines of the event stream, for `run --json --with-output`."""

from cc4tui.domain.agent import (
    AgentEvent,
    StderrSaid,
    TextSaid,
    ThinkingSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.text import clean
from cc4tui.events import AgentOutput


def output_event(event: AgentEvent, run: str, task: str, attempt: int) -> AgentOutput | None:
    """The cleaned output event; None for what is not output."""
    match event:
        case TextSaid(text=text):
            kind = "text"
        case StderrSaid(text=text):
            kind = "stderr"
        case ThinkingSaid(text=text):
            kind = "thinking"
        case ToolCalled():
            kind, text = "tool", event.summary or event.name
        case ToolReturned(text=text):
            kind = "tool_result"
        case _:
            return None
    return AgentOutput(run=run, task=task, attempt=attempt, kind=kind, text=clean(text), offset=0)
