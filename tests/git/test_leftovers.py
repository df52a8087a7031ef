"""Worktrees of a run that was killed: found, adopted, saved, removed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git import slot as slot_module
from cc4tui.services.git.leftovers import (
    adopt,
    find_leftovers,
    free_ref_locks,
    remove_leftover,
)
from cc4tui.services.git.refs import AttemptName
from cc4tui.services.git.slot_life import make_slot
from cc4tui.services.git.tasks import TaskBranch
from cc4tui.services.git.worktrees import Lease


async def _killed(session: Any, name: str = "slot-1", task: str | None = "t") -> Lease:
    """A worktree as a killed process leaves it: begun if it has a task."""
    slot = await make_slot(session.private, name, session.repository.head)
    lease = Lease(slot, session.name())
    if task:
        await session.branches.begin(lease, "r1", task, 1, session.repository.head)
    return lease


async def test_nothing_there_is_nothing_found(session: Any) -> None:
    assert find_leftovers(session.private) == []


async def test_owner_and_base_are_known(session: Any) -> None:
    await _killed(session, "slot-1", "1.1")
    await _killed(session, "slot-2", None)
    busy, free = find_leftovers(session.private)
    assert (busy.path.name, free.path.name) == ("slot-1", "slot-2")
    assert busy.owner is not None
    assert (busy.owner.run, busy.owner.attempt) == ("r1", 1)
    assert busy.base == session.repository.head
    assert free.owner is None


async def test_uncommitted_work_is_saved_then_removed(session: Any) -> None:
    lease = await _killed(session)
    (lease.worktree / "half").write_text("done")
    (found,) = find_leftovers(session.private)
    saved = await remove_leftover(session.private, found)
    assert saved == "refs/cc4/saved/r1/t/1/1"
    assert session.repo.content(saved, "half") == b"done"
    assert find_leftovers(session.private) == []
    session.repo.assert_sound()


async def test_saved_or_untouched_work_needs_no_ref(session: Any) -> None:
    lease = await _killed(session, "slot-1", "a")
    (lease.worktree / "n").write_text("x")
    branch = TaskBranch(AttemptName("r1", "a", 1), session.repository.head)
    await session.branches.save(lease, branch, "m\n")
    await _killed(session, "slot-2", "b")
    for found in find_leftovers(session.private):
        assert await remove_leftover(session.private, found) is None
    assert not session.repo.refs("refs/cc4/saved/")
    session.repo.assert_sound()


async def test_attempt_goes_on_where_it_was(session: Any) -> None:
    lease = await _killed(session)
    (lease.worktree / "half").write_text("done")
    (found,) = find_leftovers(session.private)
    assert found.owner is not None
    slot = await adopt(session.private, found)
    branch = TaskBranch(found.owner, found.base or "")
    work = await session.branches.save(Lease(slot, found.owner), branch, "recovered\n")
    assert [change.path for change in work.changed] == ["half"]
    await remove_leftover(session.private, found)
    assert not session.repo.refs("refs/cc4/saved/")
    session.repo.assert_sound()


async def test_tracked_file_that_is_ignored_survives_a_lost_index(
    session: Any, agent_git: Callable[..., str]
) -> None:
    session.repo.write(".gitignore", "*.bin\n")
    session.repo.write("kept.bin", "tracked")
    session.repo.git("add", "-f", "kept.bin")
    session.repository.head = session.repo.commit()
    lease = await _killed(session)
    (lease.worktree / "half").write_text("done")
    shutil.rmtree(session.private.index_dir)
    session.private.index_dir.mkdir()
    (found,) = find_leftovers(session.private)
    assert found.owner == AttemptName("r1", "t", 1), "known from its HEAD"
    saved = await remove_leftover(session.private, found)
    assert {"half", "kept.bin"} <= session.repo.files(saved or "").keys()


async def test_half_made_worktrees_are_removed_without_a_trace(session: Any) -> None:
    lease = await _killed(session, task=None)
    (lease.worktree / "src/a.txt").unlink()
    lease.slot.owner_file.unlink()
    lease.slot.index.unlink()
    (found,) = find_leftovers(session.private)
    assert await remove_leftover(session.private, found) is None
    session.repo.assert_sound()


@pytest.mark.parametrize("damage", ["admin", "pointer", "index lock"])
async def test_damage_loses_no_file(session: Any, damage: str) -> None:
    lease = await _killed(session)
    (lease.worktree / "half").write_text("done")
    if damage == "admin":
        shutil.rmtree(lease.slot.admin)
    elif damage == "pointer":
        (lease.worktree / ".git").write_text("gitdir: /nowhere\n")
    else:
        lease.slot.index.with_name(f"{lease.slot.index.name}.lock").write_text("")
    (found,) = find_leftovers(session.private)
    saved = await remove_leftover(session.private, found)
    assert session.repo.content(saved or "", "half") == b"done"
    session.repo.assert_sound()


async def test_removal_that_was_cut_short_is_finished(session: Any) -> None:
    lease = await _killed(session, "slot-1", None)
    shutil.rmtree(lease.worktree)
    other = await _killed(session, "slot-2", None)
    shutil.rmtree(other.slot.admin)
    assert [found.path.name for found in find_leftovers(session.private)] == ["slot-1", "slot-2"]
    for found in find_leftovers(session.private):
        assert await remove_leftover(session.private, found) is None
    assert find_leftovers(session.private) == []
    session.repo.assert_sound()


async def test_commit_that_only_a_lost_worktree_knew_is_saved(
    session: Any, agent_git: Callable[..., str]
) -> None:
    lease = await _killed(session)
    agent_git(lease, "checkout", "-q", "--detach")
    agent_git(lease, "commit", "-q", "--allow-empty", "-m", "only here")
    shutil.rmtree(lease.worktree)
    (found,) = find_leftovers(session.private)
    saved = await remove_leftover(session.private, found)
    assert session.repo.git("log", "-1", "--format=%s", saved or "") == "only here"
    session.repo.assert_sound()


async def test_worktrees_of_the_person_are_none_of_ours(session: Any, tmp_path: Any) -> None:
    session.repo.git("worktree", "add", "-q", "-b", "mine", str(tmp_path / "mine"))
    assert find_leftovers(session.private) == []


async def test_pool_works_beside_them(session: Any) -> None:
    lease = await _killed(session)
    (lease.worktree / "half").write_text("done")
    async with session.pool(size=2) as pool:
        other = await pool.acquire(session.name("u"))
        assert other.worktree != lease.worktree
    assert (lease.worktree / "half").exists()


async def test_locks_of_a_git_that_died_with_us_are_freed(session: Any) -> None:
    common = session.repository.common_dir
    names = ("refs/heads/cc4/r1/task/t/1", "refs/cc4/tips/r1", "packed-refs")
    locks = [common / f"{name}.lock" for name in names]
    theirs = common / "refs/heads/main.lock"
    for lock in (*locks, theirs):
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    await free_ref_locks(session.private)
    assert [lock.exists() for lock in (*locks, theirs)] == [False, False, False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="nobody can tell where a git works")
async def test_packed_refs_stay_locked_while_any_git_works_there(session: Any) -> None:
    lock = session.repository.common_dir / "packed-refs.lock"
    lock.touch()
    command = ["git", "cat-file", "--batch"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=session.repo.path, **pipes) as git:  # noqa: ASYNC220
        assert git.stdin is not None
        assert git.stdout is not None
        git.stdin.write(b"HEAD\n")
        git.stdin.flush()
        git.stdout.readline()  # so that it is git by now
        await free_ref_locks(session.private)
        assert lock.exists()
        git.stdin.close()
    await free_ref_locks(session.private)
    assert not lock.exists()


class _Died(BaseException):
    """The program is gone: nothing is cleaned up."""


async def test_what_a_dead_git_locked_does_not_hide_staged_work(
    session: Any, agent_git: Callable[..., str]
) -> None:
    lease = await _killed(session)
    (lease.worktree / "half").write_text("staged")
    agent_git(lease, "add", "half")
    (lease.worktree / "half").write_text("later")
    for name in ("slot-1.lock", "slot-1.staged.lock", "slot-1.submodule.lock"):
        (session.private.index_dir / name).touch()
    (found,) = find_leftovers(session.private)
    saved = await remove_leftover(session.private, found)
    assert session.repo.content(saved or "", "half") == b"later"
    assert session.repo.content(f"{saved}^2", "half") == b"staged"
    assert not [*session.private.index_dir.iterdir()]


async def test_a_worktree_that_was_just_being_made_is_not_taken_for_an_earlier_tasks(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of a removal that was cut short bear the same name."""
    old = session.private.index_dir / "slot-1.owner"
    old.write_text(f"r1/t/1 {session.repository.head}\n")
    hidden = session.private.index_dir / "slot-1.hidden"
    hidden.write_bytes(b"src/a.txt\0")

    async def dies(*_: object) -> None:
        raise _Died

    with monkeypatch.context() as patch:
        patch.setattr("cc4tui.services.git.slot_life.Slot.reset_to", dies)
        patch.setattr("cc4tui.services.git.slot_life.remove_slot", dies)
        with pytest.raises(_Died):
            await make_slot(session.private, "slot-1", session.repository.head)
    (found,) = find_leftovers(session.private)
    assert found.owner is None
    assert await remove_leftover(session.private, found) is None
    assert (await make_slot(session.private, "slot-1", session.repository.head)).hidden == ()


