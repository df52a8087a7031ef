"""Calls that only Linux has. Elsewhere each does nothing, and its docstring says what is lost."""

import ctypes
import errno
import os
import signal
import socket
import struct
import sys


_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_SO_PEERPIDFD = 77
"""Linux 6.5; Python 3.11 has no name for it."""


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> None:
    if _libc is not None and _libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def become_subreaper() -> None:
    """Adopt orphaned descendants. Without it they go to init and are not found by their parent."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` ends; call right after fork.

    The signal fires when the *thread* that forked ends, so the parent must be single-threaded.
    Without it an agent survives its supervisor until the next start sweeps it.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(127)


def punch_hole(fd: int, start: int, length: int) -> None:
    """Free a range of a file; it reads as zeros then, and the size stays.

    Raises:
        OSError: the file system cannot, nor can systems other than Linux.
    """
    if _libc is None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    off_t = ctypes.c_long
    if _libc.fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, off_t(start), off_t(length)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def pidfd_open(pid: int) -> int | None:
    """A descriptor of the process that pid reuse cannot redirect; readable once it has ended.

    None when the process is gone, or where pidfds do not exist.
    """
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def pidfd_kill(fd: int) -> bool:
    """SIGKILL to the process behind a pidfd; False when it has ended already.

    Raises:
        PermissionError: it runs as another user.
    """
    if sys.platform != "linux":
        return False
    try:
        signal.pidfd_send_signal(fd, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def parent_pidfd(parent: int) -> int | None:
    """A pidfd of the parent, sure to be the parent's: it still was our parent afterwards."""
    fd = pidfd_open(parent)
    if fd is not None and os.getppid() != parent:
        os.close(fd)
        return None
    return fd


def same_user(peer: socket.socket) -> bool:
    """Whether the other end of a unix socket runs as us. Unknown (not Linux) counts as yes:
    the folder of the socket is ours alone (0700)."""
    if sys.platform != "linux":
        return True
    _pid, uid, _gid = struct.unpack(
        "3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    )
    return bool(uid == os.getuid())


def peer_pidfd(peer: socket.socket) -> int | None:
    """A pidfd of the process that connected; None where the kernel cannot tell for certain."""
    if sys.platform != "linux":
        return None
    try:
        return peer.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError:
        return None
