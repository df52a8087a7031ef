"""Which agents there are: the built-in drivers, and those that other packages add.

A package adds a driver by an entry point of the group ``cc4tui.agents``: its name is the driver's
name, its object a class (or function) without arguments that gives an AgentBackend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.errors import UsageError


if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from cc4tui.ports import AgentBackend


GROUP = "cc4tui.agents"

_BUILT_IN: Mapping[str, tuple[str, str]] = {
    "acp": ("acp", "AcpBackend"),
    "claude": ("claude", "ClaudeBackend"),
    "codex": ("codex", "CodexBackend"),
    "command": ("command", "CommandBackend"),
    "gemini": ("gemini", "GeminiBackend"),
    "opencode": ("opencode", "OpencodeBackend"),
    "rehearsal": ("rehearsal", "RehearsalBackend"),
    "shell": ("shell", "ShellBackend"),
}
"""Module and class by driver; imported when they are asked for."""

_CONFIGURED = ("claude", "codex", "gemini", "opencode", "shell", "rehearsal")
"""Drivers that need no configuration to be used as an agent of the same name."""


def builtin_specs() -> tuple[AgentSpec, ...]:
    """The agents that exist without any configuration."""
    return tuple(AgentSpec(name=driver, driver=driver) for driver in _CONFIGURED)


def drivers() -> tuple[str, ...]:
    """Names of all known drivers, sorted."""
    return tuple(sorted({*_BUILT_IN, *_entry_points()}))


def backend_for(driver: str) -> AgentBackend:
    """A backend for the driver.

    Raises:
        UsageError: there is no such driver, or the package that adds it is broken.
    """
    if driver in _BUILT_IN:
        module, name = _BUILT_IN[driver]
        return _made(driver, getattr(import_module(f"cc4tui.services.agents.{module}"), name))
    added = _entry_points().get(driver)
    if added is None:
        raise UsageError(_unknown(driver))
    return _loaded(added)


def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # as long to import as the rest of a command

    return {point.name: point for point in entry_points(group=GROUP)}


def _loaded(point: EntryPoint) -> AgentBackend:
    """Code of another package: whatever it raises becomes one sentence that names it."""
    try:
        return _made(point.name, point.load())
    except Exception as error:
        package = point.dist.name if point.dist else point.value
        raise UsageError(
            f"the agent driver {point.name} of the package {package} cannot be loaded "
            f"({type(error).__name__}: {error}); update or remove that package"
        ) from error


def _made(driver: str, factory: Callable[[], AgentBackend]) -> AgentBackend:
    backend = factory()
    if backend.driver != driver:
        raise TypeError(f"it calls itself {backend.driver!r}")
    return backend


def _unknown(driver: str) -> str:
    from difflib import get_close_matches

    known = drivers()
    near = get_close_matches(driver, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown agent driver {driver!r}; {hint}known: {', '.join(known)}"
