"""Brings an attempt of an app that is gone to its end, and tells what that end was."""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cc4tui.domain.agent import ExitStatus
from cc4tui.errors import ProcessError
from cc4tui.ports import ProcessEnd
from cc4tui.services.processes.ends import LOST, recorded_end, supervisor_from, zygote_from
from cc4tui.services.processes.orphans import (
    Marks,
    is_running,
    kill_marked,
    kill_process,
)
from cc4tui.services.processes.sockets import connect
from cc4tui.services.processes.supervision import records, wire


PATIENCE_SECONDS = 10.0
"""How long a supervisor may take to stop its agent before it is killed."""
_ZYGOTE_SECONDS = 3.0
_SWEEP_SECONDS = 10.0
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was found of an attempt. Nothing of it runs any more, except `left`."""

    end: ProcessEnd | None
    """None when its agent was never started."""
    killed: int = 0
    """Processes that were still running and had to be killed now."""
    left: tuple[int, ...] = ()
    """Processes that could not be ended: another user's, or stuck in the kernel."""


def reap_orphans(folder: Path, token: str, patience: float = PATIENCE_SECONDS) -> Reaped:
    """End whatever is left of an attempt and say how it ended. Blocks: call it in a thread.

    From the call on the attempt can never start any more. A supervisor that still lives is asked
    to stop its agent; to keep an agent running instead, attach to it (`Supervisors.attach`).

    Args:
        folder: Attempt folder; it may be missing.
        token: CC4_TOKEN of the attempt, as it was journaled before the start.
        patience: Seconds that a living supervisor gets before it is killed.

    Raises:
        ProcessError: somebody holds the folder's lock who can neither be asked nor killed.
        ValueError: the token is empty.
    """
    marks = Marks(folder, token)
    end = recorded_end(folder)
    if end is not None:  # written only when nothing was left
        return Reaped(end)
    if not folder.is_dir():
        swept = kill_marked(marks, _SWEEP_SECONDS)
        return Reaped(
            _lost(folder, swept.killed) if swept.killed else None, swept.killed, swept.left
        )
    _record(folder, records.REVOKED, {"by": os.getpid()})
    with _supervisor_gone(folder, patience):
        _await_zygote(folder)
        swept = kill_marked(marks, _SWEEP_SECONDS)
        return Reaped(_conclude(folder, swept.killed), swept.killed, swept.left)


@contextlib.contextmanager
def _supervisor_gone(folder: Path, patience: float) -> Iterator[None]:
    """Hold the folder's lock, which is free once its supervisor is dead. No pid is compared, so
    none can be reused."""
    fd = os.open(folder / records.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _locked(fd):
            _ask_to_stop(folder)
            if not _until(lambda: _locked(fd), patience):
                _kill_supervisor(folder)
                if not _until(lambda: _locked(fd), patience):
                    raise ProcessError(
                        f"the attempt in {folder} is held by a process that does not end; "
                        f"find it with `fuser {folder / records.LOCK}` and end it"
                    )
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _ask_to_stop(folder: Path) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(1)
        connect(sock, folder)
        sock.sendall(wire.encode({"op": "own"}) + wire.encode({"op": "stop", "why": "recovered"}))


def _kill_supervisor(folder: Path) -> None:
    """The kernel then kills its agent, and its zygote (or the sweep to come) the rest."""
    supervisor = supervisor_from(records.load(str(folder), records.AGENT) or {})
    if supervisor is not None:
        kill_process(supervisor)


def _await_zygote(folder: Path) -> None:
    """A zygote that outlived the supervisor ends the tree, children without any mark included."""
    zygote = zygote_from(records.load(str(folder), records.AGENT) or {})
    if zygote is not None:
        _until(lambda: recorded_end(folder) is not None or not is_running(zygote), _ZYGOTE_SECONDS)


def _conclude(folder: Path, killed: int) -> ProcessEnd | None:
    """Read the end, or write it when whoever should have written it was killed."""
    end = recorded_end(folder)
    if end is not None:
        return end
    known = records.load(str(folder), records.EXIT)
    if known is not None:
        status = ExitStatus(known["code"], known["why"], known["errno"])
        end = ProcessEnd(status, killed, records.size(str(folder), records.OUT))
    elif killed or (folder / records.OUT).exists():
        end = _lost(folder, killed)
    else:
        return None
    status = end.status
    record = {"code": status.code, "why": status.why, "errno": status.errno}
    _record(folder, records.EXIT, record)
    _record(folder, records.ENDED, {**record, "killed": killed, "out": end.out_size})
    return end


def _lost(folder: Path, killed: int) -> ProcessEnd:
    return ProcessEnd(LOST, killed, records.size(str(folder), records.OUT))


def _record(folder: Path, name: str, record: records.Record) -> None:
    """Best effort: on a full disk the processes must be ended all the same, and the next recovery
    comes to the same end."""
    with contextlib.suppress(OSError):
        records.save(str(folder), name, record, durable=True)
