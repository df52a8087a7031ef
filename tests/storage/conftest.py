"""Real databases in temporary folders, and runs to put into them."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cc4tui.domain.run import RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.storage.store import SqlStore, open_store


NewRun = Callable[..., tuple[RunRecord, list[TaskRunRecord]]]
Child = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be; its folder does not exist yet."""
    return tmp_path / "state" / "cc4tui.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    """An open, empty store."""
    opened = await open_store(path)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def new_run() -> NewRun:
    """Make records of a run with some ready tasks named t0, t1, ..."""

    def make(run: str = "r1", tasks: int = 3) -> tuple[RunRecord, list[TaskRunRecord]]:
        record = RunRecord(
            id=run,
            plan="plans/a.md",
            plan_key="plans/a.md",
            status=RunStatus.RUNNING,
            base="b" * 40,
            branch=f"cc4/{run}/merged",
            target="main",
            workers=4,
            mode="worktree",
            agent="claude",
            started=datetime.now(UTC),
        )
        return record, [
            TaskRunRecord(
                run=run,
                task=f"t{n}",
                position=n,
                title=f"Task {n}",
                batch="1",
                state=TaskRunState.READY,
            )
            for n in range(tasks)
        ]

    return make


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    """Start another Python process that runs a script; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: object) -> subprocess.Popen[str]:
        file = tmp_path / f"child{len(started)}.py"
        file.write_text(script, "utf-8")
        process = subprocess.Popen(
            [sys.executable, "-W", "error", file, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
