"""A person works in the repository while a run goes on."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.landing import Landed, Refused, land
from cc4tui.services.git.merging import MergeCandidate
from cc4tui.services.git.refs import task_ref
from cc4tui.services.git.trailers import merge_message


def _gc(repo: Any) -> None:
    repo.git("gc", "-q", "--prune=now")


def _pack(repo: Any) -> None:
    repo.git("pack-refs", "--all", "--prune")
    repo.git("repack", "-q", "-a", "-d")


def _prune(repo: Any) -> None:
    repo.git("worktree", "prune", "--expire=now")
    repo.git("prune", "--expire=now")


def _stash(repo: Any) -> None:
    repo.write("README.md", "half done\n")
    repo.git("stash")
    repo.write("README.md", "hello\n")


def _switch(repo: Any) -> None:
    repo.git("switch", "-q", "-c", "elsewhere")


def _delete_branches(repo: Any) -> None:
    for ref in repo.refs("refs/heads/cc4/"):
        repo.git("update-ref", "-d", ref)


def _reflogs(repo: Any) -> None:
    repo.git("reflog", "expire", "--expire=now", "--all")
    _gc(repo)


MEDDLING = [_gc, _pack, _prune, _stash, _switch, _delete_branches, _reflogs]


@pytest.mark.parametrize("meddle", MEDDLING, ids=lambda meddle: meddle.__name__.strip("_"))
async def test_run_goes_on(session: Any, meddle: Callable[[Any], None]) -> None:
    repo = session.repo
    async with session.pool(size=3) as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for task in ("a", "b"):
            attempt = await pool.acquire(session.name(task))
            branch = await session.branches.begin(attempt, "r1", task, 1, base)
            (attempt.worktree / task).write_text("x")
            # git's own `worktree add` shows a half made HEAD for a moment, at which `prune` stops
            await session.settled(pool, 1)
            meddle(repo)
            work = await session.branches.save(attempt, branch, "m\n")
            pool.release(attempt)
            message = merge_message(plan="p", run="r1", task=task, attempt=1, title=task)
            found = await session.merger.prepare(work.oid, message, lease)
            assert isinstance(found, MergeCandidate)
            await session.merger.checkout(found, lease)
            assert await _advanced(session, found, work, message, lease)
            if meddle is _switch:
                repo.git("switch", "-q", "main")
                repo.git("branch", "-qD", "elsewhere")
    assert not pool.kept
    landed = await land(session.private, session.merger.tip, "main", branch=session.merger.branch)
    assert isinstance(landed, Landed)
    await finish_run(session.private, "r1", session.merger.tip)
    assert repo.files("main").keys() == {"README.md", "src/a.txt", "a", "b"}
    assert not repo.refs("refs/heads/cc4/")
    repo.assert_sound()


async def _advanced(session: Any, found: Any, work: Any, message: str, lease: Any) -> bool:
    """As the queue does: when the branch is not where it was, prepare again."""
    if await session.merger.advance(found):
        return True
    again = await session.merger.prepare(work.oid, message, lease)
    return bool(await session.merger.advance(again))


async def test_deleted_integration_branch_comes_back_with_its_merges(session: Any) -> None:
    async with session.pool(size=3) as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for task in ("a", "b"):
            work = await session.attempt(
                pool, lambda at, name=task: (at.worktree / name).write_text("x"), task, base
            )
            await session.settled(pool, 2)  # as above
            session.repo.git("update-ref", "-d", session.merger.ref)
            lease.slot.hold(base)
            session.repo.git("gc", "-q", "--prune=now")
            found = await session.merger.prepare(work.oid, "m\n", lease)
            assert await _advanced(session, found, work, "m\n", lease)
    assert {"a", "b"} <= session.repo.files(session.merger.tip).keys()


async def test_amended_target_is_refused_and_nothing_is_lost(session: Any) -> None:
    repo = session.repo
    async with session.pool(size=2) as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        work = await session.attempt(
            pool, lambda at: (at.worktree / "a").write_text("x"), base=base
        )
        await session.merge(work, lease)
    repo.git("commit", "-q", "--amend", "-m", "rewritten")
    amended = repo.head
    refused = await land(session.private, session.merger.tip, "main", branch=session.merger.branch)
    assert isinstance(refused, Refused)
    assert repo.head == amended
    done = await finish_run(session.private, "r1", amended)
    assert set(done.saved) == {task_ref("r1", "t", 1), session.merger.ref}
    assert session.merger.tip in repo.refs("refs/cc4/saved/").values()


async def test_worktree_removed_by_hand_is_replaced(session: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("a"))
        session.repo.git("worktree", "remove", "-f", "-f", str(lease.worktree))
        pool.release(lease)
        again = await pool.acquire(session.name("b"))
        assert (again.worktree / "README.md").exists()
    shutil.rmtree(session.private.state_dir / "worktrees", ignore_errors=True)
    session.repo.assert_sound()
