"""How Codex, Gemini and opencode are started, and what they need from the person."""

from dataclasses import replace
from pathlib import Path

import pytest

from cc4tui.domain.agent import AgentJob, ExitStatus
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.codex import CodexBackend
from cc4tui.services.agents.codex_items import without_shell
from cc4tui.services.agents.gemini import GeminiBackend
from cc4tui.services.agents.opencode import OpencodeBackend
from cc4tui.services.processes.environment import scrubbed_environment


BACKENDS = [CodexBackend, GeminiBackend, OpencodeBackend]


def spec_of(backend: CliBackend, **changes: object) -> AgentSpec:
    return replace(AgentSpec(backend.driver, backend.driver), **changes)


@pytest.mark.parametrize(
    ("kind", "argv"),
    [
        (
            CodexBackend,
            "codex exec --json --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox -",
        ),
        (GeminiBackend, "gemini -o stream-json --approval-mode yolo"),
        (OpencodeBackend, "opencode run --format json --auto"),
    ],
)
def test_the_command(kind: type[CliBackend], argv: str, taped_job: AgentJob) -> None:
    backend = kind({"PATH": "/nowhere"})
    launch = backend.launch(spec_of(backend), taped_job)
    assert " ".join(launch.argv) == argv
    assert launch.stdin == "prompt"
    assert launch.env["CC4_TASK"] == "1.1"


@pytest.mark.parametrize(
    ("kind", "policy", "words"),
    [
        (CodexBackend, "read-only", "-c sandbox_mode=read-only"),
        (CodexBackend, "accept-edits", "-c sandbox_mode=workspace-write"),
        (GeminiBackend, "accept-edits", "--approval-mode auto_edit"),
        (GeminiBackend, "read-only", "--approval-mode plan"),
        (OpencodeBackend, "read-only", "--agent plan"),
    ],
)
def test_policies(kind: type[CliBackend], policy: str, words: str, taped_job: AgentJob) -> None:
    backend = kind({"PATH": "/nowhere"})
    argv = " ".join(backend.launch(spec_of(backend, policy=policy), taped_job).argv)
    assert words in argv
    assert "yolo" not in argv
    assert "--auto " not in argv
    assert "bypass" not in argv


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_policy_that_needs_somebody_to_ask_is_refused(kind: type[CliBackend]) -> None:
    backend = kind({"PATH": "/nowhere"})
    told = backend.check(spec_of(backend, policy="ask"))
    assert 'cannot work with policy "ask" without a screen; choose one of:' in told


@pytest.mark.parametrize(
    ("kind", "tail"),
    [
        (CodexBackend, "-m big -c model_reasoning_effort=high --x s1 -"),
        (GeminiBackend, "-m big --resume s1 --x"),
        (OpencodeBackend, "-m big --variant high --session s1 --x"),
    ],
)
def test_model_effort_session_and_arguments(
    kind: type[CliBackend], tail: str, taped_job: AgentJob
) -> None:
    backend = kind({"PATH": "/nowhere"})
    job = replace(taped_job, effort="high", resume_session="s1")
    launch = backend.launch(spec_of(backend, model="big", args=("--x",)), job)
    assert " ".join(launch.argv).endswith(tail)


def test_chosen_modes_are_kept(taped_job: AgentJob) -> None:
    codex = CodexBackend({"PATH": "/nowhere"})
    argv = codex.launch(spec_of(codex, args=("-s", "workspace-write")), taped_job).argv
    assert "--dangerously-bypass-approvals-and-sandbox" not in argv
    gemini = GeminiBackend({"PATH": "/nowhere"})
    argv = gemini.launch(spec_of(gemini, args=("--approval-mode", "auto_edit")), taped_job).argv
    assert "yolo" not in argv


@pytest.mark.parametrize("kind", BACKENDS)
def test_missing_programs_name_the_package(kind: type[CliBackend], tmp_path: Path) -> None:
    backend = kind({"PATH": str(tmp_path)})
    told = backend.check(spec_of(backend))
    assert told is not None
    assert told.startswith(f"the agent's program {backend.driver} was not found on the PATH; ")
    assert "npm install -g " in told
    (tmp_path / backend.driver).touch(mode=0o755)
    assert backend.check(spec_of(backend)) is None


