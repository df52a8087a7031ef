"""What is told of a run as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from cc4tui.domain.run import RunRecord, TaskRunRecord


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its tasks, as `status --json` shows it."""

    run: RunRecord
    tasks: tuple[TaskRunRecord, ...]

    def counts(self) -> dict[str, int]:
        """Tasks by state; states without a task are left out."""
        out: dict[str, int] = {}
        for task in self.tasks:
            out[task.state.value] = out.get(task.state.value, 0) + 1
        return out
