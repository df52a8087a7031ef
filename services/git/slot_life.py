"""How a slot begins, is made clean for the next task, and ends."""

import asyncio
import contextlib
import glob
import os
import shutil
from pathlib import Path

from cc4tui.errors import GitError
from cc4tui.services.git.files import (
    POINTER_LIMIT,
    free_name,
    identity,
    make_accessible,
    make_private,
    read_regular,
    special_files,
)
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.submodules import empty_submodules


async def make_slot(private: PrivateGit, name: str, base: str) -> Slot:
    """Add a worktree below the state folder with the files of `base`, HEAD detached.

    Raises:
        GitError: git failed. Of what failed or was cancelled nothing is left.
    """
    worktree = make_private(private.state_dir / "worktrees").resolve() / name
    slot = Slot(private, worktree, _new_admin(private, worktree), base)
    _make_folders(slot)
    try:
        _add(slot)
        slot.may_have_submodules = await private.repository.has_submodules()
        await slot.reset_to(base)
        await slot.hand_over(base)
    except BaseException:
        await remove_slot(slot)
        raise
    return slot


def _make_folders(slot: Slot) -> None:
    """Both are new, or nothing is made: what somebody made meanwhile is not ours to remove.

    Our own files come first: what a crash then leaves must not look like an earlier task's. Then
    the worktree, by which a later start finds the rest.
    """
    try:
        _delete_files(slot)
        slot.note_owner(slot.id)
        slot.worktree.mkdir()
        try:
            slot.admin.mkdir(parents=True)
        except OSError:
            slot.worktree.rmdir()
            raise
    except OSError as error:
        _delete_files(slot)
        raise GitError(f"worktree add {slot.worktree}", 1, str(error)) from error


def _add(slot: Slot) -> None:
    """What `git worktree add --no-checkout --detach --lock` writes.

    The lock first: until the pointers are there, anybody's `git worktree prune` takes the folder.
    """
    try:
        slot.note_owner(slot.id)
        slot.repair_pointers()
    except OSError as error:
        raise GitError(f"worktree add {slot.worktree}", 1, str(error)) from error
    if identity(slot.admin) is None:
        raise GitError(f"worktree add {slot.worktree}", 1, f"{slot.admin} was pruned")


async def recycle(slot: Slot, base: str, keep: tuple[str, ...]) -> None:
    """Bring a slot to `base` and prove that nothing of its last task is left.

    Everything worth keeping must have been saved before: this overwrites and deletes.

    Raises:
        GitError: git failed, or the slot is not clean afterwards; it must not be used again.
    """
    slot.repair_pointers()
    await empty_submodules(slot)
    await asyncio.to_thread(slot.purge_admin)
    slot.note_owner(slot.id)
    await slot.reset_to(base)
    await asyncio.to_thread(_delete_special_files, slot)
    if await slot.dirt(keep):
        await slot.clean(keep)
        await _prove_clean(slot, keep)
    await slot.hand_over(base)


async def _prove_clean(slot: Slot, keep: tuple[str, ...]) -> None:
    dirt = await slot.dirt(keep)
    if dirt:
        shown = ", ".join(dirt[:5])
        raise GitError("clean -ffdx", 1, f"{slot.worktree} is not clean afterwards: {shown}")


async def remove_slot(slot: Slot) -> None:
    """Remove the worktree, its admin folder and its index; proven by looking, not by exit codes.

    Raises:
        GitError: something of it is still there.
    """
    await asyncio.to_thread(_remove, slot)
    if slot.worktree.exists() or slot.worktree.is_symlink() or slot.admin.exists():
        raise GitError(f"worktree remove {slot.id}", 1, f"{slot.worktree} could not be removed")


def empty_trash(private: PrivateGit) -> None:
    """Delete worktrees whose removal a crash cut short; everything in them was saved before."""
    for folder in private.trash_dir.glob("*"):
        delete(folder)


def admin_of(private: PrivateGit, worktree: Path) -> Path:
    """The admin folder of a worktree of ours, from the repository's side: agents can write `.git`.

    A path that does not exist if the repository knows no such worktree.
    """
    folder = private.repository.common_dir / "worktrees"
    by_name = folder / worktree.name
    for path in folder.glob("*"):
        if _leads_to(path, worktree):
            return path
    return free_name(by_name) if _is_anothers(by_name) else by_name


def _new_admin(private: PrivateGit, worktree: Path) -> Path:
    """An admin folder to be made; never one that somebody left, whatever it holds."""
    admin = admin_of(private, worktree)
    if not os.path.lexists(admin):
        return admin
    if _leads_to(admin, worktree):
        raise GitError(f"worktree add {worktree}", 1, f"{admin} is there already")
    return free_name(admin)


def _leads_to(admin: Path, worktree: Path) -> bool:
    pointer = (read_regular(admin / "gitdir", POINTER_LIMIT) or b"").strip()
    return pointer == os.fsencode(f"{worktree}/.git")


def _is_anothers(admin: Path) -> bool:
    """Whether an admin folder is that of a worktree elsewhere which leads back to it: the person's
    may be called like one of ours."""
    pointer = os.fsdecode(read_regular(admin / "gitdir", POINTER_LIMIT) or b"").strip()
    back = os.fsdecode(read_regular(admin / pointer, POINTER_LIMIT) or b"").strip()
    return (admin / pointer).parent.joinpath(back.removeprefix("gitdir: ")).resolve() == admin


def _delete_special_files(slot: Slot) -> None:
    """A FIFO that one agent left would hang the next one's search."""
    for path in special_files(slot.worktree):
        path.unlink(missing_ok=True)


def _drop_link(slot: Slot) -> None:
    """A link in place of the folder goes; what it leads to stays."""
    if slot.worktree.is_symlink():
        slot.worktree.unlink()


def _remove(slot: Slot) -> None:
    """What `git worktree remove` does; out of its sight first, for many files take their time."""
    if identity(slot.worktree) is not None and slot.trouble() is None:
        slot.worktree.rename(free_name(make_private(slot.private.trash_dir) / slot.id))
    if identity(slot.admin) is not None:
        _drop_link(slot)
    for folder in (slot.admin, *slot.private.trash_dir.glob(f"{slot.id}-*"), slot.worktree):
        delete(folder)
    _delete_files(slot)
    with contextlib.suppress(OSError):  # others are there
        slot.admin.parent.rmdir()


def _delete_files(slot: Slot) -> None:
    """Our index of it, and what lies beside that."""
    for path in (slot.index, *slot.private.index_dir.glob(f"{glob.escape(slot.id)}.*")):
        path.unlink(missing_ok=True)


def delete(folder: Path) -> None:
    """Delete a real folder; never what a link leads to."""
    if identity(folder) is not None and folder.resolve() == folder:
        make_accessible(folder)
        shutil.rmtree(folder)
