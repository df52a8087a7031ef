"""What a killed run left: worktrees are found, taken over, saved, removed; locks are freed.

Age plays no part.
"""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cc4tui.services.git.files import POINTER_LIMIT, identity, read_regular
from cc4tui.services.git.locks import free_unchanged
from cc4tui.services.git.occupied import is_occupied
from cc4tui.services.git.orphans import end_orphaned_git, git_works_in
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import HIDDEN, OURS, PACKED, AttemptName
from cc4tui.services.git.saving import head_commit, is_held, keep_commit, preserve
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.slot_life import admin_of, remove_slot


@dataclass(frozen=True, slots=True)
class Leftover:
    """A folder in our `worktrees/` that no pool of this process holds, and no person."""

    path: Path
    owner: AttemptName | None
    """Whose work it holds; None if it held nobody's: free, half made, or used for checks."""
    base: str | None
    """The commit that attempt began from."""


def find_leftovers(private: PrivateGit) -> list[Leftover]:
    """Every worktree of ours; call it before a pool is opened, or from `doctor`.

    Known from our folder, and from the repository's side: a removal cut short leaves one of them.
    """
    folder = (private.state_dir / "worktrees").resolve()
    admins = (private.repository.common_dir / "worktrees").glob("*/gitdir")
    pointers = [os.fsdecode(read_regular(path, POINTER_LIMIT) or b"").strip() for path in admins]
    registered = {Path(pointer).parent for pointer in pointers if pointer}
    paths = {path for path in registered if path.parent == folder}
    if folder.is_dir():
        paths |= {path for path in folder.iterdir() if identity(path) is not None}
    left = (path for path in sorted(paths) if not is_occupied(private, path.name))
    return [leftover_at(private, path) for path in left]


async def adopt(private: PrivateGit, leftover: Leftover) -> Slot:
    """A slot around the folder as it is; none of its files are touched.

    Nothing may run in it any more: it loses what the agent's git has locked.

    Raises:
        GitError: git cannot read the commit it was based on.
    """
    slot = Slot(private, leftover.path, admin_of(private, leftover.path), "")
    slot.repair_pointers()
    slot.base = leftover.base or await head_commit(slot) or private.repository.head
    await _know_what_is_tracked(slot)
    return slot


async def take_over(private: PrivateGit, leftover: Leftover) -> Slot:
    """A slot around the folder of an attempt that goes on; its agent may be at work in it.

    Only our own index is written.

    Raises:
        GitError: git cannot read the commit it was based on.
        WorktreeLostError: the folder is gone or was replaced.
    """
    await end_orphaned_git(leftover.path)
    slot = Slot(private, leftover.path, admin_of(private, leftover.path), leftover.base or "")
    slot.expect_intact()
    slot.free_index()
    await _know_what_is_tracked(slot)
    return slot


async def _know_what_is_tracked(slot: Slot) -> None:
    """A git of ours that died half-way may have left an index that does not know."""
    await slot.run("read-tree", "--reset", slot.base)


async def remove_leftover(private: PrivateGit, leftover: Leftover) -> str | None:
    """Save what no ref holds, then remove the folder; the saved ref if there was need for one.

    Raises:
        UnsavableError: it holds what git cannot store; it stays.
        GitError: git failed; it stays, or it is saved and partly removed.
    """
    await end_orphaned_git(leftover.path)
    slot = Slot(private, leftover.path, admin_of(private, leftover.path), "")
    if leftover.owner is None:
        saved = None
    elif identity(leftover.path) is None:
        saved = await _keep_head(slot, leftover.owner)
    else:
        slot = await adopt(private, leftover)
        saved = await preserve(slot, leftover.owner)
    await remove_slot(slot)
    return saved


async def _keep_head(slot: Slot, owner: AttemptName) -> str | None:
    """The folder is gone; a commit may still be known to its HEAD alone."""
    refs = slot.private.repository.refs
    commit = await head_commit(slot)
    if commit is None or await is_held(refs, commit):
        return None
    return await keep_commit(refs, owner, commit)


def leftover_at(private: PrivateGit, path: Path) -> Leftover:
    """Whose work a worktree holds, as we noted it down."""
    data = read_regular(private.index_dir / f"{path.name}.owner", POINTER_LIMIT)
    if data is None:
        head = Slot(private, path, admin_of(private, path), "").read_head()
        return Leftover(path, AttemptName.of(head.ref), None)
    match = re.fullmatch(rb"([^/ ]+)/([a-z0-9-]+)/(\d+) ([0-9a-f]+)\n", data)
    if match is None:
        return Leftover(path, None, None)
    owner = AttemptName(match[1].decode(), match[2].decode(), int(match[3]))
    return Leftover(path, owner, match[4].decode())


async def free_ref_locks(private: PrivateGit) -> None:
    """Take away the locks on refs of a git that was killed together with us.

    Those on our own refs, and the one on packed refs while no git works in the repository. Call it
    only while no other cc4tui works on the repository.

    Raises:
        GitError: git cannot list the work trees.
    """
    common = private.repository.common_dir
    locks = await asyncio.to_thread(_ref_locks, common)
    packed = common / f"{PACKED}.lock"
    if packed.exists():
        folders = [common, *(entry.path for entry in await private.repository.worktrees())]
        if not await asyncio.to_thread(git_works_in, folders):
            locks.append(packed)
    await free_unchanged(locks)


def _ref_locks(common: Path) -> list[Path]:
    """Not by `rglob`, which fails when a folder of refs vanishes while it looks."""
    return [
        Path(folder, name)
        for prefix in (OURS, HIDDEN)
        for folder, _, names in os.walk(common / prefix)
        for name in names
        if name.endswith(".lock")
    ]
