"""The app on live agents in a real terminal: keys, pixels and CPU, against a minimal app."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyte
import pytest

from cc4tui.screens.terminal.emulator import Emulator


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).with_name("live_app.py")
LETTERS = "".join(map(chr, (*range(0x430, 0x450), *range(0x3B1, 0x3CA))))
"""Typed one by one: none of them is on the screen before."""
SECONDS = 8.0
COLOURED = "\x1b[32m2026-11-21 10:00:00\x1b[0m INFO \x1b[1mworker-3\x1b[0m handled in {n} ms\n"
PLAIN = "plain line of ordinary output without any colour, about eighty characters long {n}\n"
DETACH = b"\x1d"
"""ctrl+]"""


class Terminal:
    """A program in a pseudo terminal of 200 x 50 cells, whose output is read all the time."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment["PYTHONWARNINGS"] = "ignore"
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def read(self, seconds: float) -> bytes:
        """What comes next, if it comes soon."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        try:
            return os.read(self.master, 1 << 20) if ready else b""
        except OSError:  # it has ended
            return b""

    def drain(self, seconds: float) -> None:
        """Read for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def echo(self, letter: str) -> float:
        """Seconds from a key to its letter on the screen."""
        seen, start = b"", time.perf_counter()
        os.write(self.master, letter.encode())
        while letter.encode() not in seen:
            seen = seen[-8:] + self.read(5)
            assert time.perf_counter() - start < 10, f"{letter} was never shown"
        return time.perf_counter() - start


@contextmanager
def running(*arguments: str, folder: Path) -> Iterator[Terminal]:
    """A scene of `live_app`, once its measuring has begun."""
    folder.mkdir()
    terminal = Terminal(*arguments[:1], str(folder), *arguments[1:])
    try:
        while not (folder / "begun").exists():
            terminal.drain(0.1)
            assert terminal.process.poll() is None
        terminal.drain(1.0)
        yield terminal
    finally:
        if terminal.process.poll() is None:
            os.killpg(terminal.process.pid, signal.SIGKILL)
        terminal.process.wait()
        os.close(terminal.master)


