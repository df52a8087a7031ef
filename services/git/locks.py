"""Locks that a killed git of ours left: those are removed, and never anybody else's."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from cc4tui.errors import GitError
from cc4tui.services.git.files import signature


PATIENCE = 1.5
"""Seconds in which a git that lives would have released or rewritten its lock."""


@asynccontextmanager
async def freeing_locks(locks: Iterable[Path]) -> AsyncIterator[None]:
    """Around one git call: if it is killed, remove those of the locks that appeared meanwhile.

    git holds a lock by the existence of the file, without a name in it. One that was not there
    before our call, is there after its death and does not change any more is ours.
    """
    locks = list(locks)
    there_before = {lock for lock in locks if signature(lock) is not None}
    try:
        yield
    except GitError as error:
        if error.returncode < 0:
            await free_unchanged([lock for lock in locks if lock not in there_before])
        raise


async def free_unchanged(locks: Iterable[Path]) -> None:
    """Remove those of the locks that stay as they are for a while: whoever made them is dead."""
    left = {lock: found for lock in locks if (found := signature(lock)) is not None}
    if not left:
        return
    await asyncio.sleep(PATIENCE)
    for lock, found in left.items():
        if signature(lock) == found:
            lock.unlink(missing_ok=True)
