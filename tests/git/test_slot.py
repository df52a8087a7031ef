"""One worktree: what is read of it without git, and what is put back."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.errors import GitError
from cc4tui.services.git.slot import Head, Slot, WorktreeLostError
from cc4tui.services.git.slot_life import empty_trash, make_slot, recycle, remove_slot


@pytest.fixture
async def slot(session: Any) -> Slot:
    return await make_slot(session.private, "slot-1", session.repository.head)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (b"ref: refs/heads/x\n", Head("refs/heads/x", None)),
        (b"ref: refs/heads/a b\n", Head("refs/heads/a b", None)),
        (b"a" * 40 + b"\n", Head(None, "a" * 40)),
        (b"b" * 64, Head(None, "b" * 64)),
        (b"ref: HEAD\n", Head(None, None)),
        (b"ref: ../../x\n", Head(None, None)),
        (b"", Head(None, None)),
        (b"\xff\x00", Head(None, None)),
        (b"A" * 40, Head(None, None)),
        (b"ref: refs/heads/" + b"x" * 10_000, Head(f"refs/heads/{'x' * 4080}", None)),
    ],
)
async def test_head_is_read_without_git(slot: Slot, text: bytes, head: Head) -> None:
    (slot.admin / "HEAD").write_bytes(text)
    assert slot.read_head() == head


async def test_any_bytes_in_head_are_survived(slot: Slot) -> None:
    @given(st.binary(max_size=200))
    def check(data: bytes) -> None:
        (slot.admin / "HEAD").write_bytes(data)
        head = slot.read_head()
        assert head.commit is None or head.ref is None

    check()


async def test_last_logged_commit(slot: Slot, session: Any) -> None:
    logs = slot.admin / "logs"
    logs.mkdir(exist_ok=True)
    old, new = "1" * 40, "2" * 40
    for text, wanted in {
        "": None,
        f"{old} {new} A <a> 0 +0000\tx\n": new,
        f"{old} {new} x\n{new} {'0' * 40} gone\n": new,
        "garbage\n": None,
    }.items():
        (logs / "HEAD").write_text(text)
        assert slot.last_logged() == wanted


async def test_pointers_are_put_back(slot: Slot) -> None:
    pointers = (slot.worktree / ".git", slot.admin / "gitdir", slot.admin / "commondir")
    before = {path: path.read_bytes() for path in pointers}
    assert slot.repair_pointers() == []
    for path in before:
        path.write_text("gitdir: /elsewhere\n")
    assert len(slot.repair_pointers()) == 3
    assert {path: path.read_bytes() for path in before} == before


async def test_recycling_proves_that_it_is_clean(
    slot: Slot, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(self: Slot, keep: object) -> None:
        return None

    (slot.worktree / "left").write_text("x")
    monkeypatch.setattr(Slot, "clean", nothing)
    with pytest.raises(GitError, match="is not clean afterwards: left"):
        await recycle(slot, session.repository.head, ())
    monkeypatch.undo()
    await recycle(slot, session.repository.head, ())
    assert not (slot.worktree / "left").exists()


async def test_dirt_is_everything_that_differs(slot: Slot) -> None:
    assert await slot.dirt(()) == []
    (slot.worktree / "src/a.txt").write_text("x")
    (slot.worktree / "README.md").unlink()
    (slot.worktree / ".gitignore").write_text("ignored\n")
    (slot.worktree / "ignored").write_text("x")
    (slot.worktree / "kept").mkdir()
    (slot.worktree / "kept/x").write_text("x")
    assert await slot.dirt(("kept",)) == [".gitignore", "README.md", "ignored", "src/a.txt"]


async def test_access_that_was_taken_away_is_given_back_and_git_asked_again(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root is refused nothing, so the first failure is made here."""
    (slot.worktree / "locked").mkdir()
    (slot.worktree / "locked/x").write_text("x")
    (slot.worktree / "locked").chmod(0o500)
    real, calls = Slot.run, []

    async def once(self: Slot, *args: str, **options: Any) -> bytes:
        calls.append(args)
        if len(calls) == 1:
            raise GitError("clean", 1, "failed to remove locked/x: Permission denied")
        assert (slot.worktree / "locked").stat().st_mode & 0o700 == 0o700
        return await real(self, *args, **options)

    monkeypatch.setattr(Slot, "run", once)
    await slot.clean(())
    assert not (slot.worktree / "locked").exists()
    assert len(calls) == 2


async def test_lost_folder_is_no_place_to_insist(slot: Slot, session: Any) -> None:
    slot.worktree.rename(slot.worktree.with_name("elsewhere"))
    with pytest.raises(WorktreeLostError, match="deleted or replaced"):
        await slot.clean(())


async def test_trash_of_a_crash_is_emptied(slot: Slot, session: Any, tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    session.private.trash_dir.mkdir()
    slot.worktree.rename(session.private.trash_dir / "slot-1-1")
    (session.private.trash_dir / "link").symlink_to(treasure)
    empty_trash(session.private)
    assert [path.name for path in session.private.trash_dir.iterdir()] == ["link"]
    assert treasure.exists()


async def test_removal_leaves_nothing_and_can_be_repeated(slot: Slot, session: Any) -> None:
    await remove_slot(slot)
    await remove_slot(slot)
    assert not slot.worktree.exists()
    assert not slot.admin.exists()
    assert not slot.index.exists()
    session.repo.assert_sound()


async def test_what_somebody_makes_in_the_same_moment_stays(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = session.repo.path / ".git/worktrees/slot-1"
    mine = session.repo.path.parent / "mine/slot-1"

    def meanwhile(slot: Slot) -> None:
        if not admin.exists():
            session.repo.git("worktree", "add", "-q", "-b", "mine", str(mine))

    monkeypatch.setattr("cc4tui.services.git.slot_life._delete_files", meanwhile)
    with pytest.raises(GitError, match="exists"):
        await make_slot(session.private, "slot-1", session.repository.head)
    assert (admin / "HEAD").read_text() == "ref: refs/heads/mine\n"
    assert not (session.private.state_dir / "worktrees/slot-1").exists()
