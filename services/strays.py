"""Processes of attempts and checks whose cc4tui is gone, found by the marks they carry."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cc4tui.errors import Cc4tuiError
from cc4tui.services.processes.ends import recorded_end
from cc4tui.services.processes.looking import look
from cc4tui.services.processes.orphans import Marks
from cc4tui.services.processes.recovery import reap_orphans
from cc4tui.services.processes.supervision import procfs, records


@dataclass(frozen=True, slots=True)
class Stray:
    """A process that was started by a run of this repository."""

    pid: int
    command: str
    folder: Path
    """Of the attempt, or of the check."""
    token: str
    works_on: bool
    """Its agent was left to work on by a person's choice."""


def find_strays(journal: Path) -> list[Stray]:
    """Every living process with the mark of something that has not ended. Blocks.

    Call it only while no run goes on: until then they are not strays.

    Args:
        journal: Folder that holds those of all runs.
    """
    return [stray for folder, token in _without_end(journal) for stray in _marked_by(folder, token)]


def end_strays(strays: list[Stray]) -> dict[int, str]:
    """End those that nobody wanted to work on; why not, by pid, where that failed. Blocks."""
    failed: dict[int, str] = {}
    for folder, token in {(one.folder, one.token) for one in strays if not one.works_on}:
        try:
            left = dict.fromkeys(reap_orphans(folder, token).left, "it cannot be ended")
        except Cc4tuiError as error:
            left = {one.pid: str(error) for one in strays if one.folder == folder}
        failed |= left
    return failed


def _without_end(journal: Path) -> Iterator[tuple[Path, str]]:
    for spec in journal.rglob(records.SPEC):
        if recorded_end(spec.parent) is None:
            token = (records.load(str(spec.parent), records.SPEC) or {}).get("token")
            if isinstance(token, str) and token:
                yield spec.parent, token


def _marked_by(folder: Path, token: str) -> Iterator[Stray]:
    marks = Marks(folder, token)
    pids = [pid for pid in procfs.pids() if marks.on(pid)]
    sight = look(folder) if pids else None
    for pid in pids:
        yield Stray(pid, procfs.command(pid), folder, token, bool(sight and sight.works_on))
