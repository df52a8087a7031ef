"""Keeps a run and its plan file together while a person edits the file."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from cc4tui.domain.plan import Plan
from cc4tui.errors import Cc4tuiError
from cc4tui.services.pipeline.context import RunContext
from cc4tui.services.pipeline.orchestrator import Orchestrator
from cc4tui.services.pipeline.plan_copies import PlanCopies
from cc4tui.services.pipeline.plan_difference import PlanDifference, change_event, compare_plans
from cc4tui.services.pipeline.planned import task_records
from cc4tui.services.pipeline.remembering import remember_run
from cc4tui.services.pipeline.selection import PlannedTask
from cc4tui.services.plans.rereading import PlanReader


Signature = tuple[int, int, int]
"""Inode, size and time of change: another one means another content."""


class LivePlan:
    """Looks at the plan file now and then, and applies edits to what has not started yet.

    Args:
        context: Of the run.
        orchestrator: Takes the edited plan over.
        planner: Decides agents, limits and checks for the tasks of a plan; raises PlanError or
            UsageError for a plan that cannot be run.
        file: The plan, as the person edits it.
        copies: The run's own copies of the plan, which a resumed run goes by.
        hold: Wait for `apply` instead of applying edits at once.
    """

    def __init__(
        self,
        context: RunContext,
        orchestrator: Orchestrator,
        planner: Callable[[Plan], Mapping[str, PlannedTask]],
        *,
        file: Path,
        copies: PlanCopies,
        hold: bool,
    ) -> None:
        self._context = context
        self._orchestrator = orchestrator
        self._planner = planner
        self._file = file
        self._copies = copies
        self._hold = hold
        offers = bool(context.run.options.get("accept_offers"))
        self._reader = PlanReader(context.plan.path, accept_offers=offers)
        self._seen: Signature | None = None
        self._settling: Signature | None = None
        self._told: PlanDifference | None = None

    async def look(self) -> None:
        """Read the file again once it changed and has been left alone since the last look."""
        now = signature(self._file)
        if now is None or now == self._seen:
            return
        if now != self._settling:
            self._settling = now
            return
        self._seen = now
        await self._consider(apply=not self._hold)

    async def apply(self) -> None:
        """Take the file over as it is now, whatever was held."""
        await self._consider(apply=True)

    async def _consider(self, *, apply: bool) -> None:
        data = await asyncio.to_thread(_content, self._file)
        if data is None or (self._told is None and self._copies.holds(data)):
            return
        plan = await asyncio.to_thread(self._reader.read, data)
        difference = compare_plans(self._context.plan, plan)
        told, self._told = self._told, difference or None
        if not difference:
            if told is not None:  # what was held was taken back
                await self._tell(difference, applied=True)
            return
        if difference == told and not apply:
            return
        reason = await self._take_over(plan, data, difference) if apply else ""
        if not apply or reason:
            await self._tell(difference, reason)
            return
        self._told = None

    async def _take_over(self, plan: Plan, data: bytes, difference: PlanDifference) -> str:
        """Why it could not be done; empty when it was."""
        try:
            planned = self._planner(plan)
        except Cc4tuiError as error:
            return str(error)
        await asyncio.to_thread(self._copies.propose, data)
        reason = await self._orchestrator.replan(plan, planned, difference)
        if reason:
            await asyncio.to_thread(self._copies.withdraw)
            return reason
        await asyncio.to_thread(self._copies.accept)
        records = task_records(self._context.run, [*self._context.tasks.values()])
        await asyncio.to_thread(remember_run, self._context.folder, self._context.run, records)
        return ""

    async def _tell(
        self, difference: PlanDifference, reason: str = "", *, applied: bool = False
    ) -> None:
        event = change_event(self._context.run.id, difference, applied=applied, reason=reason)
        await self._context.recorder.write(events=[event])


def signature(file: Path) -> Signature | None:
    """What tells two contents of a file apart without reading it; None when there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
