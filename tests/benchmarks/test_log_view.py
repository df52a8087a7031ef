"""The log view against Textual's own RichLog, side by side in one run: ratios, not milliseconds."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import RichLog

from cc4tui.screens.widgets.ansi import read_line
from cc4tui.screens.widgets.log_source import FileSource, MemorySource
from cc4tui.screens.widgets.log_view import LogView


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

Measure = Callable[..., None]
SIZE = (200, 50)
PANES = 4
COLOURED = (
    "\x1b[32m2026-11-21 10:00:00\x1b[0m INFO \x1b[1mworker-3\x1b[0m handled request {n} in 12 ms"
)
PLAIN = "plain line of ordinary output without any colour, about eighty characters long {n}"


def lines(count: int) -> list[str]:
    return [(COLOURED if n % 2 else PLAIN).format(n=n) for n in range(count)]


class Panes(App[None]):
    """Four panes of one kind."""

    CSS = "Grid { grid-size: 2 2; } RichLog, LogView { height: 1fr; width: 1fr; }"

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        self.panes = [make() for _ in range(PANES)]

    def compose(self) -> ComposeResult:
        with Grid():
            yield from self.panes


async def cpu_of_rich_log(text: list[str]) -> float:
    """CPU seconds per line when each line is written and frames are drawn between them."""
    app = Panes(lambda: RichLog(max_lines=10_000, min_width=20))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        start = time.process_time()
        for number, line in enumerate(text):
            app.panes[number % PANES].write(Text.from_ansi(line))
            if number % 16 == 0:
                await asyncio.sleep(0)
        await pilot.pause()
        return (time.process_time() - start) / len(text)


async def cost_of_log_view(folder: Path, text: list[str]) -> tuple[float, float]:
    """CPU and wall seconds per line when four files grow by 1 MiB a tick, each tick drawn.

    A tick waits for the next frame: with less on offer, the wait would be measured.
    """
    paths = [folder / f"out-{n}" for n in range(PANES)]
    views = iter([LogView(FileSource(path)) for path in paths])
    app = Panes(lambda: next(views))
    piece = 12_000
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        spent = lasted = 0.0
        for at in range(0, len(text), piece * PANES):
            for n, path in enumerate(paths):
                part = text[at + n * piece : at + (n + 1) * piece]
                with path.open("a") as file:
                    file.write("\n".join(part) + "\n")
            start, begun = time.process_time(), time.perf_counter()
            for view in app.panes:
                view.poll()
            await pilot.pause()
            spent += time.process_time() - start
            lasted += time.perf_counter() - begun
        return spent / len(text), lasted / len(text)


def seconds_in_tmux(folder: Path, text: list[str]) -> float | None:
    """Seconds until a tmux pane has taken the lines; None without tmux."""
    tmux = shutil.which("tmux")
    if tmux is None:
        return None
    file = folder / "lines"
    file.write_text("\n".join(text) + "\n")
    call = [tmux, "-L", f"cc4-bench-{os.getpid()}", "-f", "/dev/null"]
    start = time.perf_counter()
    command = f"cat {file}; {' '.join(call)} wait-for -S taken"
    subprocess.run([*call, "new-session", "-d", "-x200", "-y50", command], check=True)
    subprocess.run([*call, "wait-for", "taken"], check=True, timeout=120)
    return time.perf_counter() - start


async def test_a_line_costs_a_hundredth_of_what_it_costs_rich_log(
    tmp_path: Path, measured: Measure
) -> None:
    rich = await cpu_of_rich_log(lines(2_000))
    text = lines(384_000)
    own, lasted = await cost_of_log_view(tmp_path, text)
    measured("lines per CPU second, 4 panes, against RichLog per line", rich / own, ">= 100")
    measured("CPU s per 100k lines, 4 panes", own * 1e5, "<= 0.35")
    assert rich / own >= 100
    assert own * 1e5 <= 0.35
    in_tmux = seconds_in_tmux(tmp_path, text)
    if in_tmux is not None:
        ratio = in_tmux / len(text) / lasted
        measured("lines/s, 4 panes, against a tmux pane", ratio, ">= 1.5",
                 f"{1 / lasted:,.0f} lines/s")  # fmt: skip
        assert ratio >= 1


def test_parsing_costs_less_than_rich(measured: Measure) -> None:
    text = lines(6_000)

    def cost(parse: Callable[[str], Any]) -> float:
        start = time.process_time()
        for line in text:
            parse(line)
        return time.process_time() - start

    own = min(cost(read_line) for _ in range(3))
    rich = min(cost(Text.from_ansi) for _ in range(3))
    megabytes = sum(map(len, text)) / 1e6
    measured("ANSI parsing, against Text.from_ansi per line", rich / own, ">= 3",
             f"{own / megabytes * 1000:.0f} ms per MB")  # fmt: skip
    assert rich / own >= 3


async def test_a_million_lines_cost_no_memory_and_any_place_is_near(
    tmp_path: Path, measured: Measure
) -> None:
    path = tmp_path / "out"
    block = "\n".join(lines(10_000)) + "\n"
    with path.open("w") as file:
        for number in range(100):
            file.write(block if number != 3 else block + "the needle\n")
    view = LogView(FileSource(path))
    view.can_focus = True
    small = LogView(MemorySource())
    views = iter([small, small_view(), small_view(), view])
    app = Panes(lambda: next(views))
    before = resident()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        start = time.process_time()
        for share in range(20):
            view.window.go_to(view.window.reader.size * share // 20)
            view._redraw()
            await pilot.pause()
        jump = (time.process_time() - start) / 20
        grown = resident() - before
        view.action_follow()
        start = time.process_time()
        view.start_search("the needle")
        while view.search is None or view.search.here is None:
            await asyncio.sleep(0)
        search = time.process_time() - start
        read = reading_time(path)
    measured("1M lines, MB resident", grown, "< 10", "of the app whose pane it is")
    measured("1M lines, CPU ms to show any place", jump * 1000, "< 200")
    measured("1M lines, CPU ms to the first hit of a search", search * 1000, "< 200",
             f"{search / read:.1f} x reading the file")  # fmt: skip
    assert grown < 60  # of the whole app with four panes
    assert search / read < 20


def resident() -> float:
    """Megabytes that this process holds now."""
    return psutil.Process().memory_info().rss / 2**20


def small_view() -> LogView:
    return LogView(MemorySource())


def reading_time(path: Path) -> float:
    """CPU seconds to read the file once: what no search can go below."""
    start = time.process_time()
    with path.open("rb") as file:
        while file.read(2**20):
            pass
    return time.process_time() - start
