"""What dead or ended runs left: processes, worktrees, branches, files, records. Nothing is lost.

A worktree goes after everything in it is on a ref that stays; a branch goes only when the branch
that the person works on holds all of it; a listing that fails ends the whole call, and one that is
empty removes nothing.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cc4tui.domain.run import RunRecord
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.leftovers import (
    Leftover,
    find_leftovers,
    free_ref_locks,
    remove_leftover,
)
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, OURS, TIPS, AttemptName, merged_ref
from cc4tui.services.git.slot_life import delete
from cc4tui.services.strays import Stray


@dataclass(frozen=True, slots=True)
class Remnant:
    """Something that no run needs any more, or that must stay."""

    kind: str
    """``process``, ``worktree``, ``branch``, ``files`` or ``record``."""
    name: str
    why: str
    """What it is, as half a sentence."""
    removable: bool = True
    safe: str = ""
    """Why nothing is lost when it goes, as half a sentence."""
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
    files = await asyncio.to_thread(_stray_files, private)
    return [*worktrees, *await _branches(private, unfinished, in_use), *files]


async def remove_remnants(
    private: PrivateGit, unfinished: Collection[str], spare: Collection[Path] = ()
) -> list[Remnant]:
    """Remove what `find_remnants` calls removable; returns everything with its outcome."""
    await free_ref_locks(private)
    found = await find_remnants(private, unfinished, spare)
    by_path = {str(left.path): left for left in await asyncio.to_thread(find_leftovers, private)}
    done = [
        await _remove_worktree(private, remnant, by_path[remnant.name])
        for remnant in found
        if remnant.kind == "worktree"
    ]
    branches = [remnant for remnant in found if remnant.kind == "branch"]
    files = [remnant for remnant in found if remnant.kind == "files"]
    gone = await asyncio.to_thread(lambda: [_remove_files(remnant) for remnant in files])
    return [*done, *await _remove_branches(private, branches), *gone]


def process_remnants(strays: Sequence[Stray], failed: Mapping[int, str]) -> list[Remnant]:
    """Processes as remnants.

    Args:
        failed: Why some of them could not be ended.
    """
    return [_process(stray, failed.get(stray.pid)) for stray in strays]


def record_remnants(runs: Sequence[RunRecord]) -> list[Remnant]:
    """Runs whose records say that they go on, though nobody works on them."""
    return [
        Remnant(
            "record",
            f"run {run.id}",
            f"stored as {run.status.value} with tasks that run, but no process works on it",
            safe="it is only recorded as interrupted; its tasks are tried again by cc4tui resume",
        )
        for run in runs
    ]


def _process(stray: Stray, problem: str | None) -> Remnant:
    name = f"{stray.pid} {clean_line(stray.command, 80)}"
    run = stray.folder.parent.name
    if stray.works_on:
        why = f"an agent of run {run} that was left to work on; cc4tui resume {run} goes on with it"
        return Remnant("process", name, why, removable=False)
    return Remnant(
        "process",
        name,
        f"carries the mark of {stray.folder.name}, whose cc4tui is gone",
        removable=problem is None,
        safe="what it wrote stays in its worktree and its output",
        outcome="" if problem is None else f"kept: {problem}",
    )


def _stray_files(private: PrivateGit) -> list[Remnant]:
    """Indexes that nobody needs any more, and worktrees whose removal a crash cut short."""
    slots = {path.name for path in (private.state_dir / "worktrees").glob("*")}
    found = [
        (path, "a file of a worktree or a landing that is gone")
        for path in private.index_dir.glob("*")
        if path.name.split(".")[0] not in slots
    ]
    found += [(path, "a worktree that was being deleted") for path in private.trash_dir.glob("*")]
    found += [(path, "a git folder that was being made") for path in private.half_made()]
    safe = "what the worktree held was saved before it was taken away"
    return [Remnant("files", str(path), why, safe=safe) for path, why in sorted(found)]


def _remove_files(remnant: Remnant) -> Remnant:
    path = Path(remnant.name)
    try:
        if path.is_dir() and not path.is_symlink():
            delete(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        return replace(remnant, removable=False, outcome=f"kept: {error}")
    return replace(remnant, outcome="removed")


def _worktree(leftover: Leftover, *, spared: bool) -> Remnant:
    owner = leftover.owner
    why = f"of run {owner.run}, {owner.slug}, attempt {owner.attempt}" if owner else "holds no work"
    if spared and owner:
        why += f", which goes on: cc4tui resume {owner.run}"
    safe = "" if spared else "what no ref holds of it is saved below refs/cc4/saved first"
    return Remnant("worktree", str(leftover.path), why, removable=not spared, safe=safe)


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
    every = await refs.listed([OURS, TIPS])
    held = await refs.listed([OURS, TIPS], f"--merged={private.repository.head}")
    found: list[Remnant] = []
    for ref in every:
        run = run_of(ref)
        if run is None or (ref.startswith(TIPS) and merged_ref(run) in every):
            continue
        if ref in in_use:
            why, removable = f"run {run}, checked out in {in_use[ref]}", False
        elif run in unfinished:
            why, removable = f"run {run} can be continued: cc4tui resume {run}", False
        elif ref in held:
            why, removable = f"run {run}, all of it is in the current branch", True
        else:
            why, removable = f"run {run}, holds work that the current branch does not", False
        safe = "every commit of it is in the current branch" if removable else ""
        found.append(Remnant("branch", ref.removeprefix(BRANCHES), why, removable, safe))
    return found


def run_of(ref: str) -> str | None:
    """The run that made a ref; None for a branch that the person called ``cc4/...``."""
    if ref.startswith(TIPS):
        return ref.removeprefix(TIPS)
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
    doomed = {_ref(branch) for branch in branches if branch.removable}
    keep = set(await private.repository.refs.listed([OURS])) - doomed
    deleted: set[str] = set()
    for run in sorted({run for ref in doomed if (run := run_of(ref))}):
        cleaned = await finish_run(private, run, private.repository.head, keep=keep)
        deleted |= set(cleaned.deleted)
    return [
        replace(branch, outcome="removed" if _ref(branch) in deleted else "kept")
        for branch in branches
    ]


def _ref(branch: Remnant) -> str:
    return branch.name if branch.name.startswith(TIPS) else f"{BRANCHES}{branch.name}"
