"""Opens the person's own editor or shell in front of the app, while agents keep working."""

import asyncio
import os
import shlex
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from cc4tui.errors import UnfitError


_PLUS_LINE = frozenset(
    {"vi", "vim", "nvim", "nano", "emacs", "emacsclient", "kak", "micro", "pico", "ne", "joe"}
)
_COLON_LINE = frozenset({"hx", "helix", "subl", "zed"})
_GOTO = frozenset({"code", "codium", "cursor", "code-insiders"})


def editor_command(path: Path, line: int, environ: Mapping[str, str]) -> list[str]:
    """The program and its arguments: $VISUAL, $EDITOR, or vi, at the line where it can.

    Args:
        path: File to open.
        line: From 1.
        environ: The person's variables.
    """
    words = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "") or ["vi"]
    name = Path(words[0]).name
    if name in _PLUS_LINE:
        return [*words, f"+{line}", str(path)]
    if name in _COLON_LINE:
        return [*words, f"{path}:{line}"]
    if name in _GOTO:
        wait = [] if {"--wait", "-w"} & set(words) else ["--wait"]
        return [*words, *wait, "--goto", f"{path}:{line}"]
    return [*words, str(path)]


async def open_editor(app: App[Any], path: Path, line: int) -> None:
    """Give the terminal to the editor until it ends; the event loop goes on meanwhile.

    Raises:
        UnfitError: there is no such program, or no terminal to give away.
    """
    await _in_front(app, editor_command(path, line, os.environ), "EDITOR")


async def open_shell(app: App[Any], folder: Path) -> None:
    """Give the terminal to a shell in `folder` until it ends; the event loop goes on meanwhile.

    Raises:
        UnfitError: there is no such folder or program, or no terminal to give away.
    """
    if not folder.is_dir():
        raise UnfitError(f"{folder} is not there any more.")
    shell = os.environ.get("SHELL") or "sh"
    await _in_front(app, ["sh", "-c", 'cd "$1" && exec "$2"', "sh", str(folder), shell], "SHELL")


async def _in_front(app: App[Any], command: list[str], variable: str) -> None:
    try:
        # The batch keeps the app from drawing over the program.
        with app.suspend(), app.batch_update():
            await asyncio.to_thread(_run, command, variable)
    except SuspendNotSupported:
        raise UnfitError(
            f"Your {variable.lower()} cannot be opened here: there is no terminal."
        ) from None


def _run(command: list[str], variable: str) -> None:
    """Run in a thread: the screens' only process, on the person's own terminal."""
    try:
        pid = os.posix_spawnp(command[0], command, os.environ, setsigdef=[signal.SIGPIPE])
    except OSError as error:
        raise UnfitError(
            f"{command[0]} cannot be started: {error.strerror}. Set {variable} to yours."
        ) from None
    os.waitpid(pid, 0)
