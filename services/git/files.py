"""Small files of git's and ours: written whole or not at all, read without following links."""

import os
import stat
import tempfile
from pathlib import Path


POINTER_LIMIT = 4096
"""Bytes of HEAD, .git and commondir files that are looked at; git's own are far shorter."""


def read_regular(path: Path, limit: int | None = None) -> bytes | None:
    """The first `limit` bytes of a regular file; None if it is missing, a link, or something else.

    Opened without blocking: a FIFO that an agent planted does not hang us.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read() if limit is None else file.read(limit)


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file by rename, so that a reader or a crash never meets half of it."""
    handle, temporary = tempfile.mkstemp(prefix=".cc4tui-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def overwrite(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Change a file where it lies, for what nobody relies on: a rename over it costs far more.

    One with a second name is replaced: an agent may have linked a file of the person's there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags, mode)
    try:
        if os.fstat(handle).st_nlink == 1:
            os.pwrite(handle, data, 0)
            os.ftruncate(handle, len(data))
            return
    finally:
        os.close(handle)
    write_atomic(path, data, mode)


def copy_atomic(source: Path, target: Path, mode: int = 0o644) -> bool:
    """Put a copy of a regular file in place of `target`; False if `source` is none."""
    data = read_regular(source)
    if data is None:
        return False
    write_atomic(target, data, mode)
    return True


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a real folder; None if it is missing, a link or a file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None


def signature(path: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is written or replaced; None if it is missing."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def make_private(folder: Path) -> Path:
    """Make a folder that only its owner enters."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def make_accessible(folder: Path) -> None:
    """Give the owner back what an agent took: read files, enter and change folders. Links stay."""
    folder.chmod(folder.stat().st_mode | stat.S_IRWXU)
    for root, folders, files in os.walk(folder):
        for names, bits in ((folders, stat.S_IRWXU), (files, stat.S_IRUSR)):
            for path in (Path(root, name) for name in names):
                mode = path.lstat().st_mode
                if not stat.S_ISLNK(mode) and mode & bits != bits:
                    path.chmod(stat.S_IMODE(mode) | bits)


def special_files(folder: Path) -> list[Path]:
    """FIFOs, sockets and devices below a folder, which no git command lists or removes."""
    found: list[Path] = []
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink():
                    found.append(Path(entry.path))
    return found


def free_name(wanted: Path) -> Path:
    """A path that does not exist: the wanted one with a number."""
    names = (wanted.with_name(f"{wanted.name}-{number}") for number in range(1, 1_000_000))
    return next(name for name in names if not name.exists() and not name.is_symlink())
