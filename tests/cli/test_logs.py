"""What an agent said as text for people: every kind of event, and nothing a terminal obeys."""

import dataclasses
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.cli.logs import event_text
from cc4tui.domain import agent
from cc4tui.domain.agent import AgentEvent


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (agent.TextSaid("two\nlines\n"), "two\nlines"),
        (agent.StderrSaid("warning\n"), "warning"),
        (agent.ThinkingSaid("hm\nso"), "~ hm\n~ so"),
        (agent.ThinkingSaid("\n"), None),
        (agent.ToolCalled("1", "Bash", {"command": "ls"}, "Bash ls"), "> Bash ls"),
        (agent.ToolCalled("1", "Bash"), "> Bash"),
        (agent.ToolReturned("1", True, "a\n\nb\n"), "  a\n\n  b"),
        (agent.ToolReturned("1", False, "no"), "! no"),
        (agent.ToolReturned("1", True), None),
        (agent.BackingOff(2.4, "rate limit"), "* waits 2 s: rate limit"),
        (agent.SessionStarted("s-1", "opus"), "* session s-1, model opus"),
        (agent.SessionStarted("s-1"), "* session s-1"),
        (agent.BackingOff(0, "overloaded"), "* waits: overloaded"),
        (agent.LimitReached("weekly"), "* limit reached: weekly"),
        (agent.ProblemMet("no key"), "* problem (agent): no key"),
        (agent.UsageReported(agent.TokenUsage()), None),
    ],
)
def test_texts(event: AgentEvent, text: str | None) -> None:
    assert event_text(event) == text


def test_a_limit_tells_when_it_ends() -> None:
    until = datetime(2026, 11, 21, 15, 40).astimezone()
    shown = event_text(agent.LimitReached("weekly", until.timestamp()))
    assert shown == "* limit reached until 2026-11-21 15:40: weekly"


KINDS = [kind for kind in AgentEvent.__subclasses__() if kind.__module__ == agent.__name__]


def made(kind: type[AgentEvent], text: str) -> AgentEvent:
    """An event with `text` wherever text can be."""
    values: dict[str, Any] = {}
    for item in dataclasses.fields(kind):
        wanted = str(item.type)
        if wanted.startswith("<class 'str'") or "str |" in wanted:
            values[item.name] = text
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            values[item.name] = {"<class 'bool'>": True, "<class 'float'>": 1.0}.get(
                wanted, agent.TokenUsage()
            )
    return kind(**values)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(text=st.text(st.characters() | st.sampled_from("\x1b\x07\x9b\u202e\r\n[]m;"), max_size=40))
def test_nothing_reaches_the_terminal_raw(kind: type[AgentEvent], text: str) -> None:
    shown = event_text(made(kind, text)) or ""
    for sign in "\x1b\x07\r\x9b\u202e\x00":
        assert sign not in shown
    assert all(ord(sign) >= 32 or sign in "\n\t" for sign in shown)
