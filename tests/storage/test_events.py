"""Events are numbered without gaps, whoever writes and whatever fails."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.run import TaskRunState
from cc4tui.errors import StaleWriteError
from cc4tui.events import Event, MergeConflict, RunFinished, RunStarted, TaskReady, TaskVerified
from cc4tui.ports import TaskUpdate, Write
from cc4tui.storage import event_log, tables
from cc4tui.storage.columns import dump_json, storable
from cc4tui.storage.store import SqlStore


async def test_the_store_gives_number_and_time(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    before = datetime.now(UTC)
    first, second = await store.commit(
        Write("r1", events=(TaskReady(run="r1", task="t0", attempt=2), TaskReady(run="r1")))
    )
    after = datetime.now(UTC)
    assert (first.seq, second.seq) == (1, 2)
    assert first.ts is not None
    assert before - timedelta(milliseconds=1) < first.ts <= after
    assert first.ts.microsecond % 1000 == 0
    assert await store.events("r1") == [first, second]


async def test_events_come_back_as_they_were(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    facts: tuple[Event, ...] = (
        RunStarted(
            run="r1",
            plan="p",
            base="b",
            branch="x",
            target="main",
            workers=4,
            mode="worktree",
            agent="claude",
            tasks=[{"id": "t0", "waits_for": []}],
        ),
        MergeConflict(run="r1", task="t0", files=["\udcff.py", "ü"], with_tasks=["t1"]),
        TaskVerified(run="r1", task="t0", attempt=1, passed=False, commands=[{"exit_code": 1}]),
        RunFinished(
            run="r1",
            status="failed",
            counts={"failed": 1},
            target="main",
            landed=False,
            reason="\x1b[31m\0",
            seconds=1.5,
            efficiency=None,
        ),
    )
    stored = await store.commit(Write("r1", events=facts))
    assert await store.events("r1") == list(stored)
    assert [event.data() for event in stored] == [fact.data() for fact in facts]


async def test_numbers_have_no_gaps_under_concurrency(store: SqlStore, new_run: Any):
    for run in ("r1", "r2"):
        await store.create_run(*new_run(run))

    async def talk(run: str, worker: int) -> None:
        for n in range(20):
            events = tuple(TaskReady(run=run, task=f"{worker}.{n}.{k}") for k in range(1 + n % 3))
            stale = TaskUpdate("t0", frozenset({TaskRunState.MERGED}))
            write = Write(run, tasks=(stale,) if n % 5 == 4 else (), events=events)
            try:
                stored = await store.commit(write)
            except StaleWriteError:
                continue
            first = stored[0].seq
            assert [event.seq for event in stored] == list(range(first, first + len(events)))

    async with asyncio.TaskGroup() as group:
        for worker in range(8):
            group.create_task(talk(f"r{1 + worker % 2}", worker))
    for run in ("r1", "r2"):
        seqs = [event.seq for event in await store.events(run)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) == 4 * sum(1 + n % 3 for n in range(20) if n % 5 != 4)


async def test_pages(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    await store.commit(Write("r1", events=tuple(TaskReady(run="r1") for _ in range(25))))
    pages, after = [], 0
    while page := await store.events("r1", after, 10):
        pages.append([event.seq for event in page])
        after = page[-1].seq
    assert pages == [list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]


async def test_kinds_of_a_newer_program_do_not_end_a_page(store: SqlStore, path: Any, new_run: Any):
    await store.create_run(*new_run())
    await store.commit(Write("r1", events=tuple(TaskReady(run="r1") for _ in range(30))))
    await store._database.write(_rename_most)

    assert [event.seq for event in await store.events("r1", limit=2)] == [10, 20]
    assert [event.seq for event in await store.events("r1", after=20, limit=2)] == [30]


def _rename_most(connection: sa.Connection) -> None:
    newer = tables.events.c.seq % 10 != 0
    connection.execute(sa.update(tables.events).where(newer).values(name="from_the_future"))


async def test_reading_is_bounded(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    await store.commit(Write("r1", events=(TaskReady(run="r1"),)))
    assert await store.events("r1", limit=0) == []
    assert await store.events("r1", after=1) == []


async def test_a_clock_set_back_changes_no_order(
    store: SqlStore, new_run: Any, monkeypatch: pytest.MonkeyPatch
):
    await store.create_run(*new_run())
    await store.commit(Write("r1", events=(TaskReady(run="r1", task="first"),)))

    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - timedelta(days=1)

    monkeypatch.setattr(event_log, "datetime", Yesterday)
    await store.commit(Write("r1", events=(TaskReady(run="r1", task="second"),)))
    assert [event.task for event in await store.events("r1")] == ["first", "second"]


@given(st.text())
@settings(max_examples=150)
def test_any_text_becomes_storable(text: str):
    stored = storable(text)
    stored.encode("utf-8")
    assert "\0" not in stored
    assert storable(stored) == stored


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_good_text_is_not_touched(text: str):
    assert storable(text) == text


@pytest.mark.parametrize(("value", "text"), [("ü", '"ü"'), ("\udcff", '"\\udcff"')])
def test_json_escapes_only_what_utf8_cannot_hold(value: str, text: str):
    assert dump_json(value) == text
