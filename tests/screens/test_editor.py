"""The person's own editor."""

import asyncio
import fcntl
import os
import pty
import stat
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from textual.app import App

from cc4tui.errors import UnfitError
from cc4tui.screens.editor import (
    editor_command,
    open_editor,
    open_in_editor,
    open_log,
    open_shell,
)
from cc4tui.screens.widgets.log_lines import LineReader
from cc4tui.screens.widgets.log_source import MemorySource


FILE = Path("/repo/plans/api.md")


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({}, ["vi", "+22", str(FILE)]),
        ({"EDITOR": "nano"}, ["nano", "+22", str(FILE)]),
        ({"EDITOR": ""}, ["vi", "+22", str(FILE)]),
        ({"EDITOR": "nano", "VISUAL": "nvim -p"}, ["nvim", "-p", "+22", str(FILE)]),
        ({"EDITOR": "/usr/bin/vim"}, ["/usr/bin/vim", "+22", str(FILE)]),
        ({"EDITOR": "hx"}, ["hx", f"{FILE}:22"]),
        ({"EDITOR": "code"}, ["code", "--wait", "--goto", f"{FILE}:22"]),
        ({"EDITOR": "code --wait"}, ["code", "--wait", "--goto", f"{FILE}:22"]),
        ({"EDITOR": "'my editor' -x"}, ["my editor", "-x", str(FILE)]),
    ],
)
def test_the_line_is_told_to_editors_that_understand_it(
    environ: dict[str, str], command: list[str]
) -> None:
    assert editor_command(FILE, 22, environ) == command


async def test_without_a_terminal_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    app: App[None] = App()
    async with app.run_test():
        with pytest.raises(UnfitError, match="there is no terminal"):
            await open_editor(app, FILE, 1)


