"""A writer that is killed loses nothing it was told to be stored."""

import asyncio
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.run import TaskRunState
from cc4tui.errors import UnfitError
from cc4tui.storage import files
from cc4tui.storage.store import open_store


WRITER = """
import asyncio, sys
from pathlib import Path
from cc4tui.domain.run import TaskRunState as S
from cc4tui.events import TaskReady
from cc4tui.ports import AttemptUpdate, TaskUpdate, Write
from cc4tui.storage.store import open_store

async def main():
    store = await open_store(Path(sys.argv[1]))
    async def work(task, fence):
        while True:
            values = {"state": S.RUNNING, "fence": fence + 1}
            start = {"agent": "a", "fence": fence + 1, "token": "t", "folder": "f"}
            (event,) = await store.commit(Write(
                "r1",
                tasks=(TaskUpdate(task, frozenset(), fence, values),),
                attempts=(AttemptUpdate(task, fence + 1, start),),
                events=(TaskReady(run="r1", task=task, attempt=fence + 1),),
                durable=fence % 7 == 0,
            ))
            fence += 1
            print(task, fence, event.seq, flush=True)
    async with asyncio.TaskGroup() as group:
        for task in await store.task_runs("r1"):
            group.create_task(work(task.task, task.fence))

asyncio.run(main())
"""

KILLS = 4

MAKER = """
import os, signal, sqlite3, sys
from pathlib import Path
from cc4tui.errors import UnfitError
from cc4tui.storage import files

path = Path(sys.argv[1])
files.prepare(path)
connection = sqlite3.connect(path, isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the end
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE half (made)")
connection.executemany("INSERT INTO half VALUES (?)", [("x" * 3000,)] * 200)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("reads", [False, True])
async def test_killed_while_the_database_was_being_made(path: Path, child: Any, reads: bool):
    """SQLite's journal is still beside it, and without undoing that nothing can be read."""
    child(MAKER, path).wait()
    assert files.side(path, files.JOURNAL).stat().st_size > 0
    assert path.stat().st_size > 0
    if reads:
        with pytest.raises(UnfitError, match="is empty: start cc4tui here once"):
            await open_store(path, read_only=True)
    store = await open_store(path)
    assert store.notice is None
    await store.add_idea("works")
    await store.close()
    assert [name.name for name in path.parent.iterdir()] == [path.name]


@pytest.mark.integration
async def test_killed_at_any_moment_nothing_acknowledged_is_lost(
    path: Path, new_run: Any, child: Any
):
    store = await open_store(path)
    await store.create_run(*new_run(tasks=3))
    await store.close()
    dice = random.Random(1)
    told: dict[int, tuple[str, int]] = {}
    for _ in range(KILLS):
        process = child(WRITER, path)
        lines = await asyncio.to_thread(_acknowledged, process, dice.randrange(1, 200))
        told |= {seq: (task, attempt) for task, attempt, seq in lines}

        store = await open_store(path)
        assert store.notice is None
        stored = {e.seq: (e.task, e.attempt) for e in await store.events("r1", limit=10**6)}
        assert list(stored) == list(range(1, len(stored) + 1))
        assert told.items() <= stored.items()
        # Every transaction is whole: claims, attempts and events tell the same.
        attempts = {(a.task, a.attempt) for a in await store.attempts("r1")}
        assert attempts == set(stored.values())
        for task in await store.task_runs("r1"):
            assert task.fence == max((n for t, n in attempts if t == task.task), default=0)
            assert (task.state is TaskRunState.RUNNING) == (task.fence > 0)
        await store.close()
    assert len(told) >= KILLS


def _acknowledged(process: Any, count: int) -> list[tuple[str, int, int]]:
    """Read some acknowledgements, kill the writer, read what else it had said."""
    lines = [process.stdout.readline() for _ in range(count)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(task, int(attempt), int(seq)) for task, attempt, seq in whole]
