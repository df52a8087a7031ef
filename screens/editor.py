"""Opens the person's own editor or shell in front of the app, while agents keep working."""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from cc4tui.domain.text import clean_ansi
from cc4tui.errors import UnfitError
from cc4tui.screens.guard import tell


if TYPE_CHECKING:
    from cc4tui.screens.widgets.log_lines import LineReader


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

    Raises:
        UnfitError: what they name is no command.
    """
    words = _words("VISUAL" if environ.get("VISUAL") else "EDITOR", environ) or ["vi"]
    name = Path(words[0]).name
    if name in _PLUS_LINE:
        return [*words, f"+{line}", str(path)]
    if name in _COLON_LINE:
        return [*words, f"{path}:{line}"]
    if name in _GOTO:
        wait = [] if {"--wait", "-w"} & set(words) else ["--wait"]
        return [*words, *wait, "--goto", f"{path}:{line}"]
    return [*words, str(path)]


def _words(variable: str, environ: Mapping[str, str]) -> list[str]:
    value = environ.get(variable, "")
    try:
        return shlex.split(value)
    except ValueError as error:
        raise UnfitError(f"{variable} is no command: {error} in {value!r}.") from None


async def open_editor(app: App[Any], path: Path, line: int) -> None:
    """Give the terminal to the editor until it ends; the event loop goes on meanwhile.

    Raises:
        UnfitError: there is no such program, or no terminal to give away.
    """
    await _in_front(app, editor_command(path, line, os.environ), "EDITOR")


MOST_FILES = 20
"""That an editor is given at once."""


async def open_in_editor(app: App[Any], folder: Path, files: Sequence[str], line: int) -> None:
    """Give the terminal to the editor, in `folder`, until it ends.

    Args:
        app: Whose terminal.
        folder: Where it works.
        files: Names below it, as others wrote them; those that are no files there are left out.
            Without any the editor gets the folder.
        line: Of the first file.

    Raises:
        UnfitError: there is no such folder or program, or no terminal to give away.
    """
    if not folder.is_dir():
        raise UnfitError(f"{folder} is not there any more.")
    found = [folder / name for name in files if _is_file_below(folder, name)][:MOST_FILES]
    command = editor_command(found[0] if found else folder, line, os.environ)
    command += map(str, found[1:])
    await _in_front(app, command, "EDITOR", folder)


def _is_file_below(folder: Path, name: str) -> bool:
    """An agent may have planted a link that leads elsewhere."""
    path = folder / name
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def _inside(folder: Path, command: Sequence[str]) -> list[str]:
    return ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(folder), *command]


async def open_log(app: App[Any], log: "LineReader") -> None:
    """Give the terminal to the person's pager with a copy of a log, until it ends.

    The copy holds text and colours only: pagers hand other sequences through to the terminal.

    Raises:
        UnfitError: there is no such program, or no terminal to give away.
    """
    import tempfile  # not before the first frame

    words = _words("PAGER", os.environ) or ["less"]
    if Path(words[0]).name == "less":
        words.append("-R")
    with tempfile.TemporaryDirectory(prefix="cc4tui-") as folder:
        copy = Path(folder) / "log"
        await asyncio.to_thread(_copy_log, log, copy)
        await _in_front(app, [*words, str(copy)], "PAGER")


LOG_BYTES = 32 * 2**20
"""Of a log that a pager gets: its end."""


def _copy_log(log: "LineReader", path: Path) -> None:
    begin, size = log.begin, log.size
    if size - begin > LOG_BYTES:
        begin = size - LOG_BYTES
    with path.open("w", encoding="utf-8", errors="replace") as file:
        if begin > log.begin:
            file.write(f"({(begin - log.begin) // 2**20} MiB before this are left out.)\n")
        rest = b""
        while begin < size:
            piece = log.source.read(begin, min(2**20, size - begin))
            if not piece:
                break
            begin += len(piece)
            whole, end, rest = (rest + piece).rpartition(b"\n")
            file.write(clean_ansi((whole + end).decode("utf-8", "replace")))
        file.write(clean_ansi(rest.decode("utf-8", "replace")))


async def open_shell(app: App[Any], folder: Path) -> None:
    """Give the terminal to a shell in `folder` until it ends; the event loop goes on meanwhile.

    Raises:
        UnfitError: there is no such folder or program, or no terminal to give away.
    """
    if not folder.is_dir():
        raise UnfitError(f"{folder} is not there any more.")
    shell = os.environ.get("SHELL") or "sh"
    await _in_front(app, [shell], "SHELL", folder)


async def _in_front(
    app: App[Any], command: list[str], variable: str, folder: Path | None = None
) -> None:
    """Run a program of the person's on the terminal; what was wrong with its end is told."""
    import shutil  # not before the first frame

    name = command[0]
    program = shutil.which(name)
    if program is None:
        raise UnfitError(
            f"{name} cannot be started: there is no such program. Set {variable} to yours."
        )
    command = [str(Path(program).absolute()), *command[1:]]
    try:
        # The batch keeps the app from drawing over the program.
        with app.suspend(), app.batch_update():
            code = await asyncio.to_thread(_run, _inside(folder, command) if folder else command)
    except SuspendNotSupported:
        raise UnfitError(
            f"Your {variable.lower()} cannot be opened here: there is no terminal."
        ) from None
    except OSError as error:
        raise UnfitError(
            f"{name} cannot be started: {error.strerror}. Set {variable} to yours."
        ) from None
    if code < 0:
        tell(app, f"{name} was ended by {signal.Signals(-code).name}.", "warning")
    elif code and variable == "EDITOR":  # shells and pagers end with that of what was done last
        tell(app, f"{name} ended with exit code {code}.", "warning")


def _run(command: list[str]) -> int:
    """Run in a thread: the screens' only process, on the person's own terminal."""
    with _as_it_was():
        pid = os.posix_spawnp(command[0], command, os.environ, setsigdef=[signal.SIGPIPE])
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


_STDIN = 0
"""What programs of the person get for their terminal."""


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Leave the terminal as it is now: a program that is killed may leave it without echo, or to a
    group of processes that is gone, and the app would be stopped when it writes there."""
    import termios

    try:
        before = termios.tcgetattr(_STDIN)
    except termios.error:  # there is no terminal
        yield
        return
    try:
        yield
    finally:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
        with contextlib.suppress(OSError, termios.error):  # it is gone
            os.tcsetpgrp(_STDIN, os.getpgrp())
            termios.tcsetattr(_STDIN, termios.TCSANOW, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
