"""How Claude Code is started: arguments, environment, and what is said when it is missing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cc4tui.domain.agent import (
    AgentFinished,
    AgentJob,
    ExitStatus,
    LimitReached,
    Todo,
    TodosChanged,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage
from cc4tui.services.agents.claude import ClaudeBackend
from cc4tui.services.processes.environment import scrubbed_environment


SPEC = AgentSpec("claude", "claude")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An executable called claude."""
    path = tmp_path / "bin" / "claude"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_command(program: Path, taped_job: AgentJob) -> None:
    launch = ClaudeBackend({"PATH": str(program.parent)}).launch(SPEC, taped_job)
    assert launch.argv == (
        str(program),
        *("-p", "--output-format", "stream-json", "--verbose"),
        *("--input-format", "stream-json", "--replay-user-messages"),
        *("--permission-mode", "bypassPermissions"),
    )
    assert launch.stdin == "pipe"
    assert launch.interrupt_seconds == 5.0


def test_model_effort_and_session(taped_job: AgentJob) -> None:
    job = replace(taped_job, effort="high", resume_session="abc")
    argv = ClaudeBackend({}).launch(replace(SPEC, model="sonnet"), job).argv
    assert argv[-6:] == ("--model", "sonnet", "--effort", "high", "--resume", "abc")
    of_the_task = replace(job, model="opus")
    assert "opus" in ClaudeBackend({}).launch(replace(SPEC, model="sonnet"), of_the_task).argv


@pytest.mark.parametrize(
    ("policy", "mode"),
    [("ask", "default"), ("accept-edits", "acceptEdits"), ("read-only", "default")],
)
def test_policies_other_than_yolo_ask_through_the_pipe(
    policy: str, mode: str, taped_job: AgentJob
) -> None:
    argv = ClaudeBackend({}).launch(replace(SPEC, policy=policy), taped_job).argv
    assert argv[-4:] == ("--permission-mode", mode, "--permission-prompt-tool", "stdio")


def test_own_command_and_arguments(taped_job: AgentJob) -> None:
    spec = replace(SPEC, command=("npx", "claude"), args=("--permission-mode", "acceptEdits"))
    argv = ClaudeBackend({"PATH": "/nowhere"}).launch(spec, taped_job).argv
    assert argv[:3] == ("npx", "claude", "-p")
    assert argv[-2:] == ("--permission-mode", "acceptEdits")
    assert "bypassPermissions" not in argv


def test_task_variables_and_defaults(taped_job: AgentJob) -> None:
    environment = ClaudeBackend({}).launch(SPEC, taped_job).env
    assert environment == {
        "CC4_RUN": "r1",
        "CC4_TASK": "1.1",
        "CC4_TASK_TITLE": "Write a module",
        "CC4_ATTEMPT": "1",
        "CC4_PLAN": "plans/demo.md",
        "CC4_PROMPT_FILE": "/state/prompt",
        "CLAUDE_CODE_MAX_RETRIES": "4",
        "DISABLE_AUTOUPDATER": "1",
    }


def test_what_the_person_set_is_kept(taped_job: AgentJob) -> None:
    spec = replace(SPEC, env={"DISABLE_AUTOUPDATER": "0"})
    environment = ClaudeBackend({"CLAUDE_CODE_MAX_RETRIES": "9"}).launch(spec, taped_job).env
    assert "CLAUDE_CODE_MAX_RETRIES" not in environment
    assert "DISABLE_AUTOUPDATER" not in environment


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("ANTHROPIC_API_KEY", True),
        ("ANTHROPIC_BASE_URL", True),
        ("CLAUDE_CODE_USE_BEDROCK", True),
        ("CLAUDE_CONFIG_DIR", True),
        ("IS_SANDBOX", True),
        ("AWS_REGION", True),
        ("GOOGLE_APPLICATION_CREDENTIALS", True),
        ("https_proxy", True),
        ("HOME", True),
        ("DISABLE_TELEMETRY", True),
        ("GIT_AUTHOR_NAME", True),
        ("OPENAI_API_KEY", False),
        ("GITHUB_TOKEN", False),
        ("CLAUDECODE", False),
        ("GIT_DIR", False),
        ("DATABASE_URL", False),
    ],
)
def test_which_variables_pass(name: str, passes: bool, taped_job: AgentJob) -> None:
    patterns = ClaudeBackend({}).launch(SPEC, taped_job).passes
    assert (name in scrubbed_environment({name: "x"}, patterns, {})) is passes


def test_sandbox_is_never_set_by_us(taped_job: AgentJob) -> None:
    assert "IS_SANDBOX" not in ClaudeBackend({}).launch(SPEC, taped_job).env


def test_installed_or_not(program: Path, tmp_path: Path) -> None:
    assert ClaudeBackend({"PATH": str(program.parent), "IS_SANDBOX": "1"}).check(SPEC) is None
    assert ClaudeBackend({"PATH": str(tmp_path), "IS_SANDBOX": "1"}).check(SPEC) == (
        "the agent's program claude was not found on the PATH; "
        "install it with: npm install -g @anthropic-ai/claude-code"
    )
    elsewhere = replace(SPEC, env={"PATH": str(program.parent)})
    assert ClaudeBackend({"PATH": str(tmp_path), "IS_SANDBOX": "1"}).check(elsewhere) is None
    full = replace(SPEC, command=(str(program),))
    assert ClaudeBackend({"IS_SANDBOX": "1"}).check(full) is None
    program.chmod(0o644)
    assert ClaudeBackend({"IS_SANDBOX": "1"}).check(full) == (
        f"the agent's program {program} is not executable; chmod +x {program}"
    )


