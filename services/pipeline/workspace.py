"""One run's worktrees and branches: the pipeline's words for what the git layer does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cc4tui.domain.plan import Task
from cc4tui.domain.run import AttemptRecord, ReasonCode, RunRecord
from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.interrupted import take_back_landing
from cc4tui.services.git.landing import Refused, land
from cc4tui.services.git.landing_checkout import Refusal
from cc4tui.services.git.leftovers import (
    Leftover,
    find_leftovers,
    free_ref_locks,
    remove_leftover,
    take_over,
)
from cc4tui.services.git.live_diff import keep_work_so_far, slot_at_work
from cc4tui.services.git.merging import Conflict, MergeCandidate, Merger
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, AttemptName, merged_ref
from cc4tui.services.git.repository import Repository
from cc4tui.services.git.saving import UnsavableError, left_by
from cc4tui.services.git.second_chance import second_chance
from cc4tui.services.git.slot import WorktreeLostError
from cc4tui.services.git.slug import task_slug
from cc4tui.services.git.tasks import SavedWork, TaskBranch, TaskBranches
from cc4tui.services.git.trailers import merge_message, merged_tasks
from cc4tui.services.git.tree_edit import edit_tree
from cc4tui.services.git.worktrees import Lease, WorktreePool
from cc4tui.services.pipeline.checkout_guard import CheckoutGuard
from cc4tui.services.pipeline.folders import run_folder
from cc4tui.services.pipeline.preparation import Preparation, SetupError, SetupWatch
from cc4tui.services.pipeline.quarantine import Quarantine, sentence
from cc4tui.services.pipeline.terminals_left import (
    end_terminals,
    forget_terminals,
    left_terminals,
)
from cc4tui.services.pipeline.ticking import PlanTicker


log = logging.getLogger(__name__)

LAND_TRIES = 5
"""How often a target that keeps moving is merged again before the landing is refused."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A folder with the files of a commit, fit for work."""

    path: Path
    environment: Mapping[str, str]
    """Variables for programs that run there."""


Checks = Callable[[WorkTree], Awaitable[str | None]]
"""Checks a work tree; the sentence of what failed, or None."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A worktree lent to one attempt, on a branch of its own."""

    lease: Lease
    task: TaskBranch
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for programs that run there."""

    @property
    def path(self) -> Path:
        """Where the agent works."""
        return self.lease.worktree

    @property
    def branch(self) -> str:
        """Short name."""
        return self.task.branch


@dataclass(frozen=True, slots=True)
class Saved:
    """What an attempt left."""

    commit: str | None
    """Tip of the task's branch; None when nothing was changed."""
    notes: tuple[str, ...] = ()
    problem: str | None = None
    """Why it could not be committed."""
    code: ReasonCode = ReasonCode.AGENT
    """The same for programs."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A merge commit that waits for its checks."""

    git: MergeCandidate
    work: str
    """The commit of the task that it brings in."""

    @property
    def before(self) -> str:
        """Where the integration branch was."""
        return self.git.old

    @property
    def merge(self) -> str:
        """The merge commit."""
        return self.git.new


@dataclass(frozen=True, slots=True)
class Landing:
    """Whether the target holds the run."""

    landed: bool
    reason: str = ""
    changes: tuple[str, ...] = ()
    """What tasks may have done to the repository, if that is why it was refused."""

    @property
    def quarantined(self) -> bool:
        """Whether it waits for a person to look at `changes`."""
        return bool(self.changes)


