"""What a run would do, wave by wave, told without starting anything."""

from collections.abc import Sequence
from itertools import groupby

from cc4tui.domain.forecast import DryRunTask, ForecastTask
from cc4tui.domain.plan import Plan
from cc4tui.services.pipeline.forecast import forecast
from cc4tui.services.pipeline.selection import PlannedTask


def dry_run(plan: Plan, planned: Sequence[PlannedTask], workers: int) -> list[list[DryRunTask]]:
    """The waves of a forecast; a last one holds what would not run, with the reason.

    Args:
        plan: As read.
        planned: What a run of it would do, in document order.
        workers: Tasks at once.
    """
    told = forecast(plan, planned, workers, {})
    waits = {item.task.id: item.task.waits_for for item in planned}
    out: list[list[DryRunTask]] = []
    for _, wave in groupby(told.tasks, key=lambda task: task.wave):
        before = {task.id for task in out[-1]} if out else set()
        out.append(
            [
                DryRunTask(one.id, one.title, waits[one.id], _why_now(one, waits[one.id], before))
                for one in wave
            ]
        )
    rest = [
        DryRunTask(one.id, one.title, waits[one.id], one.reason, runs=False)
        for one in told.left_out
    ]
    return [*out, rest] if rest else out


def _why_now(task: ForecastTask, waits_for: Sequence[str], before: set[str]) -> str:
    """Why a task runs in a wave, and not in the one before although it waits for none of it."""
    if not before or not before.isdisjoint(waits_for):
        return "ready"
    if task.held_by is not None and task.files:
        return f"{task.held_by} names {min(task.files)}, too"
    return "no worker is free before"