def finish(job: AgentJob, line: bytes, code: int = 1, stderr: str = "") -> tuple:
    stream = ClaudeBackend({}).stream(SPEC, job)
    events = stream.feed(line + b"\n") if line else []
    result = stream.finish(ExitStatus(code), stderr)
    return events, result


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        (
            (
                b'{"type":"result","subtype":"error_max_budget_usd","is_error":true,'
                b'"errors":["Reached maximum budget ($0.05)"]}'
            ),
            ReasonCode.BUDGET,
            "claude stopped: Reached maximum budget ($0.05)",
        ),
        (
            b'{"type":"result","subtype":"success","is_error":true,"result":"Prompt is too long"}',
            ReasonCode.AGENT,
            "its context window is full: Prompt is too long",
        ),
        (
            (
                b'{"type":"result","subtype":"success","is_error":true,"result":"I cannot help",'
                b'"stop_reason":"refusal"}'
            ),
            ReasonCode.AGENT,
            "the model refused: I cannot help",
        ),
        (
            (
                b'{"type":"result","subtype":"error_during_execution","is_error":true,"errors":'
                b'["No conversation found with session ID: 1"]}'
            ),
            ReasonCode.AGENT,
            "claude failed: No conversation found with session ID: 1",
        ),
        (
            b'{"type":"result","subtype":"error_of_tomorrow"}',
            ReasonCode.AGENT,
            "claude failed: error of tomorrow",
        ),
        (
            b'{"type":"result","subtype":"success","is_error":true,"result":"API Error: 500 x"}',
            ReasonCode.AGENT,
            "claude failed: API Error: 500 x",
        ),
        (
            (
                b'{"type":"result","subtype":"success","is_error":true,'
                b'"result":"Not logged in \xc2\xb7 Please run /login"}'
            ),
            ReasonCode.LOGIN,
            "claude failed: Not logged in · Please run /login",
        ),
    ],
)
def test_failures(line: bytes, code: ReasonCode, reason: str, taped_job: AgentJob) -> None:
    _, result = finish(taped_job, line)
    assert (result.outcome, result.reason_code, result.reason) == (
        AttemptOutcome.FAILED,
        code,
        reason,
    )


def test_silence_is_judged_by_exit_and_words(taped_job: AgentJob) -> None:
    refusal = "--dangerously-skip-permissions cannot be used with root/sudo privileges"
    _, result = finish(taped_job, b"", 1, refusal)
    assert result.reason == f"claude ended with exit code 1: {refusal}"
    assert result.usage == TokenUsage()
    _, result = finish(taped_job, b"", 0)
    assert result.outcome is AttemptOutcome.FAILED
    assert result.reason == "claude ended with exit code 0 without saying that it is finished"


def test_a_result_without_a_line_end_counts(taped_job: AgentJob) -> None:
    stream = ClaudeBackend({}).stream(SPEC, taped_job)
    stream.feed(b'{"type":"result","subtype":"success","is_error":false,"session_id":"s"}')
    assert stream.finish(ExitStatus(0), "").outcome is AttemptOutcome.SUCCEEDED


def test_limits_and_lists_are_told(taped_job: AgentJob) -> None:
    limit = (
        b'{"type":"rate_limit_event","rate_limit_info":{"status":"rejected",'
        b'"rateLimitType":"five_hour","resetsAt":1795218925}}'
    )
    assert finish(taped_job, limit)[0] == [LimitReached("five hour limit reached", 1795218925.0)]
    allowed = b'{"type":"rate_limit_event","rate_limit_info":{"status":"allowed"}}'
    assert finish(taped_job, allowed)[0] == []
    todos = (
        b'{"type":"assistant","message":{"content":[{"type":"tool_use","name":"TodoWrite","input":'
        b'{"todos":[{"content":"a","status":"completed"},{"content":"b","status":"in_progress"}]}}]}}'
    )
    events = finish(taped_job, todos)[0]
    assert TodosChanged((Todo("a", True), Todo("b", False, active=True))) in events


def test_usage_without_totals_is_summed_over_turns(taped_job: AgentJob) -> None:
    """An older or newer program may leave out modelUsage; then the turns' own usage counts."""
    turn = (
        b'{"type":"result","is_error":false,"usage":{"input_tokens":10,'
        b'"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":3}}\n'
    )
    _, result = finish(taped_job, turn + turn.rstrip(), 0)
    assert result.usage == TokenUsage(30, 14, 6)
    assert result.cost_usd is None


def test_subagents_are_counted_once_each(taped_job: AgentJob) -> None:
    def start(identity: str, parent: str) -> bytes:
        return (
            f'{{"type":"stream_event","parent_tool_use_id":{parent},"event":{{"type":'
            f'"message_start","message":{{"id":"{identity}","usage":{{"input_tokens":10,'
            f'"output_tokens":1}}}}}}}}\n'
        ).encode()

    def delta(parent: str, output: int) -> bytes:
        return (
            f'{{"type":"stream_event","parent_tool_use_id":{parent},"event":{{"type":'
            f'"message_delta","usage":{{"output_tokens":{output}}}}}}}\n'
        ).encode()

    lines = [start("a", "null"), start("b", '"t1"'), delta("null", 5), delta('"t1"', 70)]
    repeated = b'{"type":"assistant","message":{"id":"a","usage":{"input_tokens":10}}}'
    _, result = finish(taped_job, b"".join([*lines, repeated]), -9)
    assert result.usage == TokenUsage(20, None, 75)


def test_lines_that_are_no_json_are_text(taped_job: AgentJob, replay: Callable) -> None:
    events, _ = finish(taped_job, b"(node:1) Warning: old\n\n   \n{cut")
    assert [getattr(e, "text", None) for e in events] == ["(node:1) Warning: old", "{cut"]
    assert not [e for e in events if isinstance(e, AgentFinished)]
