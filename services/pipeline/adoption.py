"""Attempts that went on, or ended by themselves, while no cc4tui was there: found, not guessed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from cc4tui.domain.run import AttemptRecord, RunStatus
from cc4tui.ports import Journal, Process, ProcessEnd, ProcessHost
from cc4tui.services.agents.conclusion import LINGERING
from cc4tui.services.pipeline.context import Claim
from cc4tui.services.pipeline.workspace import Checkout
from cc4tui.services.processes.ended import EndedProcess
from cc4tui.services.processes.ends import recorded_end
from cc4tui.services.processes.looking import look
from cc4tui.services.processes.recovery import reap_orphans
from cc4tui.services.processes.supervision import records


CANCELLED = "cancelled"
"""`ExitStatus.why` of an attempt that a person has cancelled for good."""
_CONCLUSIVE = frozenset(
    {"exited", "exec", LINGERING, "timeout", "silence", records.OUTPUT_CAP, CANCELLED}
)
"""Ends that say how the attempt came out; after any other one it was only cut short."""
EVERY = 10_000
"""Age plays no part: the worktree of the oldest run is spared like that of the newest."""


class Standing(Enum):
    """How an unfinished attempt of a process that is gone stands."""

    WORKING = "working"
    """Its agent works on, because a person wanted that."""
    ENDED = "ended"
    """Its agent ended by itself; what it did was not judged yet."""
    CUT = "cut"
    """It was ended before it was done, or nobody saw how it ended."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """An attempt of an earlier process that this one brings to its end."""

    claim: Claim
    record: AttemptRecord
    checkout: Checkout
    process: Process


@dataclass
class Stock:
    """What earlier processes left of the unfinished runs. What is in neither list was cut."""

    working: list[AttemptRecord] = field(default_factory=list)
    ended: list[AttemptRecord] = field(default_factory=list)

    @property
    def every(self) -> list[AttemptRecord]:
        """All that can be brought to their end."""
        return [*self.working, *self.ended]

    @property
    def worktrees(self) -> frozenset[Path]:
        """Folders that must stay as they are."""
        return frozenset(Path(one.worktree) for one in self.every if one.worktree)

    def of(self, run: str) -> dict[str, AttemptRecord]:
        """Those of one run, by task."""
        return {record.task: record for record in self.every if record.run == run}


async def take_stock(journal: Journal) -> Stock:
    """Ask the processes of every unfinished attempt, and end those that were cut short.

    The repository's lock must be held: then every unfinished attempt is an earlier process's.
    """
    return await _sorted_out(journal, _standing)


async def glance_at_all(journal: Journal) -> Stock:
    """What `take_stock` would find, as far as looking tells; nothing is ended."""
    return await _sorted_out(journal, lambda attempt, wanted: glance(attempt))


async def _sorted_out(
    journal: Journal, standing: Callable[[AttemptRecord, bool], Standing]
) -> Stock:
    """Every unfinished attempt by its standing; one of a cancelled run is not wanted."""
    open_runs = [run for run in await journal.runs(EVERY) if run.finished is None]
    attempts = [
        (attempt, run.status is not RunStatus.CANCELLED)
        for run in open_runs
        for attempt in await journal.attempts(run.id)
        if attempt.finished is None and attempt.folder and attempt.token
    ]
    looks = (asyncio.to_thread(standing, attempt, wanted) for attempt, wanted in attempts)
    standings = await asyncio.gather(*looks)
    found = [(attempt, how) for (attempt, _), how in zip(attempts, standings, strict=True)]
    return Stock(
        working=[attempt for attempt, how in found if how is Standing.WORKING],
        ended=[attempt for attempt, how in found if how is Standing.ENDED],
    )


async def end_attempt(attempt: AttemptRecord) -> None:
    """End whatever runs of it, wanted or not."""
    await asyncio.to_thread(reap_orphans, Path(attempt.folder), attempt.token)


async def process_of(host: ProcessHost, record: AttemptRecord) -> Process | None:
    """The attempt's process, to be waited for; None when it was cut short after all."""
    folder = Path(record.folder)
    process = await host.attach(folder)
    if process is not None:
        return process
    reaped = await asyncio.to_thread(reap_orphans, folder, record.token)
    if reaped.end is None or not _can_be_judged(folder, reaped.end):
        return None
    return EndedProcess(folder, reaped.end)


def is_conclusive(end: ProcessEnd) -> bool:
    """Whether it says how the attempt came out.

    A signal from outside does not when nobody was there to see: the machine may have gone down.
    """
    killed = end.status.why == "exited" and (end.status.code or 0) < 0
    return end.status.why in _CONCLUSIVE and not killed


def _can_be_judged(folder: Path, end: ProcessEnd) -> bool:
    """A power cut may have taken the end of what it said, which the disk gets last."""
    whole = records.size(str(folder), records.OUT) >= end.out_size
    return whole and is_conclusive(end)


def glance(attempt: AttemptRecord) -> Standing:
    """How an unfinished attempt of a process that is gone stands; only looks. Blocks."""
    if attempt.worktree is None or not Path(attempt.worktree).is_dir():
        return Standing.CUT
    folder = Path(attempt.folder)
    sight = look(folder)
    if sight is not None:
        return Standing.WORKING if sight.works_on else Standing.CUT
    end = recorded_end(folder)
    return Standing.ENDED if end is not None and _can_be_judged(folder, end) else Standing.CUT


def _standing(attempt: AttemptRecord, wanted: bool) -> Standing:
    standing = glance(attempt)
    if wanted and standing is Standing.WORKING:
        return standing
    folder = Path(attempt.folder)
    reaped = reap_orphans(folder, attempt.token)
    conclusive = reaped.end is not None and _can_be_judged(folder, reaped.end)
    has_worktree = attempt.worktree is not None and Path(attempt.worktree).is_dir()
    return Standing.ENDED if wanted and conclusive and has_worktree else Standing.CUT
