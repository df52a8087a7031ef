"""The schema's version: a fresh database is made at once, an older one migrated after a backup."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from cc4tui.errors import UnfitError
from cc4tui.storage import files, search
from cc4tui.storage.engine import copy_database, reader_engine, use_wal, writer_engine
from cc4tui.storage.tables import metadata, schema_version


REVISIONS = ("0001", "0002")
"""Every migration, oldest first; a test compares them with the files, which are not read here."""
HEAD = REVISIONS[-1]

log = logging.getLogger(__name__)


def make_ready(path: Path) -> None:
    """Create or migrate the database if it has to be; else this takes no lock.

    Raises:
        UnfitError: A newer program's database, or another program's, or no write-ahead log.
    """
    use_wal(path)
    with _opened(reader_engine(path)) as engine, engine.connect() as connection:
        if version(connection, path) == HEAD and search.index_is_right(connection):
            return
    with _opened(writer_engine(path)) as engine, engine.begin() as connection:
        found = version(connection, path)  # again: another process may have done it meanwhile
        if found is None:
            metadata.create_all(connection, checkfirst=False)
            connection.execute(sa.insert(schema_version), {"version_num": HEAD})
        elif found != HEAD:
            _migrate(connection, path, found)
        search.make_index(connection)


def require_head(path: Path) -> None:
    """For those who only read. Raises UnfitError when the schema is not exactly this program's."""
    with _opened(reader_engine(path)) as engine, engine.connect() as connection:
        found = version(connection, path)
    if found != HEAD:
        state = "empty" if found is None else "from an older cc4tui"
        raise UnfitError(f"{path} is {state}: start cc4tui here once to make it ready")


def version(connection: sa.Connection, path: Path) -> str | None:
    """The revision of this database; None when it is empty.

    Raises:
        UnfitError: Made by a newer program, or not by cc4tui at all.
    """
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return None
    if schema_version.name not in tables:
        raise UnfitError(f"{path} is a database of another program: move it away")
    found = connection.scalar(sa.select(schema_version.c.version_num))
    if found not in REVISIONS:
        raise UnfitError(
            f"{path} was written by a newer cc4tui (its schema is {found}, this one knows {HEAD}): "
            "upgrade cc4tui"
        )
    return str(found)


def _migrate(connection: sa.Connection, path: Path, found: str) -> None:
    """Upgrade under the write lock; the copy is made by a second connection, which only reads."""
    backup = files.stamped(path, f"backup-{found}")
    files.create_private(backup)
    with _opened(reader_engine(path)) as engine, engine.connect() as reader:
        copy_database(reader, backup)
    from cc4tui.storage.migrations import upgrade  # Alembic: 0.2 s, needed once per schema

    upgrade(connection)
    log.warning("%s was upgraded from schema %s to %s; before: %s", path, found, HEAD, backup)


@contextmanager
def _opened(engine: sa.Engine) -> Iterator[sa.Engine]:
    try:
        yield engine
    finally:
        engine.dispose()
