"""Programs at a pseudo terminal of their own, with the real supervisors."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cc4tui.services.processes.terminal import TerminalProcess


pytestmark = pytest.mark.integration


class Watched:
    """A terminal whose output is read all the time."""

    def __init__(self, terminal: TerminalProcess) -> None:
        self.terminal = terminal
        self.text = ""
        self.over = False
        self._news = asyncio.Event()

    async def read(self) -> None:
        while data := await self.terminal.read(4096):
            self.text += data.decode()
            self._news.set()
        self.over = True
        self._news.set()

    async def until(self, *words: str) -> None:
        async with asyncio.timeout(20):
            while not all(word in self.text for word in words):
                assert not self.over, self.text
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def start(host: Any, sh: Any) -> Callable[..., Any]:
    """Starts a shell command at a terminal; what it wrote is read until it has ended."""

    @asynccontextmanager
    async def started(command: str, **fields: Any) -> AsyncIterator[Watched]:
        spec = sh(command, interrupt_seconds=0.3, **fields)
        watched = Watched(await TerminalProcess.start(host, spec))
        async with asyncio.timeout(40), asyncio.TaskGroup() as group:
            group.create_task(watched.terminal.ended())
            group.create_task(watched.read())
            yield watched
        assert not spec.folder.exists()

    return started


async def test_it_controls_its_terminal_and_is_told_of_its_size(start: Any) -> None:
    async with start('tty; stty size; read x; stty size; read x; echo "<$x>"') as watched:
        await watched.until("/dev/pts/", "24 80")
        watched.terminal.resize(101, 33)
        watched.terminal.write(b"\n")
        await watched.until("33 101")
        watched.terminal.write("é漢\n".encode())
        await watched.until("<é漢>")


async def test_the_last_words_of_one_that_ends_are_read(start: Any) -> None:
    async with start("seq 1 3000; printf last") as watched:
        pass
    assert watched.over
    assert watched.text.endswith("\r\n3000\r\nlast")


async def test_an_interrupt_reaches_what_is_in_front(start: Any) -> None:
    talk = "set -m; trap 'echo caught' INT; echo ready; sleep 300; echo after"
    async with start(talk) as watched:
        await watched.until("ready")
        for _ in range(200):  # until the sleep is in front
            watched.terminal.write(b"\x03")
            await asyncio.sleep(0.05)
            if "after" in watched.text:
                break
        assert "after" in watched.text


async def test_more_than_is_taken_waits_and_nothing_is_lost(start: Any) -> None:
    text = b"x" * 1000 + b"\n"
    async with start("stty -echo; echo ready; sleep 0.3; wc -c; echo $?") as watched:
        await watched.until("ready")
        watched.terminal.write(text * 200 + b"\x04")
        await watched.until(str(200 * len(text)))


async def test_hanging_up_ends_it_and_all_that_it_started(
    start: Any, mark: str, survivors: Callable[[], list[str]], eventually: Any
) -> None:
    hidden = f"(trap '' HUP INT TERM; setsid sleep 300{mark}) & trap '' HUP INT TERM; echo up"
    async with start(f"{hidden}; sleep 301{mark}") as watched:
        await watched.until("up")
        await eventually(lambda: [it.split()[1] for it in survivors()].count("sleep") == 2, 20)
        watched.terminal.hang_up()
        watched.terminal.hang_up()
        watched.terminal.write(b"nobody hears that")
        watched.terminal.resize(10, 10)
    assert survivors() == []


async def test_a_program_that_is_not_there_says_so(host: Any, make_spec: Any) -> None:
    terminal = await TerminalProcess.start(host, make_spec("/no/such/program"))
    watched = Watched(terminal)
    async with asyncio.timeout(20):
        await asyncio.gather(terminal.ended(), watched.read())
    assert "not found" in watched.text


async def test_no_descriptor_is_left(start: Any, open_fds: Callable[[], int]) -> None:
    async with start("echo warm"):
        pass
    before = open_fds()
    for _ in range(3):
        async with start("echo once"):
            pass
    assert open_fds() <= before
