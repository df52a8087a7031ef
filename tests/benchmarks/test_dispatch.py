"""How much of the workers' time is work: against xargs, and against a bare semaphore."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.run import RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.events import TaskReady
from cc4tui.ports import ProcessSpec, RunOptions, TaskUpdate, Write
from cc4tui.runtime import Runtime
from cc4tui.services.pipeline.workspace import Checkout, Workspace
from cc4tui.services.processes.host import Supervisors
from cc4tui.storage.store import SqlStore, open_store


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

TASKS, WORKERS = 100, 4
SLEEP = "0.1"
READY, RUNNING = frozenset({TaskRunState.READY}), frozenset({TaskRunState.RUNNING})


def with_xargs() -> float:
    """Seconds for all tasks."""
    numbers = "\n".join(map(str, range(TASKS)))
    command = ["xargs", f"-P{WORKERS}", "-I{}", "sleep", SLEEP]
    start = time.perf_counter()
    subprocess.run(command, input=numbers, text=True, check=True)
    return time.perf_counter() - start


async def prepared(folder: Path, count: int = TASKS) -> SqlStore:
    """A journal with a run of tasks that wait."""
    store = await open_store(folder / "db")
    run = RunRecord(
        id="r", plan="p", plan_key="p", status=RunStatus.RUNNING, base="b", branch="c",
        target="main", workers=WORKERS, mode="worktree", agent="a", started=datetime.now(UTC),
    )  # fmt: skip
    tasks = [TaskRunRecord("r", f"t{n}", n, "title", "1", TaskRunState.READY) for n in range(count)]
    await store.create_run(run, tasks)
    return store


async def with_ours(
    folder: Path, tasks: int = TASKS, workers: int = WORKERS, seconds: str = SLEEP
) -> tuple[float, float]:
    """Seconds for all tasks, and of these, per worker, for claims and events; without git."""
    store, host = await prepared(folder, tasks), Supervisors()
    waiting = list(range(tasks))
    booked = 0.0

    async def write(task: str, expect: frozenset[TaskRunState], state: TaskRunState) -> None:
        nonlocal booked
        begun = time.perf_counter()
        update = TaskUpdate(task, expect, 0, {"state": state})
        await store.commit(Write("r", tasks=(update,), events=(TaskReady(run="r", task=task),)))
        booked += time.perf_counter() - begun

    async def work() -> None:
        while waiting:
            task = f"t{waiting.pop()}"
            await write(task, READY, TaskRunState.RUNNING)
            attempt = folder / task
            attempt.mkdir(mode=0o700)
            spec = ProcessSpec(attempt, ("sleep", seconds), dict(os.environ), folder, task)
            process = await host.spawn(spec)
            await process.ended()
            await write(task, RUNNING, TaskRunState.MERGED)

    await host.start()
    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    lasted = time.perf_counter() - start
    await host.close()
    await store.close()
    return lasted, booked / workers


async def test_short_tasks_without_git(tmp_path: Path, measured: Callable[..., None]) -> None:
    ideal = TASKS * float(SLEEP) / WORKERS
    theirs, ours = [], []
    for number in range(5):
        theirs.append(await asyncio.to_thread(with_xargs))
        folder = tmp_path / str(number)
        folder.mkdir()
        ours.append(await with_ours(folder))
    best, booked = min(ours)
    note = f"{ideal / best:.2f} of the ideal; xargs {ideal / min(theirs):.2f}"
    measured(
        "100 tasks of 0.1 s, 4 workers, against xargs -P4", min(theirs) / best, ">= 0.90", note
    )
    measured("share of that time for claims and events", booked / best, "")
    assert min(theirs) / best >= 0.6


async def with_semaphore(tasks: int, workers: int, seconds: float) -> float:
    """Seconds for all tasks with nothing but the tasks."""
    semaphore = asyncio.Semaphore(workers)

    async def one() -> None:
        async with semaphore:
            process = await asyncio.create_subprocess_exec("sleep", str(seconds))
            await process.wait()

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(tasks)))
    return time.perf_counter() - start


def prepared_repository(folder: Path, tasks: int) -> Path:
    """A repository with a plan of tasks that wait for nothing."""
    folder.mkdir()
    lines = [f"- [ ] 1.{n} Write file {n}" for n in range(1, tasks + 1)]
    (folder / "plan.md").write_text("# P\n\n## Batch 1: All\n\n" + "\n".join(lines) + "\n")
    git = ["git", "-c", "user.name=P", "-c", "user.email=p@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True)
    return folder


def agent(seconds: float) -> str:
    """A program that takes its time and makes a file."""
    return f"sh -c 'sleep {seconds}; echo x > f$$'"


def whole_run(folder: Path, tasks: int, workers: int, seconds: float) -> float:
    """Seconds of a real run: a worktree, a change, a commit and a merge for each task."""
    prepared_repository(folder, tasks)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CC4TUI_")}
    environment["CC4TUI_STATE_DIR"] = f"{folder}-state"
    command = ["-m", "cc4tui", "run", "plan.md", "--yes", "--json", "--workers", str(workers)]
    done = subprocess.run(
        [sys.executable, *command, "--agent-command", agent(seconds)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    finished = json.loads(done.stdout.splitlines()[-1])
    assert finished["counts"] == {"landed": tasks}, finished
    return float(finished["seconds"])


@pytest.mark.parametrize("workers", [2, 4, 8])
async def test_long_tasks_with_git(
    tmp_path: Path, measured: Callable[..., None], workers: int
) -> None:
    tasks, seconds = workers * 10, 1.5
    bare = await with_semaphore(tasks, workers, seconds)
    without, _ = await with_ours(tmp_path, tasks, workers, str(seconds))
    measured(f"{tasks} tasks of 1.5 s without git, {workers} workers, against a semaphore",
             bare / without, ">= 0.97", "the start excluded")  # fmt: skip
    ours = await asyncio.to_thread(whole_run, tmp_path / "repo", tasks, workers, seconds)
    efficiency = tasks * seconds / (workers * ours)
    note = f"parallel efficiency {efficiency:.2f}, first worktrees and landing included"
    measured(f"{tasks} tasks of 1.5 s with git, {workers} workers, against a semaphore",
             bare / ours, ">= 0.97", note)  # fmt: skip
    assert efficiency >= 0.5


async def test_short_tasks_with_git(tmp_path: Path, measured: Callable[..., None]) -> None:
    tasks, seconds = 60, 0.5
    ours = await asyncio.to_thread(whole_run, tmp_path / "repo", tasks, WORKERS, seconds)
    efficiency = tasks * seconds / (WORKERS * ours)
    measured("parallel efficiency, 60 tasks of 0.5 s with git, 4 workers", efficiency, ">= 0.80")
    assert efficiency >= 0.4


WAITED_FOR = ("claimed", "worktree", "spawned")
"""Steps whose records a worker waits for; those after its agent's end are written behind it."""


