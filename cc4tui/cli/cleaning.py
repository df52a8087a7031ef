"""`cc4tui clean`: removes what runs left behind, once it is safe elsewhere."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import print_json, say, table
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.errors import UnfitError


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime
    from cc4tui.services.git.private import PrivateGit
    from cc4tui.services.pipeline.adoption import Stock
    from cc4tui.services.remnants import Remnant


@click.command(epilog=examples("cc4tui clean --dry-run", "cc4tui clean", "cc4tui clean --json"))
@click.option("--dry-run", is_flag=True, help="Only show what would be removed, and what not.")
@json_option
@pass_session
def clean(session: Session, dry_run: bool, as_json: bool) -> None:
    """Remove what dead or ended runs left, as far as nothing is lost by it.

    Processes are ended, but not those that you left working (--detach). What a worktree holds is
    saved below refs/cc4/saved first; a branch goes only when the current branch holds all of it;
    runs whose process is gone are recorded as interrupted.
    """
    found = session.run(_look if dry_run else remove)
    if as_json:
        print_json([remnant_json(remnant) for remnant in found])
    elif not found:
        say("nothing to clean")
    else:
        table((r.kind, r.name, r.outcome or would(r), because(r)) for r in found)


def would(remnant: "Remnant") -> str:
    """What `clean` would do with it."""
    return "would be removed" if remnant.removable else "stays"


def because(remnant: "Remnant") -> str:
    """What it is, and why nothing is lost when it goes."""
    return f"{remnant.why}; {remnant.safe}" if remnant.safe else remnant.why


def remnant_json(remnant: "Remnant") -> dict[str, Any]:
    """As `clean --json` and `doctor --json` print it."""
    names = ("kind", "name", "why", "safe", "removable", "outcome")
    return {name: getattr(remnant, name) for name in names}


async def find(center: "Runtime") -> "list[Remnant] | None":
    """What was left behind; None while a run goes on, as nobody can tell then."""
    from cc4tui.services.pipeline.adoption import glance_at_all
    from cc4tui.services.pipeline.lock import RepositoryLock
    from cc4tui.services.remnants import find_remnants, process_remnants
    from cc4tui.services.strays import find_strays

    if not RepositoryLock(center.paths.lock).is_free():
        return None
    stock = await glance_at_all(center.journal)
    strays = await asyncio.to_thread(find_strays, center.paths.folder / "journal")
    found = await find_remnants(await _private(center), await _unfinished(center), stock.worktrees)
    return [*process_remnants(strays, {}), *found, *await _records(center, stock)]


async def _records(center: "Runtime", stock: "Stock") -> "list[Remnant]":
    from cc4tui.services.pipeline.session import left_open
    from cc4tui.services.remnants import record_remnants

    dead = [run for run in await left_open(center.journal) if not stock.of(run.id)]
    return record_remnants(dead)


async def _look(center: "Runtime") -> "list[Remnant]":
    found = await find(center)
    if found is None:
        raise UnfitError("a run is going on in this repository; clean up when it has ended")
    return found


async def remove(center: "Runtime") -> "list[Remnant]":
    """Remove what can be removed, while no other process may start a run.

    Processes that dead runs left are ended first, so that nothing writes into a worktree while it
    is saved; those that a person has left working go on.

    Raises:
        UnfitError: a run is going on.
    """
    from cc4tui.services.pipeline.adoption import take_stock
    from cc4tui.services.pipeline.lock import RepositoryLock
    from cc4tui.services.remnants import process_remnants, remove_remnants
    from cc4tui.services.strays import end_strays, find_strays

    lock = RepositoryLock(center.paths.lock)
    lock.acquire()
    try:
        strays = await asyncio.to_thread(find_strays, center.paths.folder / "journal")
        stock = await take_stock(center.journal)
        processes = process_remnants(strays, await asyncio.to_thread(end_strays, strays))
        records = await _records(center, stock)
        found = await remove_remnants(
            await _private(center), await _unfinished(center), stock.worktrees
        )
    finally:
        lock.release()
    if records:
        await center.put_right()
    ended = [_dealt_with(remnant, "ended") for remnant in processes]
    return [*ended, *found, *(_dealt_with(record, "put right") for record in records)]


def _dealt_with(remnant: "Remnant", how: str) -> "Remnant":
    return (
        remnant
        if remnant.outcome
        else replace(remnant, outcome=how if remnant.removable else "kept")
    )


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
