"""One git process from start to end, in a thread: nothing here touches the event loop."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


KILL_AFTER = 3.0
"""Seconds between SIGTERM, at which git removes its own lock files, and SIGKILL."""
AT_MOST = 20
"""A call that keeps working may take this many times its timeout."""


class GitCall(NamedTuple):
    """Everything that one process needs."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stdin: bytes | None
    timeout: float
    """Seconds that it may run while it does nothing in their second half."""


class GitResult(NamedTuple):
    """How a git process ended and what it said."""

    returncode: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output without its last newline; what is not UTF-8 survives as surrogates."""
        return os.fsdecode(self.stdout.removesuffix(b"\n"))

    @property
    def fields(self) -> list[str]:
        """NUL-terminated fields, as ``-z`` writes them."""
        return [os.fsdecode(part) for part in self.stdout.split(b"\0")[:-1]]


class GitProcess:
    """A call that can be stopped from another thread while `run` waits for it."""

    def __init__(self, call: GitCall) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._popen: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self) -> GitResult:
        """Start it and wait for its end; one that makes no progress is killed with its group.

        Raises:
            OSError: the program could not be started.
        """
        popen = self._start()
        if popen is None:
            return GitResult(-signal.SIGTERM, b"", "stopped before it started")
        out, err = self._communicate(popen)
        if out is None:
            out, err = self._end(popen)
            err += f"\nno progress within {self._call.timeout:g} s; stopped".encode()
            return GitResult(popen.returncode or -signal.SIGKILL, out, os.fsdecode(err))
        return GitResult(popen.returncode, out, os.fsdecode(err))

    def stop(self) -> None:
        """Ask it to end; `run` still waits for that end."""
        with self._lock:
            self._stopped = True
            if self._popen is not None and self._popen.poll() is None:
                _signal_group(self._popen.pid, signal.SIGTERM)

    def _start(self) -> "subprocess.Popen[bytes] | None":
        call = self._call
        with self._lock:
            if self._stopped:
                return None
            self._popen = subprocess.Popen(
                call.argv,
                env=call.env,
                cwd=call.cwd,
                stdin=subprocess.DEVNULL if call.stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            return self._popen

    def _communicate(self, popen: "subprocess.Popen[bytes]") -> tuple[bytes | None, bytes]:
        """What it wrote until its end; None if it hangs: a big repository takes long, but works."""
        stdin, worked = self._call.stdin, None
        for _ in range(2 * AT_MOST):
            try:
                return popen.communicate(stdin, timeout=self._call.timeout / 2)
            except subprocess.TimeoutExpired:
                stdin = None
            before, worked = worked, _processor_ticks(popen.pid)
            if worked is not None and worked == before:
                break
        return None, b""

    @staticmethod
    def _end(popen: "subprocess.Popen[bytes]") -> tuple[bytes, bytes]:
        _signal_group(popen.pid, signal.SIGTERM)
        try:
            return popen.communicate(timeout=KILL_AFTER)
        except subprocess.TimeoutExpired:
            _signal_group(popen.pid, signal.SIGKILL)
            return popen.communicate()


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the process group that `pid` leads; one that is gone already is fine."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _processor_ticks(pid: int) -> int | None:
    """Processor time that a process has used; None where /proc does not tell."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return sum(int(field) for field in after_name[11:15])
