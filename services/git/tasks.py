"""One attempt's branch: made before the agent starts, and holding all its work afterwards."""

import logging
from dataclasses import dataclass, field
from pathlib import PurePath

from cc4tui.errors import GitError
from cc4tui.services.git.diff import ChangedFile
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, AttemptName, merged_ref
from cc4tui.services.git.saving import (
    Snapshot,
    head_commit,
    is_held,
    keep_commit,
    snapshot,
    staged_commit,
)
from cc4tui.services.git.slot import Head
from cc4tui.services.git.slug import task_slug
from cc4tui.services.git.trailers import merged_tasks
from cc4tui.services.git.worktrees import Lease


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskBranch:
    """The branch an agent works on."""

    name: AttemptName
    base: str
    """The commit it starts from."""

    @property
    def ref(self) -> str:
        """Full name."""
        return self.name.ref

    @property
    def branch(self) -> str:
        """Short name."""
        return self.ref.removeprefix(BRANCHES)


@dataclass(frozen=True, slots=True)
class SavedWork:
    """What an attempt left, now on its branch."""

    oid: str
    """The commit the branch is at."""
    base: str
    changed: tuple[ChangedFile, ...]
    """Against the base; empty means that nothing was changed."""
    tree: str
    agent_committed: bool = False
    notes: tuple[str, ...] = ()
    """What was unusual, as sentences; may quote ref and file names of the agent's."""
    saved_refs: tuple[str, ...] = ()
    """Where work went that is not part of the branch."""

    @property
    def no_change(self) -> bool:
        """Nothing to merge: the files are as they were."""
        return not self.changed

    @property
    def keeps_attributes(self) -> bool:
        """No `.gitattributes`, in whatever folder, differs."""
        names = (PurePath(change.path).name.lower() for change in self.changed)
        return ".gitattributes" not in names


@dataclass
class _Found:
    """What was read of the agent's doings."""

    tip: str
    own: str
    notes: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)


