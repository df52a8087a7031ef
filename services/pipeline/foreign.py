"""Events of runs that another process works on, read from the database as they come."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from cc4tui.events import Event
from cc4tui.ports import Journal


POLL_SECONDS = 0.25
RECENT_RUNS = 20
"""How many of the newest runs are looked at; older ones do not run any more."""


async def follow_foreign(journal: Journal, idle: Callable[[], bool]) -> AsyncIterator[Event]:
    """Yield what other processes' runs tell from now on, for ever.

    Args:
        idle: Whether nobody else can be running anything, so that there is nothing to read.
    """
    since = datetime.now(UTC)
    seen: dict[str, int] = {}
    over: set[str] = set()
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if idle():
            continue
        for run in await journal.runs(RECENT_RUNS):
            if run.finished is None:
                over.discard(run.id)
            elif run.id in over:
                continue
            else:
                over.add(run.id)
            for event in await journal.events(run.id, seen.get(run.id, 0)):
                seen[run.id] = event.seq
                if event.ts is not None and event.ts >= since:
                    yield event
