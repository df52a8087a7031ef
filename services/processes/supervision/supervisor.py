"""Watches over one agent from its start until nothing of its tree is left."""

import binascii
import fcntl
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from functools import partial

from . import kernel, log, procfs, records, wire
from .agent import Agent, StartError
from .cap import OutputCap
from .control import Connection, Control
from .feed import StdinFeed
from .order import Order
from .reactor import Reactor
from .stopping import INTERRUPT, KILL, LOSS_INTERRUPT_SECONDS, TERMINATE, StopSequence
from .sweep import Sweeper, kill_group


_FIRST_ROUND_SECONDS = 0.001
_LONGEST_ROUND_SECONDS = 0.05


class RefusedError(Exception):
    """The agent must not be started; nothing of it ran."""


def supervise(order_fd: int, folder_fd: int, control: socket.socket, app: int | None) -> None:
    """Be the supervisor of one agent; returns when its tree is gone, or was never started.

    Args:
        order_fd: The file with the order.
        folder_fd: The attempt folder.
        control: The app's end of it is the lifeline: when it closes, the app is gone.
        app: A pidfd of the app, where there is one.
    """
    try:
        os.fchdir(folder_fd)
        kernel.become_subreaper()
        _claim_folder()
        _check_app(control, app)
        supervisor = Supervisor(Order.read(order_fd), control, app)
    except (OSError, ValueError, RefusedError) as error:
        Connection(control).send({"ev": "refused", "why": str(error)})
        return
    os.close(order_fd)
    os.close(folder_fd)
    supervisor.run()


