"""The no-loss ledger with the names that people know tasks by."""

import asyncio

from cc4tui.ports import Journal, SavedWork
from cc4tui.services.git.ledger import Entry, Ledger
from cc4tui.services.git.slug import task_slug


async def saved_works(ledger: Ledger, journal: Journal) -> list[SavedWork]:
    """Everything that is saved, newest first.

    Raises:
        GitError: git cannot read it.
    """
    entries = await ledger.entries()
    tasks = {
        (run, task_slug(task.task)): task.task
        for run in {entry.run for entry in entries}
        for task in await journal.task_runs(run)
    }
    files = await asyncio.gather(*(ledger.files(entry) for entry in entries))
    return [
        _work(entry, tasks.get((entry.run, entry.slug), entry.slug), paths)
        for entry, paths in zip(entries, files, strict=True)
    ]


def _work(entry: Entry, task: str, files: tuple[str, ...]) -> SavedWork:
    return SavedWork(
        name=entry.name,
        run=entry.run,
        task=task,
        attempt=entry.attempt,
        commit=entry.commit,
        date=entry.date,
        subject=entry.subject,
        files=files,
    )
