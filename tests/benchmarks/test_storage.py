"""The store against plain sqlite3 doing the same statements, side by side in the same run.

Ratios, because wall times of a shared machine mean nothing by themselves; each is the best of some
alternated rounds. The bounds are what must never be fallen short of, not what is usual.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cc4tui.domain.run import RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.events import TaskReady
from cc4tui.ports import TaskUpdate, Write
from cc4tui.storage.store import SqlStore, open_store


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

TASKS = 1000
ROUNDS = 3
READY = frozenset({TaskRunState.READY})


def claim(n: int) -> Write:
    """What a worker writes when it takes a task."""
    values = {"state": TaskRunState.RUNNING, "fence": 1}
    events = (TaskReady(run="r1", task=f"t{n}"),)
    return Write("r1", tasks=(TaskUpdate(f"t{n}", READY, 0, values),), events=events)


async def new_store(path: Path) -> SqlStore:
    """A store with one run whose tasks are all ready."""
    store = await open_store(path)
    run = RunRecord(
        id="r1",
        plan="p",
        plan_key="p",
        status=RunStatus.RUNNING,
        base="b",
        branch="c",
        target="main",
        workers=4,
        mode="worktree",
        agent="a",
        started=datetime.now(UTC),
    )
    first = TaskRunRecord("r1", "t0", 0, "title", "1", TaskRunState.READY)
    tasks = [replace(first, task=f"t{n}", position=n) for n in range(TASKS)]
    await store.create_run(run, tasks)
    return store


async def through_the_store(path: Path, workers: int) -> tuple[float, float]:
    """Claims per second, and the 99th percentile of the wait for one in milliseconds."""
    store = await new_store(path)
    waits: list[float] = []

    async def work(first: int) -> None:
        for n in range(first, TASKS, workers):
            begin = time.perf_counter()
            await store.commit(claim(n))
            waits.append(time.perf_counter() - begin)

    begin = time.perf_counter()
    await asyncio.gather(*(work(first) for first in range(workers)))
    seconds = time.perf_counter() - begin
    await store.close()
    return TASKS / seconds, sorted(waits)[len(waits) * 99 // 100] * 1000


async def by_hand(path: Path) -> float:
    """Claims per second of one connection that does nothing else: the limit."""
    await (await new_store(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        begin = time.perf_counter()
        for n in range(TASKS):
            connection.execute("BEGIN IMMEDIATE")
            cursor = connection.execute(
                "UPDATE task_runs SET state = ?, fence = ? "
                "WHERE run = ? AND task = ? AND state = ? AND fence = ?",
                ("running", 1, "r1", f"t{n}", "ready", 0),
            )
            assert cursor.rowcount == 1
            ((seq,),) = connection.execute(
                "UPDATE runs SET last_seq = last_seq + 1 WHERE id = ? RETURNING last_seq", ("r1",)
            ).fetchall()
            connection.execute(
                "INSERT INTO events (run, seq, ts, name, task, data) VALUES (?, ?, ?, ?, ?, ?)",
                ("r1", seq, time.time_ns() // 1000, "task_ready", f"t{n}", "{}"),
            )
            connection.execute("COMMIT")
        return TASKS / (time.perf_counter() - begin)


@pytest.mark.parametrize(("workers", "at_least"), [(1, 0.05), (4, 0.1), (16, 0.15)])
async def test_claims(
    tmp_path: Path, measured: Callable[..., None], workers: int, at_least: float
) -> None:
    limit, rate, wait = 0.0, 0.0, float("inf")
    for round_ in range(ROUNDS):
        limit = max(limit, await by_hand(tmp_path / f"hand{round_}" / "cc4tui.db"))
        got = await through_the_store(tmp_path / f"store{round_}" / "cc4tui.db", workers)
        rate, wait = max(rate, got[0]), min(wait, got[1])
    measured(f"claims with an event, {workers} workers, against sqlite3 by hand", rate / limit, "",
             f"{rate:,.0f}/s, P99 {wait:.1f} ms")  # fmt: skip
    assert rate / limit >= at_least


async def best(call: Callable[[], Awaitable[float]]) -> float:
    """The least of some rounds."""
    return min([await call() for _ in range(ROUNDS)])


async def test_events_in_batches(tmp_path: Path, measured: Callable[..., None]) -> None:
    writes, size = 50, 100
    rows = [("r1", 0, 0, "task_ready", f"t{n}", "{}") for n in range(size)]
    event = TaskReady(run="r1", task="t0")
    store = await new_store(tmp_path / "store" / "cc4tui.db")
    await (await new_store(tmp_path / "hand" / "cc4tui.db")).close()
    seq = 0

    async def stored() -> float:
        begin = time.perf_counter()
        for _ in range(writes):
            await store.commit(Write("r1", events=(event,) * size))
        return time.perf_counter() - begin

    async def by_executemany() -> float:
        nonlocal seq
        with closing(sqlite3.connect(tmp_path / "hand" / "cc4tui.db")) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            begin = time.perf_counter()
            for _ in range(writes):
                numbered = [(run, seq + n, *rest) for n, (run, _, *rest) in enumerate(rows, 1)]
                connection.executemany(
                    "INSERT INTO events (run, seq, ts, name, task, data) VALUES (?,?,?,?,?,?)",
                    numbered,
                )
                connection.commit()
                seq += size
            return time.perf_counter() - begin

    ours, limit = await best(stored), await best(by_executemany)
    await store.close()
    measured(f"events by {size}, against executemany", limit / ours, "",
             f"{writes * size / ours:,.0f}/s")  # fmt: skip
    assert limit / ours >= 0.04


async def test_search_among_many_lessons(tmp_path: Path, measured: Callable[..., None]) -> None:
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefghijklmnop", k=6)) for _ in range(480)]
    weights = [1 / n for n in range(1, 481)]
    path = tmp_path / "store" / "cc4tui.db"
    await (await open_store(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        for n in range(20_000):
            text = " ".join(dice.choices(words, weights, k=30))
            values = (n, text, n, "", "person", "[]")
            connection.execute(
                "INSERT INTO lessons (id, text, created, title, source, tags) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
        connection.commit()

    queries = [" ".join(dice.choices(words, weights, k=2)) for _ in range(40)]
    store = await open_store(path)
    capped = []
    for query in queries:
        begin = time.perf_counter()
        await store.search_lessons(query)
        capped.append((time.perf_counter() - begin) * 1000)
    await store.close()

    ranked = "SELECT rowid FROM lessons_fts WHERE lessons_fts MATCH ? ORDER BY rank LIMIT 50"
    every = []
    with closing(sqlite3.connect(path)) as connection:
        for query in queries:
            begin = time.perf_counter()
            connection.execute(ranked, (query,)).fetchall()
            every.append((time.perf_counter() - begin) * 1000)
    measured("search of 20,000 lessons, worst, against ranking every match",
             max(capped) / max(every), "", f"median {sorted(capped)[20]:.1f} ms")  # fmt: skip
    assert max(capped) <= 2 * max(every)
