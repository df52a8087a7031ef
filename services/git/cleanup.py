"""What stays of a run: nothing that the target holds already, and everything that it does not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import (
    OURS,
    SAVED,
    AttemptName,
    Refs,
    merged_ref,
    next_number,
    saved_prefix,
    tip_ref,
)
from cc4tui.services.git.second_chance import second_chance


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a run's branches; full names."""

    deleted: tuple[str, ...]
    saved: Mapping[str, str] = field(default_factory=dict)
    """Deleted branch to the ref that keeps its content."""
    kept: tuple[str, ...] = ()


async def finish_run(
    private: PrivateGit, run: str, target: str | None, *, keep: Collection[str] = ()
) -> Cleaned:
    """Delete the run's branches: those that `target` holds, and the rest after saving it.

    One transaction makes the saved refs and deletes the branches, so no moment is without a ref.

    Args:
        private: Runs git.
        run: Its id.
        target: A commit that stays; None = nothing landed, so nothing is held.
        keep: Full names of branches that stay as they are: work that a person is to look at.

    Raises:
        GitError: git failed, or a branch moved meanwhile; nothing was deleted.
    """
    return await second_chance(lambda: _finish_run(private, run, target, keep))


async def _finish_run(
    private: PrivateGit, run: str, target: str | None, keep: Collection[str]
) -> Cleaned:
    refs = private.repository.refs
    branches = await refs.listed(_owned(run))
    doomed = {ref: oid for ref, oid in branches.items() if ref not in keep}
    held = await _held(refs, run, target)
    if branches.get(tip_ref(run)) == branches.get(merged_ref(run)):
        held = {*held, tip_ref(run)}
    loose = {ref: oid for ref, oid in doomed.items() if ref not in held}
    taken = await refs.listed([f"{SAVED}{run}/"])
    saved = _saved_names(run, loose, taken)
    create = {name: loose[ref] for ref, name in saved.items() if name not in taken}
    await refs.transaction(create=create, delete=doomed)
    return Cleaned(tuple(doomed), saved, tuple(ref for ref in branches if ref not in doomed))


def _owned(run: str) -> list[str]:
    return [f"{OURS}{run}/", tip_ref(run)]


async def _held(refs: Refs, run: str, target: str | None) -> Collection[str]:
    if target is None:
        return ()
    return await refs.listed(_owned(run), f"--merged={target}")


def _saved_names(run: str, loose: Mapping[str, str], taken: Mapping[str, str]) -> dict[str, str]:
    """A saved ref for each branch: one that has its commit already, or the next free number."""
    names: dict[str, str] = {}
    used = dict(taken)
    for ref, oid in loose.items():
        attempt = AttemptName.of(ref) or AttemptName(run, "merged", 0)
        prefix = saved_prefix(run, attempt.slug, attempt.attempt)
        name = next((name for name, value in used.items() if value == oid), None)
        names[ref] = name or next_number(prefix, used)
        used[names[ref]] = oid
    return names
