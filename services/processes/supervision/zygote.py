"""Forks supervisors from a warm interpreter and ends the trees of those that were killed."""

import gc
import os
import signal
import socket
import sys
import traceback
from typing import NoReturn

from . import kernel, log, records
from .agent import IGNORED_SIGNALS
from .control import Connection
from .reactor import Reactor
from .supervisor import supervise
from .sweep import Sweeper


_ROUND_SECONDS = 0.005
_DESCRIPTORS_PER_REQUEST = 3
_LOST_CODE = -9
"""Exit code of an agent whose supervisor was killed: the kernel killed it with SIGKILL."""


def main(control_fd: int, app_pid: int) -> NoReturn:
    """Run until the app is gone and the last supervisor has ended."""
    os.chdir("/")
    _close_all_but({0, 1, 2, control_fd})
    os.set_inheritable(control_fd, False)
    app = kernel.parent_pidfd(app_pid)
    if os.getppid() == app_pid:
        Zygote(socket.socket(fileno=control_fd), app).run()
    os._exit(0)


def _close_all_but(kept: set[int]) -> None:
    """Close whatever was inherited, above all any copy of another agent's lifeline.

    One by one: closing the whole range takes minutes where the limit of open files is a billion and
    the kernel has no close_range, as in some containers.
    """
    for name in os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:  # the one that the listing itself used
                continue


class Zygote:
    """Parent of all supervisors.

    A request is one byte with three descriptors: the control socket of the new supervisor, the
    unnamed file with its order and the attempt folder. There is no answer: the supervisor answers
    on its own socket, and when there is none, that socket closes.

    One supervisor is always forked ahead and waits for its request: a program then starts in half
    the time.
    """

    def __init__(self, control: socket.socket, app: int | None) -> None:
        _set_signals()
        kernel.become_subreaper()
        self._control: socket.socket | None = control
        self._app = app
        self._reactor = Reactor()
        self._reactor.watch(control.fileno(), self._receive)
        if app is not None:
            self._reactor.watch(app, self._lose_app)
        self._folders: dict[int, int] = {}
        """Folders by supervisor at work."""
        self._lost: list[int] = []
        """Folders whose supervisor was killed and whose tree is being ended."""
        self._ahead: dict[int, socket.socket] = {}
        """The supervisor that waits, and the way to it."""
        self._supervisors: set[int] = set()
        """A child that is not in here was adopted: it is an orphan."""
        self._sweeper = Sweeper(spare=self._supervisors)
        gc.collect()
        gc.freeze()  # so that collections in the children do not copy the shared pages
        self._fork_ahead()

    def run(self) -> None:
        """Serve until there is nothing left to do, and no supervisor is left, be it one that waits:
        whoever waits for our end takes it for the end of all."""
        orphans = False
        while self._control is not None or self._supervisors or orphans:
            self._reactor.wait(_ROUND_SECONDS if orphans else None)
            more = self._sweeper.reap(self._reaped)
            orphans = more and self._sweeper.strike()
            if not orphans:
                self._conclude_lost()

    def _receive(self) -> None:
        if self._control is None:
            return
        data, fds = _received(self._control)
        if fds:
            self._start(*fds)
        if not data:
            self._lose_app()

    def _lose_app(self) -> None:
        while self._ahead:
            self._ahead.popitem()[1].close()
        if self._control is not None:
            self._reactor.unwatch(self._control.fileno())
            self._control.close()
            self._control = None
        if self._app is not None:
            self._reactor.unwatch(self._app)

    def _start(self, control: int, order: int, folder: int) -> None:
        if not self._hand_over(control, order, folder):
            try:
                pid = os.fork()
            except OSError as error:
                _report_failed_fork(control, error)
                os.close(folder)
            else:
                if pid == 0:
                    self._become_supervisor(control, order, folder)
                self._folders[pid] = folder
                self._supervisors.add(pid)
        os.close(control)
        os.close(order)
        self._fork_ahead()

    def _hand_over(self, *request: int) -> bool:
        """Give the request to the supervisor that waits; False when there is none."""
        while self._ahead:
            pid, way = self._ahead.popitem()
            with way:
                try:
                    socket.send_fds(way, [b"+"], request)
                except OSError:  # it was killed
                    continue
            self._folders[pid] = request[2]
            return True
        return False

    def _fork_ahead(self) -> None:
        """Fork a supervisor that waits for its request. Without one the next is forked then."""
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError as error:
            log.note(f"could not fork ahead: {error}")
            ours.close()
        else:
            if pid == 0:
                self._wait_for_request(theirs)
            self._ahead[pid] = ours
            self._supervisors.add(pid)
        theirs.close()

    def _wait_for_request(self, way: socket.socket) -> NoReturn:
        """In the child: become a supervisor as soon as there is an agent for it."""
        try:
            self._leave_zygote(way.fileno())
            _, fds = _received(way)
            way.close()
        except BaseException:
            log.note(traceback.format_exc())
            os._exit(1)
        if not fds:  # the zygote has nothing more to start, or is gone
            os._exit(0)
        self._become_supervisor(*fds)

    def _become_supervisor(self, control: int, order: int, folder: int) -> NoReturn:
        """In the child. Whatever goes wrong, it must not return into the zygote's loop."""
        code = 1
        try:
            self._leave_zygote(control, order, folder)
            supervise(order, folder, socket.socket(fileno=control), self._app)
            code = 0
        except BaseException:
            log.note(traceback.format_exc())
        finally:
            os._exit(code)

    def _leave_zygote(self, *kept: int) -> None:
        """In the child: a session of its own, and no descriptor but these."""
        if os.getsid(0) != os.getpid():
            os.setsid()
        signal.set_wakeup_fd(-1)
        _close_all_but({0, 1, 2, *kept, *(() if self._app is None else (self._app,))})

    def _reaped(self, pid: int, status: int) -> None:
        self._supervisors.discard(pid)
        if pid in self._ahead:
            self._ahead.pop(pid).close()
        folder = self._folders.pop(pid, None)
        if folder is None:
            return
        if status == 0:
            os.close(folder)
        else:
            self._lost.append(folder)

    def _conclude_lost(self) -> None:
        for folder in self._lost:
            try:
                os.fchdir(folder)
                conclude(".", self._sweeper.killed)
            except OSError as error:
                log.note(f"could not record that a supervisor was lost: {error}")
            os.chdir("/")
            os.close(folder)
        self._lost.clear()
        self._sweeper.killed = 0


