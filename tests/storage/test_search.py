"""Search: any typed text is safe, beginnings match, the best come first, with FTS5 and without."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cc4tui.storage import files, schema, search, tables
from cc4tui.storage.engine import reader_engine, use_wal, writer_engine
from cc4tui.storage.store import SqlStore, open_store


@pytest.fixture(params=["fts5", "scan"])
async def lessons(path: Path, request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store with some lessons, on an SQLite with FTS5 and on one without."""
    if request.param == "scan":
        monkeypatch.setattr(search, "has_fts5", lambda connection: False)
    store = await open_store(path)
    await store.add_lesson("Use git worktree add --no-track", "Worktrees", tags=["git", "größe"])
    await store.add_lesson("A merge conflict keeps its branch", "Merging", tags=["git"])
    await store.add_lesson("Run the 100% check: pytest -q; a_b.py", "Checks", tags=["py"])
    yield store
    await store.close()


async def titles(store: SqlStore, query: str) -> list[str]:
    """What a query finds."""
    return [lesson.title for lesson in await store.search_lessons(query)]


FINDS = {
    "merge": {"Merging"},
    "mer": {"Merging"},
    "MERGE Conflict": {"Merging"},
    "conflict   merge": {"Merging"},
    "merge pytest": set(),
    "git": {"Merging", "Worktrees"},
    "größe": {"Worktrees"},
    "größ": {"Worktrees"},
    "checks": {"Checks"},
    "flict": {"Merging"},
    "100%": {"Checks"},
    "a_b": {"Checks"},
    "--no-track": {"Worktrees"},
    "%": {"Checks"},
    "_": {"Checks"},
    "zebra": set(),
}


async def test_words_and_beginnings(lessons: SqlStore):
    found = {query: set(await titles(lessons, query)) for query in FINDS}
    assert found == FINDS


async def test_nothing_typed_shows_all_newest_first(lessons: SqlStore):
    for query in ("", "   ", "\t\n"):
        assert await titles(lessons, query) == ["Checks", "Merging", "Worktrees"]


HOSTILE = (
    '"',
    '""',
    '"merge',
    "'",
    "merge OR",
    "NEAR(merge conflict, 2)",
    "NEAR(",
    "AND",
    "NOT merge",
    "*",
    "mer*",
    "title:merge",
    "{title}: x",
    "^merge",
    "-merge",
    "(",
    "merge)",
    "\\",
    "; DROP TABLE lessons",
    "\N{FIRE}",
    "\N{FIRE} merge",
    "\0",
    "mer\0ge",
    "\udcff",
    "\u202emerge",
    "e\u0301",
    "漢字",
    "\U0001e900",
    "x" * 100_000,
    "word " * 10_000,
    '"' * 5_000,
)


async def test_hostile_queries_find_or_do_not_but_never_fail(lessons: SqlStore):
    for query in HOSTILE:
        assert len(await lessons.search_lessons(query)) <= 3, query[:99]
    assert len(await lessons.lessons()) == 3


async def test_emoji_and_cjk_are_found_where_they_stand(lessons: SqlStore):
    await lessons.add_lesson("hot \N{FIRE} path", "Fire")
    await lessons.add_lesson("全部漢字です", "Kanji")
    assert await titles(lessons, "\N{FIRE}") == ["Fire"]
    assert await titles(lessons, "hot \N{FIRE}") == ["Fire"]
    assert await titles(lessons, "漢字") == ["Kanji"]


async def test_the_limit_holds(lessons: SqlStore):
    for n in range(10):
        await lessons.add_lesson(f"merge number {n}")
    assert len(await lessons.search_lessons("merge", limit=4)) == 4


async def test_the_best_match_comes_first(store: SqlStore):
    best = await store.add_lesson("short", "Locking")
    await store.add_lesson("a long text " * 30 + "locking", "Other")
    await store.add_lesson("locking " + "of something else entirely " * 5, "Third")
    assert (await store.search_lessons("locking"))[0] == best


async def test_only_the_newest_matches_are_ranked(store: SqlStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "CANDIDATES", 3)
    for n in range(6):
        await store.add_lesson(f"common {n}")
    found = {lesson.text for lesson in await store.search_lessons("common")}
    assert found == {"common 3", "common 4", "common 5"}


async def test_the_index_is_used(store: SqlStore):
    await store.add_lesson("merge")

    def plan(connection: sa.Connection) -> str:
        query = "SELECT rowid FROM lessons_fts WHERE lessons_fts MATCH '\"mer\"*'"
        assert connection.exec_driver_sql(query).all() == [(1,)]
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all())

    assert "VIRTUAL TABLE INDEX" in await store._database.read(plan)


async def test_a_database_moves_between_programs_with_and_without_fts5(path: Path):
    store = await open_store(path)
    await store.add_lesson("written with")
    await store.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "has_fts5", lambda connection: False)
        store = await open_store(path)
        await store.add_lesson("written without")
        assert len(await store.search_lessons("written")) == 2
        await store.close()

    store = await open_store(path)
    await store.add_lesson("written after")
    assert await store._database.read(search.index_is_right)
    found = {lesson.text for lesson in await store.search_lessons("writ")}
    assert found == {"written with", "written without", "written after"}
    await store.close()


@pytest.fixture
def connection(path: Path) -> Iterator[sa.Connection]:
    """A reader of a database with one lesson."""
    files.prepare(path)
    use_wal(path)
    schema.make_ready(path)
    values = {
        "title": "t",
        "text": "a lesson",
        "source": "",
        "tags": [],
        "created": datetime.now(UTC),
    }
    writer = writer_engine(path)
    with writer.begin() as connection:
        connection.execute(sa.insert(tables.lessons), values)
    writer.dispose()
    reader = reader_engine(path)
    with reader.connect() as connection:
        yield connection
    reader.dispose()


@given(query=st.text(max_size=60))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_breaks_a_search(connection: sa.Connection, query: str):
    assert len(search.lessons_like(connection, query, 10)) <= 1


@given(word=st.sampled_from(["a", "lesson", "LESS", "les"]), noise=st.sampled_from("\"*()^:-+'\\"))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_operators_around_a_word_do_not_hide_it(connection: sa.Connection, word: str, noise: str):
    rows = search.lessons_like(connection, f"{noise}{word}{noise}", 10)
    assert [row.text for row in rows] == ["a lesson"]


async def test_only_the_newest_are_looked_through_for_parts_of_words(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(search, "SCANNED", 3)
    for n in range(6):
        await store.add_lesson(f"common {n}")
    found = {lesson.text for lesson in await store.search_lessons("mmon")}
    assert found == {"common 3", "common 4", "common 5"}


async def test_an_index_that_did_not_follow_edits_is_made_to(path: Path):
    store = await open_store(path)
    lesson = await store.add_lesson("use --no-track")
    await store.close()
    engine = writer_engine(path)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER lessons_fts_changed")
        connection.execute(sa.update(tables.lessons).values(text="use --orphan"))
    engine.dispose()

    store = await open_store(path)
    assert [one.id for one in await store.search_lessons("orphan")] == [lesson.id]
    await store.update_lesson(lesson.id, text="use --detach")
    assert [one.text for one in await store.search_lessons("detach")] == ["use --detach"]
    assert await store.search_lessons("orphan") == []
    await store.close()
