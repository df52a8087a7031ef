"""The one writer: puts what waits into one transaction and tells each caller how its part ended."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from cc4tui.errors import UnfitError
from cc4tui.storage import damage, faults, files
from cc4tui.storage.engine import raw, rewrite, set_durable


T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_BATCH = 256
"""Jobs in one transaction: other processes get the lock in between, however much waits here."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A part of a transaction that somebody waits for."""

    run: Callable[[sa.Connection], Any]
    durable: bool
    done: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a job raised, carried out of the writer's thread."""

    error: Exception


class Writer:
    """Runs jobs one after the other on one connection, in a thread of its own.

    A job sees everything that was written before it and either happens whole or not at all. A job
    that raises fails alone. When the disk, the file or the lock fails, the whole batch does, every
    caller gets an UnfitError, and the next batch starts on a new connection.
    """

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._connection: sa.Connection | None = None
        self._identity = files.identity(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cc4tui-writer")
        self._task = asyncio.create_task(self._work(), name="cc4tui-writer")

    async def submit(self, job: Callable[[sa.Connection], T], *, durable: bool = False) -> T:
        """Queue a job and wait until its transaction is committed.

        A job that was queued is carried out even when its caller is cancelled: what it records has
        already been decided.

        Raises:
            UnfitError: The database could not be written; nothing of the job is stored.
        """
        if self._closing:
            raise self._closed()
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(job, durable, done))
        self._wake.set()
        return await done

    async def close(self) -> None:
        """Carry out what is queued, then end the task, the connection and the thread."""
        self._closing = True
        self._wake.set()
        await asyncio.wait({self._task})
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()
        if not self._task.cancelled():
            self._task.result()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        batch: list[_Job] = []
        try:
            while self._waiting or not self._closing:
                self._wake.clear()
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
                if batch:
                    self._settle(
                        batch, await loop.run_in_executor(self._thread, self._store, batch)
                    )
                elif not self._closing:
                    await self._wake.wait()
        finally:
            self._closing = True
            for job in (*batch, *self._waiting):
                if not job.done.done():
                    job.done.set_exception(self._closed())

    def _closed(self) -> UnfitError:
        return UnfitError(f"The database {self._path} is closed")

    def _settle(self, batch: list[_Job], results: list[Any]) -> None:
        for job, result in zip(batch, results, strict=True):
            if job.done.done():
                continue
            if isinstance(result, _Failure):
                job.done.set_exception(faults.readable(result.error, self._path))
            else:
                job.done.set_result(result)

    def _store(self, batch: list[_Job]) -> list[Any]:
        """One transaction; runs in the writer's thread and never raises."""
        try:
            connection = self._connect(durable=any(job.durable for job in batch))
            with connection.begin():
                return [_attempt(connection, job) for job in batch]
        except UnfitError as error:
            return [_Failure(error)] * len(batch)
        except Exception as error:
            self._disconnect()
            if faults.is_damage(error):
                damage.mark(self._path)
            return [_Failure(error)] * len(batch)

    def _connect(self, *, durable: bool) -> sa.Connection:
        if files.identity(self._path) != self._identity:
            self._find_again()
        if self._connection is None:
            self._connection = self._engine.connect()
        set_durable(self._connection, durable)
        return self._connection

    def _find_again(self) -> None:
        """The file is not the one we write to. What we hold is stored again, but over nothing.

        Raises:
            UnfitError: Another file has the name, or the connection is gone as well.
        """
        if self._connection is None or not rewrite(self._connection, self._path):
            raise UnfitError(
                f"{self._path} was replaced by another file while it was in use: put the first one "
                "back, or start again to go on with this one"
            )
        log.warning("%s was deleted while it was in use: written again", self._path)
        self._identity = files.identity(self._path)
        self._disconnect()

    def _disconnect(self) -> None:
        """A connection that failed is not used again."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _attempt(connection: sa.Connection, job: _Job) -> Any:
    """One job; its own failure undoes only itself.

    Savepoints by hand: on a full disk SQLite ends the transaction, and SQLAlchemy's nested one
    would hide that error behind its own failing rollback.
    """
    handle = raw(connection)
    handle.execute("SAVEPOINT job")
    try:
        result = job.run(connection)
    except Exception as error:
        if faults.of_surroundings(error):
            raise
        handle.execute("ROLLBACK TO SAVEPOINT job")
        result = _Failure(error)
    handle.execute("RELEASE SAVEPOINT job")
    return result
