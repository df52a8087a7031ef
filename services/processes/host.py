"""Starts programs so that they die with us and leave nothing behind."""

import asyncio
import socket
import threading
from dataclasses import replace
from pathlib import Path

from cc4tui.errors import ProcessError
from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.launcher import OrderFiles, Zygote, write_spec
from cc4tui.services.processes.process import SupervisedProcess
from cc4tui.services.processes.sockets import connect
from cc4tui.services.processes.supervision import records, wire


_TRIES = 3
_ANSWER_SECONDS = 30.0
_UNANSWERED = 16
"""Requests on their way at once: few enough that sending one can never block."""


class Supervisors:
    """Implements `cc4tui.ports.ProcessHost`: a zygote, and under it one supervisor per program.

    Linux in full; what is lost elsewhere is said in `supervision` and `supervision.kernel`.

    Args:
        log: File that gets what goes wrong inside the zygote and the supervisors.
    """

    def __init__(self, log: Path | None = None) -> None:
        self._log = log
        self._zygote: Zygote | None = None
        self._retired: list[Zygote] = []
        self._zygote_lock = threading.RLock()
        self._slots = asyncio.Semaphore(_UNANSWERED)
        self._processes: set[SupervisedProcess] = set()
        self._left_behind = False
        """Whether some program runs on without us; its zygote stays with it."""
        self._closed = False

    async def start(self) -> None:
        """Start the zygote ahead of the first program, which then waits 7 ms instead of 70.

        Raises:
            ProcessError: it could not be started.
        """
        await self._running_zygote()

    async def spawn(self, spec: ProcessSpec) -> SupervisedProcess:
        """Start a program under a supervisor of its own.

        A program that cannot be executed is no error here: its `identity` is None and `ended`
        tells the errno. When the call is cancelled, it first waits until what it started is gone.

        Raises:
            ProcessError: the attempt folder is unusable or was used before, or no supervisor
                could be started.
        """
        spec = _with_absolute_paths(spec)
        await asyncio.to_thread(write_spec, spec)
        with OrderFiles(spec) as order:
            async with self._slots:
                for _ in range(_TRIES):
                    zygote = await self._running_zygote()
                    process = await self._request(zygote, spec, order)
                    if await self._is_started(process, zygote):
                        return process
                    self._retire(zygote)
        raise ProcessError(
            f"no supervisor answered for {spec.argv[0]!r}; the reason is in {self._log or 'no log'}"
        )

    async def attach(self, folder: Path) -> SupervisedProcess | None:
        """Take over a program that was left running (`keep`), also one of another app.

        Returns:
            None when no supervisor listens there: `reap_orphans` then tells the end.
        """
        spec = await asyncio.to_thread(records.load, str(folder), records.SPEC)
        if spec is None or not spec.keys() >= {"token", "interrupt_seconds"}:
            return None
        process = self._process(folder, spec["token"], spec["interrupt_seconds"])
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            await _connect(sock, folder)
            sock.send(wire.encode({"op": "own"}))
        except OSError:
            sock.close()
            return None
        await self._open(process, sock)
        if await process.answered():
            return process
        self._processes.discard(process)
        return None

    async def detach(self) -> None:
        """Leave everything running, each program confirmed by its supervisor, and close."""
        self._closed = True
        await asyncio.gather(*(process.keep() for process in list(self._processes)))
        if self._zygote is not None:
            self._retire(self._zygote)

    async def close(self) -> None:
        """Stop whatever still runs and wait for it."""
        self._closed = True
        running = list(self._processes)
        for process in running:
            process.stop("closing")
        await asyncio.gather(*(process.ended() for process in running), return_exceptions=True)
        if self._zygote is not None:
            self._retire(self._zygote)
        if not self._left_behind:
            await asyncio.gather(*(zygote.wait() for zygote in self._retired))

    # --- the way of a request -----------------------------------------------------------------

    async def _request(
        self, zygote: Zygote, spec: ProcessSpec, order: OrderFiles
    ) -> SupervisedProcess:
        """Hand an order to the zygote; whether it arrived shows in the process's answer."""
        process = self._process(spec.folder, spec.token, spec.interrupt_seconds)
        ours, theirs = socket.socketpair()
        with theirs:
            ours.setblocking(False)
            await self._open(process, ours)
            try:
                zygote.request(theirs, order)
            except OSError:  # it has just died
                process.abandon()
        return process

    async def _is_started(self, process: SupervisedProcess, zygote: Zygote) -> bool:
        """Wait for the supervisor's first word. Without one nobody can start the program any more:
        the request died with the zygote, or the supervisor did; `out` tells which."""
        try:
            answered = await _answer(process, zygote)
        except asyncio.CancelledError:
            process.stop("cancelled", at_once=True)
            over = (_answer(process, zygote), process.ended())
            await asyncio.gather(*over, return_exceptions=True)
            raise
        if process.refusal is not None:
            self._processes.discard(process)
            raise ProcessError(f"cannot start in {process.folder}: {process.refusal}")
        if answered or (process.folder / records.OUT).exists():
            return True
        self._processes.discard(process)
        return False

    async def _open(self, process: SupervisedProcess, sock: socket.socket) -> None:
        await asyncio.get_running_loop().create_unix_connection(lambda: process, sock=sock)
        self._processes.add(process)

    async def _running_zygote(self) -> Zygote:
        if self._zygote is not None and not self._closed and not self._zygote.is_gone():
            return self._zygote
        try:
            return await asyncio.to_thread(self._ensure_zygote)
        except OSError as error:
            raise ProcessError(f"cannot start the supervisor program: {error}") from error

    def _ensure_zygote(self) -> Zygote:
        """In a thread, so that the loop goes on; keeps the zygote itself, so that a caller that is
        cancelled meanwhile loses nothing."""
        with self._zygote_lock:
            if self._closed:
                raise ProcessError("the process host is closed")
            if self._zygote is not None and self._zygote.is_gone():
                self._retire(self._zygote)
            if self._zygote is None:
                self._zygote = Zygote.start(self._log)
            return self._zygote

    def _retire(self, zygote: Zygote) -> None:
        """Give it nothing to do any more; if it lives, it stays until its agents have ended.

        Several who waited for it may find it gone at once, in the loop and in threads.
        """
        with self._zygote_lock:
            if zygote in self._retired:
                return
            zygote.release()
            self._retired = [old for old in self._retired if not old.is_gone()]
            self._retired.append(zygote)
            if self._zygote is zygote:
                self._zygote = None

    def _process(self, folder: Path, token: str, interrupt_seconds: float) -> SupervisedProcess:
        return SupervisedProcess(folder, token, interrupt_seconds, self._forget)

    def _forget(self, process: SupervisedProcess) -> None:
        self._processes.discard(process)
        self._left_behind = self._left_behind or process.left_to is not None


async def _answer(process: SupervisedProcess, zygote: Zygote) -> bool:
    """Whether the supervisor said a word. A zygote that is silent for too long was stopped (agents
    run as the same user) and is killed; a supervisor that it has forked before is not."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await process.answered()
    except TimeoutError:
        zygote.kill()
    return await process.answered()


async def _connect(sock: socket.socket, folder: Path) -> None:
    while True:
        try:
            connect(sock, folder)
        except BlockingIOError:  # its queue is full
            await asyncio.sleep(0.01)
        else:
            return


def _with_absolute_paths(spec: ProcessSpec) -> ProcessSpec:
    """The zygote works in another folder than we do."""
    stdin = spec.stdin if spec.stdin in ("null", "pipe") else str(Path(spec.stdin).absolute())
    return replace(spec, folder=spec.folder.absolute(), cwd=spec.cwd.absolute(), stdin=stdin)
