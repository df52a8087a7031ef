"""Notices when tasks change what the repository executes or redirects, and who may have done it.

The state that the run began with is kept in its folder, so that a change made just before a crash
is not taken for granted by the process that continues the run.
"""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

from cc4tui.services.git.files import read_regular, write_atomic
from cc4tui.services.git.fingerprint import Fingerprint, Fingerprinter
from cc4tui.services.git.repository import Repository


FILE = "fingerprint"
SHOWN = 3
"""Differences that a sentence lists."""


class Quarantine:
    """Watches over one run's repository. Use it through `open`."""

    def __init__(
        self, printer: Fingerprinter, file: Path, base: Fingerprint, flagged: Iterable[str]
    ) -> None:
        self._printer = printer
        self._file = file
        self._seen = self.base = base
        self._turn = asyncio.Lock()
        self.flagged = set(flagged)
        """Tasks that ran when something changed."""

    @classmethod
    async def open(cls, repository: Repository, folder: Path) -> "Quarantine":
        """Go on from what the run's folder remembers; a new run begins with what is now.

        Raises:
            OSError: the folder cannot be written to.
        """
        printer, file = Fingerprinter(repository), folder / FILE
        stored = await asyncio.to_thread(_load, file)
        if stored is not None:
            return cls(printer, file, *stored)
        made = cls(printer, file, await printer.take(), ())
        await made._store()
        return made

    async def look(self, running: Iterable[str]) -> tuple[str, ...]:
        """Compare with the last look and flag the tasks that ran since; what is new, line by line.

        Args:
            running: Tasks that may have done it.
        """
        async with self._turn:
            now = await self._printer.take()
            new, self._seen = self._seen.differences(now), now
            suspects = set(running) - self.flagged
            if new and suspects and self.base.differences(now):
                self.flagged |= suspects
                await self._store()
            return new

    async def differences(self) -> tuple[str, ...]:
        """What is not as it was when the run began, one line each; nothing lands until none is."""
        async with self._turn:
            return self.base.differences(await self._printer.take())

    async def accept(self) -> tuple[str, ...]:
        """Take what is now as what it should be, because a person said so; what was accepted."""
        async with self._turn:
            now = await self._printer.take()
            accepted = self.base.differences(now)
            self.base = self._seen = now
            self.flagged.clear()
            await self._store()
            return accepted

    async def _store(self) -> None:
        record = {"items": dict(self.base.items), "flagged": sorted(self.flagged)}
        await asyncio.to_thread(write_atomic, self._file, json.dumps(record).encode())


def sentence(differences: tuple[str, ...], run: str) -> str:
    """What changed, and the ways out."""
    shown = "; ".join(differences[:SHOWN])
    more = f" (and {len(differences) - SHOWN} more)" if len(differences) > SHOWN else ""
    return (
        f"what this repository executes changed during the run: {shown}{more}; undo that and land"
        f" with: cc4tui resume {run}; or, if it is meant: cc4tui resume {run} --accept-changes"
    )


def _load(file: Path) -> tuple[Fingerprint, list[str]] | None:
    """None when nothing was stored yet; a file that is damaged matches nothing that is there."""
    data = read_regular(file)
    if data is None:
        return None
    try:
        record = json.loads(data)
        items = {str(name): str(value) for name, value in record["items"].items()}
        return Fingerprint(items), [str(task) for task in record["flagged"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Fingerprint({"the run's own record": "as it was written"}), []
