"""The `events` table: facts of a run, numbered without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cc4tui.errors import NotFoundError
from cc4tui.storage import prepared
from cc4tui.storage.tables import events, runs


if TYPE_CHECKING:
    from cc4tui.events import Event


_COUNT = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("of_run"))
    .values(last_seq=runs.c.last_seq + sa.bindparam("more", type_=sa.Integer))
    .returning(runs.c.last_seq)
)
_ADD = sa.insert(events)
_PAGE = (
    sa.select(events)
    .where(events.c.run == sa.bindparam("of_run"), events.c.seq > sa.bindparam("after"))
    .order_by(events.c.seq)
    .limit(sa.bindparam("most"))
)


def append(connection: sa.Connection, run: str, facts: Sequence[Event]) -> tuple[Event, ...]:
    """Number and store events; returns them as stored. Raises NotFoundError for an unknown run."""
    counted = prepared.run(connection, _COUNT, {"of_run": run, "more": len(facts)}).fetchall()
    if not counted:
        raise NotFoundError(f"There is no run {run}")
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    first = counted[0][0] - len(facts) + 1
    stored = tuple(replace(fact, seq=seq, ts=now) for seq, fact in enumerate(facts, first))
    for fact in stored:
        prepared.run(connection, _ADD, _row(fact))
    return stored


def read(connection: sa.Connection, run: str, after: int, limit: int) -> list[Event]:
    """A page of events; unknown kinds do not end it early."""
    found: list[Event] = []
    while len(found) < limit:
        most = limit - len(found)
        rows = connection.execute(_PAGE, {"of_run": run, "after": after, "most": most}).all()
        found += [event for event in map(_event, rows) if event is not None]
        if len(rows) < most:
            break
        after = rows[-1].seq
    return found


def _row(event: Event) -> dict[str, Any]:
    return {
        "run": event.run,
        "seq": event.seq,
        "ts": event.ts,
        "name": event.name,
        "task": event.task,
        "attempt": event.attempt,
        "data": event.data(),
    }


def _event(row: sa.Row[Any]) -> Event | None:
    from cc4tui.events import from_parts

    return from_parts(
        row.name,
        row.data,
        run=row.run,
        task=row.task,
        attempt=row.attempt,
        seq=row.seq,
        ts=row.ts,
    )
