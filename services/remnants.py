"""What dead or ended runs left in a repository: worktrees and branches. Nothing is ever lost.

A worktree goes after everything in it is on a ref that stays; a branch goes only when the branch
that the person works on holds all of it.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cc4tui.errors import Cc4tuiError
from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.leftovers import Leftover, find_leftovers, remove_leftover
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, OURS, AttemptName, merged_ref


@dataclass(frozen=True, slots=True)
class Remnant:
    """A worktree or branch that no run needs any more, or that must stay."""

    kind: str
    """``worktree`` or ``branch``."""
    name: str
    why: str
    """What it is, as half a sentence."""
    removable: bool = True
    outcome: str = ""
    """What became of it, once it was dealt with."""


async def find_remnants(
    private: PrivateGit, unfinished: Collection[str], spare: Collection[Path] = ()
) -> list[Remnant]:
    """Everything of ours in the repository; call it only while no run goes on.

    Args:
        private: Runs git.
        unfinished: Ids of runs that can be continued; their branches stay.
        spare: Worktrees of attempts that go on, or that are still to be judged.
    """
    leftovers = await asyncio.to_thread(find_leftovers, private)
    in_use = await _checked_out(private, {leftover.path for leftover in leftovers})
    worktrees = [_worktree(leftover, spared=leftover.path in spare) for leftover in leftovers]
    return [*worktrees, *await _branches(private, unfinished, in_use)]


async def remove_remnants(
    private: PrivateGit, unfinished: Collection[str], spare: Collection[Path] = ()
) -> list[Remnant]:
    """Remove what `find_remnants` calls removable; returns everything with its outcome."""
    found = await find_remnants(private, unfinished, spare)
    by_path = {str(left.path): left for left in await asyncio.to_thread(find_leftovers, private)}
    done = [
        await _remove_worktree(private, remnant, by_path[remnant.name])
        for remnant in found
        if remnant.kind == "worktree"
    ]
    branches = [remnant for remnant in found if remnant.kind == "branch"]
    return [*done, *await _remove_branches(private, branches)]


def _worktree(leftover: Leftover, *, spared: bool) -> Remnant:
    owner = leftover.owner
    why = f"of run {owner.run}, {owner.slug}, attempt {owner.attempt}" if owner else "holds no work"
    if spared and owner:
        why += f", which goes on: cc4tui resume {owner.run}"
    return Remnant("worktree", str(leftover.path), why, removable=not spared)


async def _checked_out(private: PrivateGit, ours: Collection[Path]) -> Mapping[str, Path]:
    """Branches, by full name, that a work tree of the person's has checked out."""
    entries = await private.repository.worktrees()
    return {
        entry.branch: entry.path for entry in entries if entry.branch and entry.path not in ours
    }


async def _branches(
    private: PrivateGit, unfinished: Collection[str], in_use: Mapping[str, Path]
) -> list[Remnant]:
    """Our branches; only those are removable that HEAD holds."""
    refs = private.repository.refs
    every = await refs.listed([OURS])
    held = await refs.listed([OURS], f"--merged={private.repository.head}")
    found: list[Remnant] = []
    for ref in every:
        run = run_of(ref)
        if run is None:
            continue
        if ref in in_use:
            why, removable = f"run {run}, checked out in {in_use[ref]}", False
        elif run in unfinished:
            why, removable = f"run {run} can be continued: cc4tui resume {run}", False
        elif ref in held:
            why, removable = f"run {run}, all of it is in the current branch", True
        else:
            why, removable = f"run {run}, holds work that the current branch does not", False
        found.append(Remnant("branch", ref.removeprefix(BRANCHES), why, removable))
    return found


def run_of(ref: str) -> str | None:
    """The run that made a branch; None for a branch that the person called ``cc4/...``."""
    attempt = AttemptName.of(ref)
    if attempt is not None:
        return attempt.run
    run = ref.removeprefix(OURS).partition("/")[0]
    return run if ref == merged_ref(run) else None


async def _remove_worktree(private: PrivateGit, remnant: Remnant, leftover: Leftover) -> Remnant:
    if not remnant.removable:
        return replace(remnant, outcome="kept")
    try:
        saved = await remove_leftover(private, leftover)
    except Cc4tuiError as error:
        return replace(remnant, removable=False, outcome=f"kept: {error}")
    return replace(remnant, outcome=f"removed; its work is in {saved}" if saved else "removed")


async def _remove_branches(private: PrivateGit, branches: Collection[Remnant]) -> list[Remnant]:
    doomed = {f"{BRANCHES}{branch.name}" for branch in branches if branch.removable}
    keep = set(await private.repository.refs.listed([OURS])) - doomed
    deleted: set[str] = set()
    for run in sorted({run for ref in doomed if (run := run_of(ref))}):
        cleaned = await finish_run(private, run, private.repository.head, keep=keep)
        deleted |= set(cleaned.deleted)
    return [
        replace(branch, outcome="removed" if f"{BRANCHES}{branch.name}" in deleted else "kept")
        for branch in branches
    ]
