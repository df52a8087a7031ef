"""Fixtures for every folder of tests: the real agents, offline, with a scripted model.

Tests that use them are marked ``agents``. Without npm, or without a network at the first time, they
are skipped with a sentence; CC4_TEST_AGENTS_BIN names a folder that holds the programs already.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings


settings.register_profile(
    "ours",
    deadline=None,  # a busy machine is no reason to fail
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CC4_NEW_EXAMPLES" not in os.environ,  # `make chaos` looks for new ones
)
settings.load_profile("ours")

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell starts what it puts in the background with SIGINT ignored, and children inherit that."""

PACKAGES = {
    "claude": "@anthropic-ai/claude-code@2.1.197",
    "claude-agent-acp": "@agentclientprotocol/claude-agent-acp@0.49.0",
    "codex": "@openai/codex@0.169.0",
    "gemini": "@google/gemini-cli@0.61.0",
    "opencode": "opencode-ai@1.18.33",
}
"""The versions that agents' recordings were made with."""
MOCK_MODEL = Path(__file__).parent / "agents" / "mock_model.py"


@dataclass(frozen=True)
class MockModel:
    """A running scripted model; its markers are listed in tests/agents/mock_model.py."""

    url: str

    def stats(self) -> dict[str, Any]:
        """Requests, and the highest number of them at once."""
        with urllib.request.urlopen(f"{self.url}/_mock/stats", timeout=5) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def installed() -> Callable[[str], Path]:
    """Gives the folder of a real agent's program; installs it once into the person's cache."""

    def folder_of(agent: str) -> Path:
        if given := os.environ.get("CC4_TEST_AGENTS_BIN"):
            if not (Path(given) / agent).exists():
                pytest.skip(f"CC4_TEST_AGENTS_BIN names a folder without {agent}: {given}")
            return Path(given)
        if shutil.which("npm") is None:
            pytest.skip(f"npm is missing: install Node.js to test with the real {agent}")
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cc4tui-tests"
        folder = cache / PACKAGES[agent].removeprefix("@").replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        with (cache / f"{agent}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # workers of one test run must not install together
            _install(folder, PACKAGES[agent])
        return folder / "node_modules" / ".bin"

    return folder_of


def _install(folder: Path, package: str) -> None:
    if (folder / "installed").exists():
        return
    command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        pytest.skip(f"npm could not install {package}: {last}")
    (folder / "installed").touch()


@pytest.fixture
def mock_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockModel]:
    """A scripted model of this test's own."""
    ready = tmp_path_factory.mktemp("model") / "url"
    with subprocess.Popen([sys.executable, str(MOCK_MODEL), str(ready)]) as server:
        try:
            while not ready.exists():
                assert server.poll() is None, "the scripted model did not start"
                time.sleep(0.01)
            yield MockModel(ready.read_text().strip())
        finally:
            server.kill()


@pytest.fixture
def agent_environment(
    installed: Callable[[str], Path],
    mock_model: MockModel,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., dict[str, str]]:
    """Makes a person's whole environment with some real agents, a fresh HOME, and the model."""

    def environment(*agents: str) -> dict[str, str]:
        home = tmp_path_factory.mktemp("home")
        folders = [str(installed(agent)) for agent in agents]
        found = {
            "PATH": ":".join([*dict.fromkeys(folders), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "GIT_AUTHOR_NAME": "Test",
            "GIT_AUTHOR_EMAIL": "test@example.invalid",
            "GIT_COMMITTER_NAME": "Test",
            "GIT_COMMITTER_EMAIL": "test@example.invalid",
        }
        for agent in agents:
            found |= LOGINS[agent](home, mock_model.url)
        return found

    return environment


@pytest.fixture
def claude_environment(agent_environment: Callable[..., dict[str, str]]) -> dict[str, str]:
    """The environment of somebody who has Claude Code."""
    return agent_environment("claude")


def _claude_login(home: Path, url: str) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "no-real-key",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "IS_SANDBOX": "1",  # claude refuses to work for root without it
    }


def _codex_login(home: Path, url: str) -> dict[str, str]:
    _settings(
        home / ".codex/config.toml",
        f"""model = "mock-1"
model_provider = "mock"
check_for_update_on_startup = false
[model_providers.mock]
name = "mock"
base_url = "{url}/v1"
env_key = "MOCK_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
[analytics]
enabled = false
[otel]
exporter = "none"
""",
    )
    return {"CODEX_HOME": str(home / ".codex"), "MOCK_API_KEY": "no-real-key"}


def _gemini_login(home: Path, url: str) -> dict[str, str]:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"enableAutoUpdate": False, "disableAutoUpdate": True},
    }
    _settings(home / ".gemini/settings.json", json.dumps(settings))
    return {
        "GEMINI_API_KEY": "no-real-key",
        "GOOGLE_GEMINI_BASE_URL": url,
        # its own choice of a model would cost one more request
        "GEMINI_MODEL": "gemini-2.5-flash",
    }


def _opencode_login(home: Path, url: str) -> dict[str, str]:
    model = {
        "name": "mock-1",
        "tool_call": True,
        "limit": {"context": 200000, "output": 8000},
        "cost": {"input": 3, "output": 15},
    }
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "mock",
        "options": {"baseURL": f"{url}/v1", "apiKey": "no-real-key"},
        "models": {"mock-1": model},
    }
    config = {
        "autoupdate": False,
        "share": "disabled",
        "model": "mock/mock-1",
        "small_model": "mock/mock-1",
        "enabled_providers": ["mock"],
        "provider": {"mock": provider},
    }
    return {
        "OPENCODE_CONFIG_CONTENT": json.dumps(config),
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    }


def _settings(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)


LOGINS: dict[str, Callable[[Path, str], dict[str, str]]] = {
    "claude": _claude_login,
    "claude-agent-acp": _claude_login,
    "codex": _codex_login,
    "gemini": _gemini_login,
    "opencode": _opencode_login,
}
"""What each agent needs to reach the scripted model, in its settings and in the environment."""
