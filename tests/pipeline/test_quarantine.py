"""What tasks do to the repository's own configuration is noticed, remembered, and accepted once."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cc4tui.services.git.repository import Repository
from cc4tui.services.pipeline.quarantine import FILE, Quarantine, sentence


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., None]:
    """Runs git in a small repository."""
    root = tmp_path / "repo"
    root.mkdir()

    def run(*args: str) -> None:
        identity = ["-c", "user.name=P", "-c", "user.email=p@example.org"]
        subprocess.run(["git", *identity, *args], cwd=root, check=True, capture_output=True)

    run("init", "-q", "-b", "main")
    run("commit", "-q", "--allow-empty", "-m", "first")
    return run


@pytest.fixture
async def opened(tmp_path: Path, git: Callable[..., None]):
    """Opens the quarantine of one run, as each process that works on it does."""
    folder = tmp_path / "run"
    folder.mkdir()

    async def opened() -> Quarantine:
        return await Quarantine.open(await Repository.open(tmp_path / "repo"), folder)

    return opened


async def test_a_quiet_repository_flags_nobody(opened):
    quarantine = await opened()
    assert await quarantine.look(["1.1"]) == ()
    assert await quarantine.differences() == ()
    assert quarantine.flagged == set()


async def test_whoever_ran_when_it_changed_is_flagged(opened, git):
    quarantine = await opened()
    await quarantine.look(["1.1"])
    git("config", "core.fsmonitor", "/tmp/evil")
    [line] = await quarantine.look(["1.2", "1.3"])
    assert "core.fsmonitor" in line
    assert await quarantine.look(["1.4"]) == ()
    assert quarantine.flagged == {"1.2", "1.3"}
    assert len(await quarantine.differences()) == 1


async def test_what_was_undone_stops_nothing(opened, git):
    quarantine = await opened()
    git("config", "alias.st", "!evil")
    await quarantine.look(["1.1"])
    git("config", "--unset", "alias.st")
    assert await quarantine.look(["1.2"]) != ()
    assert await quarantine.differences() == ()
    assert quarantine.flagged == {"1.1"}


async def test_the_next_process_does_not_take_it_for_granted(opened, git):
    first = await opened()
    git("config", "core.hooksPath", "/tmp/evil")
    second = await opened()
    assert len(await second.differences()) == 1
    await second.look(["1.1"])
    third = await opened()
    assert third.flagged == {"1.1"}
    assert third.base == first.base


async def test_accepted_changes_are_the_new_state(opened, git):
    quarantine = await opened()
    git("config", "core.hooksPath", "/tmp/meant")
    await quarantine.look(["1.1"])
    [accepted] = await quarantine.accept()
    assert "/tmp/meant" in accepted
    for known in (quarantine, await opened()):
        assert await known.differences() == ()
        assert known.flagged == set()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"items": 3, "flagged": []}', b"{}"])
async def test_a_damaged_record_makes_the_landing_wait(opened, tmp_path, damage):
    await opened()
    (tmp_path / "run" / FILE).write_bytes(damage)
    quarantine = await opened()
    assert await quarantine.differences() != ()
    await quarantine.accept()
    assert await (await opened()).differences() == ()


async def test_the_record_is_private_and_readable(opened, tmp_path):
    await opened()
    file = tmp_path / "run" / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["flagged"] == []


async def test_looks_at_once_do_not_disturb_each_other(opened, git):
    quarantine = await opened()
    git("config", "core.sshCommand", "evil")
    told = await asyncio.gather(*(quarantine.look([f"1.{n}"]) for n in range(20)))
    assert sum(1 for lines in told if lines) == 1
    assert len(quarantine.flagged) == 1


def test_the_sentence_names_what_changed_and_both_ways_out():
    text = sentence(tuple(f"config k{n}: none -> x" for n in range(5)), "r-1")
    assert "config k0: none -> x" in text
    assert "(and 2 more)" in text
    assert "cc4tui resume r-1;" in text
    assert text.endswith("cc4tui resume r-1 --accept-changes")
