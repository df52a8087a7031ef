"""Runs, tasks and attempts: what goes in comes out, whole or not at all."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cc4tui.domain.run import (
    AttemptOutcome,
    AttemptRecord,
    ReasonCode,
    RunRecord,
    RunStatus,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.domain.usage import TokenUsage
from cc4tui.errors import NotFoundError, StaleWriteError, UsageError
from cc4tui.events import AgentOutput, TaskReady
from cc4tui.ports import AttemptUpdate, Journal, Notebook, Store, TaskUpdate, Write
from cc4tui.storage.store import SqlStore, open_store


READY = frozenset({TaskRunState.READY})
START = {"agent": "claude", "fence": 1, "token": "tok", "folder": "/state/a"}


def test_it_is_the_store_of_the_ports(store: SqlStore):
    as_store: Store = store
    as_journal: Journal = as_store
    as_notebook: Notebook = as_store
    assert as_journal is as_notebook


async def test_a_run_comes_back_as_it_was(store: SqlStore, new_run: Any):
    run, tasks = new_run()
    run = replace(
        run,
        finished=run.started + timedelta(microseconds=1),
        land="none",
        reason="because “ü” \U0001f525",
        options={"workers": 4, "deep": {"list": [1, None, "ü"]}},
        owner={"pid": 12, "start": 34, "boot": "x"},
    )
    full = replace(
        tasks[1],
        fence=7,
        attempts=2,
        agent="codex",
        commit="c" * 40,
        branch="cc4/r1/task/x/1",
        merged_as="d" * 40,
        reason_code=ReasonCode.CONFLICT,
        reason="two files",
        waits_for=("t0", "ü"),
        files=("a b.py", "ü.py", "\udcff.bin"),
        seconds=1.25,
        usage=TokenUsage(1, None, 2**40),
        cost_usd=0.125,
    )
    await store.create_run(run, [tasks[2], full, tasks[0]])

    assert await store.run("r1") == run
    assert await store.task_runs("r1") == [tasks[0], full, tasks[2]]


async def test_every_field_can_be_set_later(store: SqlStore, new_run: Any):
    run, tasks = new_run(tasks=1)
    await store.create_run(run, tasks)
    now = datetime.now(UTC)
    attempt = AttemptRecord(
        run="r1",
        task="t0",
        attempt=1,
        agent="claude",
        fence=1,
        token="tok",
        folder="/f",
        worktree="/w",
        branch="b",
        pid=2**22,
        pid_start=2**40,
        boot="boot",
        started=now,
        finished=now,
        outcome=AttemptOutcome.LOST,
        reason_code=ReasonCode.LOST,
        reason="gone",
        exit_code=-9,
        saved_ref="refs/cc4/saved/x",
        commit="c",
        merged_old="o",
        merged_new="n",
        step="merged",
        session="s",
        usage=TokenUsage(1, 2, 3),
        cost_usd=1.5,
    )
    done = replace(
        tasks[0], state=TaskRunState.MERGED, fence=1, files=("x",), usage=TokenUsage(0, 0, 0)
    )
    ended = replace(run, status=RunStatus.SUCCEEDED, finished=now, options={"a": [1]})
    await store.commit(
        Write(
            "r1",
            run_values=_values(ended, "id"),
            tasks=(TaskUpdate("t0", READY, 0, _values(done, "run", "task")),),
            attempts=(AttemptUpdate("t0", 1, _values(attempt, "run", "task", "attempt")),),
        )
    )
    assert await store.run("r1") == ended
    assert await store.task_runs("r1") == [done]
    assert await store.attempts("r1") == [attempt]

    await store.commit(Write("r1", attempts=(AttemptUpdate("t0", 1, {"step": "released"}),)))
    assert await store.attempts("r1") == [replace(attempt, step="released")]
    [work] = await store.works()
    assert (work.attempt, work.batch) == (replace(attempt, step="released"), done.batch)
    assert await store.works("r1") == [work]
    assert await store.works("r2") == []


def _values(record: RunRecord | TaskRunRecord | AttemptRecord, *keys: str) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in fields(record) if f.name not in keys}


async def test_runs_are_newest_first_and_limited(store: SqlStore, new_run: Any):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for n in (2, 0, 3, 1):
        run, tasks = new_run(f"r{n}", 0)
        await store.create_run(replace(run, started=start + timedelta(seconds=n)), tasks)
    assert [run.id for run in await store.runs()] == ["r3", "r2", "r1", "r0"]
    assert [run.id for run in await store.runs(limit=2)] == ["r3", "r2"]


async def test_attempts_come_by_position_then_number(store: SqlStore, new_run: Any):
    run, tasks = new_run(tasks=3)
    await store.create_run(run, [replace(t, position=9 - t.position) for t in tasks])
    for task, number in (("t0", 2), ("t2", 1), ("t0", 1), ("t1", 1), ("t0", 10)):
        await store.commit(Write("r1", attempts=(AttemptUpdate(task, number, START),)))
    found = [(a.task, a.attempt) for a in await store.attempts("r1")]
    assert found == [("t2", 1), ("t1", 1), ("t0", 1), ("t0", 2), ("t0", 10)]
    assert [a.attempt for a in await store.attempts("r1", "t0")] == [1, 2, 10]


async def test_times_keep_their_instant_whatever_their_zone(store: SqlStore, new_run: Any):
    run, _ = new_run()
    here = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    await store.create_run(replace(run, started=here), [])
    found = await store.run("r1")
    assert found is not None
    assert found.started == here
    assert found.started.tzinfo is UTC


async def test_a_time_without_zone_is_refused(store: SqlStore, new_run: Any):
    run, _ = new_run()
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        await store.create_run(replace(run, started=naive), [])
    assert await store.runs() == []


async def test_nothing_is_there_before(store: SqlStore):
    assert await store.runs() == []
    assert await store.run("r1") is None
    assert await store.task_runs("r1") == []
    assert await store.attempts("r1") == []
    assert await store.events("r1") == []


async def test_a_second_run_of_the_same_id_is_refused(store: SqlStore, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    with pytest.raises(UsageError, match="There is a run r1 already"):
        await store.create_run(replace(run, plan="other"), [])
    assert await store.run("r1") == run


async def test_two_tasks_of_one_id_store_no_run(store: SqlStore, new_run: Any):
    run, tasks = new_run()
    with pytest.raises(UsageError, match="1 task id"):
        await store.create_run(run, [*tasks, tasks[0]])
    assert await store.runs() == []


async def test_a_stale_write_stores_nothing_at_all(store: SqlStore, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    write = Write(
        "r1",
        run_values={"reason": "half"},
        tasks=(
            TaskUpdate("t0", READY, 0, {"state": TaskRunState.RUNNING}),
            TaskUpdate("t1", READY, 5, {"state": TaskRunState.RUNNING}),
        ),
        attempts=(AttemptUpdate("t0", 1, START),),
        events=(TaskReady(run="r1", task="t0"),),
    )
    with pytest.raises(StaleWriteError, match="t1 of run r1 is ready with fence 0, not ready with"):
        await store.commit(write)
    assert await store.run("r1") == run
    assert await store.task_runs("r1") == tasks
    assert await store.attempts("r1") == []
    assert await store.events("r1") == []
    stored = await store.commit(Write("r1", events=(TaskReady(run="r1"),)))
    assert [event.seq for event in stored] == [1]


async def test_a_failure_after_the_fences_undoes_them_too(store: SqlStore, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    write = Write(
        "r1",
        tasks=(TaskUpdate("t0", READY, 0, {"state": TaskRunState.RUNNING}),),
        attempts=(AttemptUpdate("t0", 1, {"agent": "claude"}),),
    )
    with pytest.raises(TypeError, match="fence"):
        await store.commit(write)
    assert await store.task_runs("r1") == tasks


async def test_an_update_without_values_only_checks(store: SqlStore, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    await store.commit(Write("r1", tasks=(TaskUpdate("t0", READY, 0),)))
    with pytest.raises(StaleWriteError):
        await store.commit(Write("r1", tasks=(TaskUpdate("t0", READY, 1),)))
    await store.commit(Write("r1", tasks=(TaskUpdate("t0", frozenset()),)))
    assert await store.task_runs("r1") == tasks


@pytest.mark.parametrize(
    "write",
    [
        Write("r2", run_values={"reason": "x"}),
        Write("r2", events=(TaskReady(run="r2"),)),
        Write("r1", tasks=(TaskUpdate("t9", READY),)),
        Write("r1", attempts=(AttemptUpdate("t9", 1, START),)),
        Write("r1", attempts=(AttemptUpdate("t9", 1, START), AttemptUpdate("t0", 1, START))),
    ],
)
async def test_what_is_not_there_is_named(store: SqlStore, new_run: Any, write: Write):
    await store.create_run(*new_run())
    with pytest.raises(NotFoundError, match=r"There is no (run r2|task t9 in run r1)$"):
        await store.commit(write)
    assert await store.attempts("r1") == []


@pytest.mark.parametrize(
    "write",
    [
        Write("r1", run_values={"id": "r2"}),
        Write("r1", run_values={"last_seq": 9}),
        Write("r1", tasks=(TaskUpdate("t0", READY, None, {"task": "t1"}),)),
        Write("r1", tasks=(TaskUpdate("t0", READY, None, {"input_tokens": 1}),)),
        Write("r1", attempts=(AttemptUpdate("t0", 1, {"colour": "red"}),)),
        Write("r1", events=(TaskReady(run="r2"),)),
        Write("r1", events=(AgentOutput(run="r1", kind="text", text="x", offset=0),)),
    ],
)
async def test_what_no_record_has_is_refused(store: SqlStore, new_run: Any, write: Write):
    await store.create_run(*new_run())
    with pytest.raises(ValueError, match="Not a"):
        await store.commit(write)


async def test_a_value_outside_an_enumeration_is_refused(store: SqlStore, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    with pytest.raises(ValueError, match="dancing"):
        await store.commit(Write("r1", tasks=(TaskUpdate("t0", READY, 0, {"state": "dancing"}),)))
    assert await store.task_runs("r1") == tasks


async def test_everything_survives_a_restart(store: SqlStore, path: Any, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    await store.commit(Write("r1", events=(TaskReady(run="r1", task="t0"),), durable=True))
    await store.close()

    again = await open_store(path)
    try:
        assert await again.run("r1") == run
        assert await again.task_runs("r1") == tasks
        assert [event.task for event in await again.events("r1")] == ["t0"]
    finally:
        await again.close()
