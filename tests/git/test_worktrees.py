"""The pool: a worktree is in one hand, proven clean between hands, and gone at the end."""

import asyncio
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.worktrees import SPARE


def _write(name: str, text: str = "x") -> Callable[[Any], None]:
    def act(lease: Any) -> None:
        path = lease.worktree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return act


async def test_worktrees_lie_outside_and_belong_to_the_owner_only(
    session: Any, state_dir: Path
) -> None:
    async with session.pool() as pool:
        lease = await pool.acquire(session.name())
        assert lease.worktree.parent == state_dir / "worktrees"
        for folder in (state_dir, state_dir / "worktrees", state_dir / "index", state_dir / "git"):
            assert folder.stat().st_mode & 0o777 == 0o700
        pool.release(lease)


async def test_some_are_made_ahead_and_no_more_than_size(session: Any) -> None:
    async with session.pool(size=5) as pool:
        await session.settled(pool, SPARE)
        leases = [await pool.acquire(session.name(str(n))) for n in range(5)]
        assert len({lease.worktree for lease in leases}) == 5
        waiting = asyncio.create_task(pool.acquire(session.name("late")))
        await asyncio.sleep(0)
        assert not waiting.done()
        pool.release(leases[2])
        late = await waiting
        assert late.worktree == leases[2].worktree
        assert len(session.repo.git("worktree", "list").splitlines()) == 6
    session.repo.assert_sound()


async def test_slots_are_reused_not_remade(session: Any) -> None:
    seen = set()
    async with session.pool(size=1) as pool:
        for number in range(4):
            await session.attempt(
                pool,
                lambda lease: seen.add((lease.worktree, lease.worktree.stat().st_ino)),
                str(number),
            )
    assert len(seen) == 1


async def test_a_folder_of_before_is_made_again_for_who_goes_on_in_it(
    session: Any, state_dir: Path
) -> None:
    """Agents find their sessions by the folder, also in the pool of a later start."""
    folder = state_dir.resolve() / "worktrees"
    async with session.pool(size=3) as pool:
        first, far = await asyncio.gather(
            pool.acquire(session.name("1"), prefer=folder / "slot-1"),
            pool.acquire(session.name("2"), prefer=folder / "slot-9"),
        )
        assert [first.worktree.name, far.worktree.name] == ["slot-1", "slot-9"]
        taken = await pool.acquire(session.name("3"), prefer=folder / "slot-9")
        assert taken.worktree.name not in ("slot-1", "slot-9")
        for lease in (first, far, taken):
            pool.release(lease)
        foreign = await pool.acquire(session.name("4"), prefer=Path("/elsewhere/slot-3"))
        assert foreign.worktree.parent == folder
    session.repo.assert_sound()


async def test_nothing_of_a_task_is_left_for_the_next(session: Any, agent_git: Any) -> None:
    def mess(lease: Any) -> None:
        _write("untracked")(lease)
        _write("deep/er/file")(lease)
        (lease.worktree / "empty/folder").mkdir(parents=True)
        _write(".gitignore", "*.log\n")(lease)
        _write("ignored.log")(lease)
        (lease.worktree / "README.md").unlink()
        (lease.worktree / "src/a.txt").write_text("changed")
        (lease.worktree / "src/a.txt").chmod(0o755)
        (lease.worktree / "link").symlink_to("/etc/passwd")
        os.mkfifo(lease.worktree / "src" / "fifo")
        agent_git(lease, "config", "--local", "extensions.worktreeConfig", "true")
        agent_git(lease, "config", "--worktree", "core.eol", "crlf")
        agent_git(lease, "update-index", "--assume-unchanged", "src/a.txt")
        (lease.slot.admin / "MERGE_HEAD").write_text(agent_git(lease, "rev-parse", "HEAD") + "\n")
        (lease.slot.admin / "rebase-merge").mkdir()

    found: list[Any] = []

    def look(lease: Any) -> None:
        found.append(agent_git(lease, "status", "--porcelain", "--ignored"))
        found.append(sorted(path.name for path in lease.worktree.rglob("*")))
        found.append((lease.worktree / "src/a.txt").read_text())
        found.append(os.access(lease.worktree / "src/a.txt", os.X_OK))
        found.append(sorted(path.name for path in lease.slot.admin.iterdir()))

    async with session.pool(size=1) as pool:
        await session.attempt(pool, mess, "a")
        await session.attempt(pool, look, "b")
    assert found[:4] == ["", [".git", "README.md", "a.txt", "src"], "one\ntwo\nthree\n", False]
    assert not {"MERGE_HEAD", "rebase-merge", "config.worktree"} & set(found[4])


