"""The `requests` table: what other processes ask the owner of a run to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cc4tui.storage.journal_writes import require_run
from cc4tui.storage.tables import requests


if TYPE_CHECKING:
    from cc4tui.ports import Request


def add(
    connection: sa.Connection,
    *,
    kind: str,
    run: str,
    task: str | None,
    data: Mapping[str, Any],
    now: datetime,
) -> int:
    """Put a request; returns its number. Raises NotFoundError when there is no such run."""
    require_run(connection, run)
    row = {"kind": kind, "run": run, "task": task, "data": data, "created": now}
    result = connection.execute(sa.insert(requests), row)
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def waiting(connection: sa.Connection, run: str) -> bool:
    """Whether there is anything to take: asked often, so it takes no lock."""
    found = sa.exists().where(requests.c.run == run, requests.c.taken.is_(None))
    return bool(connection.scalar(sa.select(found)))


def take(connection: sa.Connection, run: str, now: datetime) -> list[Request]:
    """Hand out what waits; inside the writer's transaction, so nobody else gets the same."""
    from cc4tui.ports import Request

    query = sa.select(requests).where(requests.c.run == run, requests.c.taken.is_(None))
    rows = connection.execute(query.order_by(requests.c.id)).all()
    if rows:
        mark = sa.update(requests).where(requests.c.id == sa.bindparam("of_id"))
        connection.execute(mark, [{"of_id": row.id, "taken": now} for row in rows])
    return [
        Request(id=r.id, kind=r.kind, run=r.run, task=r.task, data=r.data, created=r.created)
        for r in rows
    ]
