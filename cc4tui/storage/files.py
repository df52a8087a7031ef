"""The files of a database: private, ours, never reached through a link, never deleted."""

import errno
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cc4tui.errors import UnfitError
from cc4tui.storage.disks import network_disk


JOURNAL = "-journal"
"""SQLite's until the write-ahead log is on; later it is that of a program that was killed."""
SIDE_FILES = ("-wal", "-shm", JOURNAL)
"""What SQLite keeps beside a database; they belong to it and move with it."""


def prepare(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) if they are missing, and check both.

    Raises:
        UnfitError: A link, somebody else's, not a folder or not a file, or not writable.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if disk := network_disk(path.parent):
            raise UnfitError(
                f"{path.parent} is on a network disk ({disk}), where SQLite can lose data: "
                "name a folder on a local disk with CC4TUI_STATE_DIR"
            )
        _claim(path.parent, stat.S_ISDIR, 0o700)
        # Only a missing file is opened here: closing a second handle of a database in use would
        # drop this process's locks on it (sqlite.org/howtocorrupt.html, 2.2).
        create_private(path)
        check(path)
        for name in (path.parent, path):
            if not os.access(name, os.W_OK):
                raise PermissionError(errno.EACCES, "it is read-only", str(name))
    except OSError as error:
        raise UnfitError(
            f"The state folder {path.parent} cannot be used ({error.strerror}): make it writable, "
            "or name another with CC4TUI_STATE_DIR"
        ) from error


def check(path: Path) -> None:
    """Refuse links and strangers' files; take away others' permissions from our own."""
    for name in (path, *(side(path, end) for end in SIDE_FILES)):
        if os.path.lexists(name):
            _claim(name, stat.S_ISREG, 0o600)


def create_private(path: Path) -> bool:
    """Make an empty file that only we can read; False when something of that name exists."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    os.close(handle)
    return True


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file that has this name now."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def side(path: Path, end: str) -> Path:
    """A file that SQLite keeps beside the database."""
    return path.with_name(path.name + end)


def stamped(path: Path, kind: str) -> Path:
    """A free name beside the database that tells what it is and when it was made."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    name, count = f"{path.name}.{kind}.{now}", 1
    while os.path.lexists(path.with_name(name)):
        count += 1
        name = f"{path.name}.{kind}.{now}-{count}"
    return path.with_name(name)


def set_aside(path: Path) -> Path:
    """Rename a damaged database with what belongs to it; returns its new name."""
    target = stamped(path, "damaged")
    for end in ("", *SIDE_FILES):
        source = side(path, end)
        if os.path.lexists(source):
            source.rename(side(target, end))
    return target


def _claim(path: Path, is_kind: Callable[[int], bool], mode: int) -> None:
    """Check one file or folder itself, never what a link points to."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise UnfitError(f"{path} is a symbolic link: replace it by what it points to")
    if not is_kind(found.st_mode):
        raise UnfitError(f"{path} is not what belongs there: move it away")
    if found.st_uid != os.geteuid():
        raise UnfitError(f"{path} belongs to another user: take it over or move it away")
    if stat.S_IMODE(found.st_mode) & ~mode:
        path.chmod(mode)
