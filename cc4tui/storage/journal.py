"""Runs, their tasks, attempts and events: the `Journal` of the ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cc4tui.domain.run import AttemptRecord, RunRecord, TaskRunRecord
from cc4tui.storage import event_log, inbox, journal_writes
from cc4tui.storage.database import Database
from cc4tui.storage.records import run_record, with_usage, work_of
from cc4tui.storage.tables import attempts, runs, task_runs


if TYPE_CHECKING:
    from cc4tui.domain.spending import Work
    from cc4tui.events import Event
    from cc4tui.ports import Request, Write


class SqlJournal:
    """Implements `cc4tui.ports.Journal`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_run(self, run: RunRecord, tasks: Sequence[TaskRunRecord]) -> None:
        """Store a new run with all its tasks in one transaction.

        Raises:
            UsageError: There is a run with this id, or two tasks have the same id.
        """
        await self._database.write(partial(journal_writes.create_run, run=run, tasks=tasks))

    async def commit(self, write: Write) -> tuple[Event, ...]:
        """Store one transaction; return its events with `seq` and `ts` given.

        Raises:
            StaleWriteError: a TaskUpdate met another state or fence; nothing is stored.
            NotFoundError: There is no such run or task; nothing is stored.
            ValueError: A field that the record does not have.
        """
        journal_writes.check(write)
        job = partial(journal_writes.apply, write=write)
        return await self._database.write(job, durable=write.durable)

    async def runs(self, limit: int = 100) -> list[RunRecord]:
        """Newest first."""
        query = sa.select(runs).order_by(runs.c.started.desc(), runs.c.id.desc()).limit(limit)
        return await self._database.read(lambda c: [run_record(row) for row in c.execute(query)])

    async def run(self, run_id: str) -> RunRecord | None:
        """One run by its exact id."""
        query = sa.select(runs).where(runs.c.id == run_id)
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        return None if row is None else run_record(row)

    async def task_runs(self, run_id: str) -> list[TaskRunRecord]:
        """In document order."""
        query = sa.select(task_runs).where(task_runs.c.run == run_id)
        query = query.order_by(task_runs.c.position, task_runs.c.task)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [with_usage(TaskRunRecord, row) for row in rows]

    async def attempts(self, run_id: str, task: str | None = None) -> list[AttemptRecord]:
        """By task position, then number."""
        query = sa.select(attempts).join(task_runs).where(attempts.c.run == run_id)
        if task is not None:
            query = query.where(attempts.c.task == task)
        query = query.order_by(task_runs.c.position, attempts.c.task, attempts.c.attempt)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [with_usage(AttemptRecord, row) for row in rows]

    async def works(self, run_id: str | None = None) -> list[Work]:
        """Attempts with the batches of their tasks: of one run, or of all, the oldest run first."""
        query = sa.select(attempts, task_runs.c.batch).join(task_runs)
        query = query.join(runs, runs.c.id == attempts.c.run)
        if run_id is not None:
            query = query.where(attempts.c.run == run_id)
        order = (runs.c.started, runs.c.id, task_runs.c.position, attempts.c.task)
        query = query.order_by(*order, attempts.c.attempt)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [work_of(row) for row in rows]

    async def events(self, run_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """Events with seq > after, in order; kinds that this version does not know are left out."""
        query = partial(event_log.read, run=run_id, after=after, limit=limit)
        return await self._database.read(query)

    async def add_request(
        self, kind: str, run: str, task: str | None, data: Mapping[str, Any]
    ) -> int:
        """Ask the owner for something; may be called by any process.

        Raises:
            NotFoundError: There is no such run.
        """
        job = partial(inbox.add, kind=kind, run=run, task=task, data=data, now=datetime.now(UTC))
        return await self._database.write(job)

    async def take_requests(self, run: str) -> list[Request]:
        """Requests not taken yet, oldest first; each is handed out once."""
        if not await self._database.read(partial(inbox.waiting, run=run)):
            return []
        return await self._database.write(partial(inbox.take, run=run, now=datetime.now(UTC)))
