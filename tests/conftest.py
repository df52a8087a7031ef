"""Fixtures for every folder of tests: the real Claude Code, offline, with a scripted model.

Tests that use them are marked ``agents``. Without npm, or without a network at the first time, they
are skipped with a sentence; CC4_TEST_AGENTS_BIN names a folder that holds the programs already.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings


settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")  # a busy machine is no reason to fail

CLAUDE_PACKAGE = "@anthropic-ai/claude-code@2.1.197"
"""The version that agents' recordings were made with."""
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
def agents_bin() -> Path:
    """A folder with the real ``claude``; installs it once into the person's cache folder."""
    if given := os.environ.get("CC4_TEST_AGENTS_BIN"):
        if not (Path(given) / "claude").exists():
            pytest.skip(f"CC4_TEST_AGENTS_BIN names a folder without claude: {given}")
        return Path(given)
    if shutil.which("npm") is None:
        pytest.skip("npm is missing: install Node.js to test with the real Claude Code")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cc4tui-tests"
    folder = cache / CLAUDE_PACKAGE.rsplit("/", 1)[1]
    folder.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # workers of one test run must not install side by side
        _install(folder)
    return folder / "node_modules" / ".bin"


def _install(folder: Path) -> None:
    if (folder / "installed").exists():
        return
    command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(folder), CLAUDE_PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        pytest.skip(f"npm could not install {CLAUDE_PACKAGE}: {last}")
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
def claude_environment(
    agents_bin: Path, mock_model: MockModel, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """A person's whole environment: Claude Code on the PATH, a fresh HOME, the scripted model."""
    return {
        "PATH": f"{agents_bin}:{os.environ.get('PATH', os.defpath)}",
        "HOME": str(tmp_path_factory.mktemp("home")),
        "LANG": "C.UTF-8",
        "ANTHROPIC_BASE_URL": mock_model.url,
        "ANTHROPIC_API_KEY": "no-real-key",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "IS_SANDBOX": "1",  # claude refuses to work for root without it
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.invalid",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.invalid",
    }
