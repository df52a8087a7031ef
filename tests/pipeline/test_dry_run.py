"""What a run would do, wave by wave, of plans as people write them."""

import time
from pathlib import Path
from textwrap import dedent

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.forecast import DryRunTask
from cc4tui.ports import RunOptions
from cc4tui.services.pipeline.dry_run import dry_run
from cc4tui.services.pipeline.selection import Defaults, plan_tasks
from cc4tui.services.plans.reading import read_plan


SEEDS = Path(__file__).parents[1] / "plans" / "seeds"


def dry(text: str, workers: int) -> list[list[DryRunTask]]:
    plan = read_plan(dedent(text).encode(), "plan.md")
    agent = AgentSpec("claude", "claude")
    planned = plan_tasks(
        plan, RunOptions(), Defaults("claude", None, None, 0, ()), lambda _: agent, {}
    )
    return dry_run(plan, planned, workers)


def ids(text: str, workers: int) -> list[list[str]]:
    return [[one.id for one in wave if one.runs] for wave in dry(text, workers)]


def test_batches_and_workers() -> None:
    text = (
        "## Batch 1: A\n### Task 1: a\n### Task 2: b\n### Task 3: c\n## Batch 2: B\n### Task 4: d\n"
    )
    assert ids(text, 2) == [["1", "2"], ["3"], ["4"]]
    assert ids(text, 8) == [["1", "2", "3"], ["4"]]


def test_same_file_never_together() -> None:
    text = "### Task 1: a\n**Files:** `x.py`\n### Task 2: b\n**Files:** `x.py`\n### Task 3: c\n"
    assert ids(text, 4) == [["1", "3"], ["2"]]


def test_done_tasks_are_told_last_with_the_reason() -> None:
    found = dry("- [x] 1.1 a\n- [ ] 1.2 b\n- [ ] 1.3 c\n", 2)
    assert [[one.id for one in wave] for wave in found] == [["1.2"], ["1.3"], ["1.1"]]
    assert [(one.reason, one.runs) for one in found[-1]] == [("done in the plan", False)]


def test_every_open_task_once_and_in_order() -> None:
    found = dry((SEEDS / "cc4-master-plan.md").read_text(), 3)
    wave_of = {one.id: n for n, wave in enumerate(found) for one in wave if one.runs}
    assert sum(len(wave) for wave in found if wave[0].runs) == len(wave_of) == 22
    for one in (one for wave in found for one in wave if one.runs):
        assert all(wave_of.get(need, -1) < wave_of[one.id] for need in one.waits_for)


def test_ten_thousand_tasks() -> None:
    text = "---\ncc4: 1\n---\n" + "".join(
        f"## Batch {b}: B\n" + "".join(f"- [ ] {b}.{n} t\n" for n in range(1, 101))
        for b in range(1, 101)
    )
    began = time.process_time()
    assert len(dry(text, 4)) == 2_500
    assert time.process_time() - began < 10
