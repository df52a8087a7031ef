"""Finds and kills what an attempt left running, without ever hitting a stranger."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from cc4tui.ports import ProcessIdentity
from cc4tui.services.processes.supervision import kernel, procfs, records


_ROUND_SECONDS = 0.005
_QUIET_ROUNDS = 2


class Marks:
    """How a process of one attempt is recognised, whoever its parent is by now.

    By the token in its environment, which a new session and a double fork keep; or, when it was
    given another environment, by a descriptor it inherited: the attempt's mark file, or its output
    open for writing. (A person who reads the output holds it too, but not for writing.)
    """

    def __init__(self, folder: Path, token: str) -> None:
        """Raises ValueError when the token is empty: that would match strangers."""
        if not token:
            raise ValueError("an attempt without a token cannot be told from other processes")
        self._variable = os.fsencode(f"{records.TOKEN_VARIABLE}={token}")
        self._mark = _inodes(folder, records.SENT)
        self._outputs = _inodes(folder, records.OUT, records.ERR)

    def on(self, pid: int) -> bool:
        """Whether this process belongs to the attempt."""
        return self._variable in procfs.environment(pid) or self._inherited(pid)

    def _inherited(self, pid: int) -> bool:
        if not self._mark and not self._outputs:
            return False
        return any(
            inode in self._mark or (inode in self._outputs and procfs.holds_for_writing(pid, fd))
            for fd, inode in procfs.descriptors(pid)
        )


def _inodes(folder: Path, *names: str) -> set[tuple[int, int]]:
    found = set()
    for name in names:
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        found.add((stat.st_dev, stat.st_ino))
    return found


@dataclass(frozen=True, slots=True)
class Killed:
    """Result of a sweep."""

    killed: int
    left: tuple[int, ...] = ()
    """Processes that could not be ended: another user's, or stuck in the kernel."""


def kill_marked(marks: Marks, seconds: float) -> Killed:
    """Kill every process with these marks until none is found. Blocks: call it in a thread.

    None is found only when two looks agree: in the middle of an exec a process shows neither its
    old environment nor its new one.

    Args:
        seconds: How long it may take until a process that does not die is given up.
    """
    deadline = time.monotonic() + seconds
    struck: set[int] = set()
    immune: set[int] = set()
    quiet = 0
    while True:
        found = {pid for pid in procfs.pids() if pid != os.getpid() and marks.on(pid)} - immune
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET_ROUNDS or time.monotonic() > deadline:
            return Killed(len(struck), tuple(sorted(found | immune)))
        for pid in found:
            try:
                if _kill(pid, marks):
                    struck.add(pid)
            except PermissionError:
                immune.add(pid)
        time.sleep(_ROUND_SECONDS)


def _kill(pid: int, marks: Marks) -> bool:
    """Kill it if it is still what was found: the pidfd pins it, then it is looked at again."""
    fd = kernel.pidfd_open(pid)
    if fd is None:
        return False
    try:
        return marks.on(pid) and kernel.pidfd_kill(fd)
    finally:
        os.close(fd)


def is_running(process: ProcessIdentity) -> bool:
    """Whether that very process still runs."""
    same_boot = process.boot == procfs.boot_id()
    return same_boot and procfs.is_running(process.pid, process.start)


def kill_process(process: ProcessIdentity) -> None:
    """Kill that very process, if it still runs."""
    fd = kernel.pidfd_open(process.pid)
    if fd is None:
        return
    try:
        if is_running(process):
            kernel.pidfd_kill(fd)
    finally:
        os.close(fd)
