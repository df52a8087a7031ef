"""Connections to the database file, with the settings every one of them needs.

The engines are synchronous and live in threads of their own (see `database`). Measured on this
schema, SQLAlchemy's asyncio layer over aiosqlite pays 2 to 5 thread hops per statement: a journal
write took 3.0 ms of CPU against 0.1 ms for the same statements inside one hop, and its import
brings the ORM along.
"""

import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from cc4tui.errors import UnfitError
from cc4tui.storage import files
from cc4tui.storage.columns import dump_json


BUSY_SECONDS = 30.0
"""How long a statement waits for another process's transaction."""


def writer_engine(path: Path) -> sa.Engine:
    """Transactions take the write lock when they begin, so that none fails half-way for it."""
    return _engine(path, "BEGIN IMMEDIATE")


def reader_engine(path: Path) -> sa.Engine:
    """Transactions are snapshots: they neither wait for the writer nor hold it up."""
    return _engine(path, "BEGIN", "PRAGMA query_only = ON")


def use_wal(path: Path) -> None:
    """Turn on the write-ahead log, which stays on with the file.

    Raises:
        UnfitError: The file system has no shared memory for it (network disks).
    """
    connection = _connect(path)
    try:
        mode = _switch(connection, time.monotonic() + BUSY_SECONDS)
    finally:
        connection.close()
    if mode != "wal":
        raise UnfitError(
            f"SQLite's write-ahead log does not work at {path}: put the state on a local disk "
            "with CC4TUI_STATE_DIR"
        )


def set_durable(connection: sa.Connection, durable: bool) -> None:
    """Whether the next commit waits for the disk; between transactions only."""
    raw(connection).execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


def copy_database(connection: sa.Connection, target: Path) -> None:
    """Copy everything the connection sees into an existing, empty file, while others write."""
    copy = _connect(target)
    try:
        raw(connection).backup(copy)
    finally:
        copy.close()


def rewrite(connection: sa.Connection, path: Path) -> bool:
    """Store what a connection to a deleted file still holds; False when `path` is there again."""
    copy = files.stamped(path, "rescued")
    files.prepare(copy)
    try:
        copy_database(connection, copy)
        os.link(copy, path)  # unlike a rename, this never replaces
    except FileExistsError:
        return False
    finally:
        copy.unlink()
    return True


def raw(connection: sa.Connection) -> sqlite3.Connection:
    """The driver's own connection, for what must not pass through SQLAlchemy."""
    handle = connection.connection.dbapi_connection
    assert isinstance(handle, sqlite3.Connection)
    return handle


def _switch(connection: sqlite3.Connection, deadline: float) -> str:
    """Switching takes an exclusive lock, for which SQLite does not wait by itself."""
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _connect(path: Path, *pragmas: str) -> sqlite3.Connection:
    """A connection to an existing file: a deleted database is an error, not a new empty one."""
    connection = sqlite3.connect(
        f"file:{quote(bytes(path))}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = NORMAL", *pragmas):
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _engine(path: Path, begin: str, *pragmas: str) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: _connect(path, *pragmas),
        poolclass=sa.QueuePool,
        json_serializer=dump_json,
    )

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
