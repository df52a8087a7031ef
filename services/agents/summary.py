"""Tool calls in one line a person understands, whichever agent made them."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from cc4tui.services.agents.reasons import sentence
from cc4tui.services.agents.wire import text_at


SUMMARY_LIMIT = 160
"""Characters; a pane shows less, a log line about as much."""

_PATH_KEYS = ("file_path", "filePath", "notebook_path", "absolute_path", "path", "dir_path")
_TEXT_KEYS = ("command", "pattern", "query", "url", "description", "prompt", "skill", "subject")


def tool_summary(name: str, arguments: Mapping[str, Any], worktree: Path) -> str:
    """``Edit api/limits.py``, ``Bash pytest -q``: the tool and what it works on."""
    about = _path_in(arguments, worktree) or _text_in(arguments)
    line = sentence(f"{_short_name(name)} {about}")
    return line if len(line) <= SUMMARY_LIMIT else line[: SUMMARY_LIMIT - 1] + "…"


def relative(path: str, worktree: Path) -> str:
    """A path as seen from the worktree, where it lies inside; else as it is."""
    try:
        return PurePosixPath(path).relative_to(worktree).as_posix()
    except ValueError:
        return path


def _short_name(name: str) -> str:
    """``mcp__server__tool`` as ``server:tool``; other names as they are."""
    parts = name.split("__", 2)
    return f"{parts[1]}:{parts[2]}" if len(parts) == 3 and parts[0] == "mcp" else name


def _path_in(arguments: Mapping[str, Any], worktree: Path) -> str:
    found = next((path for key in _PATH_KEYS if (path := text_at(arguments, key))), "")
    return relative(found, worktree) if found else ""


def _text_in(arguments: Mapping[str, Any]) -> str:
    return next((text for key in _TEXT_KEYS if (text := text_at(arguments, key).strip())), "")
