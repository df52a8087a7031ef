"""What a task changed, for people: while it works, and also after its branches were cleaned up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cc4tui.domain.run import ACTIVE_STATES, AttemptRecord, RunRecord, TaskRunRecord
from cc4tui.ports import Against, TaskChanges
from cc4tui.services.git.diff import unified_diff
from cc4tui.services.git.live_diff import compare, slot_at_work
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, AttemptName, merged_ref
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.slug import task_slug


@dataclass(frozen=True, slots=True)
class _Sides:
    """What is compared."""

    old: str
    new: str | Slot
    against: Against


class TaskDiffs:
    """Compares what one task did.

    Args:
        private: Runs git; prepared.
        run: The run.
        task: The task in it.
        attempts: Of the task.
    """

    def __init__(
        self,
        private: PrivateGit,
        run: RunRecord,
        task: TaskRunRecord,
        attempts: Sequence[AttemptRecord] = (),
    ) -> None:
        self._private = private
        self._run = run
        self._task = task
        self._attempts = attempts

    async def unified(self) -> str:
        """The difference with every byte; raw text, empty when nothing has changed yet."""
        sides = await self._sides(None)
        if sides is None:
            return ""
        if isinstance(sides.new, str):
            return await unified_diff(self._private, sides.old, sides.new)
        return await compare(self._private, sides.old, sides.new, "--patch")

    async def changes(self, against: Against | None) -> TaskChanges:
        """The difference for a person to look at.

        Args:
            against: What it is compared with; None = what says most: of a merged task, what its
                merge brought in, else what it did since it started.
        """
        sides = await self._sides(against)
        if sides is None:
            return TaskChanges("", against or Against.START, "")
        text = await compare(self._private, sides.old, sides.new, "--patch")
        return TaskChanges(text, sides.against, sides.old, live=isinstance(sides.new, Slot))

    async def lines(self) -> tuple[int, int] | None:
        """Lines that came and went; None when there is nothing to compare."""
        sides = await self._sides(None)
        if sides is None:
            return None
        told = await compare(self._private, sides.old, sides.new, "--shortstat")
        added, gone = (re.search(rf"(\d+) {w}", told) for w in ("insertion", "deletion"))
        return (int(added[1]) if added else 0, int(gone[1]) if gone else 0)

    async def _sides(self, against: Against | None) -> _Sides | None:
        task = self._task
        if task.merged_as is not None and against is not Against.START:
            return _Sides(f"{task.merged_as}^1", task.merged_as, Against.MERGED)
        live = self._worktree()
        new = live or task.commit
        if new is None:
            return None
        if against is Against.MERGED:
            return _Sides(await self._tip(), new, against)
        if isinstance(new, Slot):
            return _Sides(new.base, new, Against.START)
        beside = f"{task.merged_as}^1" if task.merged_as is not None else await self._tip()
        start = await self._private.merge_base(beside, new) or self._run.base
        return _Sides(start, new, Against.START)

    async def _tip(self) -> str:
        """Where the integration branch is; once it is gone, the branch that it landed on."""
        refs = self._private.repository.refs
        names = (merged_ref(self._run.id), f"{BRANCHES}{self._run.target}")
        found = [value for name in names if (value := await refs.value(name)) is not None]
        return found[0] if found else self._run.base

    def _worktree(self) -> Slot | None:
        """Where its agent is at work, if that is still so."""
        task, attempts = self._task, self._attempts
        last = attempts[-1] if attempts else None
        if task.state not in ACTIVE_STATES or last is None or not last.worktree:
            return None
        if last.finished is not None or last.commit is not None:
            return None
        name = AttemptName(self._run.id, task_slug(task.task), last.attempt)
        return slot_at_work(self._private, name, Path(last.worktree))
