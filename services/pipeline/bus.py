"""Hands stored events to whoever listens in this process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from cc4tui.events import AgentOutput, Event


OUTPUT_LIMIT = 2000
"""Agents' output events that wait for one slow listener; further ones are left out, since the
attempt's files hold them. Stored events are never left out."""


class Subscription:
    """One listener's queue."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event) -> None:
        """Queue an event, unless it is output and too much waits."""
        if isinstance(event, AgentOutput) and self._queue.qsize() >= OUTPUT_LIMIT:
            return
        self._queue.put_nowait(event)

    def close(self) -> None:
        """End the iteration after what is queued."""
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._queue.get()) is not None:
            yield event


class EventBus:
    """Publish and subscribe within one event loop; never blocks the publisher."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def publish(self, event: Event) -> None:
        """Hand an event to every listener."""
        for subscription in self._subscriptions:
            subscription.put(event)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Listen from now on, until the block is left."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every listener's iteration."""
        for subscription in self._subscriptions:
            subscription.close()
