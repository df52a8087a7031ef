"""What a worktree holds right now that a commit does not: read while an agent is at work in it.

Written are only an index of our own beside the real one, and the object of an empty file.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from cc4tui.services.git.files import copy_atomic
from cc4tui.services.git.leftovers import leftover_at
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import AttemptName
from cc4tui.services.git.saving import head_commit, keep_commit
from cc4tui.services.git.second_chance import second_chance
from cc4tui.services.git.slot import Slot, WorktreeLostError
from cc4tui.services.git.slot_life import admin_of


LARGE = "8m"
"""Files of this size and more are told as binary: nobody reads their lines."""
_ONLY_LOOK = ("--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "-M")
"""Also: git would start a git inside of submodules, which obeys what an agent configured there."""


def slot_at_work(private: PrivateGit, name: AttemptName, path: Path) -> Slot | None:
    """The worktree in which an attempt is at work; None if that is not so any more."""
    found = leftover_at(private, path)
    if found.owner != name or found.base is None:
        return None
    slot = Slot(private, path, admin_of(private, path), found.base)
    try:
        slot.expect_intact()
    except WorktreeLostError:
        return None
    return slot


async def compare(private: PrivateGit, old: str, new: str | Slot, how: str) -> str:
    """The difference between a commit and another one, or the files of a worktree as they are.

    Args:
        private: Runs git.
        old: A commit.
        new: Another one, or the worktree.
        how: ``--patch`` or ``--shortstat``.

    Raises:
        GitError: git failed.
        WorktreeLostError: the folder is gone or was replaced.
    """
    command = ["-c", f"core.bigFileThreshold={LARGE}", "diff", how, *_ONLY_LOOK, old]
    if isinstance(new, str):
        result = await private.run([*command, new, "--"])
        return result.stdout.decode("utf-8", "replace")
    # A file that was listed may be gone a moment later.
    return await second_chance(lambda: _files(new, command))


async def keep_work_so_far(slot: Slot, name: AttemptName) -> str:
    """A commit of the files of a worktree as they are, held by a saved ref of this name.

    Only looked at: an agent is at work in it. What it changes meanwhile may be part of it or not.

    Raises:
        GitError: git failed.
        WorktreeLostError: the folder is gone or was replaced.
    """
    private = slot.private
    tip = await head_commit(slot) or slot.base
    tree = await second_chance(lambda: _tree(slot, tip))
    commit = tip
    if tree != await private.tree_of(tip):
        commit = await private.commit(tree, [tip], f"Work so far in worktree {slot.id}\n")
    await keep_commit(private.repository.refs, name, commit)
    return commit


async def _tree(slot: Slot, tip: str) -> str:
    """What is tracked in `tip` stays tracked."""
    async with _looking(slot) as run:
        if tip != slot.base:
            await run("read-tree", "--reset", tip)
        new = await _untracked(slot, run)
        await run("add", "-u", "--ignore-errors", "--", ".")
        await _add(run, new)
        return (await run("write-tree")).decode().strip()


async def _files(slot: Slot, command: list[str]) -> str:
    async with _looking(slot) as run:
        await _add(run, await _untracked(slot, run), "-N")
        return (await run(*command, "--")).decode("utf-8", "replace")


class _Runs(Protocol):
    """Runs git on the files of a worktree with an index of our own."""

    async def __call__(self, *args: str, stdin: bytes | None = None) -> bytes: ...


@asynccontextmanager
async def _looking(slot: Slot) -> AsyncIterator[_Runs]:
    slot.expect_intact()
    private = slot.private
    with private.passing_index(f"{slot.id}.look") as index:

        async def run(*args: str, stdin: bytes | None = None) -> bytes:
            done = await private.run(args, worktree=slot.worktree, index=index, stdin=stdin)
            return done.stdout

        await asyncio.to_thread(copy_atomic, slot.index, index)
        yield run


async def _untracked(slot: Slot, run: _Runs) -> list[bytes]:
    return list(_new(await run("ls-files", "-z", "-o", "--exclude-standard"), slot.hidden))


async def _add(run: _Runs, paths: list[bytes], *options: str) -> None:
    if paths:
        await run(
            *("--literal-pathspecs", "add", *options, "--pathspec-from-file=-"),
            "--pathspec-file-nul",
            stdin=b"".join(path + b"\0" for path in paths),
        )


def _new(listed: bytes, hidden: tuple[str, ...]) -> Iterator[bytes]:
    """Untracked files; neither what we put there nor repositories inside of the worktree."""
    ours = {os.fsencode(path) for path in hidden}
    below = tuple(path + b"/" for path in ours)
    for path in listed.split(b"\0")[:-1]:
        if not path.endswith(b"/") and path not in ours and not path.startswith(below):
            yield path
