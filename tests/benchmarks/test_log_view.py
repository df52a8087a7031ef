"""The log view against Textual's own RichLog, side by side in one run: ratios, not milliseconds."""

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import RichLog

from cc4tui.screens.widgets.ansi import read_line
from cc4tui.screens.widgets.log_source import FileSource, MemorySource
from cc4tui.screens.widgets.log_view import LogView


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

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


def report(name: str, **values: float) -> None:
    told = ", ".join(f"{key} {value:,.3g}" for key, value in values.items())
    sys.stdout.write(f"\n{name}: {told}\n")


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


async def cpu_of_log_view(folder: Path, text: list[str]) -> float:
    """CPU seconds per line when four files grow by 256 KiB a tick, and each tick is drawn."""
    paths = [folder / f"out-{n}" for n in range(PANES)]
    views = iter([LogView(FileSource(path)) for path in paths])
    app = Panes(lambda: next(views))
    piece = 3_200
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        spent = 0.0
        for at in range(0, len(text), piece * PANES):
            for n, path in enumerate(paths):
                part = text[at + n * piece : at + (n + 1) * piece]
                with path.open("a") as file:
                    file.write("\n".join(part) + "\n")
            start = time.process_time()
            for view in app.panes:
                view.poll()
            await pilot.pause()
            spent += time.process_time() - start
        return spent / len(text)


async def test_a_line_costs_a_hundredth_of_what_it_costs_rich_log(tmp_path: Path) -> None:
    rich = await cpu_of_rich_log(lines(2_000))
    own = await cpu_of_log_view(tmp_path, lines(384_000))
    ratio = rich / own
    report("lines per CPU second against RichLog", ratio=ratio, own_cpu_s_per_100k=own * 1e5)
    assert ratio >= 100
    assert own * 1e5 <= 0.35


def test_parsing_costs_less_than_rich() -> None:
    text = lines(6_000)

    def cost(parse: Callable[[str], Any]) -> float:
        start = time.process_time()
        for line in text:
            parse(line)
        return time.process_time() - start

    own = min(cost(read_line) for _ in range(3))
    rich = min(cost(Text.from_ansi) for _ in range(3))
    megabytes = sum(map(len, text)) / 1e6
    report("ANSI parsing", ratio_to_from_ansi=rich / own, ms_per_mb=own / megabytes * 1000)
    assert rich / own >= 3


async def test_a_million_lines_cost_no_memory_and_any_place_is_near(tmp_path: Path) -> None:
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
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        start = time.process_time()
        for share in range(20):
            view.window.go_to(view.window.reader.size * share // 20)
            view._redraw()
            await pilot.pause()
        jump = (time.process_time() - start) / 20
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        view.action_follow()
        start = time.process_time()
        view.start_search("the needle")
        while view.search is None or view.search.here is None:
            await asyncio.sleep(0)
        search = time.process_time() - start
        read = reading_time(path)
    report(
        "1M lines",
        megabytes_resident=grown,
        jump_cpu_ms=jump * 1000,
        search_cpu_ms=search * 1000,
        search_against_reading_the_file=search / read,
    )
    assert grown < 60  # of the whole app with four panes
    assert search / read < 20


def small_view() -> LogView:
    return LogView(MemorySource())


def reading_time(path: Path) -> float:
    """CPU seconds to read the file once: what no search can go below."""
    start = time.process_time()
    with path.open("rb") as file:
        while file.read(2**20):
            pass
    return time.process_time() - start
