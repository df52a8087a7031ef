"""What a task changed, for people: also after its branches were cleaned up."""

from pathlib import Path

from cc4tui.domain.run import RunRecord, TaskRunRecord
from cc4tui.services.git.diff import unified_diff
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.repository import Repository


async def task_diff(
    repository: Repository, state: Path, run: RunRecord, task: TaskRunRecord
) -> str:
    """Unified diff of a task's work; raw text, empty when it has changed nothing yet.

    Of a merged task: what its merge brought into the integration branch. Else: its branch against
    where it left that branch.
    """
    private = PrivateGit(repository, state)
    await private.prepare()
    if task.merged_as is not None:
        return await unified_diff(private, f"{task.merged_as}^1", task.merged_as)
    if task.commit is None:
        return ""
    base = await private.run(["merge-base", run.base, task.commit], ok=(0, 1))
    return await unified_diff(private, base.text or run.base, task.commit)
