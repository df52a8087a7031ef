"""A damaged database: noticed when it is met, examined at the next start, set aside, never deleted.

Examining a large database takes long, so it is not done at every start: whoever meets damage leaves
a mark beside the file. Everything that can still be read is carried over, row by row. What is
missing of runs is told again from git by whoever opened the store; what people wrote cannot be.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from cc4tui.storage import faults, files, schema
from cc4tui.storage.engine import BUSY_SECONDS, writer_engine
from cc4tui.storage.tables import attempts, events, ideas, lessons, runs, task_runs


log = logging.getLogger(__name__)

NOTES = (ideas, lessons)
RUNS = (runs, task_runs, attempts, events)
"""What belongs to a row comes before it."""


def mark(path: Path) -> None:
    """Have the next start examine the whole file."""
    with suppress(OSError):  # the disk is in trouble anyway, and the error itself is raised
        files.create_private(_mark(path))


def examine(path: Path) -> str | None:
    """What is wrong with a database, in SQLite's words; None when nothing is known to be.

    Every time the schema is read, the whole file only when it is marked. Nothing is changed by it,
    so that what is set aside is what was found; but what a program that was killed while it made
    the database left half written is undone, without which SQLite reads nothing.

    Raises:
        sqlite3.Error: Something else than damage, as a lock.
    """
    if not path.exists():
        return None
    try:
        if files.side(path, files.JOURNAL).exists():
            with closing(_opened(path, "rw")) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if path.stat().st_size == 0:
            return None
        with closing(_viewer(path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not _mark(path).exists():
                return None
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if not faults.is_damage(error):
            raise
        return str(error)
    if found != "ok":
        return found
    _mark(path).unlink(missing_ok=True)
    return None


def replace(path: Path) -> tuple[Path, int]:
    """Put a new database in the place of a damaged one, with the notes that can still be read.

    The new one is complete before the old one is renamed: if this fails, the next start tries it.

    Returns:
        The name the damaged one has now, and how many ideas and lessons were carried over.
    """
    fresh = files.stamped(path, "fresh")
    files.prepare(fresh)
    try:
        schema.make_ready(fresh)
        notes = _carry_over(path, fresh)
        aside = files.set_aside(path)
        os.link(fresh, path)  # unlike a rename, this never replaces
    finally:
        fresh.unlink()
    _mark(path).unlink(missing_ok=True)
    return aside, notes


def _carry_over(damaged: Path, fresh: Path) -> int:
    source = sa.create_engine("sqlite://", creator=lambda: _viewer(damaged))
    target = writer_engine(fresh)
    count = 0
    try:
        with source.connect() as old, target.begin() as new:
            for table in (*NOTES, *RUNS):
                rows = sum(_add(new, table, row) for row in _readable_rows(old, table))
                count += rows if table in NOTES else 0
    except sa.exc.DBAPIError as error:
        if not faults.is_damage(error):
            raise
    finally:
        source.dispose()
        target.dispose()
    return count


def _add(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> int:
    """1, or 0 for a row that misses what every one has, or what it belongs to."""
    try:
        with connection.begin_nested():
            return connection.execute(sa.insert(table), row).rowcount
    except sa.exc.IntegrityError as error:
        log.warning("One of the %s could not be carried over: %s", table.name, error.orig)
        return 0


def _readable_rows(connection: sa.Connection, table: sa.Table) -> Iterator[dict[str, Any]]:
    """Each row by itself, so that a broken one costs only itself."""
    columns = tuple(table.primary_key.columns)
    lost: list[Exception] = []
    for key in _keys(connection, columns):
        matches = (column == value for column, value in zip(columns, key, strict=True))
        query = sa.select(table).where(*matches)
        try:
            yield dict(connection.execute(query).one()._mapping)
        except (sa.exc.SQLAlchemyError, *faults.UNREADABLE) as error:
            lost.append(error)
    if lost:
        why = getattr(lost[0], "orig", lost[0])
        log.warning("%d of the %s could not be carried over: %s", len(lost), table.name, why)


def _keys(connection: sa.Connection, columns: Sequence[sa.Column[Any]]) -> list[tuple[Any, ...]]:
    """Up to the first page that cannot be read."""
    keys: list[tuple[Any, ...]] = []
    try:
        keys.extend(tuple(row) for row in connection.execute(sa.select(*columns)))
    except (sa.exc.SQLAlchemyError, *faults.UNREADABLE) as error:
        why = getattr(error, "orig", error)
        log.warning("Not all %s could be found: %s", columns[0].table, why)
    return keys


def _viewer(path: Path) -> sqlite3.Connection:
    """Changes nothing, not even by folding the write-ahead log into the file."""
    return _opened(path, "ro")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(bytes(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )


def _mark(path: Path) -> Path:
    return files.side(path, "-damage-seen")
