"""The writer: batches, keeps failures apart, survives them, and ends cleanly."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cc4tui.domain.run import TaskRunState
from cc4tui.errors import StaleWriteError, UnfitError
from cc4tui.events import TaskReady
from cc4tui.ports import TaskUpdate, Write
from cc4tui.storage import writer as writer_module
from cc4tui.storage.engine import raw
from cc4tui.storage.store import SqlStore, open_store


def tell(task: str = "t0", *, durable: bool = False) -> Write:
    """A write that always fits."""
    return Write("r1", events=(TaskReady(run="r1", task=task),), durable=durable)


def stale() -> Write:
    """A write that never fits."""
    landed = frozenset({TaskRunState.LANDED})
    return Write("r1", tasks=(TaskUpdate("t0", landed),), events=(TaskReady(run="r1"),))


class Gate:
    """Holds the writer's thread inside a job, so that a batch gathers behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, connection: sa.Connection) -> None:
        """The job."""
        self.entered.set()
        assert self.opened.wait(20)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Size of each batch that was stored, and whether it waited for the disk."""
    seen: list[tuple[int, bool]] = []
    store_batch = writer_module.Writer._store

    def spy(self: Any, batch: list[Any]) -> list[Any]:
        results = store_batch(self, batch)
        level = raw(self._connection).execute("PRAGMA synchronous").fetchone()[0]
        seen.append((len(batch), level == 2))
        return results

    monkeypatch.setattr(writer_module.Writer, "_store", spy)
    return seen


async def behind_a_gate(store: SqlStore, *writes: Write) -> list[Any]:
    """Commit these together in one batch; returns results and exceptions."""
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(store._database.write(gate))
        await asyncio.to_thread(gate.entered.wait, 20)
        waiting = asyncio.gather(*(store.commit(w) for w in writes), return_exceptions=True)
        await asyncio.sleep(0)
        gate.opened.set()
        return await waiting


async def test_what_waits_becomes_one_transaction(
    store: SqlStore, new_run: Any, commits: list[tuple[int, bool]]
):
    await store.create_run(*new_run())
    commits.clear()
    results = await behind_a_gate(store, *(tell(f"t{n}") for n in range(50)))
    assert [events[0].seq for events in results] == list(range(1, 51))
    assert commits == [(1, False), (50, False)]


async def test_one_stale_write_does_not_fail_its_neighbours(
    store: SqlStore, new_run: Any, commits: list[tuple[int, bool]]
):
    await store.create_run(*new_run())
    commits.clear()
    good, bad, fine = await behind_a_gate(store, tell("a"), stale(), tell("b"))
    assert isinstance(bad, StaleWriteError)
    assert (good[0].seq, fine[0].seq) == (1, 2)
    assert [event.task for event in await store.events("r1")] == ["a", "b"]
    assert commits == [(1, False), (3, False)]


async def test_a_batch_is_limited(
    store: SqlStore, new_run: Any, commits: list[tuple[int, bool]], monkeypatch: Any
):
    monkeypatch.setattr(writer_module, "MAX_BATCH", 8)
    await store.create_run(*new_run())
    commits.clear()
    await behind_a_gate(store, *(tell() for _ in range(20)))
    assert [size for size, _ in commits] == [1, 8, 8, 4]


async def test_a_durable_write_makes_its_whole_batch_durable(
    store: SqlStore, new_run: Any, commits: list[tuple[int, bool]]
):
    await store.create_run(*new_run())
    commits.clear()
    await store.commit(tell(durable=True))
    await behind_a_gate(store, tell(), tell(durable=True))
    await store.commit(tell())
    assert commits == [(1, True), (1, False), (2, True), (1, False)]


async def test_nobody_is_told_before_the_commit(store: SqlStore, path: Path, new_run: Any):
    await store.create_run(*new_run())
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        told = group.create_task(store.commit(tell()))
        group.create_task(store._database.write(gate))
        await asyncio.to_thread(gate.entered.wait, 20)
        # The event is in the transaction that the gate keeps open: not told, not to be seen.
        assert not told.done()
        assert await store.events("r1") == []
        gate.opened.set()
    assert len(await store.events("r1")) == 1


async def test_a_write_of_a_cancelled_caller_is_stored(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(store._database.write(gate))
        await asyncio.to_thread(gate.entered.wait, 20)
        lost = asyncio.create_task(store.commit(tell("of the cancelled")))
        await asyncio.sleep(0)
        lost.cancel()
        gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await lost
    await store.commit(tell("next"))
    assert [e.task for e in await store.events("r1")] == ["of the cancelled", "next"]


async def test_a_full_disk_fails_the_batch_and_the_next_one_works(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    await store.commit(tell("before"))

    def no_more_pages(connection: sa.Connection) -> None:
        raw(connection).execute("PRAGMA max_page_count = 1")

    await store._database.write(no_more_pages)
    big = Write("r1", events=(TaskReady(run="r1", task="x" * 1_000_000),))
    results = await behind_a_gate(store, tell("small"), big, tell("after"))
    for result in results:
        assert isinstance(result, UnfitError)
        assert str(result).startswith(f"The disk of {store._database.path} is full: free some")
    assert [event.task for event in await store.events("r1")] == ["before"]

    stored = await store.commit(tell("again"))
    assert [event.seq for event in stored] == [2]


async def test_a_locked_database_is_a_sentence(
    store: SqlStore, path: Path, new_run: Any, monkeypatch: pytest.MonkeyPatch
):
    await store.create_run(*new_run())
    await store._database.write(lambda c: raw(c).execute("PRAGMA busy_timeout = 50").fetchall())
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnfitError, match="was locked by another program for too long"):
            await store.commit(tell())
        assert await store.events("r1") == []  # readers go on
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert [event.seq for event in await store.commit(tell())] == [1]


async def test_a_lock_that_ends_in_time_is_waited_for(store: SqlStore, path: Path, new_run: Any):
    await store.create_run(*new_run())
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.commit(tell()))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        other.execute("ROLLBACK")
        assert (await waiting)[0].seq == 1
    finally:
        other.close()


async def test_a_deleted_database_is_written_again(store: SqlStore, path: Path, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    for name in path.parent.iterdir():
        name.unlink()
    path.parent.rmdir()

    await store.commit(tell("after"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert await store.run("r1") == run
    await store.close()

    assert [name.name for name in path.parent.iterdir()] == ["cc4tui.db"]
    again = await open_store(path)
    assert await again.task_runs("r1") == tasks
    assert [event.task for event in await again.events("r1")] == ["after"]
    await again.close()


async def test_a_replaced_database_is_never_written_to(
    store: SqlStore, path: Path, new_run: Any, tmp_path: Path
):
    await store.create_run(*new_run())
    await store.commit(tell("before"))
    other = tmp_path / "other" / "cc4tui.db"
    await (await open_store(other)).close()
    theirs = other.read_bytes()
    mine = tmp_path / "mine.db"
    path.rename(mine)
    other.rename(path)
    for _ in range(2):
        with pytest.raises(UnfitError, match="was replaced by another file while it was in use"):
            await store.add_idea("nowhere")
    assert path.read_bytes() == theirs

    mine.replace(path)
    await store.commit(tell("after"))
    assert [event.task for event in await store.events("r1")] == ["before", "after"]
    assert await store.ideas() == []


async def test_close_carries_out_what_is_queued(store: SqlStore, path: Path, new_run: Any):
    await store.create_run(*new_run())
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(store._database.write(gate))
        await asyncio.to_thread(gate.entered.wait, 20)
        writes = [group.create_task(store.commit(tell())) for _ in range(9)]
        await asyncio.sleep(0)
        closing = group.create_task(store.close())
        gate.opened.set()
    assert closing.done()
    assert [task.result()[0].seq for task in writes] == list(range(1, 10))


async def test_nothing_is_left_after_close(path: Path):
    before = set(asyncio.all_tasks()), set(threading.enumerate())
    store = await open_store(path)
    await store.add_idea("x")
    await store.ideas()
    await store.close()
    await store.close()
    left = {t.name for t in set(threading.enumerate()) - before[1]}
    assert not [name for name in left if name.startswith("cc4tui")]
    assert set(asyncio.all_tasks()) == before[0]
    assert [name.name for name in path.parent.iterdir()] == ["cc4tui.db"]


async def test_a_closed_store_says_so(path: Path):
    store = await open_store(path)
    await store.close()
    with pytest.raises(UnfitError, match="is closed"):
        await store.ideas()
    with pytest.raises(UnfitError, match="is closed"):
        await store.add_idea("x")


async def test_a_writer_that_is_cancelled_leaves_no_caller_waiting(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    gate = Gate()
    held = asyncio.create_task(store._database.write(gate))
    await asyncio.to_thread(gate.entered.wait, 20)
    queued = asyncio.create_task(store.commit(tell()))
    await asyncio.sleep(0)
    assert store._database._writer is not None
    store._database._writer._task.cancel()
    for waiting in (held, queued):
        with pytest.raises(UnfitError, match="is closed"):
            await waiting
    gate.opened.set()
    await store.close()
