"""What was saved can be listed, looked at and brought back; reading changes nothing."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import Cc4tuiError, GitError, NotFoundError, UsageError
from cc4tui.services.git.ledger import Ledger
from cc4tui.services.git.refs import AttemptName
from cc4tui.services.git.restoring import open_worktree
from cc4tui.services.git.saving import keep_commit


@pytest.fixture
def ledger(session: Any) -> Ledger:
    return Ledger(session.private)


async def _save(session: Any, subject: str, task: str = "t") -> tuple[str, str]:
    """Save a commit with one new file that is named like its subject."""
    work = await _worked(session, subject, task)
    name = AttemptName("r1", task, 2)
    return await keep_commit(session.repository.refs, name, work), work


async def _worked(session: Any, subject: str, task: str) -> str:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name(task, 2))
        (lease.worktree / f"file {subject}").write_text(f"{subject}\n")
        await lease.slot.run("add", "-A")
        tree = (await lease.slot.run("write-tree")).decode().strip()
        lease.saved = True
    return str(
        await session.private.commit(tree, [session.repository.head], f"{subject}\n\nbody\n")
    )


async def test_nothing_saved(ledger: Ledger) -> None:
    assert await ledger.entries() == []


async def test_entries(session: Any, ledger: Ledger) -> None:
    saved = dict([await _save(session, "one"), await _save(session, "two", "u")])
    await session.repository.refs.create("refs/cc4/saved/odd", session.repo.head, "m")
    entries = await ledger.entries()
    assert {entry.ref: entry.commit for entry in entries} == saved
    assert {(entry.run, entry.slug, entry.attempt) for entry in entries} == {
        ("r1", "t", 2),
        ("r1", "u", 2),
    }
    assert {entry.subject for entry in entries} == {"one", "two"}
    assert all(abs(datetime.now(UTC) - entry.date) < timedelta(minutes=5) for entry in entries)
    assert {await ledger.files(entry) for entry in entries} == {("file one",), ("file two",)}


async def test_numbers_go_up_and_nothing_is_saved_twice(session: Any) -> None:
    first, commit = await _save(session, "one")
    second, _ = await _save(session, "two")
    assert (first[-2:], second[-2:]) == ("/1", "/2")
    assert await keep_commit(session.repository.refs, AttemptName("r1", "t", 2), commit) == first


async def test_one_is_found_by_a_part_of_its_name(session: Any, ledger: Ledger) -> None:
    ref, commit = await _save(session, "one")
    for name in (ref, "r1", "r1/t", "r1/t/2/1", "r1/t/"):
        assert (await ledger.find(name)).commit == commit
    await _save(session, "two", "u")
    for name in ("r1", "r2", "", "refs/heads/main", "*"):
        with pytest.raises(NotFoundError):
            await ledger.find(name)


async def test_difference(session: Any, ledger: Ledger) -> None:
    await _save(session, "one")
    entry = await ledger.find("r1/t")
    assert await ledger.files(entry) == ("file one",)
    assert "+one" in await ledger.diff(entry)


async def test_restore_makes_a_branch_and_keeps_the_ref(session: Any, ledger: Ledger) -> None:
    ref, commit = await _save(session, "one")
    entry = await ledger.find(ref)
    assert await ledger.restore(entry, "again/x") == "again/x"
    assert await ledger.restore(entry, "again/x") == "again/x", "the same again is fine"
    assert session.repo.refs("refs/heads/again/x", ref) == {
        "refs/heads/again/x": commit,
        ref: commit,
    }
    status = session.repo.git("status", "--porcelain", "--branch")
    assert status == "## main", "no work tree is touched"


async def test_restore_without_a_name_finds_a_free_one(session: Any, ledger: Ledger) -> None:
    await _save(session, "one")
    await _save(session, "two")
    names = [await ledger.restore(entry) for entry in await ledger.entries()]
    assert sorted(names) == ["saved/r1-t", "saved/r1-t-2"]


@pytest.mark.parametrize("branch", ["main", "a..b", "-x", "", "a b", "x.lock"])
async def test_names_that_cannot_be(session: Any, ledger: Ledger, branch: str) -> None:
    await _save(session, "one")
    entry, before = await ledger.find("r1"), session.repo.refs()
    with pytest.raises((UsageError, Cc4tuiError)):
        await ledger.restore(entry, branch)
    assert session.repo.refs() == before


async def test_the_difference_leaves_out_what_the_person_did_since(
    session: Any, ledger: Ledger
) -> None:
    await _save(session, "one")
    session.repo.write("later.txt", "of the person")
    session.repo.commit("the person goes on")
    assert await ledger.files(await ledger.find("r1")) == ("file one",)


async def test_work_that_landed_meanwhile_is_still_shown(session: Any) -> None:
    _, commit = await _save(session, "one")
    session.repo.git("merge", "-q", "--ff-only", commit)
    session.private.repository = await type(session.repository).open(session.repo.path)
    ledger = Ledger(session.private)
    assert await ledger.files(await ledger.find("r1")) == ("file one",)


async def test_work_without_any_ancestor_is_shown_whole(session: Any, ledger: Ledger) -> None:
    root = session.repo.git("commit-tree", session.repo.git("write-tree"), "-m", "alone")
    await keep_commit(session.repository.refs, session.name(), root)
    files = await ledger.files(await ledger.find("r1"))
    assert set(files) == set(session.repo.files("HEAD"))


async def test_hostile_subjects_and_paths_come_back_as_they_are(
    session: Any, ledger: Ledger
) -> None:
    path = os.fsdecode(b"bad\xff\x1b[31m\nname")
    session.repo.write(path, "x")
    session.repo.git("add", "-A")
    tree = session.repo.git("write-tree")
    commit = session.repo.git("commit-tree", tree, "-p", "HEAD", "-m", "\x1b]0;x\x07 hi")
    await keep_commit(session.repository.refs, session.name(), commit)
    entry = await ledger.find("r1")
    assert entry.subject == "\x1b]0;x\x07 hi"
    assert await ledger.files(entry) == (path,)


async def test_a_worktree_is_opened_without_anything_of_the_repository_running(
    session: Any, ledger: Ledger, canary: Any, tmp_path: Path
) -> None:
    _, commit = await _save(session, "one")
    repo = session.repo
    for key in ("core.fsmonitor", "filter.evil.smudge", "filter.evil.clean"):
        repo.git("config", key, str(canary.program))
    repo.write(".git/info/attributes", "* filter=evil\n")
    hook = repo.write(".git/hooks/post-checkout", canary.program.read_text())
    hook.chmod(0o755)
    branch = await ledger.restore(await ledger.find("r1"))
    folder = await open_worktree(session.private, tmp_path / "look here", branch)
    assert (folder / "file one").read_text() == "one\n"
    assert not canary.sang
    for key in ("core.fsmonitor", "filter.evil.smudge", "filter.evil.clean"):
        repo.git("config", "--unset", key)
    hook.unlink()
    restored = type(repo)(folder)
    assert restored.git("status", "--porcelain", "--branch") == f"## {branch}"
    assert restored.head == commit
    assert not [*session.private.index_dir.iterdir()]
    with pytest.raises(UsageError, match="exists already"):
        await open_worktree(session.private, tmp_path / "look here", branch)
    with pytest.raises(GitError):
        await open_worktree(session.private, tmp_path / "twice", branch)
    assert not (tmp_path / "twice").exists()
    assert len(await session.repository.worktrees()) == 2
