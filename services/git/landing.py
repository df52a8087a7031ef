"""Brings a run's integration branch into the person's branch, exactly as a fast-forward would."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cc4tui.services.git.fingerprint import Fingerprint, Fingerprinter
from cc4tui.services.git.interrupted import begin_moving, end_landing, take_back_landing
from cc4tui.services.git.landing_checkout import CheckoutRefusedError, Refusal, merge_into
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES
from cc4tui.services.git.repository import WorktreeEntry
from cc4tui.services.git.second_chance import second_chance


@dataclass(frozen=True, slots=True)
class Landed:
    """The target holds the run."""

    target: str
    old: str
    new: str
    checkout: Path | None
    """The work tree that was updated with it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The target was not touched."""

    code: Refusal
    reason: str
    """A sentence for people; may name files, clean it before it is shown."""
    command: str
    """The one command that finishes it once the reason is gone."""
    files: tuple[str, ...] = ()


async def land(
    private: PrivateGit, new: str, target: str, *, branch: str, before: Fingerprint | None = None
) -> Landed | Refused:
    """Move `target` (short name) forward to `new`, with its checkout if it has one.

    Args:
        private: Runs git.
        new: Tip of the integration branch.
        target: The person's branch.
        branch: Short name of the integration branch, for the command that is shown.
        before: Taken when the run began; nothing is touched if it differs now.

    Raises:
        GitError: git failed for a reason that is not the person's to clear.
    """
    landing = _Landing(private, new, target, branch)
    return await second_chance(lambda: landing.run(before))


class _Landing:
    def __init__(self, private: PrivateGit, new: str, target: str, branch: str) -> None:
        self._private = private
        self._repository = private.repository
        self._new = new
        self._target = target
        self._branch = branch
        self._ref = f"{BRANCHES}{target}"

    async def run(self, before: Fingerprint | None) -> Landed | Refused:
        await take_back_landing(self._private)
        old = await self._repository.refs.value(self._ref)
        if old is None:
            return self._missing()
        entries = await self._repository.worktrees()
        checkout = self._checkout(entries)
        if old == self._new:
            return Landed(self._target, old, old, checkout)
        if not await self._private.is_ancestor(old, self._new):
            return self._moved(old, checkout)
        if before is not None:
            differences = before.differences(await Fingerprinter(self._repository).take())
            if differences:
                return self._tampered(differences, checkout)
        if checkout is None:
            return await self._move(old)
        return await self._merge(old, checkout)

    async def _move(self, old: str) -> Landed | Refused:
        """No work tree shows the target: moving the ref is all there is to do."""
        worktree = rebased_in(self._repository.common_dir, self._ref)
        if worktree is not None:
            return self._refused(Refusal.BUSY, f"a rebase of {self._target} is under way", None)
        await begin_moving(self._private, self._ref, old, self._new)
        moved = await self._repository.refs.move(
            self._ref, self._new, old, f"cc4tui: land {self._branch}", follow=True
        )
        end_landing(self._private)
        return Landed(self._target, old, self._new, None) if moved else self._moved(None, None)

    async def _merge(self, old: str, checkout: Path) -> Landed | Refused:
        try:
            await merge_into(self._private, checkout, old, self._new, self._target)
        except CheckoutRefusedError as error:
            if await self._repository.refs.value(self._ref) != self._new:
                return self._refused(error.code, str(error), checkout, error.files)
        return Landed(self._target, old, self._new, checkout)

    def _checkout(self, entries: Sequence[WorktreeEntry]) -> Path | None:
        """The person's work tree that shows the target; one of ours does not count."""
        ours = self._private.state_dir.resolve()
        shown = (entry.path for entry in entries if entry.branch == self._ref and not entry.bare)
        theirs = (path for path in shown if not path.resolve().is_relative_to(ours))
        return next((path for path in theirs if path.exists()), None)

    def _missing(self) -> Refused:
        command = f"git branch {shlex.quote(self._target)} {shlex.quote(self._branch)}"
        reason = f"the branch {self._target} does not exist any more"
        return Refused(Refusal.MISSING, reason, command)

    def _moved(self, old: str | None, checkout: Path | None) -> Refused:
        where = f" to {old[:12]}" if old else ""
        reason = f"{self._target} has moved on{where} and is not part of {self._branch}"
        command = self._command(checkout).replace(" --ff-only", "")
        return Refused(Refusal.MOVED, reason, command)

    def _tampered(self, differences: Sequence[str], checkout: Path | None) -> Refused:
        shown = "; ".join(differences[:3]) + ("; ..." if len(differences) > 3 else "")
        reason = f"what this repository executes changed during the run: {shown}"
        return self._refused(Refusal.TAMPERED, reason, checkout)

    def _refused(
        self, code: Refusal, reason: str, checkout: Path | None, files: tuple[str, ...] = ()
    ) -> Refused:
        return Refused(code, reason, self._command(checkout), files)

    def _command(self, checkout: Path | None) -> str:
        if checkout is not None:
            where = shlex.quote(str(checkout))
            return f"git -C {where} merge --ff-only {shlex.quote(self._branch)}"
        where = shlex.quote(str(self._repository.root or self._repository.common_dir))
        refspec = shlex.quote(f"{self._branch}:{self._target}")
        return f"git -C {where} fetch . {refspec}"


def rebased_in(common_dir: Path, ref: str) -> Path | None:
    """The git folder in which a rebase of `ref` is under way; git would overwrite it at the end."""
    for git_dir in (common_dir, *(common_dir / "worktrees").glob("*")):
        for name in ("rebase-merge/head-name", "rebase-apply/head-name"):
            path = git_dir / name
            if path.is_file() and path.read_text("utf-8", "replace").strip() == ref:
                return git_dir
    return None
