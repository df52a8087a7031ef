"""Health checks: whether what runs need is there. Looks only; changes nothing."""

import asyncio
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError, UnfitError
from cc4tui.ports import AgentBackend
from cc4tui.services.agents.readiness import Readiness, examine
from cc4tui.services.git.runner import GitRunner


VERSION_SECONDS = 15.0
"""How long an agent's program may take to answer; the slowest told its version after 14 s."""
FREE_SPACE = 500 * 1024 * 1024
"""Bytes below which worktrees and journals are in danger."""


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
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs, where there is more to tell."""


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
    specs: Iterable[AgentSpec],
    backend: Callable[[str], AgentBackend],
    default: str,
    person: Mapping[str, str],
) -> list[Finding]:
    """Which agents can be used here; programs that are known tell version and login.

    Args:
        specs: Configured agents.
        backend: Gives a driver's backend; raises UsageError.
        default: Name of the agent that runs use when nothing else is said.
        person: The person's environment.
    """
    looks = (_check_agent(spec, backend, spec.name == default, person) for spec in specs)
    return list(await asyncio.gather(*looks))


async def _check_agent(
    spec: AgentSpec,
    backend: Callable[[str], AgentBackend],
    is_default: bool,
    person: Mapping[str, str],
) -> Finding:
    name = f"agent {spec.name}"
    role = "default; " if is_default else ""
    try:
        found = await examine(
            spec, backend(spec.driver), person, seconds=VERSION_SECONDS, thorough=True
        )
    except Cc4tuiError as error:
        found = Readiness(str(error))
    facts = {"agent": spec.name, "version": found.version or None, "login": found.login or None}
    if found.problem is not None:
        return Finding(name, Level.WARNING, role + found.problem, facts)
    if found.silent:
        text = f"{role}its program does not tell its version within {VERSION_SECONDS:.0f} s"
        return Finding(name, Level.WARNING, text, facts)
    login = f"logged in ({found.login})" if found.login else ""
    text = ", ".join(filter(None, [found.version, clean_line(login, 200)]))
    return Finding(name, Level.OK, role + (text or "ready"), facts)