@dataclass
class Workspace:
    """The worktrees and the integration branch of one run. Use it through `open`."""

    repository: Repository
    run: RunRecord
    private: PrivateGit
    pool: WorktreePool
    branches: TaskBranches
    merger: Merger
    ticker: PlanTicker
    quarantine: Quarantine
    guard: CheckoutGuard
    preparation: Preparation
    works: dict[str, SavedWork] = field(default_factory=dict)
    """By commit, to spare git questions whose answers are known."""
    _merge_lease: Lease | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        repository: Repository,
        state: Path,
        run: RunRecord,
        preparation: Preparation,
        *,
        keep: tuple[str, ...] = (),
        spare: Collection[Path] = (),
        merges: Sequence[str] = (),
        tasks: int,
    ) -> AsyncIterator["Workspace"]:
        """Make or find the integration branch, and worktrees that are all gone on leaving.

        Args:
            spare: Worktrees of earlier processes that stay: somebody works in them, or the work
                in them is to be judged.
            merges: The run's merge commits, as the journal tells.
            tasks: How many may want a worktree.
        """
        private = PrivateGit(repository, state)
        await private.prepare()
        await take_back_landing(private)
        await rescue(private, spare)
        merger = Merger(private, run.id, keep=keep)
        tip = await merger.start(await _start_commit(private, run, merges))
        ticker, quarantine, guard = await asyncio.gather(
            PlanTicker.of(private, run),
            Quarantine.open(repository, run_folder(state, run.id)),
            CheckoutGuard.open(private, run.id, (run.plan_key,)),
        )
        async with AsyncExitStack() as stack:
            size, first = _worktrees(run.workers, preparation), min(run.workers, tasks)
            pool = WorktreePool(private, tip, size=size, first=first, keep=keep)
            pool.expect(tasks + 1)
            await stack.enter_async_context(pool)
            branches = TaskBranches(private)
            yield cls(
                repository,
                run,
                private,
                pool,
                branches,
                merger,
                ticker,
                quarantine,
                guard,
                preparation,
            )

    # --- attempts ------------------------------------------------------------------------

    async def checkout(
        self,
        task: str,
        attempt: int,
        folder: Path,
        watch: SetupWatch | None = None,
        *,
        after: AttemptRecord | None = None,
    ) -> Checkout:
        """A clean worktree, set up, on a new branch at the tip of the integration branch.

        Args:
            folder: Gets the outputs of set-up commands.
            watch: Is told of them.
            after: An earlier attempt whose work it goes on with, in the same folder if it is free.

        Raises:
            SetupError: the set-up failed.
            GitError: git failed.
        """
        name = AttemptName(self.run.id, task_slug(task), attempt)
        prefer = Path(after.worktree) if after is not None and after.worktree else None
        lease = await self.pool.acquire(name, prefer=prefer)
        base = start = self.merger.tip
        try:
            if after is not None and after.commit is not None:
                start = after.commit
                base = await self.private.merge_base(start, base) or start
            if lease.slot.base != start:
                await lease.slot.reset_to(start)
            environment = await self.preparation.prepare(lease.slot, folder, watch)
            branch = await self.branches.begin(lease, self.run.id, task, attempt, base, start)
        except BaseException:
            lease.saved = True  # no agent was in it
            self.pool.release(lease)
            raise
        return Checkout(lease, branch, environment)

    async def take_over(self, attempt: AttemptRecord) -> Checkout:
        """The worktree of an attempt that an earlier process began, as it is now.

        Raises:
            WorktreeLostError, GitError: it cannot be worked with any more.
        """
        name = AttemptName(self.run.id, task_slug(attempt.task), attempt.attempt)
        for leftover in await asyncio.to_thread(find_leftovers, self.private):
            if str(leftover.path) == attempt.worktree and leftover.owner == name and leftover.base:
                lease = self.pool.adopt(await take_over(self.private, leftover), name)
                return Checkout(lease, TaskBranch(name, leftover.base))
        raise WorktreeLostError(f"the worktree {attempt.worktree} is lost: it is not {name.slug}'s")

    async def set_aside(self, attempt: AttemptRecord) -> None:
        """Save and remove a worktree that was spared for an attempt which does not go on."""
        for leftover in await asyncio.to_thread(find_leftovers, self.private):
            if str(leftover.path) == attempt.worktree:
                await _save_and_remove(self.private, leftover)

    async def left_by(self, attempt: AttemptRecord) -> str | None:
        """The commit with what an attempt left that was cut short; None if that was nothing."""
        name = AttemptName(self.run.id, task_slug(attempt.task), attempt.attempt)
        return await left_by(self.repository.refs, name)

    async def work_so_far(self, attempt: AttemptRecord) -> str | None:
        """A commit that stays of what an attempt at work has done; None if it has no worktree."""
        name = AttemptName(self.run.id, task_slug(attempt.task), attempt.attempt)
        slot = slot_at_work(self.private, name, Path(attempt.worktree or ""))
        if slot is None:
            return None
        kept = AttemptName(self.run.id, task_slug(f"{attempt.task}+fork"), attempt.attempt)
        return await keep_work_so_far(slot, kept)

    def expect(self, tasks: int) -> None:
        """Let worktrees go that are not needed for so many tasks, and for merging."""
        self.pool.expect(tasks + 1)

    def leave(self, checkout: Checkout) -> None:
        """Let go of the worktree as it is: its agent works on in it."""
        self.pool.leave(checkout.lease)

    async def give_back(self, checkout: Checkout) -> None:
        """Return the worktree; it is cleaned in the background."""
        self.pool.release(checkout.lease)

    async def save(self, checkout: Checkout, title: str) -> Saved:
        """Commit what the agent left on the attempt's branch."""
        try:
            work = await self.branches.save(checkout.lease, checkout.task, _message(title))
        except UnsavableError as error:
            return Saved(None, problem=str(error))
        except WorktreeLostError as error:
            return await self._lost(checkout, error)
        if work.no_change:
            return Saved(None, work.notes)
        self.works[work.oid] = work
        return Saved(work.oid, work.notes)

    async def _lost(self, checkout: Checkout, error: WorktreeLostError) -> Saved:
        commit = await self.branches.rescue(checkout.lease, checkout.task)
        kept = f"what was committed in it is on {checkout.branch}"
        problem = f"{error}; {kept if commit else 'nothing had been committed in it'}"
        return Saved(commit, problem=problem, code=ReasonCode.LOST)

    # --- merging -------------------------------------------------------------------------

    async def merge(self, task: Task, attempt: int, commit: str) -> "Candidate | Conflict":
        """Merge a task's work with the integration branch, as objects only."""
        message = merge_message(
            plan=self.run.plan_key,
            run=self.run.id,
            task=task.id,
            attempt=attempt,
            title=task.title,
        )
        work = self.works.get(commit)
        found = await self.merger.prepare(
            commit,
            message,
            await self._lease(),
            base=work.base if work else None,
            edit=self.ticker.edit(task.id),
            plain=work is not None and work.keeps_attributes,
        )
        return found if isinstance(found, Conflict) else Candidate(found, commit)

    @asynccontextmanager
    async def checked_out(self, candidate: Candidate, folder: Path) -> AsyncIterator[WorkTree]:
        """A worktree with the merged tree in it, set up, for checks.

        Args:
            folder: Gets the outputs of set-up commands.

        Raises:
            SetupError: the set-up failed on the merged tree.
            GitError: git failed.
        """
        lease = await self._lease()
        await self.merger.checkout(candidate.git, lease)
        environment = await self.preparation.prepare(lease.slot, folder)
        yield WorkTree(lease.worktree, environment)

    async def advance(self, candidate: Candidate) -> bool:
        """Move the integration branch to the candidate; False if it moved meanwhile."""
        moved = await self.merger.advance(candidate.git)
        if moved:
            self.pool.rebase(candidate.merge)
        return moved

    async def merged_tasks(self) -> Mapping[str, str]:
        """Tasks of this run that the integration branch holds, with their merge commits."""
        found = await merged_tasks(self.private, self.merger.tip)
        return {task.task: task.commit for task in found if task.run == self.run.id}

    async def _lease(self) -> Lease:
        """The worktree that merging keeps for itself: taken at the first merge."""
        if self._merge_lease is None:
            self._merge_lease = await self.pool.acquire(AttemptName(self.run.id, "merge", 0))
            self._merge_lease.saved = True
        return self._merge_lease

    # --- landing -------------------------------------------------------------------------

    async def land(self, run: RunRecord, checks: Checks) -> Landing:
        """Bring the integration branch into the target, as `git merge --ff-only` would.

        When the target moved, its tip is merged first and the checks run again. Nothing lands
        while the repository executes something else than when the run began.
        """
        if changes := await self.quarantine.differences():
            return self._quarantined(changes)
        if run.land == "none":
            return Landing(landed=True)
        await self._spare_the_plan(run)
        for _ in range(LAND_TRIES):
            result = await land(
                self.private,
                self.merger.tip,
                run.target,
                branch=self.merger.branch,
                before=self.quarantine.base,
            )
            if not isinstance(result, Refused):
                return Landing(landed=True)
            if changes := await self.quarantine.differences():
                return self._quarantined(changes)
            if result.code is not Refusal.MOVED:
                return self._refused(result.reason, result.command)
            problem = await self._merge_target(run, checks)
            if problem is not None:
                return self._refused(problem, f"git merge {self.merger.branch}")
        return self._refused(f"{run.target} keeps moving", f"git merge {self.merger.branch}")

    async def _spare_the_plan(self, run: RunRecord) -> None:
        """Take the ticks off the integration branch when the person has edited the plan."""
        target = await self.repository.branch_tip(run.target)
        edit = await self.ticker.give_way(self.private, target) if target else None
        if edit is None:
            return
        tip = self.merger.tip
        tree = await edit_tree(self.private, await self.private.tree_of(tip), edit)
        message = f"Leave {edit.path} to the person who edited it\n"
        commit = await self.private.commit(tree.oid, [tip], message, new=tree.new)
        await self.merger.advance(MergeCandidate(commit, tip, tree.oid))

    async def clean(self, keep: Collection[str]) -> None:
        """Delete the run's branches once all its worktrees are gone; nothing of them gets lost.

        Args:
            keep: Short names of branches that a person is to look at.
        """
        names = [f"{BRANCHES}{name}" for name in keep]
        target = f"{BRANCHES}{self.run.target}"
        landed = await second_chance(lambda: self.repository.refs.value(target))
        await finish_run(self.private, self.run.id, landed, keep=names)

    async def _merge_target(self, run: RunRecord, checks: Checks) -> str | None:
        tip = await self.repository.branch_tip(run.target)
        if tip is None:
            return f"the branch {run.target} does not exist any more"
        message = f"Merge {run.target} into run {run.id}\n"
        found = await self.merger.prepare(tip, message, await self._lease())
        if isinstance(found, Conflict):
            files = ", ".join(found.files)
            return f"{await self._how_moved(run, tip)} and conflicts with the run in {files}"
        candidate = Candidate(found, tip)
        folder = run_folder(self.private.state_dir, run.id) / "landing"
        try:
            async with self.checked_out(candidate, folder) as tree:
                problem = await checks(tree)
        except SetupError as error:
            problem = str(error)
        if problem is not None:
            return f"{await self._how_moved(run, tip)}, and merged with it {problem}"
        await self.advance(candidate)
        return None

    async def _how_moved(self, run: RunRecord, tip: str) -> str:
        if await self.private.is_ancestor(run.base, tip):
            return f"{run.target} has moved on"
        return f"{run.target} was rewritten, {run.base[:12]} is no longer part of it,"

    def _quarantined(self, changes: tuple[str, ...]) -> Landing:
        return Landing(landed=False, reason=sentence(changes, self.run.id), changes=changes)

    def _refused(self, reason: str, command: str) -> Landing:
        return Landing(
            landed=False,
            reason=f"{reason}; what merged is on {self.merger.branch}; to finish: {command}",
        )


