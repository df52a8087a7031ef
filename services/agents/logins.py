"""Looks for signs that an agent's program is logged in: variables and files, no question asked."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.services.agents.wire import value_at


def first_set(environment: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The first of these variables that has a value; ``*`` at the end stands for anything."""
    for name in names:
        if not name.endswith("*"):
            if environment.get(name):
                return name
            continue
        found = [one for one, value in environment.items() if one.startswith(name[:-1]) and value]
        if found:
            return min(found)
    return None


def first_file(*paths: Path) -> str | None:
    """The first of these files that is there and holds something."""
    for path in paths:
        try:
            if path.stat().st_size > 2:  # `{}` is what a log-out leaves
                return str(path)
        except OSError:
            continue
    return None


def json_file(path: Path) -> Any:
    """What a file of settings holds; None when it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def setting(path: Path, *keys: str) -> str | None:
    """The file, when this setting of it has a value."""
    return str(path) if value_at(json_file(path), *keys) else None


def told_in(folders: Iterable[Path], names: Iterable[str]) -> str | None:
    """The first ``.env`` file in these folders that names one of the variables."""
    wanted = tuple(names)
    for folder in folders:
        try:
            text = (folder / ".env").read_text("utf-8", "replace")
        except OSError:
            continue
        if any(f"{name}=" in text for name in wanted):
            return str(folder / ".env")
    return None


def whole_environment(spec: AgentSpec, person: Mapping[str, str]) -> dict[str, str]:
    """What counts for an agent: the person's variables, and those of its settings over them."""
    return {**person, **spec.env}


def home_of(environment: Mapping[str, str]) -> Path:
    """The person's home, where programs keep what they know."""
    return Path(environment.get("HOME") or "~").expanduser()
