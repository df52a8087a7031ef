"""Health checks one by one, against programs that behave as badly as programs do."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.errors import UnfitError, UsageError
from cc4tui.services import doctor
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


class Backend:
    """An agent backend whose check is decided beforehand."""

    driver = "claude"

    def __init__(self, problem: str | None) -> None:
        self._problem = problem

    def check(self, spec: AgentSpec) -> str | None:
        return self._problem

    def launch(self, *_: Any) -> Any:
        raise AssertionError("the doctor starts no agent")

    stream = launch


async def test_a_programs_version_is_its_first_line(script: Callable[..., str]) -> None:
    assert await doctor.program_version(script("echo; echo 1.2.3; echo more"), {}) == "1.2.3"
    assert await doctor.program_version(script('echo "$EXTRA $1"'), {"EXTRA": "x"}) == "x --version"


@pytest.mark.parametrize(
    "text", ["exit 3", "exit 0", "kill -9 $$", "printf '\\377\\376'; exit 1", "echo >&2 1.0"]
)
async def test_no_version(script: Callable[..., str], text: str) -> None:
    assert await doctor.program_version(script(text), {}) is None


async def test_a_program_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a program")
    (tmp_path / "data").chmod(0o755)
    assert await doctor.program_version(str(tmp_path / "missing"), {}) is None
    assert await doctor.program_version(str(tmp_path), {}) is None
    assert await doctor.program_version(str(tmp_path / "data"), {}) is None


async def test_hostile_and_endless_versions_are_one_clean_line(script: Callable[..., str]) -> None:
    evil = script("printf '1\\033]52;c;AA\\007\\033[2J\\302\\2332J\\342\\200\\256x\\n'")
    said = await doctor.program_version(evil, {})
    assert said is not None
    assert said.isprintable()
    long = await doctor.program_version(script("head -c 300000 /dev/zero | tr '\\0' a"), {})
    assert long is not None
    assert len(long) <= 120


async def test_a_program_that_hangs_is_ended_with_its_children(
    script: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "VERSION_SECONDS", 0.5)
    pids = tmp_path / "pids"
    program = script(f"sleep 600 & echo $! >> {pids}; echo $$ >> {pids}; wait")
    assert await doctor.program_version(program, {}) is None
    for pid in map(int, pids.read_text().split()):
        for _ in range(200):
            if not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie":
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError(f"{pid} is still there")


async def test_agents(script: Callable[..., str]) -> None:
    specs = [
        AgentSpec("good", "claude", (script("echo 9.9"),)),
        AgentSpec("missing", "missing"),
        AgentSpec("unknown", "unknown"),
        AgentSpec("own", "command", (script("exit 1", "own"),)),
    ]

    def backend(driver: str) -> Any:
        if driver == "unknown":
            raise UsageError("no such driver")
        return Backend("not installed" if driver == "missing" else None)

    found = await doctor.check_agents(specs, backend, "missing")
    assert found == [
        Finding("agent good", Level.OK, "9.9"),
        Finding("agent missing", Level.WARNING, "default; not installed"),
        Finding("agent unknown", Level.WARNING, "no such driver"),
        Finding("agent own", Level.OK, "ready"),
    ]


async def test_agents_are_asked_at_the_same_time(
    script: Callable[..., str], tmp_path: Path
) -> None:
    """Each program waits until all have started: one after the other would never end."""
    count = 4
    text = (
        f"touch {tmp_path}/started-$NUMBER\n"
        f"while [ $(ls {tmp_path} | grep -c started-) -lt {count} ]; do sleep 0.02; done\necho 1"
    )
    program = script(text)
    specs = [
        AgentSpec(f"a{number}", "claude", (program,), env={"NUMBER": str(number)})
        for number in range(count)
    ]
    found = await doctor.check_agents(specs, lambda _: Backend(None), "a0")
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
