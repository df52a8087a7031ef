"""Agents' decoded events as lines of the event stream, for `run --json --with-output`."""

from collections.abc import Iterator

from cc4tui.domain.agent import (
    AgentEvent,
    LinesSaid,
    StderrSaid,
    TextSaid,
    ThinkingSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.text import clean
from cc4tui.events import AgentOutput


def output_events(event: AgentEvent, run: str, task: str, attempt: int) -> Iterator[AgentOutput]:
    """The cleaned output events, one for each line of a program; none for what is not output."""
    match event:
        case LinesSaid(text=text):
            said = [("text", line) for line in text.split("\n")]
        case TextSaid(text=text):
            said = [("text", text)]
        case StderrSaid(text=text):
            said = [("stderr", text)]
        case ThinkingSaid(text=text):
            said = [("thinking", text)]
        case ToolCalled():
            said = [("tool", event.summary or event.name)]
        case ToolReturned(text=text):
            said = [("tool_result", text)]
        case _:
            said = []
    for kind, text in said:
        told = clean(text)
        yield AgentOutput(run=run, task=task, attempt=attempt, kind=kind, text=told, offset=0)
