"""One process at a time works on the runs of a repository."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cc4tui.errors import UnfitError


class RepositoryLock:
    """An flock on a file of the state folder, which the kernel frees when we die.

    The file names the holder for the message; only the flock decides.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            UnfitError: another process holds it.
        """
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if not _try_flock(fd):
            os.close(fd)
            holder = self.holder()
            who = f"process {holder['pid']}" if "pid" in holder else "another process"
            raise UnfitError(
                f"{who} is already running a plan in this repository; wait for it, watch it with"
                " `cc4tui status --watch`, or end it with `cc4tui cancel`"
            )
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid()}).encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give it back; nothing happens when it is not held."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
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
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(fd)

    def holder(self) -> Mapping[str, Any]:
        """What the holder wrote about itself; empty when unknown."""
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


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
