"""Worktrees of ours that somebody works in by hand: nobody takes them for leftovers."""

import fcntl
import os
from pathlib import Path

from cc4tui.services.git.private import PrivateGit


class Occupation:
    """A lock on a worktree's name, which the kernel frees when we die.

    Args:
        private: Keeps the file.
        name: Of the worktree's folder.
    """

    def __init__(self, private: PrivateGit, name: str) -> None:
        self._path = _file(private, name)
        self._fd: int | None = None

    def begin(self) -> bool:
        """Take the name; False if somebody else has it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def end(self) -> None:
        """Give it back; nothing happens when it is not held."""
        if self._fd is not None:
            self._path.unlink(missing_ok=True)
            fcntl.flock(self._fd, fcntl.LOCK_UN)  # a child may just have been forked with it
            os.close(self._fd)
            self._fd = None


def is_occupied(private: PrivateGit, name: str) -> bool:
    """Whether somebody works by hand in the worktree of this name."""
    try:
        fd = os.open(_file(private, name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)
    return False


def _file(private: PrivateGit, name: str) -> Path:
    return private.index_dir / f"occupied-{name}"  # no name that goes with a worktree's index
