"""What the newest run of a plan says of its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from cc4tui.domain.run import RunRecord, TaskRunRecord, TaskRunState
    from cc4tui.ports import CommandCenter
    from cc4tui.screens.messages import RunProgressed


_LOOK_BACK = 100
"""Runs among which a plan's newest one is looked for."""


class PlanStates:
    """States of one plan's tasks: read once from the journal, then kept up by messages.

    Args:
        center: Holds the journal.
    """

    def __init__(self, center: CommandCenter) -> None:
        self._center = center
        self._plan = ""
        self.run: RunRecord | None = None
        """The plan's newest run."""
        self.states: Mapping[str, TaskRunState] = {}
        """Where it says more than the plan does."""
        self.records: Mapping[str, TaskRunRecord] = {}

    async def read(self, plan: str) -> None:
        """Find the newest run of this plan; one that tells of itself meanwhile is newer."""
        self._plan, self.run, self.states, self.records = plan, None, {}, {}
        await self._center.reconcile()
        runs = await self._center.journal.runs(_LOOK_BACK)
        run = next((run for run in runs if plan in (run.plan_key, run.plan)), None)
        if run is None:
            return
        view = await self._center.run_view(run.id)
        if self._plan == plan and self.run is None:
            self.run = run
            self.records = {task.task: task for task in view.tasks}
            self._set({task: record.state for task, record in self.records.items()})

    async def refresh(self) -> None:
        """Read tries, time and reasons again; states come by messages and are newer."""
        run = self.run
        if run is None:
            return
        view = await self._center.run_view(run.id)
        if self.run is not None and self.run.id == run.id:
            self.records = {task.task: task for task in view.tasks}

    def follow(self, message: RunProgressed) -> bool:
        """Take what a run tells when it is this plan's newest; whether anything changed."""
        run = message.run
        if self._plan not in (run.plan_key, run.plan):
            return False
        if self.run is not None and self.run.id != run.id and self.run.started > run.started:
            return False
        before = self.states
        self.run = run
        self._set(message.states)
        return before != self.states

    def _set(self, states: Mapping[str, TaskRunState]) -> None:
        from cc4tui.domain.run import RunStatus
        from cc4tui.screens.plan_tree import telling_states

        active = self.run is not None and self.run.status is RunStatus.RUNNING
        self.states = telling_states(states, active=active)
