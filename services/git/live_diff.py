"""What a worktree holds right now that a commit does not: read while an agent is at work in it.

Written are only an index of our own beside the real one, and the object of an empty file.
"""

import asyncio
import os
from collections.abc import Iterator

from cc4tui.services.git.files import copy_atomic
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.second_chance import second_chance
from cc4tui.services.git.slot import Slot


LARGE = "8m"
"""Files of this size and more are told as binary: nobody reads their lines."""
_ONLY_LOOK = ("--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "-M")
"""Also: git would start a git inside of submodules, which obeys what an agent configured there."""


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


async def _files(slot: Slot, command: list[str]) -> str:
    slot.expect_intact()
    private, hidden = slot.private, slot.hidden
    with private.passing_index(f"{slot.id}.look") as index:

        async def run(*args: str, stdin: bytes | None = None) -> bytes:
            done = await private.run(args, worktree=slot.worktree, index=index, stdin=stdin)
            return done.stdout

        await asyncio.to_thread(copy_atomic, slot.index, index)
        listed = await run("ls-files", "-z", "-o", "--exclude-standard")
        new = list(_new(listed, hidden))
        if new:
            await run(
                *("--literal-pathspecs", "add", "-N", "--pathspec-from-file=-"),
                "--pathspec-file-nul",
                stdin=b"".join(path + b"\0" for path in new),
            )
        return (await run(*command, "--")).decode("utf-8", "replace")


def _new(listed: bytes, hidden: tuple[str, ...]) -> Iterator[bytes]:
    """Untracked files; neither what we put there nor repositories inside of the worktree."""
    ours = {os.fsencode(path) for path in hidden}
    below = tuple(path + b"/" for path in ours)
    for path in listed.split(b"\0")[:-1]:
        if not path.endswith(b"/") and path not in ours and not path.startswith(below):
            yield path
