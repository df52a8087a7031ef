"""Opens a branch in a new worktree for a person to look at; nothing that exists is touched."""

from pathlib import Path

from cc4tui.errors import GitError, UsageError
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.slot_life import admin_of


async def open_worktree(private: PrivateGit, folder: Path, branch: str) -> Path:
    """Add a worktree with the branch checked out; its real path.

    The files are written by our own git, so that no hook or filter of the repository runs; git LFS
    pointers stay pointers.

    Args:
        private: Runs git.
        folder: Where; it must not exist.
        branch: Short name.

    Raises:
        UsageError: the folder exists, or nothing can be made there.
        GitError: git failed, or the branch is checked out elsewhere; nothing is left of it.
    """
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} exists already; name a folder that does not")
    repository = private.repository
    commit = await repository.branch_tip(branch)
    if commit is None:
        raise GitError(f"worktree add {branch}", 1, "the branch does not exist")
    real = folder.parent.resolve() / folder.name
    async with repository.lock:
        await repository.git(["worktree", "add", "-q", "--no-checkout", str(real), branch])
    slot = Slot(private, real, admin_of(private, real), commit)
    slot.index = private.index_dir / f"restored-{slot.admin.name}"
    try:
        await slot.reset_to(commit)
        await slot.hand_over(f"{BRANCHES}{branch}")
    except BaseException:
        async with repository.lock:
            await repository.git(["worktree", "remove", "--force", str(real)], ok=(0, 128))
        raise
    finally:
        slot.index.unlink(missing_ok=True)
    return real
