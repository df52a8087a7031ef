"""Any single git call may fail, be killed or hang: the run goes on, and nothing is lost or left."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time
from typing import Any

import pytest

from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.landing import Landed, land
from cc4tui.services.git.leftovers import find_leftovers, remove_leftover
from cc4tui.services.git.merging import MergeCandidate
from cc4tui.services.git.process import GitCall, GitProcess, GitResult
from cc4tui.services.git.runner import GitRunner
from cc4tui.services.git.trailers import done_tasks, merge_message, merged_tasks


TASKS = ("a", "b", "c", "d", "e")


class Faults:
    """Counts git calls and spoils one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.at = 0
        self.kind = ""
        self.spoiled = ""
        self._real = GitRunner._once
        faults = self

        async def once(runner: GitRunner, call: GitCall) -> GitResult:
            return await faults.run(runner, call)

        monkeypatch.setattr(GitRunner, "_once", once)

    def arm(self, kind: str, at: int) -> None:
        self.kind, self.at, self.count = kind, at, 0

    async def run(self, runner: GitRunner, call: GitCall) -> GitResult:
        self.count += 1
        if self.count != self.at:
            return await self._real(runner, call)
        self.spoiled = " ".join(call.argv[19:])
        if self.kind == "fails":
            return GitResult(128, b"", "fatal: injected")
        if self.kind == "killed before":
            return GitResult(-signal.SIGKILL, b"", "")
        await self._real(runner, call)
        return GitResult(-signal.SIGKILL, b"", "")


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(monkeypatch)


async def _task(session: Any, pool: Any, lease: Any, queue: asyncio.Lock, task: str) -> None:
    """One task from worktree to merge, as the pipeline drives it."""
    work = await session.attempt(
        pool, lambda at: (at.worktree / task).write_text(f"{task}\n"), task=task
    )
    message = merge_message(plan="p", run="r1", task=task, attempt=1, title=task)
    async with queue:
        found = await session.merger.prepare(
            work.oid, message, lease, base=work.base, tree=work.tree
        )
        assert isinstance(found, MergeCandidate)
        await session.merger.checkout(found, lease)
        if not await session.merger.advance(found):
            raise GitError("advance", 1, "the integration branch moved")


async def _run(session: Any) -> dict[str, BaseException | None]:
    """Five tasks over three worktrees, landed; what became of each."""
    queue = asyncio.Lock()
    pool = session.pool(size=3)
    async with pool:
        await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        lease.saved = True
        results = await asyncio.gather(
            *(_task(session, pool, lease, queue, task) for task in TASKS), return_exceptions=True
        )
    assert not pool.kept
    outcome = await land(session.private, session.merger.tip, "main", branch=session.merger.branch)
    assert isinstance(outcome, Landed), outcome
    await finish_run(session.private, "r1", session.merger.tip)
    return dict(zip(TASKS, results, strict=True))


class Killer:
    """Kills about every sixth git process within its first milliseconds, while it is told to.

    By count and not by the clock, so that a fast machine sees as many kills as a slow one.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
        self.kills = 0
        self.hunting = False
        self._random = random.Random(seed)
        killer, real = self, GitProcess._start

        def start(process: GitProcess) -> Any:
            popen = real(process)
            killer.meet(popen)
            return popen

        monkeypatch.setattr(GitProcess, "_start", start)

    def meet(self, popen: "subprocess.Popen[bytes]") -> None:
        chance, delay = self._random.random(), self._random.random() * 0.002
        if not self.hunting or chance > 1 / 6:
            return
        time.sleep(delay)  # in the thread of this git call
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
            self.kills += 1


async def _check(session: Any, results: dict[str, BaseException | None]) -> None:
    """Exactly the tasks that reported success are on main, and nothing of the run is left."""
    repo = session.repo
    merged = {task for task, error in results.items() if error is None}
    assert (await done_tasks(session.private, repo.head, "p")).keys() == merged
    assert repo.files("HEAD").keys() == {"README.md", "src/a.txt", *merged}
    assert repo.git("status", "--porcelain") == ""
    assert not repo.refs("refs/heads/cc4/")
    assert not [*(session.private.state_dir / "worktrees").iterdir()]
    repo.assert_sound()


SAMPLE = range(2, 96, 19)
"""A run makes about 99 calls; every one of them was tried by hand."""


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["fails", "killed before", "killed after"])
@pytest.mark.parametrize("at", SAMPLE)
async def test_one_spoiled_call_costs_at_most_one_task(
    session: Any, faults: Faults, kind: str, at: int
) -> None:
    faults.arm(kind, at)
    results = await _run(session)
    assert faults.count > at, "the call was made"
    faults.arm("none", 0)
    errors = [error for error in results.values() if error is not None]
    assert len(errors) <= 1, (faults.spoiled, results)
    assert all(isinstance(error, Cc4tuiError) for error in errors)
    await _check(session, results)


@pytest.mark.integration
@pytest.mark.parametrize("seed", [1, 2])
async def test_git_killed_at_random_loses_and_leaves_nothing(
    session: Any, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Every return code is looked at and the task is tried again: all are done exactly once."""
    monkeypatch.setattr("cc4tui.services.git.locks.PATIENCE", 0.2)
    for number in range(120):
        session.repo.write(f"d{number % 7}/f{number}", f"{number}\n" * 50)
    session.repository.head = session.repo.commit()
    killer = Killer(monkeypatch, seed)
    queue = asyncio.Lock()

    async def stubborn(pool: Any, task: str) -> None:
        for attempt in range(1, 60):
            try:
                await _attempt(session, pool, queue, task, attempt)
            except Cc4tuiError:
                continue
            return
        raise AssertionError(f"{task} never got through")

    async with session.pool(size=3) as pool:
        await session.merger.start(session.repository.head)
        killer.hunting = True
        tasks = [f"t{number}" for number in range(10)]
        await asyncio.gather(*(stubborn(pool, task) for task in tasks))
        killer.hunting = False
    assert killer.kills >= 5
    for leftover in find_leftovers(session.private):  # killed twice in a row; as at the next start
        await remove_leftover(session.private, leftover)
    tip, branch = session.merger.tip, session.merger.branch
    assert isinstance(await land(session.private, tip, "main", branch=branch), Landed)
    await finish_run(session.private, "r1", session.merger.tip)
    merged = [task.task for task in await merged_tasks(session.private, session.repo.head)]
    assert sorted(merged) == sorted(tasks), "each exactly once"
    for task in tasks:
        assert session.repo.content("HEAD", f"new/{task}") == f"{task}\n".encode()
    assert session.repo.git("status", "--porcelain") == ""
    assert not session.repo.refs("refs/heads/cc4/")
    session.repo.assert_sound()


async def _attempt(session: Any, pool: Any, queue: asyncio.Lock, task: str, attempt: int) -> None:
    """One try of a task, unless git says that an earlier one got in although it was killed."""
    if task in {found.task for found in await merged_tasks(session.private, session.merger.tip)}:
        return

    def act(lease: Any) -> None:
        path = lease.worktree / "new" / task
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{task}\n")

    work = await session.attempt(pool, act, task=task, attempt=attempt)
    message = merge_message(plan="p", run="r1", task=task, attempt=attempt, title=task)
    lease = await pool.acquire(session.name("merge"))
    lease.saved = True
    try:
        async with queue:
            await session.merger.refresh()
            found = await session.merger.prepare(work.oid, message, lease)
            assert isinstance(found, MergeCandidate)
            if not await session.merger.advance(found):
                raise GitError("advance", 1, "the integration branch moved")
    finally:
        pool.release(lease)
