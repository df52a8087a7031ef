"""Decides which task may start: dependencies, barriers, failures and files that two tasks name.

Pure and synchronous; the orchestrator asks it; `simulation` plays by the same rules.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from cc4tui.domain.run import DONE_STATES, FINAL_STATES, TaskRunState


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """What the schedule needs to know of a task."""

    id: str
    waits_for: tuple[str, ...] = ()
    """Tasks that must be done first, barriers between batches included."""
    needs: tuple[str, ...] = ()
    """Those of `waits_for` that were declared."""
    files: tuple[str, ...] = ()
    """Files, folders and globs it names."""


class Blocked(NamedTuple):
    """A task that cannot run, and the task that is the reason."""

    task: str
    by: str


class Schedule:
    """The states of a run's tasks and what follows from them.

    Args:
        tasks: In document order, which is the order of starting.
        states: Where each task is now.
        keep_going: A failure blocks only what declared its dependency on it; otherwise it also
            blocks all that comes after a barrier, or in order behind it.
    """

    def __init__(
        self,
        tasks: Sequence[ScheduledTask],
        states: Mapping[str, TaskRunState],
        *,
        keep_going: bool = False,
    ) -> None:
        self._tasks = {task.id: task for task in tasks}
        self.states = {task.id: states[task.id] for task in tasks}
        self._keep_going = keep_going

    def replan(self, tasks: Sequence[ScheduledTask], states: Mapping[str, TaskRunState]) -> None:
        """Take over an edited plan; tasks that were known keep the state they have."""
        self._tasks = {task.id: task for task in tasks}
        self.states = {task.id: self.states.get(task.id, states[task.id]) for task in tasks}

    def newly_blocked(self) -> Iterator[Blocked]:
        """Tasks that have not started and never can; mark each before asking for the next."""
        for task in self._tasks.values():
            if self.states[task.id] in (TaskRunState.PENDING, TaskRunState.READY):
                by = next(self._obstacles(task), None)
                if by is not None:
                    yield Blocked(task.id, by)

    def newly_ready(self) -> list[str]:
        """Pending tasks that wait for nothing any more."""
        return [
            task.id
            for task in self._tasks.values()
            if self.states[task.id] is TaskRunState.PENDING
            and all(self._satisfied(task, other) for other in task.waits_for)
        ]

    def next(self, held: Callable[[str], bool] = lambda task: False) -> str | None:
        """The first ready task whose files no active task names; None = nothing can start now.

        Args:
            held: Whether a ready task waits for something that the schedule does not know.
        """
        free = (task for task in self.ready() if self.clashing(task) is None)
        return next((task for task in free if not held(task)), None)

    def ready(self) -> Iterator[str]:
        """Tasks that wait for no other one, in document order."""
        return (task.id for task in self._tasks.values() if self._is(task, TaskRunState.READY))

    def clashing(self, task_id: str) -> str | None:
        """The active task that names one of this task's files."""
        files = self._tasks[task_id].files
        if not files:
            return None
        for other in self._tasks.values():
            active = other.id != task_id and self._is_active(other)
            if active and files_overlap(files, other.files):
                return other.id
        return None

    def dependents(self, task_id: str) -> list[str]:
        """Everything that waits for this task, directly or through others."""
        found = {task_id}
        for task in self._tasks.values():  # document order: what waits comes after
            if found.intersection(task.waits_for):
                found.add(task.id)
        return [other for other in self._tasks if other in found and other != task_id]

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return not self.unfinished

    @property
    def unfinished(self) -> int:
        """How many tasks something may still happen to by itself."""
        return sum(state not in FINAL_STATES for state in self.states.values())

    def _is(self, task: ScheduledTask, state: TaskRunState) -> bool:
        return self.states[task.id] is state

    def _is_active(self, task: ScheduledTask) -> bool:
        idle = (TaskRunState.PENDING, TaskRunState.READY)
        return self.states[task.id] not in FINAL_STATES and self.states[task.id] not in idle

    def _satisfied(self, task: ScheduledTask, other: str) -> bool:
        state = self.states.get(other)
        if state is None or state in DONE_STATES:  # not part of this run, or done
            return True
        return self._keep_going and other not in task.needs and state in FINAL_STATES

    def _obstacles(self, task: ScheduledTask) -> Iterator[str]:
        for other in task.waits_for:
            state = self.states.get(other)
            if state is not None and state in FINAL_STATES and not self._satisfied(task, other):
                yield other


def files_overlap(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether two tasks name the same file: equal, one inside the other's folder, or by a glob."""
    others = [_normal(path) for path in second]
    return any(_same(path, other) for path in map(_normal, first) for other in others)


def _normal(path: str) -> str:
    return path.strip().removeprefix("./").rstrip("/")


def _same(first: str, second: str) -> bool:
    if first == second or first.startswith(f"{second}/") or second.startswith(f"{first}/"):
        return True
    return _fits(first, second) or _fits(second, first)


def _fits(path: str, pattern: str) -> bool:
    """Whether a pattern names this path.

    `fnmatch` would compile plain paths, too, and keep 32,768 of them.
    """
    return is_pattern(pattern) and fnmatchcase(path, pattern)


def is_pattern(path: str) -> bool:
    """Whether it may name more than one path."""
    return any(char in path for char in "*?[")
