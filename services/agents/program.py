"""Finds an agent's program on an explicit PATH, never by asking a shell."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from cc4tui.domain.agent_spec import AgentSpec


def search_path(spec: AgentSpec, person: Mapping[str, str]) -> str:
    """The PATH that the agent will run with."""
    return spec.env.get("PATH") or person.get("PATH") or os.defpath


def find_program(name: str, path: str) -> str | None:
    """The absolute path of an executable, or None.

    A name with a slash is looked up from the current folder, where the person typed it.
    """
    found = shutil.which(name, path=path)
    return str(Path(found).absolute()) if found else None


def missing(name: str, path: str, way_out: str) -> str | None:
    """Why a program cannot be started, as a sentence with the way out; None = it can.

    Args:
        name: The program as configured.
        path: PATH to look at.
        way_out: What to do about it, as the end of a sentence.
    """
    if find_program(name, path) is not None:
        return None
    if "/" not in name:
        return f"the agent's program {name} was not found on the PATH; {way_out}"
    if Path(name).is_file():
        return f"the agent's program {name} is not executable; chmod +x {name}"
    if Path(name).is_absolute():
        return f"the agent's program {name} does not exist; {way_out}"
    return None  # the task's worktree may hold it


def command_line(spec: AgentSpec, person: Mapping[str, str], *default: str) -> tuple[str, ...]:
    """The configured command, or the default one, with its program as an absolute path.

    A program that is not found stays as it is: starting it will say so.
    """
    command = spec.command or default
    found = find_program(command[0], search_path(spec, person))
    return (found or command[0], *command[1:])