async def test_kept_patterns_stay(session: Any) -> None:
    session.repo.write(".gitignore", ".venv/\ncache/\n")
    session.repo.commit()
    session.repository.head = session.repo.head
    found = []

    def act(lease: Any) -> None:
        found.append(sorted(path.name for path in lease.worktree.iterdir()))
        _write(".venv/bin/python")(lease)
        _write("cache/x")(lease)

    async with session.pool(size=1, keep=(".venv",)) as pool:
        await session.attempt(pool, act, "a")
        await session.attempt(pool, act, "b")
    assert found[1] == [".git", ".gitignore", ".venv", "README.md", "src"]
    session.repo.assert_sound()


async def test_released_slot_is_brought_to_the_new_base(session: Any) -> None:
    session.repo.write("later")
    later = session.repo.commit()
    async with session.pool(size=1) as pool:
        await session.attempt(pool, _write("x"), "a")
        pool.rebase(later)
        await session.attempt(pool, _write("x"), "b")
        await session.settled(pool, 1)
        lease = await pool.acquire(session.name("c"))
        assert lease.slot.base == later
        assert (lease.worktree / "later").exists()


async def test_a_lease_is_released_once(session: Any) -> None:
    async with session.pool() as pool:
        lease = await pool.acquire(session.name())
        pool.release(lease)
        with pytest.raises(ValueError, match="was released before"):
            pool.release(lease)


async def test_cancelled_acquire_loses_no_slot(session: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("a"))
        waiting = [asyncio.create_task(pool.acquire(session.name(str(n)))) for n in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pool.release(lease)
        second = await waiting[1]
        waiting[2].cancel()
        pool.release(second)
        again = await pool.acquire(session.name("z"))
        assert again.worktree == lease.worktree
        assert waiting[0].cancelled()


async def test_acquire_cancelled_in_the_moment_it_is_served(session: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("a"))
        waiting = asyncio.create_task(pool.acquire(session.name("b")))
        await asyncio.sleep(0)
        future = pool._waiting[0]
        pool.release(lease)
        while not future.done():
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(pool.acquire(session.name("c")), 10)


async def test_unsaved_work_is_saved_when_a_lease_is_released(session: Any, agent_git: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("t"))
        await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
        _write("half", "done")(lease)
        pool.release(lease)
    (ref,) = session.repo.refs("refs/cc4/saved/")
    assert ref == "refs/cc4/saved/r1/t/1/1"
    assert session.repo.content(ref, "half") == b"done"
    session.repo.assert_sound()


async def test_unsaved_work_is_saved_when_the_pool_closes(session: Any, agent_git: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("t"))
        await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
        _write("committed")(lease)
        agent_git(lease, "checkout", "-q", "--detach")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "detached")
        _write("staged")(lease)
        agent_git(lease, "add", "staged")
        _write("staged", "then edited")(lease)
    (ref,) = session.repo.refs("refs/cc4/saved/")
    files = session.repo.files(ref).keys()
    assert {"committed", "staged"} <= files
    assert session.repo.git("log", "-1", "--format=%s", f"{ref}^") == "detached"
    assert session.repo.content(f"{ref}^2", "staged") == b"x"
    session.repo.assert_sound()