def _claim_folder() -> None:
    """Make sure that nothing is started twice: the lock comes first, then the look at the files.

    The descriptor stays open for as long as this process lives.
    """
    lock = os.open(records.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RefusedError("its folder has a supervisor already") from None
    for name in (records.REVOKED, records.EXIT, records.OUT):
        if os.path.exists(name):
            raise RefusedError(f"its folder was used before: it holds `{name}`")


def _check_app(control: socket.socket, app: int | None) -> None:
    """An agent that the app cannot hear of any more is not started, whatever its policy."""
    poll = select.poll()
    poll.register(control, 0)
    if app is not None:
        poll.register(app, select.POLLIN)
    if poll.poll(0):
        raise RefusedError("the app is gone")


class Supervisor:
    """Parent of one agent: single-threaded, driven by a reactor, holding no output."""

    def __init__(self, order: Order, control: socket.socket, app: int | None) -> None:
        self._order = order
        self._policy = order.on_app_loss
        self._reactor = Reactor()
        self._stop = StopSequence()
        self._sweeper = Sweeper()
        self._sweeping = False
        self._round_seconds = _FIRST_ROUND_SECONDS
        self._agent: Agent | None = None
        self._feed: StdinFeed | None = None
        self._cap: OutputCap | None = None
        self._errno: int | None = None
        self._identity: records.Record = {}
        self._exit: records.Record = {}
        self._ended: records.Record | None = None
        signal.signal(signal.SIGTERM, lambda *_: self._begin_stop("supervisor-term"))
        self._control = Control(
            self._reactor, control, app, self._handle, self._app_lost, self._state
        )

    def run(self) -> None:
        """Start the agent and stay until everything has ended."""
        self._start()
        self._control.broadcast(self._state())
        while self._ended is None:
            self._reactor.wait(self._patience())
            self._advance()
        self._control.close()
        self._control.broadcast({"ev": "ended", **self._ended})
        if self._agent is not None and self._ended["out"]:
            # For a power cut alone: files outlive every process without it, so nobody who waits
            # for the end waits for the disk.
            _logged(self._agent.sync_output, "sync the output")

    # --- the agent's life ---------------------------------------------------------------------

    def _start(self) -> None:
        try:
            self._agent = Agent(self._order)
        except StartError as error:
            self._errno = error.errno
            self._record_exit("exec")
            return
        if self._order.output_cap is not None:
            self._cap = OutputCap(self._agent.outputs(), self._order.output_cap)
        if self._agent.stdin is not None:
            self._feed = StdinFeed(self._reactor, self._agent.stdin)
        me, zygote = os.getpid(), os.getppid()
        self._identity = {
            "boot": procfs.boot_id(),
            "pid": self._agent.pid,
            "start": procfs.start_time(self._agent.pid) or 0,
            "supervisor": me,
            "supervisor_start": procfs.start_time(me) or 0,
            "zygote": zygote,
            "zygote_start": procfs.start_time(zygote) or 0,
            "began": time.monotonic(),
        }
        _save(records.AGENT, self._identity)

    def _advance(self) -> None:
        """Do what is due now: the next step of a stop, reaping, a round of the sweep, the end."""
        for step in self._stop.take():
            self._carry_out(step)
        self._enforce_cap()
        children = self._sweeper.reap(self._reaped)
        self._sweeping = self._sweeping or not self._alive()
        struck = self._sweeping and children and self._sweeper.strike()
        if not self._alive() and not struck:
            self._finish()

    def _enforce_cap(self) -> None:
        if self._cap is None:
            return
        try:
            self._cap.enforce()
        except OSError as error:
            log.note(f"could not free the middle of an output: {error}")
            self._cap = None
            self._stop.hurry(records.OUTPUT_CAP)

    def _carry_out(self, step: str) -> None:
        if step == KILL:
            self._sweeping = True
        elif self._agent is not None and step == INTERRUPT:
            self._agent.signal(signal.SIGINT)
        elif self._agent is not None and step == TERMINATE:
            self._agent.signal_group(signal.SIGTERM)
            for pid in set(procfs.children()) - {self._agent.pid}:
                _logged(partial(os.kill, pid, signal.SIGTERM), f"signal {pid}")

    def _reaped(self, pid: int, status: int) -> None:
        if self._agent is None or pid != self._agent.pid:
            return
        self._agent.ended(status)
        kill_group(pid)
        if self._feed is not None:
            self._feed.close()
        self._record_exit(self._stop.why or "exited")
        self._control.broadcast({"ev": "exit", "code": self._agent.code})

    def _record_exit(self, why: str) -> None:
        self._exit = {
            "code": None if self._agent is None else self._agent.code,
            "why": why,
            "errno": self._errno,
            "ended": time.monotonic(),
        }
        _save(records.EXIT, self._exit)

    def _finish(self) -> None:
        """Nothing is left: from now on `out` does not grow and the worktree is free."""
        end = {
            **self._exit,
            "killed": self._sweeper.killed,
            "left": sorted(self._sweeper.immune),
            "out": 0 if self._agent is None else self._agent.out_size(),
        }
        _save(records.ENDED, end)
        self._ended = end

    # --- what is asked of it ------------------------------------------------------------------

    def _handle(self, request: wire.Message) -> None:
        match request:
            case {"op": "stdin", "data": str(data)} if self._feed is not None:
                self._feed.write(binascii.a2b_base64(data))
            case {"op": "eof"} if self._feed is not None:
                self._feed.close_when_empty()
            case {"op": "signal", "sig": int(number)} if self._agent is not None:
                self._agent.signal(number)
            case {"op": "stop", "why": str(why), "at_once": True}:
                self._stop.hurry(why)
            case {"op": "stop", "why": str(why)}:
                self._begin_stop(why)
            case {"op": "policy", "on_app_loss": ("kill" | "keep") as policy}:
                self._policy = policy
                self._control.broadcast({"ev": "policy", "on_app_loss": policy})

    def _begin_stop(self, why: str) -> None:
        self._stop.begin(why, self._order.interrupt_seconds)

    def _app_lost(self) -> None:
        if self._policy == "kill":
            limit = min(self._order.interrupt_seconds, LOSS_INTERRUPT_SECONDS)
            self._stop.begin("app-gone", limit)

    # --- what it tells ------------------------------------------------------------------------

    def _alive(self) -> bool:
        return self._agent is not None and self._agent.alive

    def _state(self) -> wire.Message:
        return {
            "ev": "state",
            **self._identity,
            "alive": self._alive(),
            "errno": self._errno,
            "on_app_loss": self._policy,
            "stopping": self._stop.why,
        }

    def _patience(self) -> float | None:
        """Seconds until something is due by itself; None = wait for somebody."""
        if self._sweeping or not self._alive():
            self._round_seconds = min(self._round_seconds * 2, _LONGEST_ROUND_SECONDS)
            return self._round_seconds
        seconds = (self._stop.seconds_left(), self._cap.seconds if self._cap else None)
        return min((limit for limit in seconds if limit is not None), default=None)


def _save(name: str, record: records.Record) -> None:
    """Write a file of the folder. When that fails (disk full, folder deleted) the tree must be
    ended all the same, and whoever is connected is told the same over the socket."""
    _logged(partial(records.save, ".", name, record, durable=False), f"write {name}")


def _logged(action: Callable[[], None], what: str) -> None:
    try:
        action()
    except OSError as error:
        log.note(f"could not {what}: {error}")
