"""Who worked on what, when: a run's past as rows of stints. No widget here."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from cc4tui.domain.run import ACTIVE_STATES, FINAL_STATES, RunStatus, TaskRunState
from cc4tui.screens.execution.model import Moment, RunModel, TaskView


class Phase(StrEnum):
    """What happens in a stint; the value is what it is called."""

    WAITING = "waiting"
    """For its set-up, for a person, or for what its agent left to be saved."""
    WORKING = "working"
    VERIFYING = "verifying"
    MERGING = "merging"


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a stint; times are seconds since the run started."""

    start: float
    end: float
    phase: Phase


@dataclass(frozen=True, slots=True)
class Stint:
    """A task from when it was claimed until it was merged, given back or given up."""

    task: str
    start: float
    end: float
    pieces: tuple[Piece, ...]
    state: TaskRunState
    """What it ended in; the present one while it goes on."""

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return self.state in ACTIVE_STATES

    def seconds(self, phase: Phase) -> float:
        """How long it was in a phase."""
        return sum(piece.end - piece.start for piece in self.pieces if piece.phase is phase)


@dataclass(frozen=True)
class Timeline:
    """A run as rows of stints that do not overlap."""

    rows: tuple[tuple[Stint, ...], ...] = ()
    """A row for a worker. What has not merged yet keeps its row while the worker has another task
    already, so there may be more rows than workers."""
    seconds: float = 0.0
    """From the start of the run to its end, or to now."""
    critical: tuple[str, ...] = ()
    """The chain of tasks that takes longest, in order."""
    efficiency: float | None = None
    """Share of the workers' time in which agents were at work; None = nobody knows."""

    def near(self, row: int, when: float) -> int:
        """The place, in its row, of the stint nearest to a time."""
        stints = self.rows[row]
        after = bisect_right(stints, when, key=lambda stint: stint.start)
        found = range(max(after - 1, 0), min(after + 1, len(stints)))
        return min(found, key=lambda n: max(stints[n].start - when, when - stints[n].end, 0.0))

    def between(self, row: int, start: float, end: float) -> Iterator[Stint]:
        """The stints of a row that are seen between two times."""
        stints = self.rows[row]
        first = max(bisect_right(stints, start, key=lambda stint: stint.start) - 1, 0)
        for at in range(first, len(stints)):
            if stints[at].start > end:
                return
            yield stints[at]

    def place_of(self, task_id: str) -> tuple[int, int] | None:
        """Row and place of a task's last stint; None when it has none."""
        found = [
            (stint.start, row, at)
            for row, stints in enumerate(self.rows)
            for at, stint in enumerate(stints)
            if stint.task == task_id
        ]
        return max(found)[1:] if found else None


def timeline(model: RunModel, now: datetime) -> Timeline:
    """What the run's tasks did until now."""
    start, end = model.run.started, _end(model, now)
    by_task = {
        task.id: tuple(_stints(task, start, max(end, start))) for task in model.tasks.values()
    }
    seconds = max((end - start).total_seconds(), 0.0)
    return Timeline(
        _rows(sorted((one for own in by_task.values() for one in own), key=lambda it: it.start)),
        seconds,
        _critical(model, by_task),
        _efficiency(model, now, seconds),
    )


def _end(model: RunModel, now: datetime) -> datetime:
    """A run whose process died ends with what is known of it."""
    if model.run.finished is not None:
        return model.run.finished
    if model.run.status is RunStatus.RUNNING:
        return now
    known = (task.past[-1].at for task in model.tasks.values() if task.past)
    return max(known, default=model.run.started)


def _stints(task: TaskView, start: datetime, end: datetime) -> Iterator[Stint]:
    pieces: list[Piece] = []
    for at, moment in enumerate(task.past):
        since = max((moment.at - start).total_seconds(), 0.0)
        if moment.state in ACTIVE_STATES:
            until = task.past[at + 1].at if at + 1 < len(task.past) else end
            piece = Piece(since, max((until - start).total_seconds(), since), _phase(moment))
            pieces.append(piece)
        elif pieces:
            yield _stint(task.id, pieces, moment.state)
            pieces = []
    if pieces:
        yield _stint(task.id, pieces, task.past[-1].state)


def _stint(task_id: str, pieces: Sequence[Piece], state: TaskRunState) -> Stint:
    return Stint(task_id, pieces[0].start, pieces[-1].end, tuple(pieces), state)


def _phase(moment: Moment) -> Phase:
    match moment.state:
        case TaskRunState.MERGING:
            return Phase.MERGING
        case TaskRunState.VERIFYING:
            return Phase.VERIFYING
        case TaskRunState.RUNNING if moment.works:
            return Phase.WORKING
        case _:
            return Phase.WAITING


def _rows(stints: Sequence[Stint]) -> tuple[tuple[Stint, ...], ...]:
    """Each stint, by its start, into the first row that is free then."""
    rows: list[list[Stint]] = []
    for stint in stints:
        free = next((row for row in rows if row[-1].end <= stint.start), None)
        if free is None:
            rows.append([stint])
        else:
            free.append(stint)
    return tuple(tuple(row) for row in rows)


def _efficiency(model: RunModel, now: datetime, seconds: float) -> float | None:
    """As it is told when a run ends; until then by the same rule."""
    if model.efficiency is not None:
        return model.efficiency
    if model.run.status is not RunStatus.RUNNING or seconds <= 0 or model.run.workers < 1:
        return None
    worked = sum(task.seconds(now) for task in model.tasks.values())
    return min(worked / (model.run.workers * seconds), 1.0)


def _critical(model: RunModel, by_task: dict[str, tuple[Stint, ...]]) -> tuple[str, ...]:
    """The chain that takes longest: as long as tasks took, or as they take on average.

    Tasks of a batch wait for the same thousand others, so each such set is looked at once.
    """
    took = {task: sum(one.end - one.start for one in own) for task, own in by_task.items() if own}
    if not took:
        return ()
    usual = sum(took.values()) / len(took)
    took |= {
        it.id: 0.0 for it in model.tasks.values() if it.id not in took and it.state in FINAL_STATES
    }
    groups: dict[tuple[str, ...], int] = {}
    graph: dict[str | int, Sequence[str | int]] = {}
    for task in model.tasks.values():
        known = len(groups)
        group = groups.setdefault(task.waits_for, known)
        if group == known:
            graph[group] = [one for one in task.waits_for if one in model.tasks]
        graph[task.id] = (group,)
    longest: dict[str | int, float] = {}
    came: dict[str | int, str | int | None] = {}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError:  # only records that something else wrote hold one
        return ()
    for node in order:
        best = max(graph[node], key=longest.__getitem__, default=None)
        own = took.get(node, usual) if isinstance(node, str) else 0.0
        longest[node], came[node] = own + (longest[best] if best is not None else 0.0), best
    last: str | int | None = max(model.tasks, key=longest.__getitem__)
    chain: list[str] = []
    while last is not None:
        if isinstance(last, str) and took.get(last, usual):
            chain.append(last)
        last = came[last]
    return tuple(reversed(chain))
