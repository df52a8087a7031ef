"""What dead runs leave is removed, and not one byte of work with it."""

import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import AttemptName
from cc4tui.services.git.repository import Repository
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.slot_life import make_slot
from cc4tui.services.git.tasks import TaskBranches
from cc4tui.services.git.worktrees import Lease
from cc4tui.services.remnants import find_remnants, remove_remnants, run_of


pytestmark = pytest.mark.integration

Abandoned = Callable[[str, int], Awaitable[Slot]]


@pytest.fixture(autouse=True)
def no_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("a\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    return folder


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
    done = subprocess.run(
        ["git", *who, *args], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


async def opened(root: Path) -> PrivateGit:
    private = PrivateGit(await Repository.open(root), root.parent / "state")
    await private.prepare()
    return private


@pytest.fixture
async def private(root: Path) -> PrivateGit:
    return await opened(root)


@pytest.fixture
def abandoned(private: PrivateGit) -> Abandoned:
    """Leaves a worktree behind as a killed program does: lent to a task, and nobody there."""

    async def make(task: str, attempt: int) -> Slot:
        slot = await make_slot(private, f"slot-{task}-{attempt}", private.repository.head)
        lease = Lease(slot, AttemptName("r-1", task, attempt))
        await TaskBranches(private).begin(lease, "r-1", task, attempt, private.repository.head)
        return slot

    return make


async def test_nothing(private: PrivateGit) -> None:
    assert await find_remnants(private, ()) == []
    assert await remove_remnants(private, ()) == []


async def test_files_of_worktrees_that_are_gone_go_and_those_of_others_stay(
    private: PrivateGit, abandoned: Abandoned
) -> None:
    slot = await abandoned("x", 1)
    names = ("slot-99", "slot-99.owner", "landing.0123.lock", ".cc4tui-half")
    stray = [private.index_dir / name for name in names]
    for path in stray:
        path.write_bytes(b"x")
    folders = [private.trash_dir / "slot-98-1", private.state_dir / ".git-half"]
    for folder in folders:
        (folder / "deep").mkdir(parents=True)
    looked = [remnant for remnant in await find_remnants(private, ()) if remnant.kind == "files"]
    assert {remnant.name for remnant in looked} == {*map(str, stray), *map(str, folders)}
    assert all(remnant.safe for remnant in looked)
    assert slot.index.exists()
    await remove_remnants(private, ())
    assert not any(path.exists() for path in (*stray, *folders))


async def test_a_listing_that_fails_removes_nothing(
    private: PrivateGit, abandoned: Abandoned, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = await abandoned("x", 1)
    (slot.worktree / "new.txt").write_text("work")
    git(root, "branch", "cc4/r-9/merged")

    async def fails(*_: object) -> None:
        raise GitError("for-each-ref", 128, "fatal: cannot read the refs")

    monkeypatch.setattr(private.repository.refs, "listed", fails)
    with pytest.raises(GitError):
        await remove_remnants(private, ())
    monkeypatch.undo()
    assert (slot.worktree / "new.txt").read_text() == "work"
    assert git(root, "branch", "--list", "cc4/r-9/merged")


async def test_every_kind_of_unsaved_work_is_saved(
    private: PrivateGit, abandoned: Abandoned, root: Path
) -> None:
    slot = await abandoned("1.1", 1)
    (slot.worktree / "a.txt").write_text("changed\n")
    (slot.worktree / "new file").write_text("new\n")
    (slot.worktree / "deep").mkdir()
    (slot.worktree / "deep" / "ключ\n.txt").write_bytes(b"\x00\xff")
    (slot.worktree / "link").symlink_to("a.txt")
    looked = await find_remnants(private, ())
    assert [(r.kind, r.name, r.removable) for r in looked if r.kind == "worktree"] == [
        ("worktree", str(slot.worktree), True)
    ]
    assert slot.worktree.exists(), "looking removes nothing"
    done = await remove_remnants(private, ())
    assert not slot.worktree.exists()
    [saved] = git(root, "for-each-ref", "--format=%(refname)", "refs/cc4/saved").split()
    [tree] = [remnant for remnant in done if remnant.kind == "worktree"]
    assert tree.outcome == f"removed; its work is in {saved}"
    assert git(root, "show", f"{saved}:a.txt") == "changed"
    assert git(root, "show", f"{saved}:new file") == "new"
    assert git(root, "show", f"{saved}:link") == "a.txt"
    listed = git(root, "ls-tree", "-r", "-z", "--name-only", saved).split("\0")
    assert "deep/ключ\n.txt" in listed
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "fsck", "--strict", "--no-dangling") == ""


async def test_the_second_ref_of_an_integration_branch_goes_once_head_holds_it(
    private: PrivateGit, root: Path
) -> None:
    git(root, "update-ref", "refs/cc4/tips/r-1", "HEAD")
    tree = git(root, "rev-parse", "HEAD^{tree}")
    loose = git(root, "commit-tree", "-m", "merged", tree)
    git(root, "update-ref", "refs/cc4/tips/r-2", loose)
    assert [r.removable for r in await find_remnants(private, ["r-1"])] == [False, False]
    done = await remove_remnants(private, ())
    assert [(r.name, r.outcome) for r in done] == [
        ("refs/cc4/tips/r-1", "removed"),
        ("refs/cc4/tips/r-2", "kept"),
    ]
    assert git(root, "for-each-ref", "--format=%(objectname)", "refs/cc4") == loose


async def test_commits_that_only_the_worktree_has_are_kept(
    private: PrivateGit, abandoned: Abandoned, root: Path
) -> None:
    slot = await abandoned("1.1", 1)
    git(slot.worktree, "checkout", "-q", "--detach")
    (slot.worktree / "own").write_text("own\n")
    git(slot.worktree, "add", "-A")
    git(slot.worktree, "commit", "-q", "-m", "on no branch")
    commit = git(slot.worktree, "rev-parse", "HEAD")
    await remove_remnants(private, ())
    saved = git(root, "for-each-ref", "--format=%(objectname)", "refs/cc4/saved").split()
    assert commit in saved


async def test_what_git_cannot_store_stays(
    private: PrivateGit, abandoned: Abandoned, root: Path
) -> None:
    slot = await abandoned("1.1", 1)
    nested = slot.worktree / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    (nested / "precious").write_text("x")
    git(nested, "add", "-A")
    git(nested, "commit", "-q", "-m", "inner")
    [tree] = [r for r in await remove_remnants(private, ()) if r.kind == "worktree"]
    assert tree.outcome.startswith("kept: ")
    assert not tree.removable
    assert (nested / "precious").read_text() == "x"


async def test_an_untouched_worktree_goes_without_a_trace(
    private: PrivateGit, abandoned: Abandoned, root: Path
) -> None:
    slot = await abandoned("1.1", 1)
    done = await remove_remnants(private, ())
    assert {remnant.outcome for remnant in done} == {"removed"}
    assert not slot.worktree.exists()
    assert git(root, "for-each-ref", "refs/cc4", "refs/heads/cc4") == ""
    assert len(git(root, "worktree", "list").splitlines()) == 1


async def test_several_at_once(private: PrivateGit, abandoned: Abandoned, root: Path) -> None:
    for number in range(1, 4):
        slot = await abandoned("1.1", number)
        (slot.worktree / f"work-{number}").write_text(str(number))
    await remove_remnants(private, ())
    refs = git(root, "for-each-ref", "--format=%(refname)", "refs/cc4/saved").split()
    held = {name for ref in refs for name in git(root, "ls-tree", "--name-only", ref).split()}
    assert {"work-1", "work-2", "work-3"} <= held
    assert len(git(root, "worktree", "list").splitlines()) == 1
    assert await find_remnants(private, ()) == []


async def test_branches_stay_while_a_run_can_be_continued(private: PrivateGit, root: Path) -> None:
    git(root, "branch", "cc4/r-1/merged")
    [branch] = await find_remnants(private, {"r-1"})
    assert not branch.removable
    assert "cc4tui resume r-1" in branch.why
    [branch] = await remove_remnants(private, {"r-1"})
    assert branch.outcome == "kept"
    assert git(root, "rev-parse", "cc4/r-1/merged")
    [branch] = await remove_remnants(private, ())
    assert branch.outcome == "removed"


async def test_a_branch_with_work_of_its_own_stays(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "cc4/r-1/task/x/1")
    git(root, "commit", "-q", "--allow-empty", "-m", "work")
    git(root, "checkout", "-q", "main")
    git(root, "branch", "cc4/r-1/merged")
    done = await remove_remnants(await opened(root), ())
    assert {branch.name: branch.outcome for branch in done} == {
        "cc4/r-1/merged": "removed",
        "cc4/r-1/task/x/1": "kept",
    }


async def test_a_branch_that_the_person_has_checked_out_stays(root: Path, tmp_path: Path) -> None:
    git(root, "branch", "cc4/r-1/task/x/1")
    git(root, "worktree", "add", "-q", str(tmp_path / "look"), "cc4/r-1/task/x/1")
    git(root, "checkout", "-q", "-b", "cc4/r-1/merged")
    done = await remove_remnants(await opened(root), ())
    assert {branch.outcome for branch in done} == {"kept"}
    assert any(f"checked out in {root}" in branch.why for branch in done)
    assert git(root, "rev-parse", "--verify", "HEAD")
    assert git(tmp_path / "look", "rev-parse", "--verify", "HEAD")


@pytest.mark.parametrize(
    ("ref", "run"),
    [
        ("refs/heads/cc4/r-1/merged", "r-1"),
        ("refs/heads/cc4/r-1/task/a-b/12", "r-1"),
        ("refs/heads/cc4/mine", None),
        ("refs/heads/cc4/r-1/other", None),
        ("refs/heads/cc4/r-1/task/a", None),
        ("refs/heads/cc4/merged", None),
    ],
)
def test_whose_branch(ref: str, run: str | None) -> None:
    assert run_of(ref) == run
