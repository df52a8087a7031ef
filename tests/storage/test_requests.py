"""Requests reach the owner of a run, once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import NotFoundError
from cc4tui.storage.store import SqlStore, open_store


async def test_a_request_comes_whole_and_once(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    before = datetime.now(UTC)
    number = await store.add_request("message", "r1", "t0", {"text": "ü", "deep": [1]})
    (request,) = await store.take_requests("r1")
    assert (request.id, request.kind, request.run, request.task) == (number, "message", "r1", "t0")
    assert request.data == {"text": "ü", "deep": [1]}
    assert before <= request.created <= datetime.now(UTC)
    assert await store.take_requests("r1") == []


async def test_requests_are_oldest_first_and_by_run(store: SqlStore, new_run: Any):
    for run in ("r1", "r2"):
        await store.create_run(*new_run(run))
    numbers = [await store.add_request("cancel_run", f"r{1 + n % 2}", None, {}) for n in range(6)]
    assert [request.id for request in await store.take_requests("r2")] == numbers[1::2]
    assert [request.id for request in await store.take_requests("r1")] == numbers[0::2]


async def test_a_request_for_no_run_is_refused(store: SqlStore):
    with pytest.raises(NotFoundError, match="There is no run r9"):
        await store.add_request("cancel_run", "r9", None, {})


async def test_concurrent_takers_share_nothing(store: SqlStore, path: Path, new_run: Any):
    await store.create_run(*new_run())
    second = await open_store(path)
    taken: list[int] = []

    async def ask() -> None:
        for _ in range(30):
            await store.add_request("retry_task", "r1", "t0", {})

    async def take(which: SqlStore, asking: "asyncio.Task[None]") -> None:
        while True:
            last = asking.done()
            taken.extend(request.id for request in await which.take_requests("r1"))
            if last:
                return

    try:
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(ask())
            for which in (store, second, store, second):
                group.create_task(take(which, asking))
    finally:
        await second.close()
    assert Counter(taken) == dict.fromkeys(range(1, 31), 1)


ASKER = """
import asyncio, sys
from pathlib import Path
from cc4tui.storage.store import open_store

async def main():
    store = await open_store(Path(sys.argv[1]))
    await store.add_request("cancel_task", "r1", "t1", {"why": "second shell"})
    await store.close()

asyncio.run(main())
"""


@pytest.mark.integration
async def test_a_request_of_a_second_process_reaches_a_busy_owner(
    store: SqlStore, path: Path, new_run: Any, child: Any
):
    await store.create_run(*new_run())
    asker = child(ASKER, path)
    while not (requests := await store.take_requests("r1")):
        await store.add_idea("the owner keeps writing")
    assert [(r.kind, r.task, r.data) for r in requests] == [
        ("cancel_task", "t1", {"why": "second shell"})
    ]
    assert await asyncio.to_thread(asker.wait, 20) == 0