class Suspended(App[None]):
    """An app that can be suspended without a terminal, and notes that it was."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0

    def tick(self) -> None:
        self.ticks += 1


@pytest.fixture
def suspendable(monkeypatch: pytest.MonkeyPatch) -> Suspended:
    """Its driver pretends to give the terminal away."""
    from textual.drivers.headless_driver import HeadlessDriver

    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)
    monkeypatch.setattr(HeadlessDriver, "suspend_application_mode", lambda self: None)
    monkeypatch.setattr(HeadlessDriver, "resume_application_mode", lambda self: None)
    return Suspended()


async def test_the_event_loop_goes_on_while_the_editor_is_open(
    suspendable: Suspended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "edit"
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    program.write_text(f'#!/bin/sh\nprintf "%s " "$@" > {tmp_path}/args\ncat {gate} > /dev/null\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(program))
    async with suspendable.run_test():
        opened = asyncio.create_task(open_editor(suspendable, FILE, 22))
        while not (tmp_path / "args").exists():
            await asyncio.sleep(0.01)
            suspendable.tick()
        assert not opened.done()
        assert suspendable.ticks > 0
        await asyncio.to_thread(gate.write_text, "done")
        await opened
    assert (tmp_path / "args").read_text() == f"{FILE} "


async def test_an_editor_that_is_not_there_is_named(
    suspendable: Suspended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "/nowhere/editor")
    async with suspendable.run_test():
        with pytest.raises(UnfitError, match="/nowhere/editor cannot be started"):
            await open_editor(suspendable, FILE, 1)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise SystemExit(3)", " ended with exit code 3."),
        ("import os; os.kill(os.getpid(), 11)", " was ended by SIGSEGV."),
        ("", None),
    ],
)
async def test_an_editor_that_fails_is_no_error_of_ours_but_it_is_told(
    suspendable: Suspended, monkeypatch: pytest.MonkeyPatch, code: str, told: str | None
) -> None:
    monkeypatch.setenv("EDITOR", f"{sys.executable} -c '{code}'")
    async with suspendable.run_test():
        notes: list[str] = []
        monkeypatch.setattr(suspendable, "notify", lambda text, **_: notes.append(text))
        await open_editor(suspendable, FILE, 1)
        assert notes == ([f"{sys.executable}{told}"] if told else [])


async def test_wrong_settings_of_programs_are_told_also_for_a_worktree(
    suspendable: Suspended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with suspendable.run_test():
        for value, problem in (
            ("nobody-has-this --wait", "nobody-has-this cannot be started: there is no such"),
            ("vi 'unfinished", "EDITOR is no command: No closing quotation"),
        ):
            monkeypatch.setenv("EDITOR", value)
            with pytest.raises(UnfitError, match=problem):
                await open_in_editor(suspendable, tmp_path, [], 1)
        monkeypatch.setenv("SHELL", "/nowhere/sh")
        with pytest.raises(UnfitError, match="/nowhere/sh cannot be started"):
            await open_shell(suspendable, tmp_path)


@pytest.mark.parametrize(
    "end",
    ["kill -KILL $$", "set -m; sh -c 'kill -KILL $PPID; sleep 0.2'"],  # with a job in front
)
def test_the_terminal_is_as_it_was_after_a_program_that_was_killed(
    tmp_path: Path, end: str
) -> None:
    program = tmp_path / "edit"
    program.write_text(f"#!/bin/bash\nstty raw -echo\n{end}\n")
    program.chmod(0o700)
    code = (
        "import os, termios; from cc4tui.screens.editor import _run\n"
        "before = termios.tcgetattr(0)\n"
        f"code = _run([{str(program)!r}])\n"
        "print(code, termios.tcgetattr(0) == before, os.tcgetpgrp(0) == os.getpgrp())\n"
    )
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        text=True,
    ) as process:
        said, _ = process.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    assert said == "-9 True True\n"


async def test_a_shell_opens_in_the_folder(
    suspendable: Suspended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a folder; with $odd `name`"
    folder.mkdir()
    shell = tmp_path / "my shell"
    shell.write_text("#!/bin/sh\npwd > here\n")
    shell.chmod(0o700)
    monkeypatch.setenv("SHELL", str(shell))
    async with suspendable.run_test():
        await open_shell(suspendable, folder)
        assert (folder / "here").read_text() == f"{folder}\n"
        with pytest.raises(UnfitError, match="not there any more"):
            await open_shell(suspendable, tmp_path / "gone")


async def test_the_editor_gets_files_of_the_worktree_and_nothing_else(
    suspendable: Suspended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("a.py", "-rf"):
        (tree / name).touch()
    (tree / "link").symlink_to("/etc/passwd")
    program = tmp_path / "vi"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@" > told\n')
    program.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(program))
    async with suspendable.run_test():
        await open_in_editor(suspendable, tree, ["-rf", "gone", "../x", "link", "a.py"], 7)
        told = (tree / "told").read_text().splitlines()
        assert told == [str(tree), "+7", f"{tree}/-rf", f"{tree}/a.py"]
        await open_in_editor(suspendable, tree, [], 1)
        assert (tree / "told").read_text().splitlines() == [str(tree), "+1", str(tree)]
        with pytest.raises(UnfitError, match="not there any more"):
            await open_in_editor(suspendable, tmp_path / "gone", [], 1)


async def test_the_pager_gets_a_copy_without_what_a_terminal_obeys(
    suspendable: Suspended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pager"
    program.write_text(f'#!/bin/sh\ncat "$1" > {tmp_path}/read\n')
    program.chmod(0o700)
    monkeypatch.setenv("PAGER", str(program))
    source = MemorySource()
    source.append("\x1b[31mred\x1b[0m \x1b]52;c;aGFjaw==\x07one\ntwo \x1b[6n")
    log = LineReader(source)
    log.refresh()
    async with suspendable.run_test():
        await open_log(suspendable, log)
    assert (tmp_path / "read").read_text() == "\x1b[31mred\x1b[0m one\ntwo "