def _received(sock: socket.socket) -> tuple[bytes, list[int]]:
    """A request and its descriptors. Without them too many are open here: the app notices, as its
    end of the control socket closes. Without a byte the other side is gone."""
    flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
    try:
        data, fds, _flags, _address = socket.recv_fds(sock, 1, _DESCRIPTORS_PER_REQUEST, flags)
    except OSError as error:
        log.note(f"could not receive a request: {error}")
        return b"", []
    for fd in fds:
        os.set_inheritable(fd, False)
    if len(fds) == _DESCRIPTORS_PER_REQUEST:
        return data, fds
    for fd in fds:
        os.close(fd)
    return data, []


def conclude(folder: str, killed: int) -> None:
    """Write the end of an agent whose supervisor was killed, when nothing of its tree is left.

    Does nothing when the agent was never started or its end is known already.
    """
    started = os.path.exists(os.path.join(folder, records.OUT))
    if not started or records.load(folder, records.ENDED) is not None:
        return
    end = records.load(folder, records.EXIT)
    if end is None:
        end = {"code": _LOST_CODE, "why": "supervisor-lost", "errno": None}
        records.save(folder, records.EXIT, end, durable=True)
    size = records.size(folder, records.OUT)
    records.save(folder, records.ENDED, {**end, "killed": killed, "out": size}, durable=False)


def _report_failed_fork(control: int, error: OSError) -> None:
    """Tell the app as the supervisor would, had there been one."""
    end = {"code": None, "why": "exec", "errno": error.errno, "killed": 0, "out": 0}
    with socket.socket(fileno=os.dup(control)) as sock:
        Connection(sock).send({"ev": "ended", **end})


def _set_signals() -> None:
    """Forget what whoever started the app ignored or blocked, because agents would inherit it."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_DFL)
        except OSError:  # reserved by the C library
            continue
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
