"""Runs the commands that prove a task, on the merged tree."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cc4tui.domain.text import clean_line
from cc4tui.ports import Process, ProcessHost, ProcessSpec
from cc4tui.services.agents.redaction import Redactor, mask_outputs
from cc4tui.services.processes.environment import scrubbed_environment


TAIL_BYTES = 2000
"""How much of a failed check's output goes into the reason and the next prompt."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One command's end."""

    command: str
    exit_code: int | None
    seconds: float
    output_tail: str = ""

    @property
    def sentence(self) -> str:
        """How it failed, for a person."""
        command = clean_line(self.command)
        if self.exit_code is None:
            return f"`{command}` did not end in time"
        return f"`{command}` failed with exit code {self.exit_code}"

    def to_dict(self) -> dict[str, Any]:
        """As the event has it."""
        return {
            "command": self.command,
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 3),
        }


class Verifier:
    """Runs checks as supervised processes, so that none outlives its time or this program."""

    def __init__(
        self,
        host: ProcessHost,
        environment: Mapping[str, str],
        timeout: float | None,
        redactor: Redactor | None = None,
    ) -> None:
        self._redactor = redactor or Redactor()
        self._host = host
        self._environment = environment
        self._timeout = timeout
        self._running: set[Process] = set()
        self._at_once = False
        self.stopped: str | None = None
        """Why the commands were stopped; None = they were not."""

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """End what runs and what starts later: the run is left, nobody waits for its checks."""
        self.stopped, self._at_once = self.stopped or why, self._at_once or at_once
        for process in self._running:
            process.stop(why, at_once=at_once)

    async def run(
        self,
        commands: Sequence[str],
        cwd: Path,
        folder: Path,
        extra: Mapping[str, str],
        *,
        name: str = "check",
        started: Callable[[Process], None] | None = None,
    ) -> list[CheckResult]:
        """Run each in turn in `cwd`; stop at the first that fails.

        Args:
            folder: Gets a folder per command with its output.
            extra: Variables on top of the scrubbed environment.
            name: What those folders' names begin with.
            started: Is told each process, so that somebody can stop it.
        """
        results: list[CheckResult] = []
        for number, command in enumerate(commands, 1):
            place = _unused(folder / f"{name}-{number}")
            results.append(await self._check(command, cwd, place, extra, started))
            if results[-1].exit_code != 0:
                break
        return results

    async def _check(
        self,
        command: str,
        cwd: Path,
        folder: Path,
        extra: Mapping[str, str],
        told: Callable[[Process], None] | None,
    ) -> CheckResult:
        loop = asyncio.get_running_loop()
        folder.mkdir(mode=0o700, parents=True)
        spec = ProcessSpec(
            folder=folder,
            argv=("/bin/sh", "-c", command),
            env=scrubbed_environment(self._environment, ("*",), extra),
            cwd=cwd,
            token=secrets.token_hex(16),
        )
        started = loop.time()
        process = await self._host.spawn(spec)
        self._running.add(process)
        if self.stopped is not None:  # asked for while it was being started
            process.stop(self.stopped, at_once=self._at_once)
        if told is not None:
            told(process)
        try:
            async with asyncio.timeout(self._timeout):
                end = await process.ended()
        except TimeoutError:
            process.stop("timeout")
            end = await process.ended()
        except asyncio.CancelledError:
            process.stop("stopped")
            raise
        finally:
            self._running.discard(process)
        await asyncio.to_thread(mask_outputs, folder, self._redactor)
        code = end.status.code if end.status.why == "exited" else None
        return CheckResult(command, code, loop.time() - started, _tail(folder))


def _unused(folder: Path) -> Path:
    """A folder that an earlier round of the same checks has not taken."""
    number, candidate = 1, folder
    while candidate.exists():
        number += 1
        candidate = folder.with_name(f"{folder.name}.{number}")
    return candidate


def _tail(folder: Path) -> str:
    parts: list[bytes] = []
    for name in ("out", "err"):
        try:
            with (folder / name).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - TAIL_BYTES))
                parts.append(file.read())
        except FileNotFoundError:
            continue
    return b"\n".join(part for part in parts if part).decode("utf-8", "replace")
