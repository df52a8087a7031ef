"""The order in which work gets the processor: agents are started first, and few at a time."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager


BREATH = 0.005
"""Seconds in which a worker that is free claims its next task."""
PATIENCE = 0.3
"""Seconds that anybody waits at most: a start whose set-up takes minutes holds nobody up."""
LULL = 0.06
"""Seconds after a start in which the next one may follow."""


class Precedence:
    """Agents that were started together end together, and then everything is due at once.

    Worktrees made ready one after the other take as long as all at once, but the first agents have
    long begun, and the next time they are due one after the other by themselves. Saving and merging
    cost no worker anything but the processor, so they wait.
    """

    def __init__(self) -> None:
        cores = os.cpu_count() or 1
        self._turns = asyncio.Semaphore(max(cores // 2, 1))
        self._behind = asyncio.Semaphore(cores)
        self._starting = 0
        self._last = 0.0
        """When the last start was over."""

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A worker starts an agent in this block."""
        self._starting += 1
        try:
            yield
        finally:
            self._starting -= 1
            self._last = asyncio.get_running_loop().time()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One after the other: what of a start keeps this program busy."""
        mine = await _soon(self._turns.acquire())
        try:
            yield
        finally:
            if mine:
                self._turns.release()

    @asynccontextmanager
    async def behind(self) -> AsyncIterator[None]:
        """Few at once as well, and only while no worker starts an agent."""
        mine = await _soon(self._behind.acquire())
        try:
            await asyncio.sleep(BREATH)
            await self.given()
            yield
        finally:
            if mine:
                self._behind.release()

    async def given(self) -> None:
        """Wait until no worker starts an agent, or for long enough."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while (now := loop.time()) < deadline:
            lull = LULL if self._starting else self._last + LULL - now
            if lull <= 0:
                return
            await asyncio.sleep(lull)


async def _soon(event: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            return await event
    except TimeoutError:
        return False
