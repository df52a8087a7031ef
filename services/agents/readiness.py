"""Finds out whether an agent's program can work, before anything is spent on it.

Nothing here asks a model. A program that cannot be asked, or a wrapper that somebody has put around
one, is taken for ready: its own failure says more than a guess.
"""

import asyncio
import contextlib
import json
import os
import re
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.ports import AgentBackend
from cc4tui.services.agents.acp import AcpBackend
from cc4tui.services.agents.acp_readiness import shake_hands
from cc4tui.services.agents.asking import passing_program
from cc4tui.services.agents.claude import ClaudeBackend
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.codex import CodexBackend
from cc4tui.services.agents.gemini import GeminiBackend
from cc4tui.services.agents.logins import whole_environment
from cc4tui.services.agents.opencode import OpencodeBackend
from cc4tui.services.agents.program import find_program, search_path
from cc4tui.services.agents.wire import text_at


ASK_SECONDS = 5.0
"""How long a program may take to answer; without an answer it is taken for ready."""
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_PARENTS = 4
"""Folders between a program and the description of its package."""
BEHIND: Mapping[str, type[CliBackend]] = {
    "claude-agent-acp": ClaudeBackend,
    "claude-code-acp": ClaudeBackend,
    "codex-acp": CodexBackend,
    "gemini": GeminiBackend,
    "opencode": OpencodeBackend,
}
"""Agents that are known to be behind a program of the Agent Client Protocol."""


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
    thorough: bool = False,
) -> Readiness:
    """Whether it is installed, new enough and logged in.

    Args:
        person: The person's environment.
        seconds: What each question may take.
        thorough: An agent of the Agent Client Protocol is started and asked as well.
    """
    try:
        problem = await asyncio.to_thread(backend.check, spec)
    except Cc4tuiError as error:
        problem = str(error)
    if problem is None and isinstance(backend, AcpBackend):
        return await _examine_acp(spec, person, seconds, thorough=thorough)
    if problem is not None or not isinstance(backend, CliBackend) or not backend.is_plain(spec):
        return Readiness(problem)
    name = spec.command[0] if spec.command else backend.driver
    program = find_program(name, search_path(spec, person)) or name
    environment = whole_environment(spec, person)
    version = await asyncio.to_thread(_packaged_version, program, backend.package)
    if not version:
        version = await first_line([program, "--version"], environment, seconds) or ""
    if (old := _too_old(version, backend)) is not None:
        return Readiness(f"the agent {spec.name} is too old: {old}", version)
    login = await _login(spec, backend, program, environment, seconds)
    if login is None:
        return Readiness(_not_logged_in(spec, backend.login_hint), version)
    return Readiness(None, version, login, silent=not version)


async def _examine_acp(
    spec: AgentSpec, person: Mapping[str, str], seconds: float, *, thorough: bool
) -> Readiness:
    """As much logged in as the agent that is known to be behind it; the rest only itself knows."""
    name, path, environment = (
        spec.command[0],
        search_path(spec, person),
        whole_environment(spec, person),
    )
    program = find_program(name, path) or name
    version = await asyncio.to_thread(_packaged_version, program, None)
    login, way_in = "", ""
    if (behind := BEHIND.get(Path(name).name)) is not None:
        backend = behind(person)
        way_in = backend.login_hint
        own = find_program(backend.driver, path)
        found = await _login(spec, backend, own, environment, seconds)
        if found is None:
            return Readiness(_not_logged_in(spec, way_in), version)
        login = found
    if not thorough:
        return Readiness(None, version, login)
    said = await shake_hands([program, *spec.command[1:], *spec.args], environment, seconds)
    version = said.version or version
    if said.logged_out:
        way_in = way_in or f"log in by its own program ({said.ways_in or name})"
        return Readiness(_not_logged_in(spec, way_in), version)
    if not said.speaks:
        problem = (
            f"the agent {spec.name} does not speak the Agent Client Protocol within {seconds:g} s"
        )
        return Readiness(f"{problem}; try: {' '.join([name, *spec.command[1:]])}", version, login)
    return Readiness(None, version, login)


def _not_logged_in(spec: AgentSpec, way_in: str) -> str:
    return f"the agent {spec.name} is not logged in; {way_in}"


async def _login(
    spec: AgentSpec,
    backend: CliBackend,
    program: str | None,
    environment: Mapping[str, str],
    seconds: float,
) -> str | None:
    """What it is logged in by; empty if that is not known, None if it is not.

    Args:
        program: Its own one, to be asked where there is no sign; None = it is not there.
    """
    found = await asyncio.to_thread(backend.login, spec)
    if found is not None:
        return found
    if await _logged_out(program, backend, environment, seconds):
        return None
    return ""


def _packaged_version(program: str, package: str | None) -> str:
    """The version of the npm package that the program is part of; spares a start of it.

    Args:
        package: Its name; None = any. Of another one the answer is empty.
    """
    for folder in list(Path(os.path.realpath(program)).parents)[:_PARENTS]:
        try:
            found = json.loads((folder / "package.json").read_bytes())
        except (OSError, ValueError):
            continue
        name = text_at(found, "name")
        if name and name == (package or name):
            return clean_line(text_at(found, "version"), 40)
    return ""


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
    program: str | None, backend: CliBackend, environment: Mapping[str, str], seconds: float
) -> bool:
    """Whether the program itself says so; where it cannot be asked, no sign is enough."""
    if not backend.login_question:
        return backend.needs_login
    if program is None:
        return False
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
    told = STDOUT if errors else DEVNULL
    with contextlib.suppress(OSError, TimeoutError):
        async with passing_program(argv, environment, stdin=DEVNULL, stderr=told) as process:
            output, _ = await asyncio.wait_for(process.communicate(), seconds)
            return process.returncode or 0, output.decode("utf-8", "replace")
    return None
