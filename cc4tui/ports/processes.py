"""What the pipeline needs to start and follow processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol


if TYPE_CHECKING:
    from cc4tui.domain.agent import ExitStatus


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What a supervisor starts."""

    folder: Path
    """Attempt folder, 0700: gets spec, lock, sock, agent, out, err, exit, ended."""
    argv: tuple[str, ...]
    env: Mapping[str, str]
    """The whole environment; CC4_TOKEN is added."""
    cwd: Path
    token: str
    stdin: str = "null"
    """``null``, ``pipe``, or the path of a file that becomes standard input."""
    interrupt_seconds: float = 2.0
    on_app_loss: str = "kill"
    """``kill``, or ``keep``: runs on without this program, and the next start attaches to it."""
    output_cap: int | None = 256 * 1024 * 1024
    """Bytes that `out` and `err` each keep on the disk; of more the middle is freed. None = all."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process that pid reuse cannot fake."""

    pid: int
    start: int
    """Start time in clock ticks since boot, /proc/PID/stat field 22."""
    boot: str


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """The end of a process and of its whole tree."""

    status: "ExitStatus"
    killed: int
    """Descendants that had to be killed after it."""
    out_size: int
    """Final size of `out` in bytes; read exactly to there."""


class Process(Protocol):
    """A started program under its supervisor."""

    @property
    def folder(self) -> Path: ...

    @property
    def identity(self) -> ProcessIdentity | None:
        """None when it could not be started."""

    async def ended(self) -> ProcessEnd:
        """Wait until it and every descendant are gone. May be awaited by several."""

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Ask for the end: SIGINT, SIGTERM, then SIGKILL to the whole tree. Idempotent.

        Args:
            at_once: Go to SIGKILL without waiting; may follow an earlier call without it.
        """

    async def keep(self) -> None:
        """Leave it running without us; whoever waits in `ended` gets a LeftRunningError."""

    def die_with_us(self) -> None:
        """From now on the loss of this program is its end, whatever was asked for before."""

    def send(self, data: bytes) -> None:
        """Feed standard input (`pipe` only)."""

    def close_stdin(self) -> None:
        """End of standard input."""


class ProcessHost(Protocol):
    """Starts processes that die with this program and leave no child behind."""

    async def start(self) -> None: ...

    async def spawn(self, spec: ProcessSpec) -> Process: ...

    async def attach(self, folder: Path) -> Process | None:
        """Take over a program that was left running; None when nobody watches over it there."""

    async def close(self) -> None:
        """Stop whatever still runs and wait for it."""