def echoes(terminal: Terminal, *, first: str = "") -> tuple[float, float]:
    """Median and 99th percentile of the echoes of letters typed by a person, in seconds."""
    if first:
        os.write(terminal.master, first.encode())
        terminal.drain(0.5)
    found = []
    for letter in LETTERS:
        found.append(terminal.echo(letter))
        terminal.drain(0.04)
    found.sort()
    return found[len(found) // 2], found[len(found) * 99 // 100]


def result(terminal: Terminal, folder: Path) -> dict[str, Any]:
    """What the program itself measured."""
    deadline = time.monotonic() + 60
    while not (folder / "result.json").exists():
        terminal.drain(0.2)
        assert time.monotonic() < deadline
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def at(share: int, sorted_values: list[float]) -> float:
    """A percentile."""
    return sorted_values[min(len(sorted_values) * share // 100, len(sorted_values) - 1)]


def test_keys_are_answered_while_sixteen_agents_flood(
    tmp_path: Path, measured: Callable[..., None]
) -> None:
    with running("minimal", folder=tmp_path / "minimal") as terminal:
        least = echoes(terminal)
    with running("16:0", str(SECONDS), folder=tmp_path / "idle") as terminal:
        idle = echoes(terminal, first="i")
    with running("16:3125", str(SECONDS), folder=tmp_path / "flood") as terminal:
        flood = echoes(terminal, first="i")
        told = result(terminal, tmp_path / "flood")
    note = f"{idle[0] * 1000:.1f} / {idle[1] * 1000:.1f} ms idle"
    measured("idle key echo P50, against a minimal Textual app", idle[0] / least[0], "<= 2", note)
    measured("key echo P50, 16 panes at 50k lines/s, against idle", flood[0] / idle[0], "<= 3",
             f"{flood[0] * 1000:.1f} ms")  # fmt: skip
    measured("key echo P99, 16 panes at 50k lines/s, against idle", flood[1] / idle[1], "<= 6",
             f"{flood[1] * 1000:.1f} ms")  # fmt: skip
    measured("share of 50k lines/s that 16 panes took", told["taken"], ">= 0.95",
             f"{told['lines_per_second']:,.0f} lines/s offered")  # fmt: skip
    measured("CPU s per 100k lines, 16 panes, painting included",
             told["cpu"] / told["lines"] * 1e5, "<= 0.35")  # fmt: skip
    assert told["taken"] >= 0.95
    assert idle[0] / least[0] <= 4
    assert flood[0] / idle[0] <= 12


def test_an_event_is_painted_at_once(tmp_path: Path, measured: Callable[..., None]) -> None:
    with running("16:500", str(SECONDS), folder=tmp_path / "live") as terminal:
        told = result(terminal, tmp_path / "live")
    latencies = told["latencies"]
    assert len(latencies) >= 20
    measured("event published to painted, 16 live panes, P50 ms", at(50, latencies) * 1000, "")
    measured("event published to painted, 16 live panes, P99 ms", at(99, latencies) * 1000, "< 50")
    assert at(50, latencies) < 0.2


def test_quiet_agents_cost_next_to_nothing(tmp_path: Path, measured: Callable[..., None]) -> None:
    with running("60:0", str(SECONDS), folder=tmp_path / "quiet") as terminal:
        told = result(terminal, tmp_path / "quiet")
    measured("CPU share of a core with 60 quiet agents", told["cpu_share"], "< 0.03")
    assert told["cpu_share"] < 0.06


@pytest.mark.parametrize("program", ["yes", "lines"])
def test_a_flooded_terminal_leaves_the_app_its_turns(
    tmp_path: Path, measured: Callable[..., None], program: str
) -> None:
    with running(f"terminal:{program}", str(SECONDS), folder=tmp_path / program) as terminal:
        terminal.drain(SECONDS / 2)
        os.write(terminal.master, DETACH)  # it goes on behind the panes
        terminal.drain(0.5)
        typed = echoes(terminal, first="i")
        told = result(terminal, tmp_path / program)
    told_rows = f"{told['rows']:,.0f} rows/s taken"
    what = {"yes": "a terminal with `yes`", "lines": "a terminal with 50k lines/s"}[program]
    measured(f"{what}, turns of the app late, P99 ms", at(99, told["latencies"]) * 1000, "< 50")
    measured(f"{what}, detached, key echo P50 ms", typed[0] * 1000, "< 50")
    measured(f"{what}, CPU share of a core", told["cpu_share"], "< 0.6", told_rows)
    measured(f"{what}, MB grown with its history full", told["grown"] / 2**20, "< 16")
    assert at(99, told["latencies"]) < 0.2
    assert told["cpu_share"] < 0.8
    assert told["grown"] < 32 * 2**20
    assert told["rows"] > 100


def test_a_terminal_against_pyte(measured: Callable[..., None]) -> None:
    data = "".join((COLOURED if n % 2 else PLAIN).format(n=n) for n in range(3000))
    piece = data.replace("\n", "\r\n").encode()
    ours, peer = Emulator(lambda _: None, lambda *_: None), pyte.HistoryScreen(200, 48)
    ours.resize(200, 48)
    stream = pyte.ByteStream(peer)
    times = [cpu_of(ours.feed, piece) / cpu_of(stream.feed, piece) for _ in range(3)]
    measured("a terminal's lines per CPU second, against pyte", 1 / min(times), ">= 4",
             "coloured and plain lines by turns")  # fmt: skip
    assert min(times) < 0.5


def cpu_of(feed: Callable[[bytes], object], data: bytes) -> float:
    """CPU seconds to take in some output, as it comes."""
    begun = time.process_time()
    for at_byte in range(0, len(data), 4096):
        feed(data[at_byte : at_byte + 4096])
    return time.process_time() - begun