async def test_saving_that_is_cancelled_is_done_at_the_end(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second cancel, or the end of the event loop, cancels what goes on in the background."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> None:
        begun.set()
        await never.wait()

    async def run() -> None:
        async with session.pool(size=1) as pool:
            lease = await pool.acquire(session.name("t"))
            await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
            _write("half", "done")(lease)
            pool.release(lease)

    with monkeypatch.context() as patch:
        patch.setattr("cc4tui.services.git.worktrees.preserve", slow)
        task = asyncio.create_task(run())
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (ref,) = session.repo.refs("refs/cc4/saved/")
    assert session.repo.content(ref, "half") == b"done"


async def test_detached_commit_without_dirt_is_saved(session: Any, agent_git: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("t"))
        agent_git(lease, "commit", "-q", "--allow-empty", "-m", "only here")
    (oid,) = session.repo.refs("refs/cc4/saved/").values()
    assert session.repo.git("log", "-1", "--format=%s", oid) == "only here"


async def test_cancelled_run_saves_and_removes(session: Any) -> None:
    begun = asyncio.Event()

    async def run() -> None:
        async with session.pool(size=3) as pool:
            lease = await pool.acquire(session.name("t"))
            await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
            _write("half")(lease)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [*session.repo.refs("refs/cc4/saved/")] == ["refs/cc4/saved/r1/t/1/1"]
    session.repo.assert_sound()


@pytest.mark.parametrize("damage", ["folder", "link", "admin", "pointer", "both"])
async def test_damaged_slot_is_replaced_and_removed(
    session: Any, tmp_path: Path, damage: str
) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("mine")
    pool = session.pool(size=1)
    async with pool:
        lease = await pool.acquire(session.name("a"))
        if damage in {"folder", "link", "both"}:
            shutil.rmtree(lease.worktree)
        if damage == "link":
            lease.worktree.symlink_to(treasure)
        if damage in {"admin", "both"}:
            shutil.rmtree(lease.slot.admin)
        if damage == "pointer":
            (lease.worktree / ".git").write_text(f"gitdir: {treasure}\n")
        pool.release(lease)
        again = await pool.acquire(session.name("b"))
        assert again.slot.trouble() is None
        assert sorted(path.name for path in again.worktree.iterdir()) == [
            ".git",
            "README.md",
            "src",
        ]
    assert not pool.kept
    assert [path.name for path in treasure.iterdir()] == ["gold"]
    assert not [*(session.private.state_dir / "worktrees").iterdir()]
    assert not [*session.private.index_dir.iterdir()]
    session.repo.assert_sound()


async def test_failure_to_make_one_fails_the_acquire(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with session.pool(size=2) as pool:
        await session.settled(pool, 2)
        first = await pool.acquire(session.name("a"))
        pool.release(first)
    shutil.rmtree(session.private.state_dir / "worktrees")
    (session.private.state_dir / "worktrees").write_text("in the way")
    async with session.pool(size=1) as pool:
        with pytest.raises((GitError, OSError)):
            await pool.acquire(session.name("b"))
    (session.private.state_dir / "worktrees").unlink()
    session.repo.assert_sound()


async def test_repository_made_in_a_worktree_is_kept_when_it_was_never_saved(
    session: Any, agent_git: Any
) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("t"))
        (lease.worktree / ".git").unlink()
        agent_git(lease, "init", "-q")
        agent_git(lease, "commit", "-q", "--allow-empty", "-m", "only here")
        pool.release(lease)
    (kept,) = session.private.kept_dir.iterdir()
    assert session.repo.git(f"--git-dir={kept}", "log", "--format=%s") == "only here"


async def test_worktrees_that_are_being_made_are_removed_on_leaving(session: Any) -> None:
    async with session.pool(size=6) as pool:
        waiting = [asyncio.create_task(pool.acquire(session.name(str(n)))) for n in range(6)]
        while not (session.private.state_dir / "worktrees").exists():
            await asyncio.sleep(0)
    await asyncio.wait(waiting)
    assert not [*(session.private.state_dir / "worktrees").iterdir()]
    assert not [*session.private.index_dir.iterdir()]
    session.repo.assert_sound()


async def test_a_folder_that_is_there_already_is_not_touched(session: Any) -> None:
    stale = session.private.state_dir / "worktrees" / "slot-1"
    stale.mkdir(parents=True)
    (stale / "precious").write_text("x")
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        assert lease.id != "slot-1"
    assert (stale / "precious").read_text() == "x"


async def test_the_person_sees_why_a_worktree_is_locked(session: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name("t"))
        await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
        listed = session.repo.git("worktree", "list", "--porcelain")
        assert "locked cc4tui r1/t/1" in listed
        session.repo.git("worktree", "prune")
        assert lease.worktree.exists()


@pytest.mark.integration
async def test_forty_eight_tasks_over_six_slots(session: Any) -> None:
    """Every branch holds exactly its own files, although tasks overlap in time and in paths."""
    for number in range(60):
        session.repo.write(f"d{number % 6}/f{number}", f"{number}\n" * 20)
    base = session.repo.commit()
    session.repository.head = base
    held: set[Path] = set()
    chance = random.Random(7)

    async def task(pool: Any, number: int) -> tuple[int, Any]:
        lease = await pool.acquire(session.name(f"t{number}"))
        assert lease.worktree not in held, "in two hands"
        held.add(lease.worktree)
        branch = await session.branches.begin(lease, "r1", f"t{number}", 1, base)
        await asyncio.sleep(chance.random() * 0.02)
        for path in (f"d{number % 6}/f{number}", f"new/n{number}", "shared"):
            _write(path, f"task {number}\n")(lease)
        work = await session.branches.save(lease, branch, f"t{number}\n")
        held.remove(lease.worktree)
        pool.release(lease)
        return number, work

    async with session.pool(size=6) as pool:
        results = await asyncio.gather(*(task(pool, number) for number in range(48)))
        assert len(session.repo.git("worktree", "list").splitlines()) <= 7
    for number, work in results:
        paths = session.repo.git("diff", "--name-only", base, work.oid).splitlines()
        assert sorted(paths) == sorted([f"d{number % 6}/f{number}", f"new/n{number}", "shared"])
        assert session.repo.content(work.oid, "shared") == f"task {number}\n".encode()
    assert len(session.repo.refs("refs/heads/cc4/")) == 48
    session.repo.assert_sound()
