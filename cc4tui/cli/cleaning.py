"""`cc4tui clean`: removes what runs left behind, once it is safe elsewhere."""

from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import print_json, say, table
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.errors import UnfitError


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime
    from cc4tui.services.git.private import PrivateGit
    from cc4tui.services.remnants import Remnant


@click.command(epilog=examples("cc4tui clean --dry-run", "cc4tui clean", "cc4tui clean --json"))
@click.option("--dry-run", is_flag=True, help="Only show what would be removed, and what not.")
@json_option
@pass_session
def clean(session: Session, dry_run: bool, as_json: bool) -> None:
    """Remove worktrees and branches that no run needs any more.

    Processes that dead runs left are ended first.
    What a worktree holds is saved below refs/cc4/saved first; a branch goes only when the current
    branch holds all of it.
    """
    found = session.run(_look if dry_run else remove)
    if as_json:
        print_json([_json(remnant) for remnant in found])
    elif not found:
        say("nothing to clean")
    else:
        table((r.kind, r.name, r.outcome or _would(r), r.why) for r in found)


def _would(remnant: "Remnant") -> str:
    return "would be removed" if remnant.removable else "stays"


def _json(remnant: "Remnant") -> dict[str, Any]:
    names = ("kind", "name", "why", "removable", "outcome")
    return {name: getattr(remnant, name) for name in names}


async def find(center: "Runtime") -> "list[Remnant] | None":
    """What was left behind; None while a run goes on, as nobody can tell then."""
    from cc4tui.services.pipeline.lock import RepositoryLock
    from cc4tui.services.remnants import find_remnants

    lock = RepositoryLock(center.paths.lock)
    if not lock.is_free():
        return None
    return await find_remnants(await _private(center), await _unfinished(center))


async def _look(center: "Runtime") -> "list[Remnant]":
    found = await find(center)
    if found is None:
        raise UnfitError("a run is going on in this repository; clean up when it has ended")
    return found


async def remove(center: "Runtime") -> "list[Remnant]":
    """Remove what can be removed, while no other process may start a run.

    Processes that attempts of dead runs left are ended first, so that nothing writes into a
    worktree while it is saved.

    Raises:
        UnfitError: a run is going on.
    """
    from cc4tui.services.pipeline.adoption import take_stock
    from cc4tui.services.pipeline.lock import RepositoryLock
    from cc4tui.services.remnants import remove_remnants

    lock = RepositoryLock(center.paths.lock)
    lock.acquire()
    try:
        stock = await take_stock(center.journal)
        return await remove_remnants(
            await _private(center), await _unfinished(center), stock.worktrees
        )
    finally:
        lock.release()


async def _private(center: "Runtime") -> "PrivateGit":
    from cc4tui.services.git.private import PrivateGit
    from cc4tui.services.git.repository import Repository

    private = PrivateGit(await Repository.open(center.repository.root), center.paths.folder)
    await private.prepare()
    return private


async def _unfinished(center: "Runtime") -> set[str]:
    """Runs that can be continued, or whose result waits to be landed."""
    found: set[str] = set()
    for run in await center.journal.runs(10_000):
        view = await center.run_view(run.id)
        waits = any(task.state is TaskRunState.MERGED for task in view.tasks)
        if waits or view.run.status in (RunStatus.RUNNING, RunStatus.INTERRUPTED):
            found.add(run.id)
    return found
