"""Terminals inside the app: real programs at real pseudo terminals, keys pressed by a pilot."""

import asyncio
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events

from cc4tui.errors import UsageError
from cc4tui.ports import ProcessSpec
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.terminal import TerminalProcess


pytestmark = pytest.mark.integration

Settle = Callable[..., Any]

ASKING = """
import os, sys, termios, tty
tty.setraw(0)
os.write(1, b"\\x1b[?1049h\\x1b[?1000h\\x1b[?1006h\\x1b[?2004hready\\r\\n")
while (data := os.read(0, 100)) != b"q":
    os.write(1, repr(data).encode() + b"\\r\\n")
os.write(1, b"\\x1b[?1049l\\x1b[?1000l")
"""
"""Asks for the mouse and for marked pastes, and tells what it gets."""


class ProgramTerminal:
    """Implements cc4tui.ports.Terminal around a program that a test starts."""

    def __init__(self, process: TerminalProcess, note: str) -> None:
        self.title, self.note = "sh, session s-1", note
        self.read, self.write, self.resize = process.read, process.write, process.resize
        self.hang_up = process.hang_up
        self.end = asyncio.ensure_future(process.ended())

    async def ended(self) -> str:
        await self.end
        return "It changed nothing."


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Starts programs at terminals; all of them end with the test."""
    host, started = Supervisors(tmp_path / "log"), []

    async def start(*argv: str, note: str = "") -> ProgramTerminal:
        token = uuid.uuid4().hex
        folder = tmp_path / token
        env = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PS1": "$ "}
        spec = ProcessSpec(folder, argv, env, tmp_path, token, interrupt_seconds=0.2)
        started.append(ProgramTerminal(await TerminalProcess.start(host, spec), note))
        return started[-1]

    yield start
    for terminal in started:
        terminal.hang_up()
    await asyncio.gather(*(terminal.end for terminal in started))
    await host.close()


@pytest.fixture
def watch(open_app: Any, empty_center: Any, stage: Callable[..., Any], settle: Settle) -> Any:
    """Opens the app on a run with two tasks that were tried, the cursor on the first."""
    run = stage(empty_center, {"1.1": "Settings model", "1.2": "Redis client"})
    run.start("1.1")
    run.start("1.2")

    @asynccontextmanager
    async def opened(size: tuple[int, int] = (80, 24), **terminals: Any) -> Any:
        names = {"first": "1.1", "second": "1.2"}
        empty_center.terminals = {names[name]: it for name, it in terminals.items()}
        async with open_app(empty_center, tab=Tab.EXECUTION, size=size) as pilot:
            tab = pilot.app.query_one(ExecutionTab)
            await settle(pilot, lambda: tab.model is not None and len(tab.tasks.items) == 2)
            await settle(pilot, lambda: tab.grid.panes)
            await pilot.press("T", "home")
            yield pilot, tab, run

    return opened


@pytest.fixture
def shows(until: Any, screen_text: Any) -> Any:
    """Waits until words stand on the screen, and others do not."""

    async def wait(pilot: Any, *words: str, gone: str = "\0") -> None:
        await until(
            pilot,
            lambda: (
                all(it in screen_text(pilot) for it in words) and gone not in screen_text(pilot)
            ),
        )

    return wait


async def test_a_shell_is_attached_to_left_and_found_again(
    watch: Any, program: Any, shows: Any, empty_center: Any, toasts: Any, until: Any
) -> None:
    shell = await program("/bin/sh", note="a shell, for once")
    async with watch(first=shell) as (pilot, tab, _):
        await pilot.press("A")
        await shows(pilot, "1.1 · sh, session s-1", "ctrl+] detaches", "a shell, for once", "\n$")
        # Not a verb among them reaches the app: digits, q, ctrl+p, escape, tab.
        await pilot.press(*"stty size", "enter")
        await shows(pilot, "18 80")
        await pilot.press(*"echo 1q", "tab", "ctrl+u", *"echo $((6*7))", "enter")
        await shows(pilot, "42")
        assert pilot.app.tab is Tab.EXECUTION
        await pilot.press("ctrl+right_square_bracket")
        await shows(pilot, "Redis client", gone="session s-1")
        assert tab.selected.id == "1.1"
        shell.write(b"echo still $((40+1))\r")
        await pilot.press("A")
        await shows(pilot, "42", "still 41")
        assert [call for call in empty_center.calls if call[0] == "attach"] == [
            ("attach", tab.model.run.id, "1.1")
        ]
        await pilot.resize_terminal(100, 30)
        await pilot.press(*"stty size", "enter")
        await shows(pilot, "24 100")
        await pilot.press(*"exit", "enter")
        await shows(pilot, "has ended", "It changed nothing.", "goes back")
        await pilot.press("x")
        await shows(pilot, "Redis client", gone="has ended")
        assert tab.terminals.of(tab.model.run.id, "1.1") is None
        assert toasts(pilot) == []


async def test_one_that_ends_while_nobody_looks_says_so_and_one_is_hung_up(
    watch: Any, program: Any, shows: Any, toasts: Any, until: Any
) -> None:
    first, second = await program("/bin/sh"), await program("/bin/cat")
    async with watch(first=first, second=second) as (pilot, tab, _):
        await pilot.press("A")
        await shows(pilot, "1.1 · sh")
        await pilot.press("ctrl+right_square_bracket", "T", "home", "down", "A")
        await shows(pilot, "1.2 · sh")
        first.write(b"exit\r")
        await until(pilot, lambda: any("terminal of 1.1 has ended" in it for it in toasts(pilot)))
        await pilot.press(*"abc", "enter")
        await shows(pilot, "abc")
        await pilot.click(tab.terminals._pane.head)  # the mouse's way back
        await shows(pilot, "Settings model")
        assert tab.terminals.going_on
        await pilot.press("X")
        await until(pilot, lambda: any("terminal of 1.2 has ended" in it for it in toasts(pilot)))
        assert not tab.terminals.going_on


async def test_a_program_gets_the_mouse_and_pastes_it_asked_for(
    watch: Any, program: Any, shows: Any
) -> None:
    terminal = await program(sys.executable, "-c", ASKING)
    async with watch(first=terminal) as (pilot, tab, _):
        await pilot.press("A")
        await shows(pilot, "ready")
        view = tab.terminals.view
        await pilot.click(view, offset=(4, 2))
        await shows(pilot, r"b'\x1b[<0;5;3M", r"\x1b[<0;5;3m")
        view.post_message(events.Paste("two\nlines"))
        await shows(pilot, r"\x1b[200~two\rlines\x1b[201~")
        await pilot.press("ctrl+c", "alt+x", "f5", "shift+tab", "ctrl+p", "escape")
        await shows(pilot, r"\x03", r"\x1bx", r"\x1b[15~", r"\x1b[Z", r"\x10", r"\x1b")
        await pilot.press("q")
        await shows(pilot, "has ended")


@pytest.mark.skipif(shutil.which("less") is None, reason="less is not installed")
async def test_a_full_screen_program_comes_and_goes_and_history_is_kept(
    watch: Any, program: Any, shows: Any, tmp_path: Path
) -> None:
    (tmp_path / "many").write_text("".join(f"row {n}\n" for n in range(500)))
    async with watch(first=await program("/bin/sh")) as (pilot, tab, _):
        await pilot.press("A")
        await shows(pilot, "\n$")
        await pilot.press(*"cat many; less many", "enter")
        await shows(pilot, "row 17\n", "many", gone="row 499")
        await pilot.press("G")
        await shows(pilot, "row 499", "(END)")
        await pilot.press("q")
        await shows(pilot, "row 499", "\n$", gone="(END)")
        await pilot.press("shift+pageup", "shift+pageup")
        await shows(pilot, "row 455", gone="row 499")
        view = tab.terminals.view
        before = view.back
        await pilot._post_mouse_events([events.MouseScrollUp], view, button=0)
        await pilot._post_mouse_events([events.MouseScrollDown], view, button=0)
        assert view.back == before > 0
        await pilot.press("a")  # typing goes to the end
        await shows(pilot, "row 499")
        assert view.back == 0


async def test_what_cannot_be_attached_to_says_why(
    watch: Any, empty_center: Any, toasts: Any, until: Any
) -> None:
    async with watch() as (pilot, tab, _):
        empty_center.failure = UsageError("its worktree is just being made")
        await pilot.press("A")
        await until(pilot, lambda: "its worktree is just being made" in toasts(pilot))
        assert tab.terminals.shown is None


async def test_a_flood_does_not_keep_the_app_from_its_keys(
    watch: Any, program: Any, shows: Any, until: Any
) -> None:
    async with watch(first=await program("/bin/sh")) as (pilot, tab, _):
        await pilot.press("A")
        await shows(pilot, "\n$")
        await pilot.press(*"yes 'a flood of words'", "enter")
        await shows(pilot, "a flood of words\n" * 3)
        history = tab.terminals.shown.emulator.history
        await until(pilot, lambda: len(history) > 200)
        await pilot.press("ctrl+right_square_bracket")
        await shows(pilot, "Redis client", gone="a flood")
        await pilot.press("A", "ctrl+c", *"echo over", "enter")
        await shows(pilot, "\nover")


async def test_quitting_asks_while_a_terminal_is_open(
    watch: Any, program: Any, shows: Any, until: Any
) -> None:
    async with watch(first=await program("/bin/cat")) as (pilot, tab, run):
        await pilot.press("A")
        await shows(pilot, "1.1 · sh")
        await pilot.press("ctrl+right_square_bracket")
        await shows(pilot, "Redis client", gone="ctrl+]")
        await pilot.press("q")
        await shows(pilot, "Agents are running", "terminal 1.1: sh, session s-1")
        await pilot.press("escape")
        await shows(pilot, "Redis client", gone="Agents are running")
        run.end("1.1")
        run.end("1.2")
        run.finish("cancelled")
        await until(pilot, lambda: tab.model.is_over)
        assert pilot.app.is_running
        await pilot.press("q")
        await shows(pilot, "Terminals are open")
        await pilot.press("s")
        await until(pilot, lambda: pilot.app._exit)
