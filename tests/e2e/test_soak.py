"""The app with eight agents at work, run after run: nothing of it grows.

Three runs by default; for CC4_SOAK_SECONDS seconds if that is set: 60 are enough for a small
machine, `make soak` takes 1800.
"""

import asyncio
import gc
import os
import sys
import time
from dataclasses import dataclass, fields
from statistics import median

import psutil
import pytest
from textual.pilot import Pilot

from cc4tui.domain.run import RunStatus
from cc4tui.ports import RunOptions
from cc4tui.runtime import Runtime
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import StartOptions, Tab


SECONDS = float(os.environ.get("CC4_SOAK_SECONDS", "0"))
WORKERS = TASKS = 8
LEAST_ROUNDS = 3
pytestmark = [pytest.mark.integration, pytest.mark.timeout(SECONDS * 3 + 300)]


@dataclass(frozen=True)
class Sample:
    """What this process holds while nothing runs."""

    megabytes: float
    files: float
    threads: float
    tasks: float
    processes: float

    @classmethod
    def taken(cls) -> "Sample":
        gc.collect()
        me = psutil.Process()
        return cls(
            me.memory_info().rss / 2**20,
            me.num_fds(),
            me.num_threads(),
            len(asyncio.all_tasks()),
            len(me.children(recursive=True)),
        )


SLACK = Sample(megabytes=12, files=1.5, threads=8, tasks=2.5, processes=0.5)
"""Growth that is none: what allocators keep, pools of threads that fill, what is just ending. What
is lost with every run, be it one, comes to more over the runs of a minute."""


def growth(samples: list[Sample]) -> list[str]:
    """What the last third has more of than the middle one; the first is warming up."""
    third = len(samples) // 3
    found = []
    for field in fields(Sample):
        values = [getattr(sample, field.name) for sample in samples]
        before, after = median(values[third : 2 * third]), median(values[-third:])
        if after - before > getattr(SLACK, field.name):
            found.append(f"{field.name} grew from {before:g} to {after:g}")
    return found


def test_a_leak_is_seen() -> None:
    steady = [Sample(100 + n % 3, 20, 9, 5, 2) for n in range(12)]
    assert growth(steady) == []
    assert growth([Sample(100 + 4 * n, 20, 9, 5, 2) for n in range(12)]) != []
    [told] = growth([Sample(100, 20 + n // 2, 9, 5, 2) for n in range(12)])
    assert told.startswith("files grew")


def plan(number: int) -> str:
    """Tasks that may all run at once."""
    lines = [
        f"- [ ] {number}.{n} Write part {n} of {number} in `part-{number}-{n}.txt`"
        for n in range(1, TASKS + 1)
    ]
    return f"# Round {number}\n\n## Batch 1: All\n\n" + "\n".join(lines) + "\n"


async def settled(pilot: Pilot[None], run: str, before: list[Sample]) -> Sample:
    """A sample once what the run used is given back, or is not within some seconds.

    How many panes there are depends on how many tasks were at work at the same time: none is left.
    """
    deadline = time.monotonic() + 20
    tab = pilot.app.query_one(ExecutionTab)
    while time.monotonic() < deadline and (tab.grid.panes or not _is_over(tab, run)):
        await pilot.pause(0.1)
        if _is_over(tab, run):
            await pilot.press("ctrl+x")
    while True:
        await pilot.pause(0.1)
        sample = Sample.taken()
        now = sample.files, sample.tasks, sample.processes
        most = [(it.files, it.tasks, it.processes) for it in before] or [(1000, 1000, 2)]
        if all(n <= m for n, m in zip(now, most[0], strict=True)) or time.monotonic() > deadline:
            return sample


def _is_over(tab: ExecutionTab, run: str) -> bool:
    return tab.model is not None and tab.model.run.id == run and tab.model.is_over


async def test_nothing_grows(project, monkeypatch: pytest.MonkeyPatch) -> None:
    speed = "60" if SECONDS <= 60 else "10"
    for name, value in (project.environment | {"CC4_REHEARSAL_SPEED": speed}).items():
        monkeypatch.setenv(name, value)
    samples: list[Sample] = []
    end = time.monotonic() + SECONDS
    options = RunOptions(agent="rehearsal", workers=WORKERS, retries=1)
    async with Runtime.open(project.root) as runtime:
        app = CommandCenterApp(runtime, StartOptions(tab=Tab.EXECUTION))
        async with app.run_test(size=(120, 36)) as pilot:
            while time.monotonic() < end or len(samples) < LEAST_ROUNDS:
                number = len(samples) + 1
                project.write("plan.md", plan(number))
                project.commit(f"Round {number}")
                run = await runtime.start_run("plan.md", options)
                for key in ("2", "3", "t", "t"):
                    await pilot.press(key)
                view = await runtime.wait(run)
                assert view.run.status is RunStatus.SUCCEEDED, view.counts()
                assert view.counts() == {"landed": TASKS}
                samples.append(await settled(pilot, run, samples[-1:]))
    sys.stdout.write(f"\n{len(samples)} runs: {samples[len(samples) // 3]} ... {samples[-1]}\n")
    assert growth(samples) == []
    assert project.left_behind() == []
