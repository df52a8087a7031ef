"""The app's side of the zygote: starts it, hands it orders, notices its death."""

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cc4tui.errors import ProcessError
from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.supervision import records


_PROGRAM = Path(__file__).parent / "supervision" / "__main__.py"
_CONTROL_FD = 3
_END_SECONDS = 5.0


class Zygote:
    """A running zygote. It ends by itself once its socket is closed and its agents are gone."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self._control = control
        self._reaped = False

    @classmethod
    def start(cls, log: Path | None) -> "Zygote":
        """Start one; it need not be up before the first request. Blocks for a millisecond or two.

        Args:
            log: Gets what goes wrong in the zygote or a supervisor; None = nowhere.

        Raises:
            OSError: it could not be started.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                return cls(_spawn_program(theirs.fileno(), log), ours)
        except BaseException:
            ours.close()
            raise

    def request(self, control: socket.socket, order: "OrderFiles") -> None:
        """Ask for a supervisor. There is no answer here: it answers on its `control` socket.

        Raises:
            OSError: the zygote is gone.
        """
        socket.send_fds(self._control, [b"+"], [control.fileno(), order.order, order.folder])

    def is_gone(self) -> bool:
        """Whether it has ended; reaps it."""
        if not self._reaped:
            try:
                self._reaped = os.waitpid(self.pid, os.WNOHANG)[0] != 0
            except ChildProcessError:
                self._reaped = True
        return self._reaped

    def kill(self) -> None:
        """End it; its supervisors live on, and so do their agents."""
        if not self.is_gone():
            os.kill(self.pid, signal.SIGKILL)

    def release(self) -> None:
        """Let it end as soon as its agents have."""
        self._control.close()

    async def wait(self) -> None:
        """Wait for its end, once it was released and its agents have ended."""
        await asyncio.to_thread(self._wait)

    def _wait(self) -> None:
        deadline = time.monotonic() + _END_SECONDS
        while not self.is_gone() and time.monotonic() < deadline:
            time.sleep(0.002)


def _spawn_program(control: int, log: Path | None) -> int:
    """posix_spawn: safe beside threads, and it ties the program to no object that must outlive it,
    because with programs that were left running it outlives us."""
    program = [sys.executable, "-S", "-E", "-s", str(_PROGRAM), str(_CONTROL_FD), str(os.getpid())]
    errors = os.devnull if log is None else str(log)
    return os.posix_spawn(
        sys.executable,
        program,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, control, _CONTROL_FD),
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        ],
        setsid=True,
    )


class OrderFiles:
    """Descriptors that tell a supervisor what to do, open as long as the context.

    The order is an unnamed file in memory: the environment holds keys, and they never reach a disk.
    """

    def __init__(self, spec: ProcessSpec) -> None:
        self._spec = spec

    def __enter__(self) -> "OrderFiles":
        """Raises ProcessError when the folder cannot be opened."""
        try:
            self.folder = os.open(self._spec.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ProcessError(
                f"cannot use the attempt folder {self._spec.folder}: {error}"
            ) from error
        self.order = _unnamed_file(json.dumps(_order(self._spec)).encode())
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.order)
        os.close(self.folder)


def write_spec(spec: ProcessSpec) -> None:
    """Make the attempt folder and write what is asked for into it, the environment's values left
    out. Blocks: call it in a thread.

    Raises:
        ProcessError: the folder cannot be made or written to.
    """
    record = {
        "argv": list(spec.argv),
        "cwd": str(spec.cwd),
        "env": sorted(spec.env),
        "token": spec.token,
        "stdin": spec.stdin,
        "interrupt_seconds": spec.interrupt_seconds,
    }
    try:
        spec.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        records.save(str(spec.folder), records.SPEC, record, durable=False)
    except OSError as error:
        raise ProcessError(f"cannot use the attempt folder {spec.folder}: {error}") from error


def _order(spec: ProcessSpec) -> dict[str, Any]:
    """As `supervision.order` reads it: raw bytes, spelt as latin-1."""
    return {
        "argv": [_raw(word) for word in spec.argv],
        "cwd": _raw(str(spec.cwd)),
        "env": {_raw(name): _raw(value) for name, value in spec.env.items()},
        "token": _raw(spec.token),
        "stdin": _raw(spec.stdin),
        "interrupt_seconds": spec.interrupt_seconds,
        "on_app_loss": spec.on_app_loss,
        "output_cap": spec.output_cap,
    }


def _raw(text: str) -> str:
    return os.fsencode(text).decode("latin-1")


def _unnamed_file(content: bytes) -> int:
    if sys.platform == "linux":
        fd = os.memfd_create("cc4tui-order", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(content)
    return fd
