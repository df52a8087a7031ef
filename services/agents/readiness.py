"""Finds out whether an agent's program can work, before anything is spent on it.

Nothing here asks a model. A program that cannot be asked, or a wrapper that somebody has put around
one, is taken for ready: its own failure says more than a guess.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.ports import AgentBackend
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.logins import whole_environment
from cc4tui.services.agents.program import find_program, search_path


ASK_SECONDS = 5.0
"""How long a program may take to answer; without an answer it is taken for ready."""
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_PARENTS = 4
"""Folders between a program and the description of its package."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is known of an agent's program."""

    problem: str | None = None
    """Why it cannot be used, as a sentence with the way out."""
    version: str = ""
    """As it tells it; empty = not known."""
    login: str = ""
    """What it is logged in by; empty = not known."""
    silent: bool = False
    """It was asked for its version in vain."""


async def unready(spec: AgentSpec, backend: AgentBackend, person: Mapping[str, str]) -> str | None:
    """Why an agent cannot be used here, as far as that can be told within a moment."""
    return (await examine(spec, backend, person)).problem


async def examine(
    spec: AgentSpec,
    backend: AgentBackend,
    person: Mapping[str, str],
    *,
    seconds: float = ASK_SECONDS,
) -> Readiness:
    """Whether it is installed, new enough and logged in.

    Args:
        person: The person's environment.
        seconds: What each question may take.
    """
    try:
        problem = await asyncio.to_thread(backend.check, spec)
    except Cc4tuiError as error:
        problem = str(error)
    if problem is not None or not isinstance(backend, CliBackend) or not backend.is_plain(spec):
        return Readiness(problem)
    name = spec.command[0] if spec.command else backend.driver
    program = find_program(name, search_path(spec, person)) or name
    environment = whole_environment(spec, person)
    version = await asyncio.to_thread(_packaged_version, program, backend.package)
    if version is None:
        version = await first_line([program, "--version"], environment, seconds) or ""
    if (old := _too_old(version, backend)) is not None:
        return Readiness(f"the agent {spec.name} is too old: {old}", version)
    login = await asyncio.to_thread(backend.login, spec)
    if login is None:
        if await _logged_out(program, backend, environment, seconds):
            return Readiness(
                f"the agent {spec.name} is not logged in; {backend.login_hint}", version
            )
        login = ""
    return Readiness(None, version, login, silent=not version)


def _packaged_version(program: str, package: str) -> str | None:
    """The version of the npm package that the program is part of; spares a start of it."""
    for folder in list(Path(os.path.realpath(program)).parents)[:_PARENTS]:
        try:
            found = json.loads((folder / "package.json").read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and found.get("name") == package:
            return clean_line(str(found.get("version", "")), 40) or None
    return None


def _too_old(version: str, backend: CliBackend) -> str | None:
    found = _NUMBERS.search(version)
    if found is None:
        return None
    numbers = tuple(int(part or 0) for part in found.groups())
    if numbers >= backend.least_version:
        return None
    least = ".".join(map(str, backend.least_version))
    return f"its version is {found[0]}, at least {least} is needed; {backend.install}@latest"


async def _logged_out(
    program: str, backend: CliBackend, environment: Mapping[str, str], seconds: float
) -> bool:
    """Whether the program itself says so; where it cannot be asked, no sign is enough."""
    if not backend.login_question:
        return backend.needs_login
    question = [program, *backend.login_question]
    said = await _answer(question, environment, seconds, errors=True)
    return said is not None and said[0] != 0 and backend.says_logged_out(said[1])


async def first_line(
    argv: Sequence[str], environment: Mapping[str, str], seconds: float
) -> str | None:
    """The first line that a program prints; None when it fails or takes too long."""
    said = await _answer(argv, environment, seconds)
    if said is None or said[0] != 0:
        return None
    return clean_line(said[1].strip().partition("\n")[0], 120) or None


async def _answer(
    argv: Sequence[str], environment: Mapping[str, str], seconds: float, *, errors: bool = False
) -> tuple[int, str] | None:
    """Exit code and output of a program; None when it cannot be started or takes too long.

    Args:
        errors: What it writes to standard error belongs to it, too.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT if errors else asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=dict(environment),
        )
    except OSError:
        return None
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return process.returncode or 0, output.decode("utf-8", "replace")
