"""Ticks finished tasks in the plan: in the merge commits where that can be, else in place."""

import asyncio
from pathlib import Path

from cc4tui.domain.run import RunRecord
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.second_chance import second_chance
from cc4tui.services.git.tree_edit import FileEdit
from cc4tui.services.plans.rereading import PlanReader
from cc4tui.services.plans.writeback import tick, tick_file


class PlanTicker:
    """Knows where the ticks of one run go.

    A plan that is tracked and unmodified is ticked by the task's merge commit, and the tick arrives
    with the landing. Any other plan (untracked, changed by the person, outside of the repository)
    is edited in place, one byte a task, once the task has landed.
    """

    def __init__(self, plan: str, file: Path, tree_path: str | None) -> None:
        self._reader = PlanReader(plan)
        self._file = file
        self._tree_path = tree_path

    @classmethod
    async def of(cls, private: PrivateGit, run: RunRecord) -> "PlanTicker":
        """Look once, when the run is opened."""
        root = private.repository.root
        file = (root or Path()) / run.plan_key
        tree_path: str | None = None
        if root is not None and not Path(run.plan_key).is_absolute():
            committed = await _committed(private, run.base, run.plan_key)
            same = committed is not None and committed == await _content(file)
            tree_path = run.plan_key if same else None
        return cls(run.plan, file, tree_path)

    def edit(self, task: str) -> FileEdit | None:
        """The tick as a part of the task's merge commit; None when it is made in place."""
        if self._tree_path is None:
            return None
        return FileEdit(self._tree_path, lambda data: self._ticked(data, task))

    async def give_way(self, private: PrivateGit, target: str) -> FileEdit | None:
        """What takes our ticks out again when the person has edited the plan meanwhile.

        Landing them would be refused, since the file is not ours to overwrite; from now on the
        ticks are made in place. None when the file is as the target's commit has it.
        """
        if self._tree_path is None:
            return None
        committed = await _committed(private, target, self._tree_path)
        if committed is None or committed == await _content(self._file):
            return None
        path, self._tree_path = self._tree_path, None
        return FileEdit(path, lambda _: committed)

    async def tick_in_place(self, tasks: list[str]) -> list[str]:
        """Tick landed tasks in the file, unless their merge commits did; what could not be."""
        if self._tree_path is not None:
            return []
        problems = []
        for task in tasks:
            try:
                await asyncio.to_thread(tick_file, self._file, task)
            except (Cc4tuiError, OSError) as error:
                problems.append(f"{clean_line(task)} was not ticked: {error}")
        return problems

    def _ticked(self, data: bytes, task: str) -> bytes:
        ticked = tick(data, self._reader.read(data), task)
        return data if ticked is None else ticked


async def _committed(private: PrivateGit, commit: str, path: str) -> bytes | None:
    """None when the commit has no such file; a git that fails is not taken for that."""

    async def read() -> bytes | None:
        listed = await private.run(["ls-tree", "-z", "--format=%(objectname)", commit, "--", path])
        if not listed.fields:
            return None
        return (await private.run(["cat-file", "blob", listed.fields[0]])).stdout

    return await second_chance(read)


async def _content(file: Path) -> bytes | None:
    try:
        return await asyncio.to_thread(file.read_bytes)
    except OSError:
        return None
