"""A program under its supervisor, as the app sees it."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import cast

from cc4tui.errors import LeftRunningError
from cc4tui.ports import ProcessEnd, ProcessIdentity
from cc4tui.services.processes.ends import LOST, end_from, identity_from, supervisor_from
from cc4tui.services.processes.orphans import kill_process
from cc4tui.services.processes.recovery import reap_orphans
from cc4tui.services.processes.supervision import wire


_CHUNK = 32 * 1024
"""Bytes of standard input per message."""
_STOP_SECONDS = 5.0
"""What a stop may take beyond the wait for SIGINT before the supervisor is asked for a sign."""
_ANSWER_SECONDS = 3.0


class SupervisedProcess(asyncio.Protocol):
    """Implements `cc4tui.ports.Process` over the control socket of a supervisor.

    The socket is the lifeline: when this program ends, however it ends, the supervisor sees it
    close. When the supervisor ends first without a word, `ended` has its attempt swept.

    Args:
        forget: Called once, when the end is known.
    """

    def __init__(
        self,
        folder: Path,
        token: str,
        interrupt_seconds: float,
        forget: Callable[["SupervisedProcess"], None],
    ) -> None:
        self._folder = folder
        self._token = token
        self._interrupt_seconds = interrupt_seconds
        self._forget = forget
        self._transport: asyncio.Transport | None = None
        self._decoder = wire.Decoder()
        self._heard = 0
        self._answered = asyncio.Event()
        self._over = asyncio.Event()
        self._confirmed = asyncio.Event()
        self._settling = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._state: wire.Message = {}
        self._end: ProcessEnd | None = None
        self.left_to: str | None = None
        """Who it was left to; it runs on without us."""
        self.refusal: str | None = None
        """Why the supervisor did not start it."""

    # --- cc4tui.ports.Process -----------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def identity(self) -> ProcessIdentity | None:
        """None when it could not be started."""
        return identity_from(self._state)

    async def ended(self) -> ProcessEnd:
        """Wait until it and every descendant are gone. May be awaited by several.

        Raises:
            LeftRunningError: it runs on without us.
            ProcessError: its supervisor is gone and its attempt folder is held by a process that
                cannot be ended.
        """
        await self._over.wait()
        async with self._settling:
            if self.left_to is not None:
                raise LeftRunningError(f"the program in {self._folder} was left to {self.left_to}")
            if self._end is None:
                self._settle(await asyncio.to_thread(self._reap))
            return cast("ProcessEnd", self._end)

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Ask for the end: SIGINT, SIGTERM, then SIGKILL to the whole tree. Idempotent.

        Args:
            at_once: Go to SIGKILL without waiting; may follow an earlier call without it.
        """
        self._write({"op": "stop", "why": why, "at_once": at_once})
        if self._timer is None and self._transport is not None:
            self._timer = asyncio.get_running_loop().call_later(
                self._interrupt_seconds + _STOP_SECONDS, self._ask_for_a_sign
            )

    def send(self, data: bytes) -> None:
        """Feed standard input (`pipe` only)."""
        for start in range(0, len(data), _CHUNK):
            chunk = base64.b64encode(data[start : start + _CHUNK]).decode()
            self._write({"op": "stdin", "data": chunk})

    def close_stdin(self) -> None:
        """End of standard input."""
        self._write({"op": "eof"})

    async def keep(self) -> None:
        """Leave it running without us; returns when its supervisor has confirmed that it will.

        After this only `Supervisors.attach` reaches it. Nothing happens when it has ended.
        """
        self._write({"op": "policy", "on_app_loss": "keep"})
        await self._confirmed.wait()
        if not self._over.is_set():
            self._leave_to("itself")
            await self._over.wait()

    def die_with_us(self) -> None:
        """From now on the loss of this program is its end, whatever was asked for before."""
        self._write({"op": "policy", "on_app_loss": "kill"})

    # --- beyond the port ----------------------------------------------------------------------

    @property
    def is_kept(self) -> bool:
        """Whether its supervisor lets it run on without us."""
        return self._state.get("on_app_loss") == "keep"

    def signal(self, number: int) -> None:
        """Signal the program itself, not its tree."""
        self._write({"op": "signal", "sig": number})

    async def answered(self) -> bool:
        """Wait for the first word of the supervisor; False when it closed without one."""
        await self._answered.wait()
        return self._heard > 0

    # --- asyncio.Protocol ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        for message in self._decoder.feed(data):
            self._heard += 1
            self._hear(message)
        self._answered.set()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Without an `ended` before, the supervisor was killed: `ended` then finds out."""
        self._transport = None
        self._over.set()
        self._answered.set()
        self._confirmed.set()
        if self._timer is not None:
            self._timer.cancel()

    def abandon(self) -> None:
        """Close the connection: there is nothing more to say or to hear."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside -------------------------------------------------------------------------------

    def _hear(self, message: wire.Message) -> None:
        match message["ev"]:
            case "state":
                self._state = message
            case "ended":
                self._settle(end_from(message))
                self.abandon()
            case "refused":
                self.refusal = message["why"]
            case "policy":
                self._state["on_app_loss"] = message["on_app_loss"]
                if self.is_kept:
                    self._confirmed.set()
            case "disowned":
                self._leave_to("another instance")

    def _leave_to(self, whom: str) -> None:
        self.left_to = whom
        self._forget(self)
        self.abandon()

    def _settle(self, end: ProcessEnd) -> None:
        self._end = end
        self._forget(self)

    def _reap(self) -> ProcessEnd:
        reaped = reap_orphans(self._folder, self._token)
        return reaped.end or ProcessEnd(LOST, reaped.killed, out_size=0)

    def _write(self, message: wire.Message) -> None:
        if self._transport is not None:
            self._transport.write(wire.encode(message))

    def _ask_for_a_sign(self) -> None:
        """A supervisor that was stopped (SIGSTOP) can end nothing; one that answers is only waiting
        for a process that is stuck in the kernel."""
        self._write({"op": "state"})
        self._timer = asyncio.get_running_loop().call_later(
            _ANSWER_SECONDS, self._kill_mute_supervisor, self._heard
        )

    def _kill_mute_supervisor(self, heard: int) -> None:
        supervisor = supervisor_from(self._state)
        if supervisor is not None and self._heard == heard:
            kill_process(supervisor)
