"""Opens the database of a repository."""

import asyncio
import logging
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from cc4tui.errors import UnfitError
from cc4tui.storage import damage, faults, files, schema
from cc4tui.storage.database import Database
from cc4tui.storage.journal import SqlJournal
from cc4tui.storage.notebook import SqlNotebook


_ERRORS = (sa.exc.StatementError, sqlite3.Error, UnicodeDecodeError)

log = logging.getLogger(__name__)


class SqlStore(SqlJournal, SqlNotebook):
    """Implements `cc4tui.ports.Store`; made by `open_store`."""

    def __init__(self, database: Database, notice: str | None = None) -> None:
        super().__init__(database)
        self.notice = notice
        """What the person must know about how it was opened; None when all was well."""

    async def close(self) -> None:
        """Finish what is queued, then close."""
        await self._database.close()


async def open_store(path: Path, *, read_only: bool = False) -> SqlStore:
    """Open the database at `path`, making it (and its folder) when it is missing.

    An older schema is migrated after a backup. A damaged file is set aside, never deleted, and a
    new database is made; `SqlStore.notice` then says so. With `read_only` nothing is changed: the
    database must be there, sound and of this version.

    Raises:
        UnfitError: A link, somebody else's file, a read-only or full disk, a newer schema.
    """
    notice = await asyncio.to_thread(_view if read_only else _ready, path)
    return SqlStore(Database(path, read_only=read_only), notice)


def _view(path: Path) -> None:
    if not path.exists():
        raise UnfitError(f"There is no database at {path} yet: start cc4tui here once to make it")
    files.check(path)
    try:
        schema.require_head(path)
    except _ERRORS as error:
        raise faults.readable(error, path) from error


def _ready(path: Path) -> str | None:
    try:
        files.prepare(path)
        wrong = damage.examine(path)
        if wrong is None:
            schema.make_ready(path)
    except _ERRORS as error:
        if not faults.is_damage(error):
            raise faults.readable(error, path) from error
        wrong = str(error)
    return None if wrong is None else _start_anew(path, wrong)


def _start_anew(path: Path, wrong: str) -> str:
    """Make a new database in the place of a damaged one; returns what the person must know."""
    try:
        aside, notes = damage.replace(path)
    except _ERRORS as error:
        raise faults.readable(error, path) from error
    notice = (
        f"The database {path} was damaged ({wrong}): it was set aside as {aside.name}, "
        f"and a new one was made with the {notes} ideas and lessons that could be read"
    )
    log.warning("%s", notice)
    return notice
