"""What the benchmarks measured: one table at the end, and on request in docs/performance.md."""

import operator
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


DOCS = Path(__file__).parent.parent.parent / "docs" / "performance.md"
COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Measured:
    """One number and what it is held against."""

    what: str
    value: float
    goal: str
    """As text: the assertion is in the test."""
    note: str = ""


ROWS: list[Measured] = []


@pytest.fixture
def measured() -> Callable[..., None]:
    """Keeps a number for the table: ``measured("1M lines, search", 0.1, "<= 0.2 s", "...")``."""

    def keep(what: str, value: float, goal: str, note: str = "") -> None:
        ROWS.append(Measured(what, value, goal, note))

    return keep


def machine() -> str:
    """What it was measured on."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if os.name == "posix" else ():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} x {cpu}, Python {platform.python_version()}, load at the end {load}"


def verdict(row: Measured) -> str:
    """Whether the goal is met; empty where it is no number."""
    sign, _, number = row.goal.partition(" ")
    try:
        return "yes" if COMPARED[sign](row.value, float(number)) else "missed"
    except (KeyError, ValueError):
        return ""


def rendered() -> list[str]:
    """The table, as Markdown that can be read as it is."""
    rows = [("measured", "value", "goal", "met", ""), ("---", "---:", "---", "---", "---")]
    rows += [(row.what, f"{row.value:,.3g}", row.goal, verdict(row), row.note) for row in ROWS]
    widths = [max(len(row[n]) for row in rows) for n in range(5)]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table; keep it with ``CC4_BENCH_KEEP=1``."""
    if not ROWS:
        return
    lines = [f"Measured on {machine()}.", "", *rendered()]
    terminalreporter.write_line("")
    for line in lines:
        terminalreporter.write_line(line)
    if os.environ.get("CC4_BENCH_KEEP"):
        before, _, rest = DOCS.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        DOCS.write_text("\n".join([before + BEGIN, "", *lines, "", END]) + after)
