"""Submodules in a worktree of ours: recorded without running git by their own configuration.

`git add` and `git status` start git inside of a populated submodule, where it obeys a configuration
that an agent can write. So we look ourselves, with our own git folder on the submodule's objects.
"""

import asyncio
import os
import shutil
from functools import partial
from pathlib import Path

from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.files import POINTER_LIMIT, identity, read_regular
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.slot import Slot


GITLINK = "160000"


class UnsavableError(Cc4tuiError):
    """A worktree holds what git cannot store; its folder must stay."""


async def record_submodules(slot: Slot) -> list[str]:
    """Note in our index where submodules were moved to; the populated ones, for `add` to skip.

    Raises:
        UnsavableError: one of them holds work that exists nowhere else.
    """
    if not slot.may_have_submodules:
        return []
    populated: list[str] = []
    for path, oid in (await gitlinks(slot.private, slot.worktree, slot.index)).items():
        folder = slot.worktree / path
        if identity(folder) is None or not any(folder.iterdir()):
            continue
        populated.append(path)
        head = await _pristine(slot, folder, oid)
        if head != oid:
            await slot.run("update-index", "--cacheinfo", f"{GITLINK},{head},{path}")
    return populated


async def empty_submodules(slot: Slot) -> None:
    """Make populated submodules empty folders again, as in a fresh worktree; see `recycle`."""
    if not slot.may_have_submodules or not slot.index.exists():
        return
    for path in await gitlinks(slot.private, slot.worktree, slot.index):
        folder = slot.worktree / path
        if identity(folder) is not None and folder.resolve() == folder:
            await asyncio.to_thread(shutil.rmtree, folder)
            folder.mkdir()


async def gitlinks(private: PrivateGit, worktree: Path, index: Path) -> dict[str, str]:
    """Paths of submodules in an index, with the commits they are at."""
    result = await private.run(["ls-files", "-s", "-z"], worktree=worktree, index=index)
    entries = (field.split("\t", 1) for field in result.fields)
    return {path: stage.split(" ")[1] for stage, path in entries if stage.startswith(GITLINK)}


async def _pristine(slot: Slot, folder: Path, oid: str) -> str:
    """The commit a submodule is at, after proving that nothing of it would be lost."""
    git_dir = _git_dir(folder)
    head = await _head(slot, git_dir) if git_dir else None
    if git_dir is None or head is None:
        raise _unsavable(folder, "it is no submodule that git made")
    if head != oid and not await _is_published(slot, git_dir, head):
        raise _unsavable(folder, f"its commit {head[:12]} is on no branch of a remote")
    dirt = await _dirt(slot, folder, git_dir, head)
    if dirt:
        raise _unsavable(folder, f"uncommitted: {', '.join(dirt[:5])}")
    return head


def _unsavable(folder: Path, why: str) -> UnsavableError:
    return UnsavableError(
        f"{folder} is a git repository of its own, whose content a commit does not store ({why}); "
        "the folder is kept"
    )


def _git_dir(folder: Path) -> Path | None:
    pointer = folder / ".git"
    data = read_regular(pointer, POINTER_LIMIT)
    if data is None:
        return pointer if identity(pointer) is not None else None
    target = os.fsdecode(data).removeprefix("gitdir: ").rstrip("\n")
    return (folder / target).resolve()


async def _head(slot: Slot, git_dir: Path) -> str | None:
    args = [f"--git-dir={git_dir}", "rev-parse", "-q", "--verify", "HEAD^{commit}"]
    try:
        return (await slot.private.repository.runner.run(args)).text
    except GitError:
        return None


async def _is_published(slot: Slot, git_dir: Path, head: str) -> bool:
    """Whether a branch of a remote had the commit when it was fetched last."""
    args = [
        f"--git-dir={git_dir}",
        "for-each-ref",
        "--count=1",
        f"--contains={head}",
        "refs/remotes",
    ]
    return bool((await slot.private.repository.runner.run(args)).stdout)


async def _dirt(slot: Slot, folder: Path, git_dir: Path, head: str) -> list[str]:
    """Files that differ from `head`, submodules of the submodule included."""
    with slot.private.passing_index(f"{slot.id}.submodule") as index:
        run = partial(slot.private.run, worktree=folder, index=index, objects=git_dir / "objects")
        await run(["read-tree", head])
        result = await run(["ls-files", "-z", "-m", "-d", "-o", "--exclude-standard"])
        nested = await gitlinks(slot.private, folder, index)
        inside = {path for path in nested if _holds_something(folder / path)}
        return sorted({*result.fields, *inside})


def _holds_something(folder: Path) -> bool:
    return identity(folder) is not None and any(folder.iterdir())
