"""Recordings of Codex, Gemini and opencode give the right outcome, reason, tokens, cost, tools."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    AgentJob,
    BackingOff,
    ExitStatus,
    FileChanged,
    ProblemMet,
    SessionStarted,
    StderrSaid,
    TextSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage
from cc4tui.ports import AgentStream
from cc4tui.services.agents.output import FileOutputReader
from cc4tui.services.agents.registry import backend_for


OUTCOME, CODE = AttemptOutcome, ReasonCode
UNKNOWN = (None, None, None)
LIST, COMMIT = "ls src", "git add -A && git commit -q -m 'add a'"


@dataclass(frozen=True)
class Expected:
    outcome: AttemptOutcome
    usage: tuple[int | None, int | None, int | None]
    tools: tuple[str, ...]
    session: str
    code: ReasonCode | None = None
    reason: str = ""
    cost: float | None = None


def heredoc(name: str, start: str) -> str:
    return f"Bash mkdir -p {name.rpartition('/')[0] or '.'} && cat > {name} <<'MOCK_EOF' {start}"


PYTHON = "def line_1(): return 1 def line_2(): return 2"
TABLE = {
    "codex-success": Expected(
        OUTCOME.SUCCEEDED,
        (51260, 0, 200),
        (
            heredoc("src/a.py", PYTHON),
            "Bash python3 - <<'MOCK_EOF' p='src/a.py'",
            f"Bash {LIST}",
            f"Bash {COMMIT}",
        ),
        "01a1fb5e-2bb0",
    ),
    "codex-long": Expected(
        OUTCOME.SUCCEEDED,
        (174752, 0, 160),
        (heredoc("b.txt", "line 1 of b.txt"), "Bash seq 1 20000", heredoc("big.py", PYTHON)),
        "01a1fb5e-4d49",
    ),
    "codex-resume": Expected(
        OUTCOME.SUCCEEDED,
        (52125, 0, 200),
        (heredoc("two.txt", "line 1 of two.txt"),),
        "01a1fb6b-1ed6",
    ),
    "codex-sandbox-workspace-write": Expected(
        OUTCOME.SUCCEEDED, (52655, 0, 200), (), "01a1fb5e-2d00"
    ),
    "codex-sigint-bash": Expected(
        OUTCOME.FAILED,
        UNKNOWN,
        ("Bash sleep 25; echo late > late.txt",),
        "01a1fb5e-51a4",
        CODE.AGENT,
        "codex ended with exit code 1: 2026-11-20T23:50:28.009088Z ERROR codex_core::session: "
        "failed to record rollout items: thread 01a1fb5e-51a4-7823-8523-603462f5ff99 not found",
    ),
    "codex-error-401": Expected(
        OUTCOME.FAILED,
        UNKNOWN,
        (),
        "01a1fb5e-3c47",
        CODE.LOGIN,
        "codex failed: unexpected status 401 Unauthorized: invalid x-api-key, "
        "url: http://127.0.0.1:PORT/v1/responses",
    ),
    "codex-error-429": Expected(
        OUTCOME.FAILED,
        UNKNOWN,
        (),
        "01a1fb5e-3d21",
        CODE.QUOTA,
        "codex failed: exceeded retry limit, last status: 429 Too Many Requests",
    ),
    "gemini-success": Expected(
        OUTCOME.SUCCEEDED,
        (62795, 0, 200),
        (
            "write_file src/a.py",
            "replace src/a.py",
            f"run_shell_command {LIST}",
            f"run_shell_command {COMMIT}",
        ),
        "36edaddf",
    ),
    "gemini-long": Expected(
        OUTCOME.SUCCEEDED,
        (213263, 0, 160),
        ("write_file b.txt", "run_shell_command seq 1 20000", "write_file big.py"),
        "06ec1a59",
    ),
    "gemini-denied-default": Expected(
        OUTCOME.SUCCEEDED,
        (42991, 0, 200),
        (
            "run_shell_command mkdir -p src",
            "run_shell_command python3 -",
            f"run_shell_command {LIST}",
            f"run_shell_command {COMMIT}",
        ),
        "390c8a3e",
        reason="gemini was not offered the tools it called: run_shell_command",
    ),
    "gemini-error-401": Expected(
        OUTCOME.FAILED, (0, 0, 0), (), "23b18171", CODE.LOGIN, "gemini failed: invalid x-api-key"
    ),
    "opencode-success": Expected(
        OUTCOME.SUCCEEDED,
        (39568, 0, 200),
        ("write src/a.py", "edit src/a.py", f"bash {LIST}", f"bash {COMMIT}"),
        "ses_e049d43b1ffe",
        cost=0.121704,
    ),
    "opencode-denied": Expected(
        OUTCOME.FAILED,
        (7726, 0, 40),
        ("write src/a.py",),
        "ses_e049ce8f8ffe",
        CODE.AGENT,
        "opencode was denied a tool call: write",
        0.023778,
    ),
    "opencode-error-401": Expected(
        OUTCOME.FAILED,
        UNKNOWN,
        (),
        "ses_e049c540dffe",
        CODE.LOGIN,
        "opencode failed: invalid x-api-key",
    ),
}


def decode(driver: str, job: AgentJob) -> AgentStream:
    return backend_for(driver).stream(AgentSpec(driver, driver), job)


def driver_of(name: str) -> str:
    return name.split("-", 1)[0]


def test_every_recording_is_in_the_table() -> None:
    folder = Path(__file__).parent / "recordings"
    names = {path.stem for path in folder.glob("[!a]*.jsonl")}  # those of acp: test_acp.py
    assert {name for name in names if not name.startswith("claude-")} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("size", [1 << 20, 1000])
def test_recording(
    name: str, size: int, recording: Callable, replay: Callable, taped_job: AgentJob
) -> None:
    expected = TABLE[name]
    events, result = replay(decode(driver_of(name), taped_job), recording(name), size)
    assert (result.outcome, result.reason_code, result.reason) == (
        expected.outcome,
        expected.code,
        expected.reason,
    )
    assert result.usage == TokenUsage(*expected.usage)
    assert result.cost_usd == (None if expected.cost is None else pytest.approx(expected.cost))
    assert result.session is not None
    assert result.session.startswith(expected.session)
    calls = [e for e in events if isinstance(e, ToolCalled)]
    assert len(calls) == len(expected.tools)
    for call, start in zip(calls, expected.tools, strict=True):
        assert call.summary.startswith(start)
    returned = [e.call for e in events if isinstance(e, ToolReturned)]
    assert returned == [call.call for call in calls][: len(returned)]
    assert sum(isinstance(e, SessionStarted) for e in events) == 1


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("gemini-success", [("src/a.py", False), ("src/a.py", False)]),
        ("gemini-denied-default", []),
        ("opencode-success", [("src/a.py", True), ("src/a.py", False)]),
        ("opencode-denied", []),
    ],
)
def test_changed_files(
    name: str, changed: list, recording: Callable, replay: Callable, taped_job: AgentJob
) -> None:
    events, _ = replay(decode(driver_of(name), taped_job), recording(name), 1 << 20)
    told = [(e.path, e.created) for e in events if isinstance(e, FileChanged)]
    assert told == changed


def test_text_in_pieces_becomes_whole_lines(
    recording: Callable, replay: Callable, taped_job: AgentJob
) -> None:
    events, _ = replay(decode("gemini", taped_job), recording("gemini-long"), 1 << 20)
    lines = "\n".join(e.text for e in events if isinstance(e, TextSaid)).splitlines()
    assert lines[:3000] == [
        f"long output line {n:05d} abcdefghijklmnopqrstuvwxyz" for n in range(3000)
    ]


def test_codex_tells_its_tries(recording: Callable, replay: Callable, taped_job: AgentJob) -> None:
    events, _ = replay(decode("codex", taped_job), recording("codex-error-429"), 1 << 20)
    words = "exceeded retry limit, last status: 429 Too Many Requests"
    assert [e.reason for e in events if isinstance(e, BackingOff)] == [
        f"{words}, try 1 of 2",
        f"{words}, try 2 of 2",
    ]
    assert [e for e in events if isinstance(e, ProblemMet)][1:] == [ProblemMet(words, CODE.QUOTA)]
    assert events[-1] == AgentFinished(ok=False)


def test_gemini_tells_its_tries_on_standard_error(taped_job: AgentJob, tmp_path: Path) -> None:
    (tmp_path / "err").write_text(
        "Attempt 1 failed: Number of requests has exceeded your rate limit\n"
        "Suggested retry after 1s.. Retrying after 5152ms...\n"
        "Attempt 2 failed with status 500. Retrying with backoff... _ApiError: {\n"
        "    at somewhere (file.js:1:1)\n"
        "The page said: Retrying with backoff\n"
    )
    reader = FileOutputReader(tmp_path, decode("gemini", taped_job))
    events = asyncio.run(reader.read())
    assert len([e for e in events if isinstance(e, StderrSaid)]) == 5
    assert [e for e in events if isinstance(e, BackingOff)] == [
        BackingOff(5.152, "Number of requests has exceeded your rate limit, try 1"),
        BackingOff(0.0, "status 500, try 2"),
    ]


@pytest.mark.parametrize(("status", "code"), [(403, CODE.LOGIN), (429, CODE.QUOTA), (400, "agent")])
def test_the_status_of_an_api_counts_for_gemini(
    status: int, code: str, taped_job: AgentJob
) -> None:
    stream = decode("gemini", taped_job)
    answer = json.dumps({"error": {"code": status, "message": "no"}})
    error = {"type": "unknown", "message": f"[API Error: {answer}]"}
    told = json.dumps({"type": "result", "status": "error", "error": error})
    stream.feed(told.encode() + b"\n")
    assert stream.finish(ExitStatus(1), "").reason_code == code


def test_codex_passes_on_what_an_api_answered_as_its_message(taped_job: AgentJob) -> None:
    stream = decode("codex", taped_job)
    answer = json.dumps({"error": {"message": "no such model", "code": None}})
    stream.feed(json.dumps({"type": "turn.failed", "error": {"message": answer}}).encode())
    assert stream.finish(ExitStatus(1), "").reason == "codex failed: no such model"


def test_codex_totals_of_a_resumed_thread(
    recording: Callable, replay: Callable, taped_job: AgentJob
) -> None:
    """It counts the whole thread: what was used before is taken off, or nothing is claimed."""
    known = replace(taped_job, resume_session="t", session_usage=TokenUsage(40000, 0, 120))
    _, result = replay(decode("codex", known), recording("codex-resume"), 1 << 20)
    assert result.usage == TokenUsage(12125, 0, 80)
    blind = replace(taped_job, resume_session="t")
    _, result = replay(decode("codex", blind), recording("codex-resume"), 1 << 20)
    assert result.usage == TokenUsage()


@pytest.mark.parametrize("name", [name for name in TABLE if TABLE[name].code is None])
def test_success_needs_exit_code_0_and_a_last_word(
    name: str, recording: Callable, taped_job: AgentJob
) -> None:
    taped = recording(name)
    stream = decode(driver_of(name), taped_job)
    stream.feed(taped.output)
    assert stream.finish(ExitStatus(1), "").outcome is OUTCOME.FAILED
    silent = decode(driver_of(name), taped_job)
    silent.feed(b"".join(taped.output.splitlines(keepends=True)[:-1]))
    assert silent.finish(ExitStatus(0), "").outcome is OUTCOME.FAILED
    stopped = decode(driver_of(name), taped_job)
    stopped.feed(taped.output)
    assert stopped.finish(ExitStatus(0, "stopped"), "").outcome is OUTCOME.STOPPED


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
WORDS = st.sampled_from(
    [
        *("assistant", "user", "system", "result", "init", "message", "tool_use", "tool_result"),
        *("text", "step_finish", "error", "item.completed", "item.started", "turn.completed"),
        *("turn.failed", "thread.started", "command_execution", "file_change", "todo_list"),
        *("mcp_tool_call", "reasoning", "success", "completed", "stop", "add", "stream_event"),
        *("message_start", "message_delta", "rate_limit_event", "rejected", "TodoWrite"),
    ]
)
KEYS = st.sampled_from(
    [
        *("type", "subtype", "message", "content", "usage", "input_tokens", "item", "changes"),
        *("id", "name", "input", "todos", "part", "state", "tokens", "cost", "reason", "error"),
        *("event", "delta", "role", "status", "stats", "modelUsage", "permission_denials", "path"),
        *("tool_use_result", "filePath", "structuredPatch", "rate_limit_info", "items", "tool"),
        *("server", "arguments", "command", "metadata", "exit", "data", "statusCode", "cache"),
    ]
)
MESSAGES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=10,
)


@given(messages=st.lists(st.dictionaries(KEYS, MESSAGES, max_size=6), max_size=6), data=st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("driver", ["claude", "codex", "gemini", "opencode", "rehearsal"])
def test_no_message_stops_a_decoder(
    driver: str, messages: list[dict], data: st.DataObject, taped_job: AgentJob
) -> None:
    stream = decode(driver, taped_job)
    output = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    cut = data.draw(st.integers(0, len(output)))
    events: list[AgentEvent] = [*stream.feed(output[:cut]), *stream.feed(output[cut:])]
    result = stream.finish(ExitStatus(data.draw(st.sampled_from([0, 1, -9]))), "")
    assert all(isinstance(event, AgentEvent) for event in events)
    assert isinstance(result.reason, str)


def test_items_of_codex_that_were_never_recorded(taped_job: AgentJob) -> None:
    lines = b"""\
{"type":"item.completed","item":{"id":"1","type":"file_change","status":"completed","changes":[\
{"path":"/repo/src/new.py","kind":"add"},{"path":"old.py","kind":"update"}]}}
{"type":"item.updated","item":{"id":"2","type":"todo_list","items":[{"text":"a","completed":true}]}}
{"type":"item.started","item":{"id":"3","type":"mcp_tool_call","server":"cc","tool":"ping","status":\
"in_progress","arguments":{"query":"x"}}}
{"type":"item.completed","item":{"id":"3","type":"mcp_tool_call","server":"cc","tool":"ping","status":\
"failed","error":{"message":"no"}}}
{"type":"item.completed","item":{"id":"4","type":"web_search","query":"ruff rules"}}
{"type":"item.completed","item":{"id":"5","type":"reasoning","text":"hmm"}}
{"type":"item.completed","item":{"id":"6","type":"something_new","field":1}}
"""
    events = list(decode("codex", taped_job).feed(lines))
    summaries = [e.summary for e in events if isinstance(e, ToolCalled)]
    assert summaries == [
        "File change src/new.py",
        "cc:ping x",
        "Web search ruff rules",
        "Something new",
    ]
    assert [(e.call, e.ok, e.text) for e in events if isinstance(e, ToolReturned)] == [
        ("1", True, ""),
        ("3", False, "no"),
        ("4", True, ""),
        ("6", True, ""),
    ]
    assert [e for e in events if isinstance(e, FileChanged)] == [
        FileChanged("src/new.py", created=True),
        FileChanged("old.py"),
    ]
