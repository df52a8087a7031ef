"""Health checks: whether what runs need is there. Looks only; changes nothing."""

import asyncio
import contextlib
import os
import platform
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError, UnfitError
from cc4tui.ports import AgentBackend
from cc4tui.services.git.runner import GitRunner


VERSION_SECONDS = 15.0
"""How long an agent's program may take to tell its version; the slowest measured took 14 s."""
FREE_SPACE = 500 * 1024 * 1024
"""Bytes below which worktrees and journals are in danger."""
_ASKED_FOR_VERSION = frozenset({"claude", "codex", "gemini", "opencode"})
"""Drivers of known programs; `--version` may do anything in a program of the person's own."""


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    """Something is missing that not every run needs."""
    ERROR = "error"
    """No run can start."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: str
    level: Level
    message: str


def check_system() -> Finding:
    """Python, and a system whose processes can be supervised."""
    python = platform.python_version()
    if sys.platform == "linux":
        return Finding("system", Level.OK, f"Python {python} on Linux {platform.release()}")
    if sys.platform == "darwin":
        text = f"Python {python} on macOS: ending what agents leave behind is best effort here"
        return Finding("system", Level.WARNING, text)
    text = f"{sys.platform} is not supported; use Linux, macOS, or Windows through WSL"
    return Finding("system", Level.ERROR, text)


async def check_git() -> Finding:
    """A git that is new enough."""
    try:
        runner = await GitRunner.find()
        version = ".".join(map(str, await runner.check_version()))
        runner.close()
    except Cc4tuiError as error:
        return Finding("git", Level.ERROR, str(error))
    return Finding("git", Level.OK, f"git {version} at {runner.program}")


def check_state(prepare: Callable[[], None], folder: Path) -> Finding:
    """A state folder of our own, with room.

    Args:
        prepare: Makes the folders that are missing; raises UnfitError.
        folder: Where they are.
    """
    try:
        prepare()
        free = shutil.disk_usage(folder).free
    except (UnfitError, OSError) as error:
        return Finding("state", Level.ERROR, str(error))
    room = f"{free / 1024**3:.1f} GB free"
    if free < FREE_SPACE:
        return Finding("state", Level.WARNING, f"{folder}: only {room}")
    return Finding("state", Level.OK, f"{folder}, {room}")


def check_isolation() -> Finding:
    """What keeps agents apart from each other, and from the person's files."""
    return Finding(
        "isolation",
        Level.OK,
        "worktree and local: agents have folders of their own but run as you; this contains"
        " accidents, it is no security boundary",
    )


async def check_agents(
    specs: Iterable[AgentSpec], backend: Callable[[str], AgentBackend], default: str
) -> list[Finding]:
    """Which agents can be used here; programs that are known tell their version.

    Args:
        specs: Configured agents.
        backend: Gives a driver's backend; raises UsageError.
        default: Name of the agent that runs use when nothing else is said.
    """
    return list(
        await asyncio.gather(*(_check_agent(spec, backend, spec.name == default) for spec in specs))
    )


async def _check_agent(
    spec: AgentSpec, backend: Callable[[str], AgentBackend], is_default: bool
) -> Finding:
    name = f"agent {spec.name}"
    role = "default; " if is_default else ""
    try:
        problem = backend(spec.driver).check(spec)
    except Cc4tuiError as error:
        problem = str(error)
    if problem is not None:
        return Finding(name, Level.WARNING, role + problem)
    if spec.driver not in _ASKED_FOR_VERSION:
        return Finding(name, Level.OK, f"{role}ready")
    said = await program_version(spec.command[0] if spec.command else spec.driver, spec.env)
    if said is None:
        text = f"{role}its program does not tell its version within {VERSION_SECONDS:.0f} s"
        return Finding(name, Level.WARNING, text)
    return Finding(name, Level.OK, f"{role}{said}")


async def program_version(program: str, env: Mapping[str, str]) -> str | None:
    """The first line of ``PROGRAM --version``; None when it fails or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **env},
        )
    except OSError:
        return None
    try:
        output, _ = await asyncio.wait_for(process.communicate(), VERSION_SECONDS)
    except TimeoutError:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    line = output.decode("utf-8", "replace").strip().partition("\n")[0]
    return clean_line(line, 120) if process.returncode == 0 and line else None
