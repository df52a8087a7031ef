"""Full-text search of lessons.

SQLite's FTS5 when it is there, kept up by a trigger; else, and for what words cannot express, a
scan for parts of words. The index is derived from `lessons`, so it is no part of the schema: it is
made when it is missing, and a database may move between programs with and without FTS5.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from cc4tui.storage.columns import storable
from cc4tui.storage.tables import lessons


MAX_TERMS = 16
"""Words of a query that count; more only make it slow."""
MAX_QUERY = 2000
"""Characters of a query that count; SQLite refuses patterns over 50,000 bytes."""
CANDIDATES = 300
"""Newest matches that are ranked: bm25 over all matches of a common word takes 0.3 s at 100,000."""
SCANNED = 5000
"""Newest lessons that are looked through for parts of words when the index has nothing."""

_CREATE = (
    """CREATE VIRTUAL TABLE IF NOT EXISTS lessons_fts USING fts5(
        title, text, tags, content='lessons', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3'
    )""",
    """CREATE TRIGGER IF NOT EXISTS lessons_fts_added AFTER INSERT ON lessons BEGIN
        INSERT INTO lessons_fts(rowid, title, text, tags)
        VALUES (new.id, new.title, new.text, new.tags);
    END""",
    """CREATE TRIGGER IF NOT EXISTS lessons_fts_changed AFTER UPDATE OF title, text, tags ON lessons
    BEGIN
        INSERT INTO lessons_fts(lessons_fts, rowid, title, text, tags)
        VALUES ('delete', old.id, old.title, old.text, old.tags);
        INSERT INTO lessons_fts(rowid, title, text, tags)
        VALUES (new.id, new.title, new.text, new.tags);
    END""",
    "INSERT INTO lessons_fts(lessons_fts) VALUES ('rebuild')",
)
_TRIGGERS = frozenset({"lessons_fts_added", "lessons_fts_changed"})
_FOUND = (
    sa.text(
        """SELECT rowid AS id, bm25(lessons_fts, 4.0, 1.0, 2.0) AS score FROM lessons_fts
        WHERE lessons_fts MATCH :words ORDER BY rowid DESC LIMIT :most"""
    )
    .columns(id=sa.Integer, score=sa.Float)
    .subquery("found")
)
_RANKED = (
    sa.select(lessons)
    .join(_FOUND, _FOUND.c.id == lessons.c.id)
    .where(lessons.c.deleted.is_(None))
    .order_by(_FOUND.c.score, lessons.c.id.desc())
    .limit(sa.bindparam("limit"))
)


def index_is_right(connection: sa.Connection) -> bool:
    """Whether the index is as this program can use it: there with FTS5, gone without."""
    if connection.dialect.name != "sqlite":
        return True
    return _triggers(connection) == (_TRIGGERS if has_fts5(connection) else frozenset())


def make_index(connection: sa.Connection) -> None:
    """Make the index, or take its triggers away where FTS5 is missing and would refuse to write."""
    if index_is_right(connection):
        return
    if not has_fts5(connection):
        for trigger in _triggers(connection):
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        return
    for statement in _CREATE:
        connection.exec_driver_sql(statement)


def has_fts5(connection: sa.Connection) -> bool:
    """Whether this SQLite was built with FTS5."""
    try:
        connection.exec_driver_sql("SELECT fts5_source_id()")
    except sa.exc.OperationalError:
        return False
    return True


def lessons_like(connection: sa.Connection, query: str, limit: int) -> Sequence[sa.Row[Any]]:
    """Lessons that match what a person typed, best first; all of them when nothing was typed."""
    terms = storable(query[:MAX_QUERY]).split()[:MAX_TERMS]
    words = [term for term in terms if any(map(_is_letter, term))]
    if words and len(words) == len(terms) and _has_index(connection):
        values = {"words": _match(words), "most": CANDIDATES, "limit": limit}
        rows = connection.execute(_RANKED, values).all()
        return rows or connection.execute(_scan(terms, limit, SCANNED)).all()
    return connection.execute(_scan(terms, limit)).all()


def _has_index(connection: sa.Connection) -> bool:
    return connection.dialect.name == "sqlite" and _triggers(connection) == _TRIGGERS


def _triggers(connection: sa.Connection) -> frozenset[str]:
    """What keeps the index up now."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'lessons'"
    return frozenset(connection.exec_driver_sql(query).scalars()) & _TRIGGERS


def _is_letter(char: str) -> bool:
    """What FTS5's unicode61 makes tokens of: letters, digits and private use."""
    kind = unicodedata.category(char)
    return kind[0] in "LN" or kind == "Co"


def _match(words: list[str]) -> str:
    """Every word quoted, so that no operator of FTS5 is left in it, and open at its end."""
    return " ".join('"' + word.replace('"', '""') + '"*' for word in words)


def _scan(terms: list[str], limit: int, most: int | None = None) -> sa.Select[Any]:
    """Every term anywhere inside, newest first; among the newest `most` only, or among all."""
    query = sa.select(lessons).where(lessons.c.deleted.is_(None))
    if most is not None:
        newest = sa.select(sa.func.max(lessons.c.id)).scalar_subquery()
        query = query.where(lessons.c.id > newest - most)
    for term in terms:
        within = (
            lessons.c.title.icontains(term, autoescape=True),
            lessons.c.text.icontains(term, autoescape=True),
            sa.cast(lessons.c.tags, sa.Text).icontains(term, autoescape=True),
        )
        query = query.where(sa.or_(*within))
    return query.order_by(lessons.c.id.desc()).limit(limit)
