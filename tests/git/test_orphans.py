"""A git of a killed cc4tui ends before its worktree is touched; anybody else's does not."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git import orphans
from cc4tui.services.git.orphans import end_orphaned_git


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and pidfds")
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a copy of a program under the name of git; by default one that waits."""
    running: list[subprocess.Popen[bytes]] = []

    def run(
        env: dict[str, str], argv: tuple[str, ...] = ("sleep", "60"), **options: Any
    ) -> subprocess.Popen[bytes]:
        program = tmp_path / f"bin{len(running)}" / "git"
        program.parent.mkdir()
        shutil.copy(shutil.which(argv[0]) or argv[0], program)
        running.append(subprocess.Popen([program, *argv[1:]], env=env, **options))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


async def test_ours_is_ended(start: Start, tmp_path: Path) -> None:
    worktree = tmp_path / "worktrees/slot-1"
    ours = start({"GIT_WORK_TREE": str(worktree)})
    assert await end_orphaned_git(worktree) == 1
    assert ours.wait(5) != 0
    assert await end_orphaned_git(worktree) == 0


async def test_others_are_not(start: Start, tmp_path: Path) -> None:
    worktree = tmp_path / "worktrees/slot-1"
    others = [
        start({"GIT_WORK_TREE": f"{worktree}0"}),
        start({"PWD": str(worktree)}),
        start({"GIT_WORK_TREE": str(tmp_path)}),
    ]
    assert await end_orphaned_git(worktree) == 0
    assert [process.poll() for process in others] == [None] * 3


async def test_one_that_ignores_the_request_is_killed(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "PATIENCE", 0.2)
    program = ("sh", "-c", "trap '' TERM; echo ready; read line")
    env, pipe = {"GIT_WORK_TREE": str(tmp_path / "w")}, subprocess.PIPE
    stubborn = start(env, program, stdin=pipe, stdout=pipe)
    assert stubborn.stdout is not None
    assert stubborn.stdout.readline() == b"ready\n"
    assert await end_orphaned_git(tmp_path / "w") == 1
    assert stubborn.wait(5) == -9


async def test_a_real_one_is_recognised(session: Any, start: Start) -> None:
    """The variables of our own calls are those that are looked for."""
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        env = session.private._environment() | {"GIT_WORK_TREE": str(lease.worktree)}
        ours = start(env, ("git", "cat-file", "--batch"), stdin=subprocess.PIPE)
        assert await end_orphaned_git(lease.worktree) == 1
        assert ours.wait(5) == -15
