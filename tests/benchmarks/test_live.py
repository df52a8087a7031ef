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

import pytest


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).with_name("live_app.py")
LETTERS = "".join(map(chr, (*range(0x430, 0x450), *range(0x3B1, 0x3CA))))
"""Typed one by one: none of them is on the screen before."""
SECONDS = 8.0


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
