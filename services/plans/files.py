"""Replaces a plan file as a whole or not at all, while others may be writing it too."""

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cc4tui.errors import PlanError


LOCK_SECONDS = 10.0
"""How long to wait for another process that writes the same plan."""


_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""
_SAVES = 20
"""How often an editor may save while its text is put back."""


def replace_file(path: Path, before: bytes, after: bytes) -> None:
    """Write `after` where `before` is; a file that does not exist counts as empty.

    Links are followed and the mode is kept. Readers see the old file or the new one.

    Raises:
        PlanError: E10, somebody else changed the file; nothing was written.
        OSError: it cannot be written.
    """
    with locked(path) as real:
        swap(real, before, after)


def swap(real: Path, before: bytes, after: bytes) -> None:
    """As `replace_file`, for a caller that holds the lock and resolved the links."""
    temporary = _write_beside(real, after)
    try:
        if _content(real) != before:  # as late as possible: an editor takes no lock
            raise changed(real)
        if not _exchanged(temporary, real):
            temporary.replace(real)
        elif not _displaced(temporary, real, before, after):
            raise changed(real)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    _sync_folder(real.parent)


def _displaced(temporary: Path, real: Path, before: bytes, after: bytes) -> bool:
    """Whether the exchange put nothing aside but `before`.

    What an editor saved between our last look and the exchange is put back, the newest of it last.
    """
    put, aside = after, temporary.read_bytes()
    if aside == before:
        return True
    for _ in range(_SAVES):
        _exchanged(temporary, real)
        back, aside = aside, temporary.read_bytes()
        if aside == put:
            break  # nobody saved in between
        put = back
    return False


def _exchanged(one: Path, other: Path) -> bool:
    """Let two files change places in one step; False where the system cannot."""
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(call(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)


def changed(path: Path) -> PlanError:
    """The error E10."""
    return PlanError(f"{path}: E10 the file changed since it was read; read it again and repeat")


@contextmanager
def locked(path: Path) -> Iterator[Path]:
    """Hold the file's lock against other cc4tui processes; yields the path behind all links."""
    real = path.resolve()
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        descriptor = _open(real)
        try:
            if descriptor is None:  # a new file: there is nothing to lose yet
                yield real
                return
            _flock(descriptor, real, deadline)
            if _same(descriptor, real):
                yield real
                return
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _open(real: Path) -> int | None:
    try:
        return os.open(real, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _flock(descriptor: int, real: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            if time.monotonic() > deadline:
                raise PlanError(
                    f"{real} is locked by another process for {LOCK_SECONDS:.0f} s; try again"
                ) from None
            time.sleep(0.01)
        else:
            return


def _same(descriptor: int, real: Path) -> bool:
    """Whether the locked file is still the one at the path; else it was replaced meanwhile."""
    try:
        now = real.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (held.st_dev, held.st_ino) == (now.st_dev, now.st_ino)


def _content(real: Path) -> bytes:
    try:
        return real.read_bytes()
    except FileNotFoundError:
        return b""


def _write_beside(real: Path, data: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".tmp", dir=real.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(real))
    except BaseException:
        temporary.unlink()
        raise
    return temporary


def _mode(real: Path) -> int:
    try:
        return real.stat().st_mode & 0o7777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
