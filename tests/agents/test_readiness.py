"""What is said of an agent before anything is spent on it: by files, variables and its own word."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.services.agents.acp import AcpBackend
from cc4tui.services.agents.claude import ClaudeBackend
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.codex import CodexBackend
from cc4tui.services.agents.gemini import GeminiBackend
from cc4tui.services.agents.opencode import OpencodeBackend
from cc4tui.services.agents.readiness import Readiness, examine


Examined = Callable[..., Any]


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Somebody with an empty home."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": f"{tmp_path / 'bin'}:{os.defpath}"}


@pytest.fixture
def examined(person: dict[str, str], tmp_path: Path) -> Examined:
    """Examines a driver whose program is a script."""

    async def examined(
        kind: type[CliBackend], script: str, spec: AgentSpec | None = None, **more: str
    ) -> Readiness:
        program = tmp_path / "bin" / kind.driver
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        whole = {"IS_SANDBOX": "1", **person, **more}
        spec = spec or AgentSpec(kind.driver, kind.driver)
        return await examine(spec, kind(whole), whole, seconds=20)

    return examined


def put(person: dict[str, str], path: str, text: str) -> str:
    file = Path(person["HOME"], path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file)


CLAUDE = 'case "$1" in --version) echo "2.1.197 (Claude Code)";; auth) echo "$SAYS"; exit 1;; esac'
CODEX = (
    'case "$1" in --version) echo codex-cli 0.169.0;; '
    "login) echo WARNING: x; echo Not logged in >&2; exit 1;; esac"
)


async def test_a_program_that_says_it_is_not_logged_in_is_believed(examined: Examined) -> None:
    told = await examined(CodexBackend, CODEX)
    assert told.problem == (
        "the agent codex is not logged in; run `codex login`, or set CODEX_API_KEY"
    )
    told = await examined(ClaudeBackend, CLAUDE, SAYS='{"loggedIn": false}')
    assert "the agent claude is not logged in; run `claude` and use /login" in told.problem
    for unclear in ('{"loggedIn": true}', "unknown command auth", ""):
        assert (await examined(ClaudeBackend, CLAUDE, SAYS=unclear)).problem is None


@pytest.mark.parametrize(
    ("kind", "variables"),
    [
        (ClaudeBackend, {"ANTHROPIC_API_KEY": "x"}),
        (ClaudeBackend, {"CLAUDE_CODE_USE_BEDROCK": "1"}),
        (CodexBackend, {"CODEX_API_KEY": "x"}),
        (GeminiBackend, {"GEMINI_API_KEY": "x"}),
        (OpencodeBackend, {"GROQ_API_KEY": "x"}),
    ],
)
async def test_a_key_in_the_environment_is_a_login(
    kind: type[CliBackend], variables: dict[str, str], examined: Examined
) -> None:
    told = await examined(kind, "[ $1 = --version ] && echo 99.0.0", **variables)
    assert told == Readiness(None, "99.0.0", next(iter(variables)))


@pytest.mark.parametrize(
    ("kind", "file", "text"),
    [
        (ClaudeBackend, ".claude/.credentials.json", '{"claudeAiOauth": {}}'),
        (ClaudeBackend, ".claude/settings.json", '{"apiKeyHelper": "print-key"}'),
        (CodexBackend, ".codex/auth.json", '{"tokens": {}}'),
        (CodexBackend, ".codex/config.toml", 'model_provider = "mine"'),
        (GeminiBackend, ".gemini/oauth_creds.json", '{"access_token": "x"}'),
        (
            GeminiBackend,
            ".gemini/settings.json",
            '{"security": {"auth": {"selectedType": "oauth-personal"}}}',
        ),
        (GeminiBackend, ".gemini/.env", "export GEMINI_API_KEY=x"),
        (OpencodeBackend, ".local/share/opencode/auth.json", '{"anthropic": {}}'),
    ],
)
async def test_what_a_login_leaves_is_found(
    kind: type[CliBackend], file: str, text: str, examined: Examined, person: dict[str, str]
) -> None:
    path = put(person, file, text)
    assert await examined(kind, "echo 99.0.0") == Readiness(None, "99.0.0", path)


async def test_gemini_without_any_sign_is_not_logged_in_and_opencode_needs_none(
    examined: Examined, person: dict[str, str]
) -> None:
    put(person, ".gemini/settings.json", '{"ui": {}}')
    put(person, ".gemini/oauth_creds.json", "{}")
    told = await examined(GeminiBackend, "echo 0.61.0")
    assert told.problem == (
        "the agent gemini is not logged in; run `gemini` once and log in, or set GEMINI_API_KEY"
    )
    assert await examined(OpencodeBackend, "echo 1.18.33") == Readiness(None, "1.18.33", "")


async def test_a_program_that_is_too_old_is_named_with_what_to_do(examined: Examined) -> None:
    told = await examined(CodexBackend, "echo codex-cli 0.21.0", CODEX_API_KEY="x")
    assert told.problem == (
        "the agent codex is too old: its version is 0.21.0, at least 0.47.0 is needed;"
        " install it with: npm install -g @openai/codex@latest"
    )
    for silent in ("exit 1", "echo a nightly build"):
        assert (await examined(CodexBackend, silent, CODEX_API_KEY="x")).problem is None


async def test_the_version_of_a_package_is_read_without_starting_it(
    examined: Examined, tmp_path: Path
) -> None:
    about = {"name": "@openai/codex", "version": "0.3.0"}
    (tmp_path / "package.json").write_text(json.dumps(about))
    told = await examined(CodexBackend, f"touch {tmp_path}/started; echo 99", CODEX_API_KEY="x")
    assert told.version == "0.3.0"
    assert not (tmp_path / "started").exists()
    (tmp_path / "package.json").write_text(json.dumps({**about, "name": "other"}))
    told = await examined(CodexBackend, "echo 99.1", CODEX_API_KEY="x")
    assert told.version == "99.1"


ACP_AGENT = Path(__file__).parent / "acp_agent.py"


@pytest.mark.parametrize("thorough", [True, False])
async def test_an_acp_agent_is_as_much_logged_in_as_the_one_behind_it(
    person: dict[str, str], tmp_path: Path, *, thorough: bool
) -> None:
    """Its version is that of its package; asked itself, it tells the one that runs."""
    package = tmp_path / "node_modules/claude-agent-acp"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "@x/claude-agent-acp", "version": "0.49.0"}')
    program = package / "claude-agent-acp"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {ACP_AGENT}\n")
    program.chmod(0o755)
    spec = AgentSpec("over-acp", "acp", (str(program),))

    async def told(**more: str) -> Readiness:
        whole = {**person, **more}
        return await examine(spec, AcpBackend(whole), whole, seconds=20, thorough=thorough)

    version = "1" if thorough else "0.49.0"
    assert await told(ANTHROPIC_API_KEY="x") == Readiness(None, version, "ANTHROPIC_API_KEY")
    assert await told() == Readiness(None, version)
    claude = tmp_path / "bin/claude"
    claude.write_text("#!/bin/sh\necho '{\"loggedIn\": false}'; exit 1\n")
    claude.chmod(0o755)
    assert (await told()).problem == (
        "the agent over-acp is not logged in; run `claude` and use /login, or set ANTHROPIC_API_KEY"
    )


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (
            (sys.executable, str(ACP_AGENT), "--logged-out"),
            "is not logged in; log in by its own program (By hand)",
        ),
        (("sh", "-c", "echo not me"), "does not speak the Agent Client Protocol within 20 s"),
        (("/no/such",), "does not exist"),
    ],
)
async def test_an_acp_agent_is_asked_itself(
    person: dict[str, str], command: tuple[str, ...], problem: str
) -> None:
    spec = AgentSpec("mine", "acp", command)
    told = await examine(spec, AcpBackend(person), person, seconds=20, thorough=True)
    assert problem in (told.problem or "")


LEAVES = "setsid sleep 1000 <&- >&- 2>&- & echo $! > left; "
"""Starts something that outlives the process group."""


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="what left the process group stays elsewhere")
async def test_nothing_stays_of_an_agent_that_was_asked(
    person: dict[str, str], examined: Examined, tmp_path: Path
) -> None:
    left = tmp_path / "left"
    talk = f"cd {tmp_path}; {LEAVES}exec {sys.executable} {ACP_AGENT}"
    spec = AgentSpec("mine", "acp", ("sh", "-c", talk))
    told = await examine(spec, AcpBackend(person), person, seconds=20, thorough=True)
    assert told.problem is None
    assert is_gone(int(left.read_text()))
    await examined(CodexBackend, f"{LEAVES}echo codex-cli 0.169.0", OPENAI_API_KEY="x")
    assert is_gone(int(left.read_text()))


async def test_a_wrapper_is_taken_for_ready(person: dict[str, str]) -> None:
    spec = AgentSpec("mine", "codex", ("/bin/sh", "codex"))
    assert await examine(spec, CodexBackend(person), person) == Readiness()


async def test_claude_refuses_root_and_says_what_to_do(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    key = {"ANTHROPIC_API_KEY": "x"}
    told = await examined(ClaudeBackend, CLAUDE, **key, IS_SANDBOX="")
    assert told.problem.startswith("the agent claude refuses to work as root without asking;")
    assert 'policy = "accept-edits", or IS_SANDBOX=1' in told.problem
    careful = AgentSpec("claude", "claude", policy="accept-edits")
    chosen = AgentSpec("claude", "claude", args=("--permission-mode", "plan"))
    sandbox = AgentSpec("claude", "claude", env={"IS_SANDBOX": "1"})
    for spec in (careful, chosen, sandbox):
        assert (await examined(ClaudeBackend, CLAUDE, spec, **key, IS_SANDBOX="")).problem is None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert (await examined(ClaudeBackend, CLAUDE, **key, IS_SANDBOX="")).problem is None


async def test_what_is_not_installed_is_told_before_what_it_would_refuse(
    person: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    nobody = {**person, "PATH": "/nowhere"}
    told = await examine(AgentSpec("claude", "claude"), ClaudeBackend(nobody), nobody)
    assert "was not found on the PATH; install it with" in (told.problem or "")


async def test_gemini_that_trusts_no_folder_is_not_waited_for(examined: Examined) -> None:
    told = await examined(
        GeminiBackend, "echo 0.61.0", GEMINI_API_KEY="x", GEMINI_CLI_TRUST_WORKSPACE="false"
    )
    assert told.problem == (
        "the agent gemini would wait for your trust in each worktree:"
        " GEMINI_CLI_TRUST_WORKSPACE is 'false'; unset it, or set it to true"
    )
