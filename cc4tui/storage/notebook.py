"""Ideas and lessons: the `Notebook` of the ports."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from cc4tui.domain.notes import Idea, IdeaStatus, Lesson
from cc4tui.errors import NotFoundError
from cc4tui.storage import search
from cc4tui.storage.database import Database
from cc4tui.storage.tables import ideas, lessons


_LARGEST_KEY = 2**63 - 1
"""No row has a higher number, and drivers raise OverflowError when they are asked for one."""


class SqlNotebook:
    """Implements `cc4tui.ports.Notebook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_idea(
        self, text: str, tags: Sequence[str] = (), priority: str | None = None
    ) -> Idea:
        """Store an idea in the inbox."""
        idea = {"text": text, "tags": tags, "priority": priority, "status": IdeaStatus.INBOX}
        return _idea(await self._database.write(lambda c: _insert(c, ideas, idea)))

    async def ideas(self) -> list[Idea]:
        """Newest first, deleted ones left out."""
        query = sa.select(ideas).where(ideas.c.deleted.is_(None)).order_by(ideas.c.id.desc())
        return await self._database.read(lambda c: [_idea(row) for row in c.execute(query)])

    async def idea(self, idea_id: int) -> Idea | None:
        """One idea; None when it does not exist or is deleted."""
        row = await self._database.read(lambda c: _get(c, ideas, idea_id))
        return None if row is None else _idea(row)

    async def update_idea(
        self,
        idea_id: int,
        *,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        priority: str | None = None,
        status: IdeaStatus | None = None,
        plan: str | None = None,
        task: str | None = None,
    ) -> Idea:
        """Set what is not None; empty, priority, plan and task are taken away.

        Raises:
            NotFoundError: there is no such idea.
        """
        values = _given(text=text, tags=tags, status=status)
        clearable = _given(priority=priority, plan=plan, task=task)
        values |= {name: value or None for name, value in clearable.items()}
        return _idea(await self._database.write(lambda c: _set(c, ideas, idea_id, values)))

    async def delete_idea(self, idea_id: int) -> None:
        """Hide it; `restore_idea` brings it back. Raises NotFoundError."""
        values = {"deleted": datetime.now(UTC)}
        await self._database.write(lambda c: _set(c, ideas, idea_id, values))

    async def restore_idea(self, idea_id: int) -> Idea:
        """Bring a deleted idea back; nothing happens to one that is there. Raises NotFoundError."""
        return _idea(await self._database.write(lambda c: _restore(c, ideas, idea_id)))

    async def add_lesson(
        self, text: str, title: str = "", source: str = "person", tags: Sequence[str] = ()
    ) -> Lesson:
        """Store a lesson."""
        lesson = {"text": text, "title": title, "source": source, "tags": tags}
        return _lesson(await self._database.write(lambda c: _insert(c, lessons, lesson)))

    async def lessons(self, limit: int = 500) -> list[Lesson]:
        """Newest first, deleted ones left out."""
        query = sa.select(lessons).where(lessons.c.deleted.is_(None))
        query = query.order_by(lessons.c.id.desc()).limit(limit)
        return await self._database.read(lambda c: [_lesson(row) for row in c.execute(query)])

    async def search_lessons(self, query: str, limit: int = 50) -> list[Lesson]:
        """Best match first; every word must be there, by its beginning at least.

        When no lesson has the words so, those are taken that have them inside of others.
        """
        rows = await self._database.read(lambda c: search.lessons_like(c, query, limit))
        return [_lesson(row) for row in rows]

    async def lesson(self, lesson_id: int) -> Lesson | None:
        """One lesson; None when it does not exist or is deleted."""
        row = await self._database.read(lambda c: _get(c, lessons, lesson_id))
        return None if row is None else _lesson(row)

    async def update_lesson(
        self,
        lesson_id: int,
        *,
        text: str | None = None,
        title: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Lesson:
        """Set what is not None. Raises NotFoundError."""
        values = _given(text=text, title=title, tags=tags)
        return _lesson(await self._database.write(lambda c: _set(c, lessons, lesson_id, values)))

    async def delete_lesson(self, lesson_id: int) -> None:
        """Hide it. Raises NotFoundError."""
        values = {"deleted": datetime.now(UTC)}
        await self._database.write(lambda c: _set(c, lessons, lesson_id, values))

    async def restore_lesson(self, lesson_id: int) -> Lesson:
        """Bring a deleted lesson back. Raises NotFoundError."""
        return _lesson(await self._database.write(lambda c: _restore(c, lessons, lesson_id)))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _insert(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> sa.Row[Any]:
    row = values | {"created": datetime.now(UTC)}
    return connection.execute(sa.insert(table).returning(table), row).one()


def _get(connection: sa.Connection, table: sa.Table, key: int) -> sa.Row[Any] | None:
    query = sa.select(table).where(table.c.id == key, table.c.deleted.is_(None))
    return connection.execute(query).one_or_none() if 0 < key <= _LARGEST_KEY else None


def _set(
    connection: sa.Connection, table: sa.Table, key: int, values: dict[str, Any]
) -> sa.Row[Any]:
    """Change a row that is not deleted; without values this only looks whether it is there."""
    live = sa.update(table).where(table.c.id == key, table.c.deleted.is_(None))
    return _changed(connection, live.values(values or {"id": key}), table, key)


def _restore(connection: sa.Connection, table: sa.Table, key: int) -> sa.Row[Any]:
    any_of_them = sa.update(table).where(table.c.id == key)
    return _changed(connection, any_of_them.values(deleted=None), table, key)


def _changed(
    connection: sa.Connection, update: sa.Update, table: sa.Table, key: int
) -> sa.Row[Any]:
    possible = 0 < key <= _LARGEST_KEY
    row = connection.execute(update.returning(table)).one_or_none() if possible else None
    if row is None:
        raise NotFoundError(f"There is no {table.name.removesuffix('s')} {key}")
    return row


def _idea(row: sa.Row[Any]) -> Idea:
    values = dict(row._mapping)
    del values["deleted"]
    return Idea(**values)


def _lesson(row: sa.Row[Any]) -> Lesson:
    values = dict(row._mapping)
    del values["deleted"]
    return Lesson(**values)
