"""Recordings as a newer version of the agent, or a bad pipe, would have written them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.agent import (
    AgentEvent,
    AgentJob,
    AgentResult,
    Answer,
    Asked,
    ExitStatus,
    ToolCalled,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome
from cc4tui.services.agents.registry import backend_for
from tests.agents.conftest import RECORDINGS
from tests.agents.test_acp import wire_of


NAMES = sorted(path.stem for path in RECORDINGS.glob("*.jsonl"))
UNKNOWN = st.sampled_from(
    [
        b'{"type": "news", "session_id": "other", "usage": {"input_tokens": 9}}',
        b'{"type": "item.began", "item": {"id": "item_0", "type": "agent_message", "text": "x"}}',
        b'{"type": "system", "subtype": "news", "model": "other"}',
        b'{"type": "stream_event", "event": {"type": "ping"}}',
        b'{"jsonrpc": "2.0", "method": "session/news", "params": {"stopReason": "refusal"}}',
        b'{"method": "session/update", "params": {"update": {"sessionUpdate": "x"}}}',
        b'{"jsonrpc": "2.0", "id": "77", "result": {"stopReason": "refusal"}}',
        b"{}",
        b"[1, 2]",
        b'"text"',
        b"npm warn config something",
        b'{"type": "result", "is_error": tr',
        b"\xff\xfe\x00",
        b"",
    ]
)
"""Lines that no version of today writes: none of them may change what is made of the rest."""
PAYLOAD = frozenset({"input", "parameters", "arguments", "rawInput", "modelUsage", "models"})
"""What belongs to tools or is keyed by names; everything else may get new fields."""


@dataclass(frozen=True)
class Tape:
    """One recording, line by line."""

    driver: str
    lines: tuple[bytes, ...]
    code: int
    stderr: str


@pytest.fixture(scope="session")
def tapes(recording: Callable[[str], Any]) -> dict[str, Tape]:
    found = {}
    for name in NAMES:
        if name.startswith("acp-"):
            found[name] = Tape("acp", tuple(wire_of(name)), 0, "")
            continue
        taped = recording(name)
        lines = tuple(taped.output.splitlines(keepends=True))
        found[name] = Tape(name.partition("-")[0], lines, taped.code, taped.stderr)
    return found


def played(tape: Tape, lines: Sequence[bytes], job: AgentJob) -> tuple[AgentResult, list[str]]:
    """The result, and the tools in a line each."""
    command = ("taped",) if tape.driver == "acp" else ()
    stream = backend_for(tape.driver).stream(AgentSpec("taped", tape.driver, command), job)
    events: list[AgentEvent] = []
    for line in lines:
        for event in stream.feed(line):
            events.append(event)
            if isinstance(event, Asked):
                stream.answer(event.ref, Answer(allow=True))
    result = stream.finish(ExitStatus(tape.code), tape.stderr)
    return result, [event.summary for event in events if isinstance(event, ToolCalled)]


def with_new_fields(value: Any) -> Any:
    """The same as a later version may write it, in another order."""
    if isinstance(value, list):
        return [with_new_fields(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {k: v if k in PAYLOAD else with_new_fields(v) for k, v in reversed(value.items())}
    return {"aNewField": {"status": "failed", "type": "error"}, **made, "another_one": [None, 7]}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=5)
def test_lines_that_nobody_knows_change_nothing(
    name: str, tapes: dict[str, Tape], taped_job: AgentJob, data: st.DataObject
) -> None:
    tape = tapes[name]
    lines = [*tape.lines]
    for place in data.draw(st.lists(st.integers(0, len(lines)), max_size=8)):
        lines.insert(place, data.draw(UNKNOWN) + b"\n")
    assert played(tape, lines, taped_job) == played(tape, tape.lines, taped_job)


@pytest.mark.parametrize("name", NAMES)
def test_new_fields_change_nothing(name: str, tapes: dict[str, Tape], taped_job: AgentJob) -> None:
    tape, lines = tapes[name], []
    for line in tape.lines:
        try:
            lines.append(json.dumps(with_new_fields(json.loads(line))).encode() + b"\n")
        except ValueError:
            lines.append(line)
    assert played(tape, lines, taped_job) == played(tape, tape.lines, taped_job)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=5)
def test_a_cut_is_survived_and_never_a_success(
    name: str, tapes: dict[str, Tape], taped_job: AgentJob, data: st.DataObject
) -> None:
    """Cut off somewhere, or with a line of it missing its end."""
    tape = tapes[name]
    whole = b"".join(tape.lines)
    cut = data.draw(st.integers(0, len(whole)))
    hurt = data.draw(st.integers(0, len(tape.lines) - 1))
    before, _ = played(tape, tape.lines, taped_job)
    possible = (before.outcome, AttemptOutcome.FAILED, AttemptOutcome.STOPPED)
    assert played(tape, [whole[:cut]], taped_job)[0].outcome in possible
    lines = [*tape.lines]
    lines[hurt] = lines[hurt][: len(lines[hurt]) // 2] + b"\n"
    assert played(tape, lines, taped_job)[0].outcome in possible
