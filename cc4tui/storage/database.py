"""The open database: reads in threads of their own, writes through the one writer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from cc4tui.errors import UnfitError
from cc4tui.storage import damage, faults, files
from cc4tui.storage.engine import reader_engine, writer_engine
from cc4tui.storage.writer import Writer


T = TypeVar("T")

READERS = 2
"""Threads that read: a long search does not hold up the next small question."""


class Database:
    """Runs functions of a connection off the event loop; made by `open_store`."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._closed = False
        self._identity = files.identity(path)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="cc4tui-reader")
        self._reading = reader_engine(path)
        self._writing = None if read_only else writer_engine(path)
        self._writer = Writer(self._writing, path) if self._writing else None

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        """Run a query on a snapshot of everything committed so far.

        Raises:
            UnfitError: The database cannot be read, or is closed.
        """
        if self._closed:
            raise UnfitError(f"The database {self.path} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query)

    async def write(self, job: Callable[[sa.Connection], T], *, durable: bool = False) -> T:
        """Run a job inside the writer's next transaction; see `Writer.submit`.

        Raises:
            UnfitError: The database cannot be written, or was opened for reading only.
        """
        if self._writer is None:
            raise UnfitError(f"The database {self.path} was opened for reading only")
        return await self._writer.submit(job, durable=durable)

    async def close(self) -> None:
        """Carry out what is queued, then close every connection and end every thread."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._writer is not None:
                await self._writer.close()
        finally:
            await asyncio.to_thread(self._dispose)

    def _dispose(self) -> None:
        self._readers.shutdown()
        self._reading.dispose()
        if self._writing is not None:
            self._writing.dispose()

    def _read(self, query: Callable[[sa.Connection], T]) -> T:
        found = files.identity(self.path)
        if found != self._identity:
            self._reading.dispose()  # its connections read a file that is gone
            self._identity = found
        try:
            with self._reading.connect() as connection:
                return query(connection)
        except sa.exc.StatementError as error:
            if faults.is_damage(error):
                damage.mark(self.path)
            raise faults.readable(error, self.path) from error
        except faults.UNREADABLE as error:
            raise UnfitError(f"{self.path} holds what cannot be read ({error})") from error
