"""One process at a time works on the runs of a repository."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cc4tui.domain.text import clean_line
from cc4tui.errors import UnfitError


if TYPE_CHECKING:
    from cc4tui.ports import Instance


COMMAND_LENGTH = 120


class RepositoryLock:
    """An flock on a file of the state folder, which the kernel frees when we die.

    The file names the holder for people; only the flock decides, so there is nothing to expire.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            UnfitError: another process holds it; the sentence names it.
        """
        if not self.try_acquire():
            from cc4tui.ports import Instance

            raise UnfitError(refusal(self.holder() or Instance(None, None, "")))

    def try_acquire(self) -> bool:
        """Take the lock unless another process holds it."""
        fd = self._locked()
        if fd is None:
            return False
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(_about_us()).encode(), 0)
        self._fd = fd
        return True

    def release(self) -> None:
        """Give it back; nothing happens when it is not held."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            _give_back(self._fd)
            self._fd = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._fd is not None

    def is_free(self) -> bool:
        """Whether nobody holds it right now."""
        if self.held:
            return False
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return True
        try:
            if os.fstat(fd).st_size == 0:  # given back, or about to be taken by one who says so
                return True
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            _give_back(fd)

    def holder(self) -> Instance | None:
        """Another process that holds it; None when nobody else does."""
        if self.held or self.is_free():
            return None
        return _instance(self._record())

    def _record(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _locked(self) -> int | None:
        """The file with the lock on it. One that was deleted meanwhile locks nobody out, so it is
        made again."""
        while True:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            if not _try_flock(fd):
                os.close(fd)
                return None
            if _is_still_at(self._path, fd):
                return fd
            os.close(fd)


def refusal(other: Instance) -> str:
    """Why nothing can be started while another process works here, and the ways out."""
    return (
        f"{other.named} works in this repository; wait for it, watch it with"
        " `cc4tui status --watch`, or end its run with `cc4tui cancel`"
    )


def _give_back(fd: int) -> None:
    """Unlock and close. Closing alone leaves the lock with a child that another thread has just
    forked and that has not yet become its program."""
    fcntl.flock(fd, fcntl.LOCK_UN)
    os.close(fd)


def _about_us() -> dict[str, Any]:
    from cc4tui.services.processes.supervision import procfs

    return {
        "pid": os.getpid(),
        "start": procfs.start_time(os.getpid()),
        "boot": procfs.boot_id(),
        "since": datetime.now(UTC).isoformat(),
        "command": shlex.join(["cc4tui", *sys.argv[1:]]),
    }


def _instance(record: Mapping[str, Any]) -> Instance:
    from cc4tui.ports import Instance

    pid, since, command = record.get("pid"), record.get("since"), record.get("command")
    try:
        began = datetime.fromisoformat(str(since))
    except ValueError:
        began = None
    return Instance(
        pid=pid if isinstance(pid, int) else None,
        since=began,
        command=clean_line(str(command or ""), COMMAND_LENGTH),
    )


def _is_still_at(path: Path, fd: int) -> bool:
    try:
        there, ours = path.lstat(), os.fstat(fd)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _try_flock(fd: int) -> bool:
    """Take the lock; somebody who only looks (`is_free`) may hold it for microseconds."""
    for _ in range(5):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False
