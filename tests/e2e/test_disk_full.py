"""A disk that fills up in the middle of a run: the run waits, and goes on when there is room."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

POINTS = int(os.environ.get("CC4_DISK_POINTS", "2"))
"""`make chaos` sets 20."""
SIZE = 24 * 1024 * 1024
TASKS = 6
PLAN = "---\ncc4: 1\n---\n# Disk\n\n## Batch 1: B\n" + "".join(
    f"- [ ] 1.{n} Task\n" for n in range(1, TASKS + 1)
)
WORKS = """
pathlib.Path(f"{task}.txt").write_bytes(os.urandom(200_000))
time.sleep(0.1)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB of its own; only root can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return ballast


def lines(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


@pytest.mark.parametrize("both", [True, False], ids=["state and repository", "state"])
def test_a_full_disk_pauses_the_run(project, agent, ledger, small_disk, both):
    project.state = small_disk / "state"
    if both:
        project.root = Path(shutil.move(project.root, small_disk / "repo"))
    pauses = 0
    for point in range(1, POINTS + 1):
        project.write("plan.md", f"{PLAN}\nPoint {point}\n")
        project.commit(f"point {point}")
        project.write("README.md", "mine\r\n")
        seen = len(ledger())
        process = project.start(
            *("run", "plan.md", "--yes", "--json", "--workers", "2"),
            *("--agent-command", agent(WORKS)),
        )
        told = run_through_a_full_disk(process, small_disk, after=1 + 20 * point // POINTS)
        _, error = process.communicate()
        assert process.returncode == 0, (error, told)
        assert not re.search("^Traceback", error, re.M)  # an agent's own is told in its reason
        kinds = [event["event"] for event in told]
        pauses += "run_paused" in kinds
        if "run_paused" in kinds:
            paused = told[kinds.index("run_paused")]
            assert "full: free some space" in paused["reason"]
            assert "run_resumed" in kinds[kinds.index("run_paused") :]
        assert Counter(kinds)["task_landed"] == TASKS
        ends = Counter(line for line in ledger()[seen:] if line.startswith("end"))
        merged = [event for event in told if event["event"] == "task_merged"]
        for event in merged:
            assert ends[f"end {event['task']} {event['attempt']}"] == 1
        assert project.git("status", "--porcelain") == "M README.md"
        assert project.left_behind() == []
        assert project.fsck() == ""
        project.git("checkout", "-q", "README.md")
        forget(project)
    assert pauses >= POINTS / 2, "most points were in the middle"


def forget(project: Any) -> None:
    """The next point's tasks are new ones: an orphan branch, and the objects of this one go."""
    project.git("checkout", "-q", "--orphan", "next")
    for path in project.files() - {"README.md"}:
        (project.root / path).unlink(missing_ok=True)
    project.commit("fresh")
    project.git("branch", "-q", "-M", "next", "main")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")


def run_through_a_full_disk(
    process: "subprocess.Popen[str]", disk: Path, after: int
) -> list[dict[str, Any]]:
    """Fill the disk at one event, free it when the run has waited for it; all events."""
    told: list[dict[str, Any]] = []
    ballast: Path | None = None
    for event in lines(process):
        told.append(event)
        if len(told) == after:
            ballast = fill(disk)
        if event["event"] == "run_paused" and ballast is not None:
            time.sleep(0.3)  # some more is refused meanwhile
            ballast.unlink()
            ballast = None
    if ballast is not None:
        ballast.unlink()
    return told