class TaskBranches:
    """Begins and saves attempts in leased worktrees.

    Args:
        private: Runs git on them.
    """

    def __init__(self, private: PrivateGit) -> None:
        self._private = private
        self._refs = private.repository.refs

    async def begin(
        self,
        lease: Lease,
        run: str,
        task: str,
        attempt: int,
        base: str,
        start: str | None = None,
    ) -> TaskBranch:
        """Make the attempt's branch at `base` and give the worktree its files and HEAD.

        Args:
            lease: The worktree.
            run: The run's id.
            task: The task's id.
            attempt: Its number.
            base: What its work counts against.
            start: A commit on top of that to go on with; None = `base` itself.

        Raises:
            GitError: the branch exists with other content, or git failed.
        """
        branch = TaskBranch(AttemptName(run, task_slug(task), attempt), base)
        begin = start or base
        told = f"cc4tui: begin attempt {attempt}"
        if not await self._refs.begin(branch.ref, begin, told, like=merged_ref(run)):
            raise GitError(f"update-ref {branch.ref}", 1, "the branch exists already")
        lease.owner = branch.name
        if lease.slot.base != begin:
            await lease.slot.reset_to(begin)
        await lease.slot.hand_over(branch.ref, f"{run}/{branch.name.slug}/{attempt} {base}")
        return branch

    async def save(self, lease: Lease, branch: TaskBranch, message: str) -> SavedWork:
        """Commit what the agent left on its branch; commits of its own are kept below that.

        Args:
            lease: The worktree; nothing may run in it any more.
            branch: From `begin`.
            message: For the commit that cc4tui makes if the agent left something uncommitted.

        Raises:
            UnsavableError: there is a nested repository; the folder must be kept.
            WorktreeLostError: the folder is gone; what was committed is on the branch.
            GitError: git failed, or the branch moved meanwhile.
        """
        try:
            return await self._save(lease, branch, message)
        except GitError as error:
            log.warning("saving %s again: %s", branch.branch, error)
            await lease.slot.read_again()
            return await self._save(lease, branch, message)

    async def _save(self, lease: Lease, branch: TaskBranch, message: str) -> SavedWork:
        found = await self._look(lease, branch)
        shot = await snapshot(lease.slot, branch.base, found.tip)
        await self._keep_staged(lease, branch, found, shot)
        oid = found.tip
        if shot.tree != await self._tree(found.tip, branch, shot.changes):
            oid = await self._private.commit(shot.tree, [found.tip], message)
        if oid != found.own:
            await self._advance(branch, found, oid)
        lease.saved = True
        return SavedWork(
            oid=oid,
            base=branch.base,
            changed=shot.changes,
            tree=shot.tree,
            agent_committed=found.tip != branch.base,
            notes=tuple(found.notes),
            saved_refs=tuple(found.saved),
        )

    async def rescue(self, lease: Lease, branch: TaskBranch) -> str | None:
        """The commits of an attempt whose folder is gone, put on its branch; None if it made none.

        Raises:
            GitError: git failed.
        """
        tip = await head_commit(lease.slot) or lease.slot.last_logged()
        own = await self._refs.value(branch.ref)
        found = _Found(branch.base, own or self._refs.zero)
        await self._choose_tip(branch, found, tip or own, lease.slot.hidden)
        if found.tip != found.own:
            await self._advance(branch, found, found.tip)
        lease.saved = True
        return found.tip if found.tip != branch.base else None

    async def _look(self, lease: Lease, branch: TaskBranch) -> _Found:
        """Where HEAD and our branch are, after the pointers an agent may have bent are put back."""
        head = lease.slot.read_head()
        notes = lease.slot.repair_pointers()
        names = [branch.ref, *([head.ref] if head.ref else [])]
        values = await self._refs.values(names)
        found = _Found(branch.base, values.get(branch.ref, self._refs.zero), notes)
        if branch.ref not in values:
            found.notes.append(f"the agent deleted its branch {branch.branch}; it was made again")
        if head.ref != branch.ref:
            found.notes.append(f"the agent left HEAD {_place(head)} instead of {branch.branch}")
        tip = head.commit or values.get(head.ref or "") or lease.slot.last_logged()
        await self._choose_tip(branch, found, tip or values.get(branch.ref), lease.slot.hidden)
        return found

    async def _choose_tip(
        self, branch: TaskBranch, found: _Found, tip: str | None, hidden: tuple[str, ...]
    ) -> None:
        """Build on the agent's commits if they build on the base; else only on its files."""
        if tip is None or tip == branch.base:
            return
        if not await self._private.is_commit(tip):
            found.notes.append(f"HEAD of the worktree named {tip[:12]}, which is no commit")
            return
        why = await self._objection(branch.base, tip, hidden)
        if why is None:
            found.tip = tip
            return
        found.notes.append(
            f"the agent's commits up to {tip[:12]} {why}; its files were committed on top of "
            f"{branch.base[:12]} instead"
        )
        if not await is_held(self._refs, tip):
            found.saved.append(await keep_commit(self._refs, branch.name, tip))

    async def _objection(self, base: str, tip: str, hidden: tuple[str, ...]) -> str | None:
        """Why commits of an agent cannot become part of its branch."""
        if not await self._private.is_ancestor(base, tip):
            return "do not build on its base"
        if await merged_tasks(self._private, tip, f"^{base}"):
            return "claim to be merges of tasks, which only cc4tui makes"
        return await self._leak(base, tip, hidden)

    async def _leak(self, base: str, tip: str, hidden: tuple[str, ...]) -> str | None:
        """What of the person's unversioned files the commits hold, be it deleted again later."""
        if not hidden:
            return None
        log = ("log", "--format=", "--name-only", "--full-history", "-m", "-z", f"{base}..{tip}")
        result = await self._private.run(["--literal-pathspecs", *log, "--", *hidden])
        names = sorted({name.strip("\n") for name in result.fields if name.strip("\n")})
        return (
            f"hold {', '.join(names[:5])}, which was only lent to the worktree" if names else None
        )

    async def _keep_staged(
        self, lease: Lease, branch: TaskBranch, found: _Found, shot: Snapshot
    ) -> None:
        staged = await staged_commit(lease.slot, found.tip, shot)
        if staged:
            found.saved.append(await keep_commit(self._refs, branch.name, staged))
            found.notes.append("what the agent had staged differs from its files; saved apart")

    async def _tree(
        self, tip: str, branch: TaskBranch, changes: tuple[ChangedFile, ...]
    ) -> str | None:
        """The tree of `tip`; None, without asking git, if it must differ from the files."""
        if tip == branch.base and changes:
            return None
        return await self._private.tree_of(tip)

    async def _advance(self, branch: TaskBranch, found: _Found, oid: str) -> None:
        """Move our branch; commits that it alone held go to a saved ref first."""
        own = found.own
        lost = own not in {self._refs.zero, branch.base, found.tip}
        if lost and not await self._private.is_ancestor(own, oid):
            found.saved.append(await keep_commit(self._refs, branch.name, own))
        if not await self._refs.move(branch.ref, oid, own, "cc4tui: save"):
            raise GitError(f"update-ref {branch.ref}", 1, "the branch moved meanwhile")


def _place(head: Head) -> str:
    if head.ref is not None:
        return f"on {head.ref.removeprefix(BRANCHES)}"
    return f"detached at {head.commit[:12]}" if head.commit else "unreadable"