async def test_what_workers_wait_for(
    tmp_path: Path, measured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, seconds = 32, 1.5
    root = prepared_repository(tmp_path / "repo", tasks)
    monkeypatch.setenv("CC4TUI_STATE_DIR", str(tmp_path / "state"))
    checkout, commit = Workspace.checkout, SqlStore.commit
    worktrees = booked = 0.0

    async def timed_checkout(self: Workspace, *args: Any, **values: Any) -> Checkout:
        nonlocal worktrees
        begun = time.perf_counter()
        try:
            return await checkout(self, *args, **values)
        finally:
            worktrees += time.perf_counter() - begun

    async def timed_commit(self: SqlStore, write: Write) -> Any:
        nonlocal booked
        begun = time.perf_counter()
        try:
            return await commit(self, write)
        finally:
            if any(attempt.values.get("step") in WAITED_FOR for attempt in write.attempts):
                booked += time.perf_counter() - begun

    monkeypatch.setattr(Workspace, "checkout", timed_checkout)
    monkeypatch.setattr(SqlStore, "commit", timed_commit)
    options = RunOptions(agent_command=agent(seconds), workers=WORKERS)
    async with Runtime.open(root) as runtime:
        view = await runtime.wait(await runtime.start_run("plan.md", options))
    assert view.counts() == {"landed": tasks}
    assert view.run.finished is not None
    lasted = WORKERS * (view.run.finished - view.run.started).total_seconds()
    for what, spent, goal in (("worktrees", worktrees, 0.03), ("claims and events", booked, 0.005)):
        measured(f"share of a worker's time for {what}, tasks of {seconds} s", spent / lasted,
                 f"<= {goal}", f"{spent / tasks * 1000:.1f} ms a task")  # fmt: skip
        assert spent / lasted <= 0.1
