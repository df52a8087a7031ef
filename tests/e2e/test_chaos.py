"""Kills at random moments: nothing lost, nothing done twice, nothing left behind."""

import os
import random
import signal
import subprocess
import time
from collections import Counter

import pytest


pytestmark = [pytest.mark.integration, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("CC4_CHAOS_KILLS", "6"))
"""`make chaos` sets 200."""

PLAN = "---\ncc4: 1\n---\n# Chaos\n\n" + "".join(
    f"## Batch {batch}: B\n" + "".join(f"- [ ] {batch}.{n} Task\n" for n in range(1, 6))
    for batch in range(1, 5)
)

WORKS = """
import random
subprocess.Popen(["sleep", "300"], start_new_session=True)
pathlib.Path(f"{task}.txt").write_text(task)
time.sleep(random.uniform(0.0, 0.4))
"""


def test_a_run_survives_being_killed_again_and_again(project, agent, ledger):
    seed = int(os.environ.get("CC4_CHAOS_SEED", str(random.randrange(1 << 30))))
    print(f"CC4_CHAOS_SEED={seed}")  # noqa: T201 to repeat a failure
    chance = random.Random(seed)
    command = agent(WORKS)
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        project.write("plan.md", f"{PLAN}\nRound {rounds}\n")
        project.commit(f"round {rounds}")
        start = len(ledger())
        kills += killed_until_done(project, command, chance, KILLS - kills)
        check_round(project, ledger()[start:])
        fresh(project)


def killed_until_done(project, command: str, chance: random.Random, most: int) -> int:
    kills = 0
    while True:
        process = project.start(
            "run", "plan.md", "--yes", "--json", "--workers", "3", "--agent-command", command
        )
        try:
            _, err = process.communicate(timeout=chance.uniform(0.3, 4.0) if kills < most else 120)
        except subprocess.TimeoutExpired:
            kills += 1
            process.send_signal(signal.SIGKILL)
            process.communicate()
            continue
        assert process.returncode == 0, err
        assert "Traceback" not in err
        return kills


def check_round(project, lines: list[str]) -> None:
    """20 landed once each; what was tried again had not been committed before."""
    merged = Counter(
        line
        for line in project.git(
            "log", "--merges", "--format=%(trailers:key=Cc4-Task,valueonly)"
        ).splitlines()
        if line
    )
    names = {f"{batch}.{n}" for batch in range(1, 5) for n in range(1, 6)}
    assert set(merged) == names
    assert set(merged.values()) == {1}
    assert project.files() >= {f"{name}.txt" for name in names}
    for task in project.status()["tasks"]:
        ends = [line for line in lines if line == f"end {task['id']} {task['attempts']}"]
        assert len(ends) == 1, (task, lines)
    assert project.fsck() == ""
    deadline = time.monotonic() + 10
    while project.left_behind() and time.monotonic() < deadline:
        time.sleep(0.05)  # a killed app's supervisors may still be sweeping
    assert project.left_behind() == []


def fresh(project) -> None:
    """Forget what landed: an orphan branch, so that the next round's tasks are new ones."""
    project.git("checkout", "-q", "--orphan", "next")
    for path in project.files() - {"README.md"}:
        (project.root / path).unlink(missing_ok=True)
    project.commit("fresh")
    project.git("branch", "-q", "-M", "next", "main")
