"""The integration branch of one run: tasks join it as merge commits, by compare-and-swap."""

import logging
from dataclasses import dataclass

from cc4tui.errors import GitError
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, merged_ref, tip_ref
from cc4tui.services.git.second_chance import second_chance
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.trailers import merged_tasks
from cc4tui.services.git.tree_edit import EditedTree, FileEdit, edit_tree
from cc4tui.services.git.worktrees import Lease


log = logging.getLogger(__name__)

BLAMED_FILES = 200
"""Conflicting files that are looked up in the history; more would not fit a command line."""


@dataclass(frozen=True, slots=True)
class MergeCandidate:
    """A merge commit that no ref holds yet."""

    new: str
    old: str
    """Where the integration branch was when it was made."""
    tree: str
    plain: bool = False
    """It changes no `.gitattributes`: those of `old` count for what is merged next, too."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A merge that a person or an agent has to do."""

    files: tuple[str, ...]
    with_tasks: tuple[str, ...]
    """Ids of tasks merged before that touched those files, oldest first."""


class Merger:
    """Merges into ``cc4/<run>/merged`` without ever checking it out in the person's work tree.

    One merge at a time: the caller is a queue. A worktree is needed only where `.gitattributes`
    count, and for the checks.

    Args:
        private: Runs git.
        run: The run's id.
        keep: Patterns of files that cleaning leaves alone.
    """

    def __init__(self, private: PrivateGit, run: str, *, keep: tuple[str, ...] = ()) -> None:
        self._private = private
        self._refs = private.repository.refs
        self._keep = keep
        self._used: set[str] = set()
        self._alike: tuple[str, str] = ("", "")
        """Two commits with the same `.gitattributes`: the files of a worktree, and the tip."""
        self.ref = merged_ref(run)
        self._anchor = tip_ref(run)
        self.tip = ""
        """Where the integration branch is, as far as this process knows."""

    @property
    def branch(self) -> str:
        """Short name of the integration branch."""
        return self.ref.removeprefix(BRANCHES)

    async def start(self, base: str) -> str:
        """Make the integration branch at `base`, or go on with the one that is there; its tip.

        Raises:
            GitError: git failed.
        """
        if await second_chance(lambda: self._refs.create(self.ref, base, "cc4tui: begin")):
            self.tip = base
            return base
        return await second_chance(self.refresh)

    async def refresh(self) -> str:
        """Read the tip again; a branch that somebody deleted is made again where it was.

        Raises:
            GitError: it is gone, and this process never knew where it was.
        """
        tip = await self._refs.value(self.ref)
        if tip is None and self.tip:
            log.warning("the branch %s was deleted; it is made again", self.branch)
            await self._refs.create(self.ref, self.tip, "cc4tui: made again")
            tip = await self._refs.value(self.ref)
        if tip is None:
            raise GitError(f"rev-parse {self.branch}", 1, "the integration branch was deleted")
        self.tip = tip
        return tip

    async def prepare(
        self,
        oid: str,
        message: str,
        lease: Lease,
        *,
        base: str | None = None,
        tree: str | None = None,
        edit: FileEdit | None = None,
        plain: bool = False,
    ) -> MergeCandidate | Conflict:
        """Merge a commit into the tip as an object only; nothing moves.

        Args:
            oid: What to merge: a task's work, or the tip of a target that moved.
            message: With trailers, see `trailers.merge_message`.
            lease: A worktree for `.gitattributes`; its files are brought to the tip if they count.
            base: What the work was based on, if known: if that is the tip, nothing needs merging.
            tree: The tree of `oid`, if known.
            edit: One more change for the merge commit.
            plain: The work is known to change no `.gitattributes`.

        Raises:
            GitError: git failed.
        """
        return await second_chance(
            lambda: self._prepare(oid, message, lease, base, tree, edit, plain)
        )

    async def _prepare(
        self,
        oid: str,
        message: str,
        lease: Lease,
        base: str | None,
        tree: str | None,
        edit: FileEdit | None,
        plain: bool,
    ) -> MergeCandidate | Conflict:
        old = self.tip
        if base == old:
            merged: str | Conflict = tree or await self._private.tree_of(oid)
        else:
            merged = await self._merge(old, oid, lease.slot)
        if isinstance(merged, Conflict):
            return merged
        made = EditedTree(merged)
        if edit is not None:
            made = await edit_tree(self._private, merged, edit)
        new = await self._private.commit(made.oid, [old, oid], message, new=made.new)
        return MergeCandidate(new, old, made.oid, plain=plain)

    async def checkout(self, candidate: MergeCandidate, lease: Lease) -> None:
        """Give a worktree the candidate's files, for checks; HEAD is detached there.

        Raises:
            GitError: git failed.
        """
        lease.slot.hold(candidate.new)
        await self._bring(lease.slot, candidate.new)
        await lease.slot.hand_over(candidate.new)
        self._used.add(lease.id)
        lease.saved = True  # what checks leave behind is nobody's work

    async def advance(self, candidate: MergeCandidate) -> bool:
        """Move the branch to the candidate; False if it is no longer where it was made from.

        Raises:
            GitError: git failed and the branch did not move.
        """
        moved = await self._refs.move(
            self.ref, candidate.new, candidate.old, "cc4tui: merge a task", also=self._anchor
        )
        if moved:
            self.tip = candidate.new
            if candidate.plain and self._alike[1] == candidate.old:
                self._alike = self._alike[0], candidate.new
        else:
            await self.refresh()
        return moved

    async def _merge(self, old: str, oid: str, slot: Slot) -> str | Conflict:
        if slot.id in self._used or old not in (slot.base, self._attributes_at(slot)):
            await self._bring(slot, old)
        if self._attributes_at(slot) != old:
            self._alike = slot.base, old
        result = await self._private.run(
            ["merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", old, oid],
            worktree=slot.worktree,
            index=slot.index,
            ok=(0, 1),
        )
        if not result.fields:  # git 2.39 calls a commit that is gone a conflict, too
            raise GitError("merge-tree", result.returncode, result.stderr)
        tree, *files = result.fields
        if result.returncode == 0:
            return tree
        return await self._conflict(old, oid, tuple(sorted({file for file in files if file})))

    def _attributes_at(self, slot: Slot) -> str:
        """The tip whose `.gitattributes` the slot's files are known to be; empty if none is."""
        return self._alike[1] if self._alike[0] == slot.base else ""

    async def _conflict(self, old: str, oid: str, files: tuple[str, ...]) -> Conflict:
        # `^oid` instead of the merge base would hide merges directly above the base from git log.
        base = (await self._private.run(["merge-base", old, oid])).text
        tasks = await merged_tasks(
            self._private, old, "--first-parent", f"^{base}", paths=files[:BLAMED_FILES]
        )
        names = dict.fromkeys(task.task for task in reversed(tasks))
        return Conflict(files, tuple(names))

    async def _bring(self, slot: Slot, commit: str) -> None:
        """The files of a commit and nothing else, whatever checks did before."""
        slot.expect_intact()
        if slot.id in self._used:
            slot.repair_pointers()
        await slot.reset_to(commit)
        if slot.id in self._used:
            await slot.clean(self._keep)
            self._used.discard(slot.id)