async def rescue(private: PrivateGit, spare: Collection[Path] = ()) -> list[str]:
    """Save what worktrees of dead processes hold, and remove them; what cannot be saved stays.

    Their processes must have ended, see `adoption.take_stock`; those at terminals are ended here.

    Returns:
        The refs of what was saved.

    Raises:
        GitError: git cannot list the work trees.
        ProcessError: something at a terminal cannot be ended.
    """
    terminals = await asyncio.to_thread(left_terminals, private.state_dir)
    await asyncio.to_thread(end_terminals, terminals)
    await free_ref_locks(private)
    left = await asyncio.to_thread(find_leftovers, private)
    saved = [await _save_and_remove(private, one) for one in left if one.path not in spare]
    await asyncio.to_thread(forget_terminals, terminals)
    return [ref for ref in saved if ref is not None]


async def _save_and_remove(private: PrivateGit, leftover: Leftover) -> str | None:
    try:
        return await remove_leftover(private, leftover)
    except (Cc4tuiError, OSError) as error:
        log.warning("worktree %s is kept: %s", leftover.path, error)
        return None


def _worktrees(workers: int, preparation: Preparation) -> int:
    """How many there may be: with some more than workers, nobody waits for work to be saved.

    Where each costs its set-up, such as the packages of a project, that wait is the cheaper one.
    """
    return workers + 2 + (0 if preparation.costs else workers)


async def _start_commit(private: PrivateGit, run: RunRecord, merges: Sequence[str]) -> str:
    """Where a run's integration branch begins: also one that somebody deleted between two starts.

    Args:
        merges: Merge commits of the run that the journal tells of.

    Raises:
        GitError: it held merges that no branch holds, and their commits are gone.
    """
    refs = private.repository.refs
    if merges and await refs.value(merged_ref(run.id)) is not None:
        return run.base  # not needed: the branch is there
    target = await refs.value(f"{BRANCHES}{run.target}")
    tip: str | None = None
    for commit in merges:
        if not await private.is_commit(commit):
            branch = merged_ref(run.id).removeprefix(BRANCHES)
            raise GitError(f"rev-parse {branch}", 1, f"its merge {commit[:12]} does not exist")
        if target is None or not await private.is_ancestor(commit, target):
            tip = commit if tip is None or await private.is_ancestor(tip, commit) else tip
    begun_anew = run.finished is not None and run.land != "none"
    return tip or (target if begun_anew else None) or run.base


def _message(title: str) -> str:
    return f"{' '.join(title.split()) or 'A task'}\n"