def test_codex_gets_the_keys_its_own_configuration_names(
    tmp_path: Path, taped_job: AgentJob
) -> None:
    (tmp_path / "config.toml").write_text('[model_providers.mine]\nenv_key = "MY_COMPANY_KEY"\n')
    person = {"CODEX_HOME": str(tmp_path), "MY_COMPANY_KEY": "k", "OTHER_KEY": "no"}
    backend = CodexBackend(person)
    passes = backend.launch(spec_of(backend), taped_job).passes
    assert scrubbed_environment(person, passes, {}) == {
        "CODEX_HOME": str(tmp_path),
        "MY_COMPANY_KEY": "k",
    }
    (tmp_path / "config.toml").write_text("not [toml")
    assert "MY_COMPANY_KEY" not in backend.launch(spec_of(backend), taped_job).passes


def test_gemini_trusts_the_worktree_unless_told_otherwise(taped_job: AgentJob) -> None:
    name = "GEMINI_CLI_TRUST_WORKSPACE"
    backend = GeminiBackend({})
    assert backend.launch(spec_of(backend), taped_job).env[name] == "true"
    careful = GeminiBackend({name: "false"})
    assert name not in careful.launch(spec_of(careful), taped_job).env


@pytest.mark.parametrize(
    ("code", "stderr", "reason_code", "words"),
    [
        (41, "Please set an Auth method in settings.json", ReasonCode.LOGIN, "Please set an Auth"),
        (55, "untrusted folder", ReasonCode.AGENT, "GEMINI_CLI_TRUST_WORKSPACE=true"),
        (1, "Error: boom", ReasonCode.AGENT, "gemini ended with exit code 1: Error: boom"),
    ],
)
def test_gemini_that_never_began(
    code: int, stderr: str, reason_code: ReasonCode, words: str, taped_job: AgentJob
) -> None:
    backend = GeminiBackend({})
    result = backend.stream(spec_of(backend), taped_job).finish(ExitStatus(code), stderr)
    assert (result.outcome, result.reason_code) == (AttemptOutcome.FAILED, reason_code)
    assert words in result.reason


@pytest.mark.parametrize(
    ("command", "plain"),
    [
        ("/bin/bash -lc 'ls src'", "ls src"),
        ('bash -c "echo \\"a b\\""', 'echo "a b"'),
        ("/bin/zsh -lc pwd", "pwd"),
        ("ls src", "ls src"),
        ("bash script.sh", "bash script.sh"),
        ("/bin/bash -lc 'unclosed", "/bin/bash -lc 'unclosed"),
        ("", ""),
    ],
)
def test_commands_without_their_shell(command: str, plain: str) -> None:
    assert without_shell(command) == plain


def test_opencode_with_a_model_of_unknown_price(taped_job: AgentJob) -> None:
    """Its 0 means that it does not know: unknown is not free."""
    backend = OpencodeBackend({})
    stream = backend.stream(spec_of(backend), taped_job)
    stream.feed(
        b'{"type":"step_finish","sessionID":"s","part":{"reason":"stop","cost":0,'
        b'"tokens":{"input":7,"output":3,"reasoning":2,"cache":{"read":5,"write":1}}}}\n'
    )
    result = stream.finish(ExitStatus(0), "")
    assert result.outcome is AttemptOutcome.SUCCEEDED
    assert result.cost_usd is None
    assert (result.usage.input_tokens, result.usage.cached_input_tokens) == (8, 5)
    assert result.usage.output_tokens == 5


@pytest.mark.parametrize(
    ("end", "words"),
    [("length", "stopped before it was finished (length)"), ("", "without saying that")],
)
def test_opencode_that_stops_early(end: str, words: str, taped_job: AgentJob) -> None:
    backend = OpencodeBackend({})
    stream = backend.stream(spec_of(backend), taped_job)
    if end:
        stream.feed(f'{{"type":"step_finish","part":{{"reason":"{end}"}}}}\n'.encode())
    result = stream.finish(ExitStatus(0), "")
    assert result.outcome is AttemptOutcome.FAILED
    assert words in result.reason
