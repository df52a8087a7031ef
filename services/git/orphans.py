"""git processes of a killed cc4tui that still write into one of our worktrees (Linux)."""

import asyncio
import os
import select
import signal
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path


PATIENCE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
LANDING_MARK = {"GIT_REFLOG_ACTION": "cc4tui land"}
"""What marks our own git in a checkout of the person's."""
_MARK = os.fsencode("=".join(*LANDING_MARK.items()))


async def end_orphaned_git(worktree: Path) -> int:
    """End every git of ours that works on a worktree, or lands in a checkout; how many there were.

    Only for those that no living cc4tui works on. A git that was started by an agent is none:
    it has neither our variables nor our arguments. Where there is no /proc, nothing is found.
    """
    return await asyncio.to_thread(_end_all, worktree)


def git_works_in(folders: Collection[Path]) -> bool:
    """Whether any git, whoever started it, runs in one of them; True where nobody can tell."""
    if not Path("/proc/self/cwd").exists():
        return True
    running = map(_folder, _candidates())
    return any(at.is_relative_to(folder) for at in running for folder in folders)


def _folder(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return Path("/")


def _end_all(worktree: Path) -> int:
    with ExitStack() as stack:
        handles: list[int] = []
        for pid in _candidates():
            handle = _open(pid)
            if handle is not None:
                stack.callback(os.close, handle)
                if _works_on(pid, worktree):  # looked at after the handle is ours: no pid is reused
                    handles.append(handle)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for handle in handles:
                _send(handle, number)
            if _wait(handles, PATIENCE):
                break
        return len(handles)


def _candidates() -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/comm"):
        if _read(path).strip() == b"git":
            yield int(path.parent.name)


def _works_on(pid: int, worktree: Path) -> bool:
    """Whether its variables or arguments are those of a call of ours for this worktree."""
    name = os.fsencode(worktree)
    variables = _read(Path(f"/proc/{pid}/environ")).split(b"\0")
    if b"GIT_WORK_TREE=" + name in variables:
        return True
    words = _read(Path(f"/proc/{pid}/cmdline")).split(b"\0")
    if _MARK in variables:
        return b"--work-tree=" + name in words
    return b"worktree" in words and name in words


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _send(handle: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return


def _wait(handles: list[int], seconds: float) -> bool:
    """Wait until all have ended."""
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    left = set(handles)
    while left:
        ended = poll.poll(seconds * 1000)
        if not ended:
            return False
        for handle, _ in ended:
            poll.unregister(handle)
            left.discard(handle)
    return True
