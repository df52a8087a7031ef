"""Holds a run while its surroundings block it: a full disk, a database that cannot be written.

Nothing of the run is lost by waiting, and everything by failing: the step that was refused is tried
again until there is room, and the run goes on by itself.
"""

import asyncio
import errno
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cc4tui.domain.run import AttemptRecord, RunRecord, TaskRunRecord
from cc4tui.domain.spending import Work
from cc4tui.domain.text import clean_line
from cc4tui.errors import BlockedError, GitError
from cc4tui.events import Event, RunPaused, RunResumed
from cc4tui.ports import Journal, Request, Write
from cc4tui.services.git.runner import GitRunner
from cc4tui.services.pipeline.bus import EventBus


T = TypeVar("T")

RETRY_SECONDS = 1.0
"""Between two tries of a step that is blocked."""
TRIES_WHEN_STOPPING = 3
"""A run that is being stopped does not wait for ever: what it could not write, the next finds."""
STARVATIONS = 3
"""Times that one task may fail for want of space without having to answer for it."""
ROOM = 1024 * 1024
"""Bytes; a disk with less is full, whatever an agent said of its own failure."""

_FULL = re.compile(r"No space left on device|Out of diskspace|[Qq]uota exceeded")


class Patience:
    """Tries again what is blocked, and tells that the run waits.

    Args:
        run: The run's id.
        bus: Gets `run_paused`, which cannot be stored while the database is what blocks.
        journal: Gets `run_resumed`.
        folders: Where the run writes: the state, the repository.
        stopping: Whether the run is being stopped.
    """

    def __init__(
        self,
        run: str,
        bus: EventBus,
        journal: Journal,
        folders: Iterable[Path],
        stopping: Callable[[], bool],
    ) -> None:
        self._run = run
        self._bus = bus
        self._journal = journal
        self._folders = tuple(folders)
        self._stopping = stopping
        self._blocked = 0
        self._told = False
        self.shortages = 0
        """How often something was found blocked: a change during an attempt may explain its end."""

    async def through(self, step: Callable[[], Awaitable[T]]) -> T:
        """The result of a step that may be repeated, tried until its surroundings allow it.

        Raises:
            Exception: as `step` raises it, when waiting does not help or the run is being stopped.
        """
        tries, waiting = 0, False
        try:
            while True:
                try:
                    return await step()
                except (BlockedError, GitError, OSError) as error:
                    tries += 1
                    reason = self._why(error)
                    if reason is None or (self._stopping() and tries >= TRIES_WHEN_STOPPING):
                        raise
                    self._blocked += not waiting
                    waiting = True
                    self._pause(reason)
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            if waiting:
                self._blocked -= 1
                await self._resume()

    def look(self) -> None:
        """See whether a disk is full now."""
        self.shortages += self._full_disk() is not None

    async def starved(self, error: BaseException | None, shortages: int) -> bool:
        """Whether want of space may be why something failed; if so, there is room again now.

        Args:
            error: What was raised, if anything.
            shortages: Of the time when it began.
        """
        self.look()
        if self.shortages == shortages and (error is None or self._why(error) is None):
            return False
        await self.through(self._expect_room)
        return True

    async def _expect_room(self) -> None:
        if (folder := self._full_disk()) is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    @contextmanager
    def keeping(self, runner: GitRunner) -> Iterator[None]:
        """Have every git call of the run wait as well."""
        before, runner.through = runner.through, self.through
        try:
            yield
        finally:
            runner.through = before

    def _why(self, error: BaseException) -> str | None:
        """The sentence for a person; None when it is a failure like any other."""
        if isinstance(error, BlockedError):
            return str(error)
        if isinstance(error, GitError):
            full = _FULL.search(error.stderr) is not None or self._full_disk() is not None
        else:
            number = error.errno if isinstance(error, OSError) else None
            full = number in (errno.ENOSPC, errno.EDQUOT)
        if not full:
            return None
        where = self._full_disk() or self._folders[0]
        return f"the disk of {clean_line(str(where))} is full: free some space. Nothing is lost"

    def _full_disk(self) -> Path | None:
        for folder in self._folders:
            try:
                found = os.statvfs(folder)
            except OSError:
                continue
            if found.f_bavail * found.f_frsize < ROOM and found.f_blocks:
                return folder
        return None

    def _pause(self, reason: str) -> None:
        self.shortages += 1
        if not self._told:
            self._told = True
            self._bus.publish(RunPaused(run=self._run, reason=reason, ts=datetime.now(UTC)))

    async def _resume(self) -> None:
        if self._blocked or not self._told:
            return
        self._told = False
        event = RunResumed(run=self._run, reason="what blocked it is gone")
        try:
            for stored in await self._journal.commit(Write(self._run, events=(event,))):
                self._bus.publish(stored)
        except BlockedError:  # already again, or the run is being stopped: the next step tells
            self._bus.publish(event)


class PatientJournal:
    """A journal whose calls wait until the database can be used; implements `ports.Journal`."""

    def __init__(self, journal: Journal, patience: Patience) -> None:
        self._journal = journal
        self._through = patience.through

    async def create_run(self, run: RunRecord, tasks: Sequence[TaskRunRecord]) -> None:
        """See `Journal`."""
        await self._through(lambda: self._journal.create_run(run, tasks))

    async def commit(self, write: Write) -> tuple[Event, ...]:
        """See `Journal`."""
        return await self._through(lambda: self._journal.commit(write))

    async def runs(self, limit: int = 100) -> list[RunRecord]:
        """See `Journal`."""
        return await self._through(lambda: self._journal.runs(limit))

    async def run(self, run_id: str) -> RunRecord | None:
        """See `Journal`."""
        return await self._through(lambda: self._journal.run(run_id))

    async def task_runs(self, run_id: str) -> list[TaskRunRecord]:
        """See `Journal`."""
        return await self._through(lambda: self._journal.task_runs(run_id))

    async def attempts(self, run_id: str, task: str | None = None) -> list[AttemptRecord]:
        """See `Journal`."""
        return await self._through(lambda: self._journal.attempts(run_id, task))

    async def works(self, run_id: str | None = None) -> list[Work]:
        """See `Journal`."""
        return await self._through(lambda: self._journal.works(run_id))

    async def events(self, run_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """See `Journal`."""
        return await self._through(lambda: self._journal.events(run_id, after, limit))

    async def add_request(
        self, kind: str, run: str, task: str | None, data: Mapping[str, Any]
    ) -> int:
        """See `Journal`."""
        return await self._through(lambda: self._journal.add_request(kind, run, task, data))

    async def take_requests(self, run: str) -> list[Request]:
        """See `Journal`."""
        return await self._through(lambda: self._journal.take_requests(run))
