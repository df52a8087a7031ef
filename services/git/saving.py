"""The no-loss ledger: work that no lasting ref holds gets a ref that stays."""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cc4tui.errors import GitError
from cc4tui.services.git.diff import ChangedFile, changed_files, parse_raw
from cc4tui.services.git.files import copy_atomic
from cc4tui.services.git.refs import AttemptName, Refs, next_number, saved_prefix
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.submodules import GITLINK, UnsavableError, record_submodules


__all__ = [
    "Snapshot",
    "UnsavableError",
    "head_commit",
    "is_held",
    "keep_commit",
    "left_by",
    "preserve",
    "snapshot",
    "staged_commit",
]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a worktree as a tree."""

    tree: str
    changes: tuple[ChangedFile, ...]
    """Against the base."""
    staged: str | None = None
    """Tree of what an agent staged with its own git, if neither commit nor files hold the same."""


async def snapshot(slot: Slot, base: str, tip: str) -> Snapshot:
    """Store every file that is not ignored, or that the agent's git tracks; what differs from base.

    Args:
        slot: Whose files.
        base: The commit to compare with.
        tip: The commit that the agent left HEAD at: what is tracked there stays tracked.

    Raises:
        UnsavableError: a nested repository, whose content git would not store.
        GitError: git could not read or write something.
    """
    if tip != slot.base:
        await slot.run("read-tree", "--reset", tip)
    await _add_all(slot)
    staged = await _staged_tree(slot, tip)
    if staged is not None:
        await _add_forced(slot, tip, staged)
    raw = await slot.run("diff-index", "--cached", "--raw", "-z", "--no-renames", base, "--")
    changes = parse_raw(raw)
    await _refuse_nested(slot, changes)
    if not changes:
        return Snapshot(await slot.private.tree_of(base), (), staged)
    tree = (await slot.run("write-tree")).decode().strip()
    return Snapshot(tree, changes, staged if staged != tree else None)


async def keep_commit(refs: Refs, name: AttemptName, commit: str) -> str:
    """Give a commit a ref that stays; its full name.

    Raises:
        GitError: git failed.
    """
    prefix = saved_prefix(name.run, name.slug, name.attempt)
    while True:
        taken = await refs.listed([prefix])
        for ref, value in taken.items():
            if value == commit:
                return ref
        ref = next_number(prefix, taken)
        if await refs.create(ref, commit, "cc4tui: saved"):
            return ref


async def is_held(refs: Refs, commit: str) -> bool:
    """Whether a branch, a tag or a saved ref holds the commit."""
    return bool(await refs.listed([], f"--contains={commit}", "--count=1"))


async def left_by(refs: Refs, name: AttemptName) -> str | None:
    """The commit with what an attempt left that was cut short; None if that was nothing."""
    prefix = saved_prefix(name.run, name.slug, name.attempt)
    saved = await refs.listed([prefix])
    if saved:
        return saved[max(saved, key=lambda ref: int(ref.removeprefix(prefix)))]
    return await refs.value(name.ref)


async def head_commit(slot: Slot) -> str | None:
    """The commit that the worktree's HEAD leads to, as far as it can be read."""
    head = slot.read_head()
    if head.ref is None:
        return head.commit
    return await slot.private.repository.refs.value(head.ref)


async def preserve(slot: Slot, name: AttemptName) -> str | None:
    """Save whatever a worktree holds that no ref holds; the saved ref, or None if nothing.

    Called before files are overwritten that `save` has not seen: after a crash, after a cancel.

    Raises:
        UnsavableError: it holds what git cannot store.
    """
    refs = slot.private.repository.refs
    tip = await head_commit(slot) or slot.base
    slot.repair_pointers()
    shot = await snapshot(slot, tip, tip)
    staged = await staged_commit(slot, tip, shot)
    if staged is None and shot.tree == await slot.private.tree_of(tip):
        return None if await is_held(refs, tip) else await keep_commit(refs, name, tip)
    message = f"Work left in worktree {slot.id}\n\nAttempt {name.attempt} of {name.slug}.\n"
    commit = await slot.private.commit(shot.tree, [tip, staged] if staged else [tip], message)
    return await keep_commit(refs, name, commit)


async def staged_commit(slot: Slot, tip: str, shot: Snapshot) -> str | None:
    """What an agent staged as a commit on `tip`; None if nothing of it would be lost."""
    if shot.staged is None:
        return None
    message = f"What was staged in worktree {slot.id}\n"
    return await slot.private.commit(shot.staged, [tip], message)


async def _add_all(slot: Slot) -> None:
    skipped = [*await record_submodules(slot), *slot.hidden]
    excluded = [f":(top,exclude,literal){path}" for path in skipped]
    try:
        await slot.insist("add", "-A", "--", ".", *excluded)
    except GitError as error:
        unborn = re.search(r"'(.+)/' does not have a commit checked out", error.stderr)
        if unborn is None:
            raise
        raise _nested_error(slot, [unborn[1]]) from error


async def _staged_tree(slot: Slot, tip: str) -> str | None:
    """The tree of the agent's own index, if it is neither that of `tip` nor what it was given."""
    if not slot.agent_used_index():
        return None
    with slot.private.passing_index(f"{slot.id}.staged") as index:
        if not await asyncio.to_thread(copy_atomic, slot.admin / "index", index):
            return None
        staged = await _written(slot, index)
    known = {await slot.private.tree_of(commit) for commit in {tip, slot.base}}
    return None if staged in known else staged


async def _add_forced(slot: Slot, tip: str, staged: str) -> None:
    """Files that the agent staged although they are ignored belong to its work."""
    hidden = slot.hidden
    folders = tuple(f"{path}/" for path in hidden)
    paths = [
        change.path
        for change in await changed_files(slot.private, tip, staged)
        if change.new_mode.startswith(("100", "120"))
        and change.path not in hidden
        and not change.path.startswith(folders)
        and (slot.worktree / change.path).exists()
        and not (slot.worktree / change.path).is_dir()
    ]
    await slot.run(
        *("--literal-pathspecs", "add", "-f", "--pathspec-from-file=-", "--pathspec-file-nul"),
        stdin=b"".join(os.fsencode(path) + b"\0" for path in paths),
    )


async def _written(slot: Slot, index: Path) -> str | None:
    """The tree of an index; None for one with conflicts or one that git cannot read."""
    result = await slot.private.run(["write-tree"], index=index, ok=(0, 1, 128))
    return result.text if result.returncode == 0 else None


async def _refuse_nested(slot: Slot, changes: tuple[ChangedFile, ...]) -> None:
    links = [change.path for change in changes if change.new_mode == GITLINK]
    if not links:
        return
    declared = await _declared_submodules(slot)
    nested = [path for path in links if path not in declared]
    if nested:
        raise _nested_error(slot, nested)


def _nested_error(slot: Slot, paths: list[str]) -> UnsavableError:
    return UnsavableError(
        f"{slot.worktree} holds a git repository of its own in {', '.join(paths)}, whose "
        "content a commit does not store; the folder is kept"
    )


async def _declared_submodules(slot: Slot) -> set[str]:
    """Paths that the `.gitmodules` in our index names."""
    args = ["config", "--blob", ":.gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$"]
    result = await slot.private.run(args, worktree=slot.worktree, index=slot.index, ok=(0, 1, 128))
    return {field.partition("\n")[2] for field in result.fields}
