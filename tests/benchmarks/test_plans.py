"""Speed of reading plans, as ratios against baselines run side by side on the same text."""

import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from cc4tui.services.pipeline.schedule import ScheduledTask
from cc4tui.services.pipeline.simulation import play
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.report import plan_to_json
from cc4tui.services.plans.rereading import PlanReader
from cc4tui.services.plans.writeback import tick


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ONE_PASS = re.compile(
    r"^( *)(?:(#{1,6})\s+(.*)|([-*+]|\d+[.)])\s+(?:\[(.)\]\s+)?(.*)|(```|~~~).*|(\S.*))?$", re.M
)
"""The least that reading takes: look at every line once."""


def large_plan(tasks: int = 10_000, batch: int = 100) -> str:
    """About 2 MB and 12 lines a task."""
    lines = ["# A large plan", ""]
    for first in range(0, tasks, batch):
        lines += [f"## Phase {first // batch + 1}: Part {first // batch + 1}", ""]
        for number in range(first + 1, first + batch + 1):
            lines += [
                f"- [ ] T{number:05d} [P] Implement feature number {number} in `src/m{number}.py`",
                "  - Write the code",
                "  - Write tests",
                "  - Update docs",
                "",
                "  Details follow here:",
                "",
                "  ```python",
                f"  x = {number}",
                "  ```",
                "",
            ]
    return "\n".join(lines)


def seconds(function: Callable[[], object], rounds: int = 3) -> float:
    """The least CPU time of a few rounds: the number that a busy machine disturbs least."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        function()
        best = min(best, time.process_time() - began)
    return best


def test_ten_thousand_tasks(measured: Callable[..., None]) -> None:
    text = large_plan()
    data = text.encode()
    one_pass = seconds(lambda: sum(1 for _ in ONE_PASS.finditer(text)))
    ours = seconds(lambda: read_plan(data, "plan.md"))
    share = text[: len(text) // 8]
    markdown = seconds(lambda: MarkdownIt("commonmark").parse(share), rounds=1) * 8
    plan = read_plan(data, "plan.md")
    assert len(list(plan.tasks())) == 10_000
    measured("10k tasks, reading, against one regex pass", ours / one_pass, "",
             f"{ours:.2f} s CPU for {len(data) / 1e6:.1f} MB")  # fmt: skip
    measured("10k tasks, markdown-it against reading", markdown / ours, "")
    assert ours / one_pass < 30
    assert markdown / ours > 2.5


def test_showing_ticking_and_planning_ten_thousand_tasks(measured: Callable[..., None]) -> None:
    data = large_plan().encode()
    plan = read_plan(data, "plan.md")
    read = seconds(lambda: read_plan(data, "plan.md"))
    shown = seconds(lambda: plan_to_json(plan))
    ticked = seconds(lambda: tick(data, plan, "T09999"))
    tasks = [ScheduledTask(one.id, one.waits_for) for one in plan.tasks()]
    alike = dict.fromkeys((one.id for one in tasks), 1.0)
    waved = seconds(lambda: play(tasks, alike, 8))
    for name, spent in (("as JSON", shown), ("one tick", ticked), ("the waves", waved)):
        measured(f"10k tasks, {name}, against reading", spent / read, "")
    assert shown < read
    assert ticked < read / 10
    assert waved < read


def test_time_grows_with_the_plan_and_no_faster(measured: Callable[..., None]) -> None:
    small, large = large_plan(1_000).encode(), large_plan(8_000).encode()
    growth = seconds(lambda: read_plan(large, "x.md")) / seconds(lambda: read_plan(small, "x.md"))
    measured("8 times the tasks, times as long to read", growth, "")
    assert growth < 16


EDITS = {
    "a tick": (b"- [ ] T05000", b"- [x] T05000"),
    "a title near the start": (b"feature number 150 in", b"feature no. 150 in"),
    "a line in the middle": (b"  x = 5000\n", b"  x = 5000\n  y = 1\n"),
    "a title near the end": (b"feature number 9000 in", b"feature no. 9000 in"),
}


@pytest.mark.parametrize("name", EDITS)
def test_one_edit_is_read_in_a_tenth_of_the_time(measured: Callable[..., None], name: str) -> None:
    data = large_plan().encode()
    old, new = EDITS[name]
    after = data.replace(old, new)
    assert after != data
    whole = seconds(lambda: read_plan(after, "plan.md"))
    reader = PlanReader("plan.md")
    best = float("inf")
    for _ in range(3):
        reader.read(data)
        best = min(best, seconds(lambda: reader.read(after), rounds=1))
    assert reader.parts >= 3
    measured(f"10k tasks, after {name}, against a whole reading", best / whole, "",
             f"{best * 1000:.0f} ms CPU")  # fmt: skip
    assert best / whole < 0.2


def test_checking_ten_thousand_tasks_as_a_process(
    tmp_path: Path, measured: Callable[..., None]
) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text(large_plan())
    base = min(process_seconds(["-c", "import click, json"]) for _ in range(3))
    read = seconds(lambda: read_plan(plan.read_bytes(), "plan.md"))
    for options in ((), ("--json",)):
        command = ["-m", "cc4tui", "plan", "check", str(plan), *options]
        beyond = min(process_seconds(command) for _ in range(3)) - base
        measured(" ".join(["10k tasks, plan check", *options, "against reading alone"]),
                 beyond / read, "", f"{beyond:.2f} s CPU beyond the start")  # fmt: skip
        assert beyond / read < 2


def process_seconds(arguments: list[str]) -> float:
    """CPU seconds of a Python process, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
