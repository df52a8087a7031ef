"""Tells how a run would go: order, clashes of files, and time as a range from past runs."""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from cc4tui.domain.forecast import Forecast, ForecastTask, LeftOut, Overlap
from cc4tui.domain.graph import TaskGraph, task_graph
from cc4tui.domain.plan import Plan
from cc4tui.domain.run import (
    ACTIVE_STATES,
    FINAL_STATES,
    AttemptRecord,
    RunStatus,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.ports import Journal, RunView
from cc4tui.services.pipeline.planned import schedulable
from cc4tui.services.pipeline.schedule import ScheduledTask, files_overlap, is_pattern
from cc4tui.services.pipeline.selection import PlannedTask
from cc4tui.services.pipeline.simulation import Played, play


ENOUGH = 3
"""Finished tasks of an agent from which on it can be told how long its tasks take."""
_PAST_RUNS = 40
_PLAYS = 4000
"""Tasks that are played to find the range: a small plan is played often, a large one seldom."""
_PAIRS = 400
"""Tasks that name one file and are compared with each other; of more, all are taken."""

History = Mapping[str, Sequence[float]]
"""By agent: how long its finished tasks took, in seconds."""


async def history(journal: Journal) -> History:
    """What the newest runs tell of how long tasks take."""
    out: dict[str, list[float]] = {}
    for run in await journal.runs(_PAST_RUNS):
        for task in await journal.task_runs(run.id):
            done = task.state in (TaskRunState.MERGED, TaskRunState.LANDED)
            if done and task.seconds is not None:
                out.setdefault(task.agent, []).append(task.seconds)
    return out


def forecast(plan: Plan, planned: Sequence[PlannedTask], workers: int, past: History) -> Forecast:
    """Play the run through.

    Args:
        plan: As read.
        planned: What a run of it would do, in document order.
        workers: Tasks at once.
        past: How long tasks took before.
    """
    will_run = [item for item in planned if item.state is TaskRunState.PENDING]
    tasks = [schedulable(item) for item in will_run]
    blocked = _blocked(planned)
    runnable = [task for task in tasks if task.id not in blocked]
    order = play(runnable, dict.fromkeys((task.id for task in runnable), 1.0), workers)
    unknown = sorted(
        {item.agent.name for item in will_run if len(past.get(item.agent.name, ())) < ENOUGH}
    )
    agents = {item.task.id: item.agent.name for item in will_run}
    known = bool(runnable) and not unknown and not order.cut
    return Forecast(
        plan=plan.path,
        workers=workers,
        tasks=tuple(_told(order, {task.id: task for task in runnable}, will_run)),
        left_out=tuple(_left_out(planned, blocked, order)),
        overlaps=tuple(_overlaps(plan, runnable)),
        seconds=_range(runnable, agents, workers, past) if known else None,
        samples=sum(len(past.get(name, ())) for name in set(agents.values())),
        unknown_agents=tuple(unknown),
        problems=plan.diagnostics,
        cut=order.cut,
    )


def _blocked(planned: Sequence[PlannedTask]) -> Mapping[str, str]:
    """Tasks that can never start, and what is in their way."""
    stuck: dict[str, str] = {
        item.task.id: "" for item in planned if item.state is TaskRunState.BLOCKED
    }
    shared: dict[int, str | None] = {}
    for item in planned:  # document order: what waits mostly comes after
        key = id(item.task.waits_for)
        if key not in shared:
            shared[key] = next((one for one in item.task.waits_for if one in stuck), None)
        by = shared[key]
        if by is not None and item.state is TaskRunState.PENDING:
            stuck[item.task.id] = by
    return {task: by for task, by in stuck.items() if by}


def _told(
    order: Played, tasks: Mapping[str, ScheduledTask], planned: Sequence[PlannedTask]
) -> Iterable[ForecastTask]:
    items = {item.task.id: item for item in planned}
    for task_id, start in order.starts.items():
        item, other = items[task_id], order.held_by.get(task_id)
        both = _both(tasks[task_id], tasks[other]) if other is not None else ()
        yield ForecastTask(task_id, item.task.title, item.agent.name, int(start), other, both)


def _both(task: ScheduledTask, other: ScheduledTask) -> tuple[str, ...]:
    return tuple(path for path in task.files if files_overlap((path,), other.files))


def _left_out(
    planned: Sequence[PlannedTask], blocked: Mapping[str, str], order: Played
) -> Iterable[LeftOut]:
    for item in planned:
        task = item.task
        if item.state is not TaskRunState.PENDING:
            yield LeftOut(task.id, task.title, item.reason)
        elif task.id in blocked:
            yield LeftOut(task.id, task.title, f"waits for {blocked[task.id]}, which does not run")
        elif task.id not in order.starts:
            reason = "its place was not worked out" if order.cut else "waits for itself"
            yield LeftOut(task.id, task.title, reason)


def _range(
    tasks: Sequence[ScheduledTask], agents: Mapping[str, str], workers: int, past: History
) -> tuple[float, float]:
    """Play with times drawn from the past; the range is what eight of ten plays lie in.

    The dice are the same each time, so that the same plan is told the same.
    """
    dice = random.Random(len(tasks))  # noqa: S311
    return _eight_of_ten(
        tasks, lambda: {task.id: dice.choice(past[agents[task.id]]) for task in tasks}, workers
    )


def _eight_of_ten(
    tasks: Sequence[ScheduledTask], seconds: Callable[[], Mapping[str, float]], workers: int
) -> tuple[float, float]:
    """Between which ends most plays lie, each with the times that `seconds` draws for it."""
    ends = sorted(
        play(tasks, seconds(), workers).end for _ in range(min(max(_PLAYS // len(tasks), 5), 100))
    )
    return ends[len(ends) // 10], ends[-1 - len(ends) // 10]


def time_left(
    view: RunView, attempts: Sequence[AttemptRecord], now: datetime, past: History
) -> tuple[float, float] | None:
    """Play the rest of a run: what eight of ten plays lie in; None when nobody can know.

    What is worked on takes as long as a past task that took longer; where none did, as long again
    as it took, at most.
    """
    rest = [task for task in view.tasks if task.state not in FINAL_STATES]
    rest.sort(key=lambda task: task.state not in ACTIVE_STATES)  # those have a worker already
    over = view.run.status is not RunStatus.RUNNING
    if over or any(len(past.get(task.agent, ())) < ENOUGH for task in rest):
        return None
    if not rest:
        return 0.0, 0.0
    spent = {
        attempt.task: max((now - attempt.started).total_seconds(), 0.0)
        for attempt in attempts
        if attempt.started is not None and attempt.finished is None
    }
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # tasks of a batch wait for the same
    tasks = [
        ScheduledTask(task.task, shared.setdefault(task.waits_for, task.waits_for), (), task.files)
        for task in rest
    ]
    dice = random.Random(len(tasks))  # noqa: S311

    def seconds(task: TaskRunRecord) -> float:
        if task.state in ACTIVE_STATES and task.state is not TaskRunState.RUNNING:
            return 0.0  # its agent has ended, and the past knows only of agents
        took = spent.get(task.task, 0.0)
        longer = [one for one in past[task.agent] if one > took]
        return dice.choice(longer) - took if longer else dice.random() * took

    return _eight_of_ten(
        tasks, lambda: {task.task: seconds(task) for task in rest}, view.run.workers
    )


def _overlaps(plan: Plan, tasks: Sequence[ScheduledTask]) -> Iterable[Overlap]:
    """Files that are named by tasks which could run at the same time, most wanted first."""
    by_path: dict[str, set[str]] = {}
    for task in tasks:
        for path in task.files:
            by_path.setdefault(path.strip().removeprefix("./").rstrip("/"), set()).add(task.id)
    paths = sorted(by_path)
    groups = {path: by_path[path] | _inside(path, paths, by_path) for path in paths}
    shared = {path: group for path, group in groups.items() if len(group) > 1}
    if not shared:
        return []
    graph = task_graph(plan)
    found = [Overlap(path, _unordered(group, graph)) for path, group in shared.items()]
    return sorted((one for one in found if one.tasks), key=lambda one: (-len(one.tasks), one.path))


def _unordered(group: Iterable[str], graph: TaskGraph) -> tuple[str, ...]:
    """Those of a group that could run beside another one of it, in document order."""
    numbers = sorted(graph.number[task] for task in group)
    loose = set(numbers if len(numbers) > _PAIRS else ())
    if not loose:
        for at, one in enumerate(numbers):
            for other in numbers[at + 1 :]:
                if not graph.ordered(one, other):
                    loose |= {one, other}
    return tuple(graph.tasks[one].id for one in numbers if one in loose)


def _inside(path: str, paths: Sequence[str], by_path: Mapping[str, set[str]]) -> set[str]:
    """Tasks that name something in this folder, or that this pattern fits."""
    out: set[str] = set()
    for other in paths[bisect_left(paths, f"{path}/") : bisect_left(paths, f"{path}0")]:
        out |= by_path[other]
    for other in paths if is_pattern(path) else ():
        if fnmatchcase(other, path):
            out |= by_path[other]
    return out
