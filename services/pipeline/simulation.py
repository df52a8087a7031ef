"""Plays a run through without starting anything: who starts when, and who is held up by a file.

Goes by the rules of `Schedule`, but is made for thousands of tasks, several times a second.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from cc4tui.services.pipeline.schedule import ScheduledTask, files_overlap


CLASHES = 300_000
"""Looks at who is in the way, at most: a plan whose tasks all name one file would never end."""


@dataclass(slots=True)
class Played:
    """What came of it."""

    starts: dict[str, float] = field(default_factory=dict)
    """By task, in the order of starting; what could never start is not there."""
    held_by: dict[str, str] = field(default_factory=dict)
    """By task that was ready while a worker was free: the one that had its file last."""
    end: float = 0.0
    cut: bool = False
    """Ended early: see CLASHES."""


def play(tasks: Sequence[ScheduledTask], seconds: Mapping[str, float], workers: int) -> Played:
    """Run these tasks.

    Args:
        tasks: What would run, in document order; anything else they wait for counts as done.
        seconds: How long each takes.
        workers: Tasks at once.
    """
    return _Player(tasks, seconds, max(1, workers)).played()


class _Player:
    def __init__(
        self, tasks: Sequence[ScheduledTask], seconds: Mapping[str, float], workers: int
    ) -> None:
        self._tasks = tasks
        self._seconds = seconds
        self._workers = workers
        self._waiting: dict[int, int] = {}
        """By what is waited for (tasks of a batch share it): how much of it is not done."""
        self._held_back: dict[int, list[int]] = {}
        self._frees: dict[str, list[int]] = {}
        self._ready: list[int] = []
        self._behind: dict[int, list[int]] = {}
        """By active task: ready ones that name its files."""
        self._active: list[tuple[float, int]] = []
        self._out = Played()
        self._budget = CLASHES
        self._gather()

    def _gather(self) -> None:
        known = {task.id for task in self._tasks}
        for number, task in enumerate(self._tasks):
            key = id(task.waits_for)
            if key not in self._waiting:
                open_ = [one for one in dict.fromkeys(task.waits_for) if one in known]
                self._waiting[key] = len(open_)
                for one in open_:
                    self._frees.setdefault(one, []).append(key)
            if self._waiting[key]:
                self._held_back.setdefault(key, []).append(number)
            else:
                self._ready.append(number)

    def played(self) -> Played:
        now = 0.0
        while not self._out.cut:
            self._start(now)
            if not self._active:
                break
            now = self._active[0][0]
            while self._active and self._active[0][0] <= now:
                self._finish(heappop(self._active)[1])
        self._out.end = now
        return self._out

    def _start(self, now: float) -> None:
        """Give the free workers what is ready, in order."""
        left: list[int] = []
        ready, self._ready = self._ready, []
        for at, number in enumerate(ready):
            if len(self._active) == self._workers:
                left += ready[at:]
                break
            task = self._tasks[number]
            other = self._clashing(task)
            if other is not None:
                self._out.held_by[task.id] = self._tasks[other].id
                self._behind.setdefault(other, []).append(number)
                continue
            self._out.starts[task.id] = now
            heappush(self._active, (now + self._seconds[task.id], number))
        self._ready = left

    def _clashing(self, task: ScheduledTask) -> int | None:
        if not task.files:
            return None
        self._budget -= 1
        self._out.cut = self._out.cut or self._budget < 0
        return next(
            (at for _, at in self._active if files_overlap(task.files, self._tasks[at].files)), None
        )

    def _finish(self, number: int) -> None:
        for key in self._frees.get(self._tasks[number].id, ()):
            self._waiting[key] -= 1
            if not self._waiting[key]:
                for one in self._held_back.pop(key):
                    insort(self._ready, one)
        for one in self._behind.pop(number, ()):
            insort(self._ready, one)
