"""Health checks one by one, against programs that behave as badly as programs do."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.errors import UnfitError, UsageError
from cc4tui.ports import AgentBackend
from cc4tui.services import doctor
from cc4tui.services.agents.claude import ClaudeBackend
from cc4tui.services.agents.codex import CodexBackend
from cc4tui.services.agents.command import CommandBackend
from cc4tui.services.agents.readiness import first_line
from cc4tui.services.doctor import Finding, Level


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Makes a program."""

    def make(text: str, name: str = "program") -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return make


def made(driver: str, person: dict[str, str]) -> AgentBackend:
    """A backend for a person with this environment."""
    kinds = {"claude": ClaudeBackend, "codex": CodexBackend, "command": CommandBackend}
    if driver not in kinds:
        raise UsageError("no such driver")
    return kinds[driver](person)


async def version(program: str, env: dict[str, str], seconds: float = 20) -> str | None:
    return await first_line([program, "--version"], {**os.environ, **env}, seconds)


async def test_a_programs_version_is_its_first_line(script: Callable[..., str]) -> None:
    assert await version(script("echo; echo 1.2.3; echo more"), {}) == "1.2.3"
    assert await version(script('echo "$EXTRA $1"'), {"EXTRA": "x"}) == "x --version"


@pytest.mark.parametrize(
    "text", ["exit 3", "exit 0", "kill -9 $$", "printf '\\377\\376'; exit 1", "echo >&2 1.0"]
)
async def test_no_version(script: Callable[..., str], text: str) -> None:
    assert await version(script(text), {}) is None


async def test_a_program_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a program")
    (tmp_path / "data").chmod(0o755)
    assert await version(str(tmp_path / "missing"), {}) is None
    assert await version(str(tmp_path), {}) is None
    assert await version(str(tmp_path / "data"), {}) is None


async def test_hostile_and_endless_versions_are_one_clean_line(script: Callable[..., str]) -> None:
    evil = script("printf '1\\033]52;c;AA\\007\\033[2J\\302\\2332J\\342\\200\\256x\\n'")
    said = await version(evil, {})
    assert said is not None
    assert said.isprintable()
    long = await version(script("head -c 300000 /dev/zero | tr '\\0' a"), {})
    assert long is not None
    assert len(long) <= 120


async def test_a_program_that_hangs_is_ended_with_its_children(
    script: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    program = script(f"sleep 600 & echo $! >> {pids}; echo $$ >> {pids}; wait")
    for seconds in (0.5, 2, 8):  # on a busy machine it may not have begun by then
        pids.write_text("")
        assert await version(program, {}, seconds) is None
        if len(pids.read_text().splitlines()) == 2:
            break
    found = [int(line) for line in pids.read_text().splitlines()]
    assert len(found) == 2
    async with asyncio.timeout(20):
        while any(map(is_running, found)):
            await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_agents(script: Callable[..., str], tmp_path: Path) -> None:
    specs = [
        AgentSpec("good", "claude", (script("echo 9.9", "claude"),)),
        AgentSpec("wrapped", "claude", (sys.executable, "claude")),
        AgentSpec("missing", "codex", (str(tmp_path / "codex"),)),
        AgentSpec("unknown", "unknown"),
        AgentSpec("own", "command", (script("exit 1", "own"),)),
    ]
    person = {"PATH": os.defpath, "ANTHROPIC_API_KEY": "x", "IS_SANDBOX": "1"}
    found = await doctor.check_agents(specs, lambda name: made(name, person), "missing", person)
    assert [(one.check, one.level, one.message) for one in found] == [
        ("agent good", Level.OK, "9.9, logged in (ANTHROPIC_API_KEY)"),
        ("agent wrapped", Level.OK, "ready"),
        (
            "agent missing",
            Level.WARNING,
            (
                f"default; the agent's program {tmp_path}/codex does not exist;"
                " install it with: npm install -g @openai/codex"
            ),
        ),
        ("agent unknown", Level.WARNING, "no such driver"),
        ("agent own", Level.OK, "ready"),
    ]
    assert found[0].facts == {"agent": "good", "version": "9.9", "login": "ANTHROPIC_API_KEY"}


async def test_agents_are_asked_at_the_same_time(
    script: Callable[..., str], tmp_path: Path
) -> None:
    """Each program waits until all have started: one after the other would never end."""
    count = 4
    text = (
        f"touch {tmp_path}/started-$NUMBER\n"
        f"while [ $(ls {tmp_path} | grep -c started-) -lt {count} ]; do sleep 0.02; done\necho 9.1"
    )
    program = script(text, "codex")
    person = {"PATH": os.defpath, "CODEX_API_KEY": "x"}
    specs = [
        AgentSpec(f"a{number}", "codex", (program,), env={"NUMBER": str(number)})
        for number in range(count)
    ]
    found = await doctor.check_agents(specs, lambda name: made(name, person), "a0", person)
    assert [finding.level for finding in found] == [Level.OK] * count


def test_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise UnfitError("it is a link")

    assert doctor.check_state(refuse, tmp_path) == Finding("state", Level.ERROR, "it is a link")
    assert doctor.check_state(lambda: None, tmp_path).level is Level.OK
    missing = doctor.check_state(lambda: None, tmp_path / "missing")
    assert missing.level is Level.ERROR
    usage = shutil.disk_usage(tmp_path)._replace(free=1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    full = doctor.check_state(lambda: None, tmp_path)
    assert (full.level, "only 0.0 GB free" in full.message) == (Level.WARNING, True)


@pytest.mark.parametrize(
    ("platform", "level"),
    [("linux", Level.OK), ("darwin", Level.WARNING), ("win32", Level.ERROR)],
)
def test_systems(monkeypatch: pytest.MonkeyPatch, platform: str, level: Level) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert doctor.check_system().level is level


async def test_git(
    script: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await doctor.check_git()).level is Level.OK
    script("echo git version 2.37.9", "git")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "2.37 is too old" in (await doctor.check_git()).message
    script("echo git version 2.38.0", "git")
    assert (await doctor.check_git()).message.startswith("git 2.38")
    script("exit 1", "git")
    assert (await doctor.check_git()).level is Level.ERROR


def test_isolation_is_told_honestly() -> None:
    assert "no security boundary" in doctor.check_isolation().message
