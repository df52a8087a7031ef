"""The database, opened when it is first asked: the app paints and commands parse without it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cc4tui.importing import imported


if TYPE_CHECKING:
    from cc4tui.storage.store import SqlStore


class LateStore:
    """Has every method of `cc4tui.ports.Store`; each waits until the database is open.

    SQLAlchemy costs more than all the rest of a quick answer, so it is imported in a thread.

    Args:
        path: The database.
        renewed: Called with a store that is new because the old one was damaged, before anybody
            else gets it.
    """

    def __init__(
        self, path: Path, renewed: "Callable[[SqlStore], Awaitable[None]] | None" = None
    ) -> None:
        self._path = path
        self._renewed = renewed
        self._opening: asyncio.Task[SqlStore] | None = None

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        """The store's method of this name; all of them are coroutines."""
        if name.startswith("_"):
            raise AttributeError(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await getattr(await self.opened(), name)(*args, **kwargs)

        return call

    async def opened(self) -> "SqlStore":
        """The store itself; opens it on the first call.

        Raises:
            UnfitError: it cannot be opened.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="open the database")
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Finish what is queued, then close; who waited for a failed opening was told."""
        if self._opening is not None:
            await asyncio.wait([self._opening])
            if self._opening.exception() is None:
                await self._opening.result().close()

    async def _open(self) -> "SqlStore":
        await imported("cc4tui.storage.store")
        from cc4tui.storage.store import open_store

        store = await open_store(self._path)
        if store.notice is not None and self._renewed is not None:
            try:
                await self._renewed(store)
            except BaseException:
                await store.close()
                raise
        return store
