"""Agents of the Agent Client Protocol: recordings, and an agent made with its own library."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    AgentJob,
    Answer,
    Asked,
    ExitStatus,
    FileChanged,
    SessionStarted,
    TextSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage
from cc4tui.ports import Conversation
from cc4tui.services.agents.acp import AcpBackend, AcpStream


OBEDIENT = AgentSpec(
    "obedient", "acp", command=(sys.executable, str(Path(__file__).parent / "acp_agent.py"))
)
SPEC = AgentSpec("taped", "acp", command=("taped",))
CALLS = {"initialize": 0, "session/new": 1, "session/prompt": 10}


def wire_of(name: str) -> list[bytes]:
    """The lines that an agent must have written for the calls of a recording."""
    lines = []
    for number, line in enumerate((RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines()):
        call, data = json.loads(line)["call"], json.loads(line)["data"]
        message: dict[str, object] = {"jsonrpc": "2.0"}
        if call == "session_update":
            params = {"sessionId": "s", "update": data}
            message |= {"method": "session/update", "params": params}
        elif call == "request_permission":
            params = {"sessionId": "s", "toolCall": data["tool_call"], "options": data["options"]}
            message |= {"id": number, "method": "session/request_permission", "params": params}
        elif call.endswith(" ->"):
            message |= {"id": CALLS[call.removesuffix(" ->")], "result": data}
        else:
            continue
        lines.append(json.dumps(message).encode() + b"\n")
    return lines


RECORDINGS = Path(__file__).parent / "recordings"
NAMES = [path.stem for path in sorted(RECORDINGS.glob("acp-*.jsonl"))]
assert len(NAMES) == 4, "a new recording needs a line in the table of `test_recordings`"


def played(name: str, job: AgentJob, *, allow: bool = True) -> tuple[AcpStream, list[AgentEvent]]:
    stream, events = AcpStream(SPEC, job), []
    for line in wire_of(name):
        for event in stream.feed(line):
            events.append(event)
            if isinstance(event, Asked):
                stream.answer(event.ref, Answer(allow))
    return stream, events


@pytest.mark.parametrize(
    ("name", "outcome", "usage", "cost", "tools"),
    [
        (
            "acp-claude-agent-acp-success",
            AttemptOutcome.SUCCEEDED,
            TokenUsage(81289, 0, 160),
            0.410445,
            ["Write src/a.py", "Bash ls src", "Bash git add -A && git commit -q -m 'add a'"],
        ),
        (
            "acp-claude-agent-acp-denied",
            AttemptOutcome.SUCCEEDED,
            TokenUsage(81228, 0, 160),
            0.41014,
            ["Write src/a.py", "Bash ls src", "Bash git add -A && git commit -q -m 'add a'"],
        ),
        (
            "acp-claude-agent-acp-cancel",
            AttemptOutcome.STOPPED,
            TokenUsage(),
            0.10168,
            ["Bash sleep 20"],
        ),
        (
            "acp-opencode-success",
            AttemptOutcome.SUCCEEDED,
            TokenUsage(),  # it tells those of its last step only
            0.09659099999999998,
            ["edit src/a.py", "execute ls src", "execute git add -A && git commit -q -m 'add a'"],
        ),
    ],
)
def test_recordings(name, outcome, usage, cost, tools, taped_job: AgentJob) -> None:
    stream, events = played(name, taped_job)
    result = stream.finish(ExitStatus(0), "")
    stopped = outcome is AttemptOutcome.STOPPED
    assert (result.outcome, result.usage) == (outcome, usage)
    assert result.reason == ("taped was interrupted" if stopped else "")
    assert result.reason_code == (ReasonCode.STOPPED if stopped else None)
    assert result.cost_usd == pytest.approx(cost)
    assert [event.summary for event in events if isinstance(event, ToolCalled)] == tools
    assert isinstance(next(e for e in events if isinstance(e, SessionStarted)), SessionStarted)
    assert stream.over


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_cut_and_any_garbage_is_survived(name: str, taped_job: AgentJob, data) -> None:
    lines = wire_of(name)
    garbage = st.sampled_from(
        [
            b"not json\n",
            b'{"method": "session/update"}\n',
            b'{"id": 10, "error": null}\n',
            b'{"id": {"a": 1}, "result": 5}\n',
            b'{"id": 3, "method": "fs/read_text_file", "params": []}\n',
            b'{"method": "session/update", "params": {"update": {"sessionUpdate": "plan"}}}\n',
            b'{"id": 7, "method": "session/request_permission", "params": {"options": 3}}\n',
        ]
    )
    for _ in range(data.draw(st.integers(0, 5))):
        lines.insert(data.draw(st.integers(0, len(lines))), data.draw(garbage))
    whole = b"".join(lines)
    end = data.draw(st.integers(0, len(whole)))
    stream = AcpStream(SPEC, taped_job)
    for event in stream.feed(whole[:end]):
        if isinstance(event, Asked):
            stream.answer(event.ref, Answer(allow=False))
    assert stream.finish(ExitStatus(0), "").outcome in AttemptOutcome
    for line in stream.outgoing().splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"


@pytest.fixture
def ask(job: AgentJob, run_agent: Callable) -> Callable:
    """Has the obedient agent do the lines of a prompt."""

    def run(prompt: str, spec: AgentSpec = OBEDIENT, listen=None, **changes: object):
        return run_agent(AcpBackend(), replace(job, prompt=prompt, **changes), spec, listen=listen)

    return run


def test_a_task_from_prompt_to_end(ask: Callable, job: AgentJob) -> None:
    ended = ask("say hello there\nwrite a.txt\nsay done")
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED, ended.stderr
    assert (ended.result.session, ended.result.usage) == ("s-1", TokenUsage(10, None, 5))
    assert [e.text for e in ended.events if isinstance(e, TextSaid)] == ["hello there", "done"]
    assert FileChanged("a.txt") in ended.events
    assert AgentFinished(ok=True) in ended.events
    assert ended.code == 0
    assert (job.worktree / "a.txt").exists()


def test_permissions_are_asked_for_and_answered(ask: Callable, job: AgentJob) -> None:
    asked = []

    def listen(event: AgentEvent, stream: Conversation) -> None:
        if isinstance(event, Asked):
            asked.append((event.summary, event.edits))
            stream.answer(event.ref, Answer(allow="good" in event.summary))

    ended = ask("ask good.txt\nask bad.txt", listen=listen)
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert [edits for _, edits in asked] == [True, True]
    assert [e.ok for e in ended.events if isinstance(e, ToolReturned)] == [True, False]
    assert (job.worktree / "good.txt").exists()
    assert not (job.worktree / "bad.txt").exists()


def test_a_turn_is_interrupted_and_the_next_message_is_done(ask: Callable, job: AgentJob) -> None:
    def listen(event: AgentEvent, stream: Conversation) -> None:
        if event == TextSaid("begins"):
            stream.interrupt()
            stream.say("write other.txt")

    ended = ask("say begins\nsleep 60\nwrite late.txt", listen=listen)
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert (job.worktree / "other.txt").exists()
    assert not (job.worktree / "late.txt").exists()


def test_an_interrupt_before_the_first_turn_is_not_lost(ask: Callable, job: AgentJob) -> None:
    def listen(event: AgentEvent, stream: Conversation) -> None:
        if isinstance(event, ToolCalled):
            return
        if not told:
            told.append(event)
            stream.interrupt()
            stream.say("write other.txt")

    told: list[AgentEvent] = []
    stream = AcpStream(OBEDIENT, replace(job, prompt="sleep 60"))
    stream.interrupt()
    stream.say("write other.txt")
    stream.feed(b'{"id": 0, "result": {}}\n{"id": 1, "result": {"sessionId": "s"}}\n')
    methods = [json.loads(line).get("method") for line in stream.outgoing().splitlines()]
    assert methods == ["initialize", "session/new", "session/prompt", "session/cancel"]
    ended = ask("sleep 60\nwrite late.txt", listen=listen)
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert (job.worktree / "other.txt").exists()
    assert not (job.worktree / "late.txt").exists()


def test_a_session_is_loaded_again_without_repeating_it(ask: Callable, job: AgentJob) -> None:
    ended = ask("write more.txt", resume_session="s-9")
    assert ended.result.session == "s-9"
    assert not [e for e in ended.events if isinstance(e, TextSaid)]
    assert (job.worktree / "more.txt").exists()


def test_a_session_is_copied(ask: Callable, job: AgentJob) -> None:
    ended = ask("write more.txt", resume_session="s-9", copy_session=True, whole_prompt="say no")
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED, ended.stderr
    assert ended.result.session == "s-9-copy"
    assert (job.worktree / "more.txt").exists()


@pytest.mark.parametrize(
    ("argument", "session", "copy"),
    [("--forgetful", "s-9", True), ("--forgetful", "s-9", False), ("--kind", "gone", False)],
)
def test_one_that_cannot_go_on_in_a_session_is_told_all_in_a_new_one(
    ask: Callable, job: AgentJob, argument: str, session: str, *, copy: bool
) -> None:
    ended = ask(
        "say go on",
        replace(OBEDIENT, args=(argument,)),
        resume_session=session,
        copy_session=copy,
        whole_prompt="write all.txt",
    )
    assert ended.result.session == "s-1"
    assert (job.worktree / "all.txt").exists()


@pytest.mark.parametrize(
    ("prompt", "code", "reason"),
    [
        ("fail -32603", ReasonCode.AGENT, "failed: no luck"),
        ("fail -32000", ReasonCode.LOGIN, "failed: not logged in: no luck"),
        ("stop refusal", ReasonCode.AGENT, "stopped before it was finished (refusal)"),
        ("stop max_tokens", ReasonCode.AGENT, "stopped before it was finished (max tokens)"),
    ],
)
def test_failures(prompt: str, code: ReasonCode, reason: str, ask: Callable) -> None:
    ended = ask(prompt)
    assert (ended.result.outcome, ended.result.reason_code) == (AttemptOutcome.FAILED, code)
    assert ended.result.reason.endswith(reason)


@pytest.mark.parametrize(
    ("kind", "code"),
    [("authentication_failed", "login"), ("rate_limit", "quota"), ("overloaded", "quota")],
)
def test_the_kind_of_an_error_counts_beside_its_words(
    kind: str, code: str, taped_job: AgentJob
) -> None:
    stream = AcpStream(SPEC, taped_job)
    stream.feed(b'{"id": 0, "result": {}}\n{"id": 1, "result": {"sessionId": "s"}}\n')
    error = {"code": -32603, "message": "Internal error: nothing told", "data": {"errorKind": kind}}
    stream.feed(json.dumps({"id": 10, "error": error}).encode() + b"\n")
    result = stream.finish(ExitStatus(0), "")
    assert (result.reason_code, result.reason) == (code, "taped failed: nothing told")


def test_claude_behind_it_does_not_try_again_for_minutes(taped_job: AgentJob) -> None:
    name = "CLAUDE_CODE_MAX_RETRIES"
    assert AcpBackend({}).launch(OBEDIENT, taped_job).env[name] == "4"
    assert name not in AcpBackend({name: "9"}).launch(OBEDIENT, taped_job).env


def test_a_program_that_does_not_speak_it(ask: Callable) -> None:
    spec = replace(OBEDIENT, command=("/bin/sh", "-c", "echo not me >&2; exit 3"))
    ended = ask("hello", spec)
    assert ended.result.reason == "sh ended with exit code 3: not me"
    assert AcpBackend({"PATH": "/nowhere"}).check(SPEC).startswith("the agent's program taped was")
    assert "has no command" in AcpBackend().check(AgentSpec("x", "acp"))
