"""Each recording of the real Claude Code gives the right outcome, reason, tokens, cost, tools."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.agent import (
    AgentFinished,
    AgentJob,
    BackingOff,
    ExitStatus,
    FileChanged,
    LoginNeeded,
    ProblemMet,
    SessionStarted,
    TextSaid,
    ThinkingSaid,
    ToolCalled,
    ToolReturned,
    UsageReported,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage
from cc4tui.services.agents.claude import ClaudeBackend
from cc4tui.services.agents.claude_stream import ClaudeStream


SPEC = AgentSpec("claude", "claude")
OUTCOME, CODE = AttemptOutcome, ReasonCode
STEPS = (
    "Write src/a.py",
    "Edit src/a.py",
    "Bash ls src",
    "Bash git add -A && git commit -q -m 'add a'",
)


@dataclass(frozen=True)
class Expected:
    outcome: AttemptOutcome
    code: ReasonCode | None
    reason: str
    usage: tuple[int, int, int]
    cost: float
    tools: tuple[str, ...] = ()
    session: str = ""


TABLE = {
    "claude-success": Expected(
        OUTCOME.SUCCEEDED, None, "", (97235, 0, 200), 0.491175, STEPS, "2c5ef621"
    ),
    "claude-success-partial": Expected(
        OUTCOME.SUCCEEDED, None, "", (97386, 0, 200), 0.49193, STEPS, "1758f121"
    ),
    "claude-denied-default": Expected(
        OUTCOME.SUCCEEDED,
        None,
        "claude was denied 2 tool calls: Write, Bash",
        (97326, 0, 200),
        0.49163,
        STEPS,
        "c782018a",
    ),
    "claude-error-401": Expected(
        OUTCOME.FAILED,
        CODE.LOGIN,
        "claude failed: Invalid API key · Fix external API key",
        (0, 0, 0),
        0.0,
        (),
        "8f6e0ef6",
    ),
    "claude-error-429": Expected(
        OUTCOME.FAILED,
        CODE.QUOTA,
        "claude failed: API Error: Request rejected (429) · Number of requests has exceeded your "
        "rate limit",
        (0, 0, 0),
        0.0,
        (),
        "81207b6d",
    ),
    "claude-error-529": Expected(
        OUTCOME.FAILED,
        CODE.QUOTA,
        "claude failed: API Error: 529 Overloaded. This is a server-side issue, usually temporary "
        "— try again in a moment. If it persists, check your inference gateway (127.0.0.1:PORT).",
        (0, 0, 0),
        0.0,
        (),
        "dd1066e4",
    ),
    "claude-input-interrupt": Expected(
        OUTCOME.SUCCEEDED,
        None,
        "",
        (58009, 0, 120),
        0.293045,
        ("Bash sleep 25", "Write after.txt"),
        "d1424e2d",
    ),
    "claude-input-midrun": Expected(
        OUTCOME.SUCCEEDED,
        None,
        "",
        (97077, 0, 200),
        0.490385,
        ("Bash sleep 3", "Write first.txt", "Write second.txt"),
        "561eb684",
    ),
    "claude-long": Expected(
        OUTCOME.SUCCEEDED,
        None,
        "",
        (206118, 0, 160),
        1.03459,
        ("Write b.txt", "Bash seq 1 20000", "Write big.py"),
        "c2f1c9a8",
    ),
    "claude-max-turns": Expected(
        OUTCOME.FAILED,
        CODE.AGENT,
        "claude stopped: Reached maximum number of turns (2)",
        (38566, 0, 80),
        0.19483,
        STEPS[:2],
        "72205744",
    ),
    "claude-mcp": Expected(
        OUTCOME.SUCCEEDED, None, "", (38480, 0, 80), 0.1944, ("cc:ping",), "e0b9fee6"
    ),
    "claude-recovers-529": Expected(
        OUTCOME.SUCCEEDED, None, "", (38488, 0, 80), 0.19444, ("Write b.txt",), "2f48b53e"
    ),
    "claude-sess-3-resume": Expected(
        OUTCOME.SUCCEEDED, None, "", (38782, 0, 80), 0.19591, ("Write two.txt",), "f547cca0"
    ),
    "claude-sigint-bash": Expected(
        OUTCOME.STOPPED,
        CODE.STOPPED,
        "claude was interrupted",
        (19192, 0, 40),
        0.09696,
        ("Bash sleep 25; echo late > late.txt",),
        "63c5793a",
    ),
}


def decode(job: AgentJob) -> ClaudeStream:
    return ClaudeBackend({}).stream(SPEC, job)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("size", [1 << 20, 4096, 77])
def test_recording(
    name: str, size: int, recording: Callable, replay: Callable, taped_job: AgentJob
):
    expected = TABLE[name]
    events, result = replay(decode(taped_job), recording(name), size)
    assert (result.outcome, result.reason_code, result.reason) == (
        expected.outcome,
        expected.code,
        expected.reason,
    )
    assert result.usage == TokenUsage(*expected.usage)
    assert result.cost_usd == pytest.approx(expected.cost)
    assert result.session is not None
    assert result.session.startswith(expected.session)
    assert tuple(e.summary for e in events if isinstance(e, ToolCalled)) == expected.tools
    calls = [e.call for e in events if isinstance(e, ToolCalled)]
    assert [e.call for e in events if isinstance(e, ToolReturned)] == calls
    last = [e for e in events if isinstance(e, UsageReported)][-1]
    assert (last.usage, last.cost_usd) == (result.usage, result.cost_usd)


def test_every_recording_is_in_the_table() -> None:
    folder = Path(__file__).parent / "recordings"
    assert {path.stem for path in folder.glob("claude-*.jsonl")} == set(TABLE)


def test_what_a_success_tells(recording: Callable, replay: Callable, taped_job: AgentJob) -> None:
    events, _ = replay(decode(taped_job), recording("claude-success-partial"), 1 << 20)
    kinds = [e for e in events if not isinstance(e, UsageReported | ToolCalled | ToolReturned)]
    assert kinds == [
        SessionStarted("1758f121-7d78-489d-bbd4-0f3695d94484", "claude-opus-4-8[1m]"),
        ThinkingSaid("pondering"),
        TextSaid("Writing"),
        FileChanged("src/a.py", created=True),
        FileChanged("src/a.py"),
        TextSaid("DONE: 4 steps"),
        AgentFinished(ok=True),
    ]
    returned = [e for e in events if isinstance(e, ToolReturned)]
    assert [e.ok for e in returned] == [True] * 4
    assert returned[2].text == "a.py"


def test_tokens_never_go_down_while_it_works(
    recording: Callable, replay: Callable, taped_job: AgentJob
) -> None:
    events, _ = replay(decode(taped_job), recording("claude-success-partial"), 1 << 20)
    totals = [e.usage.total or 0 for e in events if isinstance(e, UsageReported)]
    assert totals == sorted(totals)
    assert totals[-1] == 97386 + 200


def test_denied_tools_return_as_failed(
    recording: Callable, replay: Callable, taped_job: AgentJob
) -> None:
    events, _ = replay(decode(taped_job), recording("claude-denied-default"), 1 << 20)
    returned = [e for e in events if isinstance(e, ToolReturned)]
    assert not any(e.ok for e in returned)
    assert "you haven't granted it yet" in returned[0].text
    assert not [e for e in events if isinstance(e, FileChanged)]


def test_backing_off_is_told(recording: Callable, replay: Callable, taped_job: AgentJob) -> None:
    events, _ = replay(decode(taped_job), recording("claude-recovers-529"), 1 << 20)
    waits = [e for e in events if isinstance(e, BackingOff)]
    assert [w.reason for w in waits] == [
        "overloaded (529), try 1 of 10",
        "overloaded (529), try 2 of 10",
    ]
    assert waits[0].seconds == pytest.approx(0.546, abs=0.001)


def test_a_problem_is_told_with_its_kind(
    recording: Callable, replay: Callable, taped_job: AgentJob
) -> None:
    events, _ = replay(decode(taped_job), recording("claude-error-401"), 1 << 20)
    problems = [e for e in events if isinstance(e, ProblemMet)]
    assert problems == [LoginNeeded("Invalid API key · Fix external API key", CODE.LOGIN)]


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (ExitStatus(-9, "stopped"), OUTCOME.STOPPED, CODE.STOPPED),
        (ExitStatus(0, "stopped"), OUTCOME.STOPPED, CODE.STOPPED),
        (ExitStatus(-9, "timeout"), OUTCOME.TIMED_OUT, CODE.TIMEOUT),
        (ExitStatus(-9, "silence"), OUTCOME.TIMED_OUT, CODE.SILENCE),
        (ExitStatus(-9, "app-gone"), OUTCOME.LOST, CODE.LOST),
        (ExitStatus(None), OUTCOME.LOST, CODE.LOST),
        (ExitStatus(None, "exec", 2), OUTCOME.FAILED, CODE.AGENT),
        (ExitStatus(143), OUTCOME.FAILED, CODE.AGENT),
        (ExitStatus(-9, "lingering"), OUTCOME.SUCCEEDED, None),
    ],
)
def test_the_end_of_the_process_counts_beside_the_result(
    status: ExitStatus,
    outcome: AttemptOutcome,
    code: ReasonCode | None,
    recording: Callable,
    taped_job: AgentJob,
) -> None:
    stream = decode(taped_job)
    stream.feed(recording("claude-success").output)
    result = stream.finish(status, "")
    assert (result.outcome, result.reason_code) == (outcome, code)
    assert result.usage == TokenUsage(97235, 0, 200)
    assert result.session == "2c5ef621-daa0-482f-80b6-a2179360ec5a"


def test_killed_without_a_result(recording: Callable, taped_job: AgentJob) -> None:
    """What is known of the tokens is told; output and cost stay unknown."""
    lines = recording("claude-success").output.splitlines(keepends=True)
    stream = decode(taped_job)
    stream.feed(b"".join(lines[:5]))
    result = stream.finish(ExitStatus(143), "")
    assert result.outcome is OUTCOME.FAILED
    assert result.reason == "claude ended with exit code 143"
    assert result.usage == TokenUsage(19206 + 19355, 0, None)
    assert result.cost_usd is None


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_cut_and_any_garbage_is_survived(
    data: st.DataObject, recording: Callable, taped_job: AgentJob
) -> None:
    taped = recording(data.draw(st.sampled_from(sorted(TABLE))))
    lines = taped.output.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines)))
    garbage = data.draw(
        st.one_of(
            st.binary(max_size=60).map(lambda b: b.replace(b"\n", b" ") + b"\n"),
            st.sampled_from(
                [
                    b'{"type":"assistant","message":{"content":"text"}}\n',
                    b'{"type":"assistant","message":{"content":[null,7,{"type":"tool_use"}]}}\n',
                    b'{"type":"user","message":7,"tool_use_result":[]}\n',
                    b'{"type":"system","subtype":"brand_new","x":{}}\n',
                    b'{"type":{"a":1}}\n',
                    b'{"type":"stream_event","event":{"type":"message_delta"}}\n',
                    b'{"type":"rate_limit_event","rate_limit_info":null}\n',
                ]
            ),
        )
    )
    tampered = b"".join([*lines[:at], garbage, *lines[at:]])
    stream = decode(taped_job)
    events = []
    size = data.draw(st.integers(200, 9000))
    for start in range(0, len(tampered), size):
        events += stream.feed(tampered[start : start + size])
    expected = TABLE[taped.name]
    result = stream.finish(taped.status, taped.stderr)
    assert (result.outcome, result.usage) == (expected.outcome, TokenUsage(*expected.usage))
    cut = decode(taped_job)
    cut.feed(taped.output[: data.draw(st.integers(0, len(taped.output)))])
    assert cut.finish(ExitStatus(1), taped.stderr).outcome in (
        OUTCOME.FAILED,
        OUTCOME.STOPPED,
        expected.outcome,
    )


def test_a_message_may_be_plain_text(taped_job: AgentJob) -> None:
    stream = decode(taped_job)
    events = stream.feed(b'{"type":"assistant","message":{"id":"m","content":"hello"}}\n')
    assert TextSaid("hello") in events


def test_a_resumed_session_keeps_its_id_when_nothing_was_said(taped_job: AgentJob) -> None:
    stream = decode(replace(taped_job, resume_session="abc"))
    assert stream.finish(ExitStatus(-9), "").session == "abc"
