"""Versions of the schema: fresh, older, newer, foreign, and two ways to the same tables."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cc4tui.errors import UnfitError
from cc4tui.storage import files, migrations, schema, tables
from cc4tui.storage.engine import use_wal, writer_engine
from cc4tui.storage.store import open_store


MIGRATIONS = Path(migrations.__file__).parent


def shape_of(path: Path) -> dict[str, Any]:
    """Columns and keys of every table, whatever their order, and the SQL of the indexes."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        out: dict[str, Any] = {}
        for kind, name, sql in rows.fetchall():
            if name.startswith("lessons_fts"):
                continue
            columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
            keys = connection.execute(f"PRAGMA foreign_key_list({name})").fetchall()
            fields = sorted(column[1:] for column in columns)
            out[name] = (fields, keys) if kind == "table" else " ".join(sql.split())
        return out


def sql_of(path: Path) -> dict[str, str]:
    """Every table, index and trigger with the SQL that made it, spaces apart."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(sql.split()) for name, sql in rows}


def migrated(path: Path, revision: str = "head") -> None:
    """Make a database by the migrations alone."""
    files.prepare(path)
    use_wal(path)
    engine = writer_engine(path)
    with engine.begin() as connection:
        migrations.upgrade(connection, revision)
    engine.dispose()


async def test_tables_and_migrations_make_the_same_schema(path: Path, tmp_path: Path):
    await (await open_store(path)).close()
    other = tmp_path / "migrated" / "cc4tui.db"
    migrated(other)
    assert shape_of(other) == shape_of(path)


def test_alembic_finds_no_difference_either(path: Path):
    migrated(path)
    engine = writer_engine(path)
    with engine.connect() as connection:
        options = {"version_table": "schema_version", "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, tables.metadata)
    engine.dispose()
    # Alembic leaves its own version table out of what it finds, and misses it therefore.
    assert [d for d in differences if "schema_version" not in str(d)] == []


def test_the_list_of_revisions_is_that_of_the_files():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    revisions = tuple(r.revision for r in script.walk_revisions())[::-1]
    assert revisions == schema.REVISIONS
    assert script.get_heads() == [schema.HEAD]


async def test_a_migrated_database_opens_without_another_migration(path: Path):
    migrated(path)
    store = await open_store(path)
    await store.add_lesson("indexed")
    assert len(await store.search_lessons("index")) == 1
    await store.close()
    assert [name.name for name in path.parent.iterdir()] == ["cc4tui.db"]


NEXT = '''
"""Adds a column."""
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

def upgrade():
    with op.batch_alter_table("ideas") as ideas:
        ideas.add_column(sa.Column("colour", sa.Text()))
    {extra}
'''


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make this program one that knows a second migration."""

    def install(extra: str = "") -> None:
        folder = tmp_path / "migrations %"
        (folder / "versions").mkdir(parents=True)
        for name in ("env.py", "versions/0001_initial.py", "versions/0002_parked.py"):
            (folder / name).write_text((MIGRATIONS / name).read_text("utf-8"), "utf-8")
        (folder / "versions/0003_next.py").write_text(NEXT.format(extra=extra), "utf-8")
        monkeypatch.setattr(migrations, "__file__", str(folder / "__init__.py"))
        monkeypatch.setattr(schema, "REVISIONS", ("0001", "0002", "0003"))
        monkeypatch.setattr(schema, "HEAD", "0003")

    return install


async def test_an_older_database_is_migrated_after_a_backup(
    path: Path, next_version: Any, new_run: Any, caplog: pytest.LogCaptureFixture
):
    store = await open_store(path)
    run, tasks = new_run()
    await store.create_run(run, tasks)
    idea = await store.add_idea("old")
    await store.close()
    before = sql_of(path)

    next_version()
    with caplog.at_level(logging.WARNING, "cc4tui"):
        store = await open_store(path)
    assert await store.run("r1") == run
    assert await store.task_runs("r1") == tasks
    await store.close()
    assert "colour" in sql_of(path)["ideas"]

    (backup,) = path.parent.glob("cc4tui.db.backup-0002.*")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert str(backup) in caplog.text
    assert sql_of(backup) == before
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT text FROM ideas").fetchall() == [(idea.text,)]


async def test_a_failed_migration_changes_nothing(path: Path, next_version: Any):
    store = await open_store(path)
    await store.add_idea("old")
    await store.close()
    before = sql_of(path)

    next_version("op.execute('DELETE FROM ideas'); op.execute('no sql')")
    with pytest.raises(UnfitError, match="refused this"):
        await open_store(path)
    assert sql_of(path) == before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT text FROM ideas").fetchall() == [("old",)]
        assert connection.execute("SELECT * FROM schema_version").fetchall() == [("0002",)]


async def test_several_openers_migrate_once(path: Path, next_version: Any):
    await (await open_store(path)).close()
    next_version()
    stores = await asyncio.gather(*(open_store(path) for _ in range(4)))
    for store in stores:
        await store.close()
    assert "colour" in sql_of(path)["ideas"]
    assert len(list(path.parent.glob("cc4tui.db.backup-*"))) == 1


async def test_a_newer_database_is_refused_untouched(path: Path):
    store = await open_store(path)
    await store.add_idea("from the future")
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE schema_version SET version_num = '0999'")
        connection.commit()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(UnfitError, match=r"newer cc4tui .*0999.*: upgrade cc4tui$"):
            await open_store(path, read_only=read_only)
    assert path.read_bytes() == before


async def test_another_programs_database_is_refused_untouched(path: Path):
    path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (name)")
    with pytest.raises(UnfitError, match="another program: move it away"):
        await open_store(path)
    assert list(sql_of(path)) == ["songs"]


async def test_a_database_without_its_version_is_refused(path: Path):
    await (await open_store(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM schema_version")
        connection.commit()
    with pytest.raises(UnfitError, match="schema is None"):
        await open_store(path)


def test_the_tables_are_portable():
    from sqlalchemy.dialects import postgresql

    for table in tables.metadata.sorted_tables:
        ddl = str(sa.schema.CreateTable(table).compile(dialect=postgresql.dialect()))
        assert ddl.startswith("\nCREATE TABLE")
        assert not [c.name for c in table.columns if type(c.type).__module__.endswith("sqlite")]