@pytest.mark.parametrize("step", range(1, 14))
async def test_whoever_dies_while_a_worktree_is_made_leaves_nothing_for_ever(
    session: Any, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """At each of the files and folders that are made one after the other."""
    left = step

    def dying(made: Any) -> Any:
        def make(*args: Any, **values: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise _Died
            return made(*args, **values)

        return make

    async def dies(*_: object) -> None:
        raise _Died

    with monkeypatch.context() as patch:
        patch.setattr("cc4tui.services.git.slot_life.remove_slot", dies)
        patch.setattr("cc4tui.services.git.slot_life.Slot.reset_to", dies)
        for name in ("overwrite", "write_atomic"):
            patch.setattr(f"cc4tui.services.git.slot.{name}", dying(getattr(slot_module, name)))
        patch.setattr(Path, "mkdir", dying(Path.mkdir))
        with pytest.raises(_Died):
            await make_slot(session.private, "slot-1", session.repository.head)
    for found in find_leftovers(session.private):
        assert found.owner is None
        await remove_leftover(session.private, found)
    assert not (session.repo.path / ".git/worktrees").exists()


@pytest.mark.parametrize("made", range(5))
async def test_an_admin_folder_half_made_stops_nobody(session: Any, made: int) -> None:
    """A git that was killed in `worktree add`: it writes these one after the other."""
    admin = session.repo.path / ".git/worktrees/slot-1"
    worktree = session.private.state_dir.resolve() / "worktrees/slot-1"
    admin.mkdir(parents=True)
    files = {
        admin / "locked": "cc4tui slot-1\n",
        admin / "gitdir": f"{worktree}/.git\n",
        worktree / ".git": f"gitdir: {admin}\n",
        admin / "HEAD": f"{session.repository.head}\n",
    }
    for path, text in [*files.items()][:made]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for found in find_leftovers(session.private):
        assert await remove_leftover(session.private, found) is None
    async with session.pool(size=2) as pool:
        lease = await pool.acquire(session.name())
        assert (lease.worktree / "src/a.txt").exists()
    assert not pool.kept
    session.repo.assert_sound()


async def test_the_persons_worktree_of_the_same_name_stays(session: Any, tmp_path: Any) -> None:
    mine = tmp_path / "mine" / "slot-1"
    session.repo.git("worktree", "add", "-q", "-b", "mine", str(mine))
    half = session.private.state_dir / "worktrees" / "slot-1"
    half.mkdir(parents=True)
    (found,) = find_leftovers(session.private)
    assert await remove_leftover(session.private, found) is None
    assert not half.exists()
    assert str(mine) in session.repo.git("worktree", "list")
    assert session.repo.git("-C", str(mine), "branch", "--show-current") == "mine"
