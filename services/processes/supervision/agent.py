"""Starts the agent: fork, surroundings, exec."""

import errno
import os
import signal
from typing import NoReturn

from . import kernel, records
from .order import Order


_OOM_SCORE = b"300"
"""When memory runs out the kernel should take an agent, not the app or its supervisors."""

IGNORED_SIGNALS = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)
"""What the zygote and its supervisors ignore: Ctrl-C and a closed terminal are the app's to answer,
and a peer that is gone or a file that may not grow are errors of a call, not reasons to die."""


class StartError(OSError):
    """The program could not be started; nothing of it ran."""


class Agent:
    """The program under supervision. Its output goes straight into files of the folder (which is
    the working directory here), so it is kept whatever dies, and nobody has to copy it."""

    def __init__(self, order: Order) -> None:
        """Start it.

        Raises:
            StartError: with the errno of what failed: the program, its folder, its input, fork.
        """
        self.pid = 0
        self.code: int | None = None
        """Exit code once it has ended; negative = that signal."""
        self.stdin: int | None = None
        """Write end of its standard input, when that is a pipe."""
        self._out = self._err = -1
        self._order = order
        self._start()
        self.alive = True

    def out_size(self) -> int:
        """Bytes of standard output so far."""
        return os.fstat(self._out).st_size

    def outputs(self) -> tuple[int, int]:
        """Its standard output and error, as files that are open here."""
        return self._out, self._err

    def sync_output(self) -> None:
        """Wait until the disk has its standard output."""
        os.fsync(self._out)

    def ended(self, status: int) -> None:
        """It was reaped."""
        self.alive = False
        self.code = os.waitstatus_to_exitcode(status)

    def signal(self, number: int) -> None:
        """Signal it; safe while it is not reaped, and nothing happens afterwards."""
        if self.alive:
            _try_kill(self.pid, number)

    def signal_group(self, number: int) -> None:
        """Signal its process group: some agents' launchers do not pass signals on."""
        if self.alive:
            _try_kill(-self.pid, number)

    def _start(self) -> None:
        opened: list[int] = []
        try:
            opened.append(self._open_input())
            self._err = _append(records.ERR)
            opened.append(os.open(records.SENT, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._out = _append(records.OUT)  # last: where it exists, something may have run
            self._fork(*opened)
        except OSError as error:
            if self.stdin is not None:
                os.close(self.stdin)
            raise StartError(error.errno, error.strerror) from error
        finally:
            for fd in opened:
                os.close(fd)

    def _open_input(self) -> int:
        if self._order.stdin == "pipe":
            reads, self.stdin = os.pipe()
            return reads
        path = os.devnull if self._order.stdin == "null" else self._order.stdin.encode("latin-1")
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _fork(self, stdin: int, mark: int) -> None:
        reads, writes = os.pipe()  # closed by exec: its end without a byte means exec worked
        supervisor = os.getpid()
        try:
            self.pid = os.fork()
            if self.pid == 0:
                self._become(supervisor, (stdin, self._out, self._err), mark, writes)
        finally:
            os.close(writes)
            with open(reads, "rb") as report:
                failure = report.read() if self.pid else b""
        if failure:
            os.waitpid(self.pid, 0)
            raise OSError(int(failure), os.strerror(int(failure)))

    def _become(
        self, supervisor: int, stdio: tuple[int, int, int], mark: int, report: int
    ) -> NoReturn:
        """In the child: turn into the agent, or report the errno."""
        try:
            os.setsid()
            kernel.die_with_parent(supervisor)
            _default_signals()
            _prefer_for_oom_kill()
            for target, fd in enumerate(stdio):
                os.dup2(fd, target)
            _dup_mark(mark)
            os.chdir(self._order.cwd)
            os.execvpe(self._order.argv[0], self._order.argv, self._order.env)  # noqa: S606
        except OSError as error:
            os.write(report, str(error.errno).encode())
        except ValueError:  # a NUL in an argument or a variable
            os.write(report, str(errno.EINVAL).encode())
        finally:
            os._exit(127)


def _append(name: str) -> int:
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _try_kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:  # it runs as another user, or the number is no signal
        pass


def _default_signals() -> None:
    """Undo what is ignored; exec undoes what is handled."""
    signal.set_wakeup_fd(-1)
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _prefer_for_oom_kill() -> None:
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(fd, _OOM_SCORE)
    except OSError:  # a container may forbid it
        pass
    finally:
        os.close(fd)


def _dup_mark(fd: int) -> None:
    try:
        os.dup2(fd, records.MARK_FD)
    except OSError:  # a low limit of open files: the token still marks the tree
        pass
