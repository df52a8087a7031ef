"""Merges finished tasks one after another into the run's integration branch."""

import asyncio
from dataclasses import dataclass

from cc4tui.domain.run import ReasonCode, TaskRunState
from cc4tui.domain.text import clean_line
from cc4tui.errors import GitError, ProcessError, sentence
from cc4tui.events import MergeConflict, TaskMerged, TaskStateChanged, TaskVerified
from cc4tui.services.git.merging import Conflict
from cc4tui.services.pipeline.context import Claim, RunContext
from cc4tui.services.pipeline.folders import attempt_folder
from cc4tui.services.pipeline.patience import STARVATIONS
from cc4tui.services.pipeline.preparation import SetupError
from cc4tui.services.pipeline.recorder import move
from cc4tui.services.pipeline.verification import Verifier
from cc4tui.services.pipeline.workspace import Candidate


@dataclass(frozen=True, slots=True)
class Mergeable:
    """A task's finished work that waits for its turn."""

    claim: Claim
    commit: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a task's work did not get into the integration branch."""

    reason_code: ReasonCode
    reason: str
    state: TaskRunState
    """The state it was in when it was refused."""
    detail: str = ""
    """For the next attempt's prompt."""


class MergeQueue:
    """First come, first merged: the tree that is checked is the tree that is kept."""

    def __init__(self, context: RunContext, verifier: Verifier) -> None:
        self._context = context
        self._verifier = verifier
        self._lock = asyncio.Lock()
        self._state = TaskRunState.MERGING
        """Of the task whose turn it is."""

    async def merge(self, item: Mergeable) -> Refusal | None:
        """Merge one task's work once its checks passed on the merged tree; None = merged.

        The task is in state `merging` when this is called and `merged` when it returns None.
        """
        async with self._lock:
            self._state = TaskRunState.MERGING
            for _ in range(STARVATIONS):
                shortages = self._context.patience.shortages
                try:
                    return await self._merge(item)
                except (GitError, ProcessError, OSError) as error:
                    again = await self._starved(item.claim, error, shortages)
                    broken = self._broken(item.claim, error)
                if not again:
                    break
            return broken

    async def _starved(self, claim: Claim, error: Exception, shortages: int) -> bool:
        """Whether it failed for want of space that is there again: the work is merged after all."""
        if claim.stop_why or not await self._context.patience.starved(error, shortages):
            return False
        if self._state is TaskRunState.VERIFYING:
            await self._change(claim, TaskRunState.MERGING, "a disk was full")
        return True

    def _broken(self, claim: Claim, error: Exception) -> Refusal:
        """By no fault of the task. One that was to stop anyway stays open for `resume`."""
        if claim.stop_why is not None:
            return Refusal(ReasonCode.STOPPED, claim.stop_why, self._state)
        return Refusal(ReasonCode.LOST, sentence(error), self._state)

    async def _merge(self, item: Mergeable) -> Refusal | None:
        claim, workspace = item.claim, self._context.workspace
        while True:
            if claim.stop_why is not None:
                return Refusal(ReasonCode.STOPPED, claim.stop_why, TaskRunState.MERGING)
            await self._context.precedence.given()
            candidate = await workspace.merge(claim.planned.task, claim.attempt, item.commit)
            if isinstance(candidate, Conflict):
                return await self._conflict(claim, candidate)
            if claim.planned.verify:
                refusal = await self._verify(claim, candidate)
                if refusal is not None:
                    return refusal
            if await workspace.advance(candidate):
                await self._merged(claim, candidate)
                return None
            if self._state is TaskRunState.VERIFYING:
                await self._change(claim, TaskRunState.MERGING, "the branch moved meanwhile")

    async def _conflict(self, claim: Claim, conflict: Conflict) -> Refusal:
        event = MergeConflict(
            run=self._context.run.id,
            task=claim.task,
            attempt=claim.attempt,
            files=list(conflict.files),
            with_tasks=list(conflict.with_tasks),
        )
        await self._context.recorder.write(events=[event])
        files = ", ".join(clean_line(path) for path in conflict.files)
        whom = ", ".join(conflict.with_tasks) or "the base branch"
        reason = f"conflicts with {whom} in {files}; its branch is kept"
        return Refusal(ReasonCode.CONFLICT, reason, TaskRunState.MERGING, reason)

    async def _verify(self, claim: Claim, candidate: Candidate) -> Refusal | None:
        await self._change(claim, TaskRunState.VERIFYING)
        folder = attempt_folder(self._context.folder, claim.task, claim.attempt)
        try:
            async with self._context.workspace.checked_out(candidate, folder) as tree:
                extra = {**tree.environment, "CC4_RUN": self._context.run.id}
                results = await self._verifier.run(
                    claim.planned.verify, tree.path, folder, extra, started=claim.hold
                )
        except SetupError as error:
            if claim.stop_why is not None:
                return Refusal(ReasonCode.STOPPED, claim.stop_why, TaskRunState.VERIFYING)
            reason = f"on the merged tree {error}"
            return Refusal(ReasonCode.SETUP, reason, TaskRunState.VERIFYING, reason)
        failed = next((result for result in results if result.exit_code != 0), None)
        if claim.stop_why is not None and failed is not None and failed.exit_code is None:
            return Refusal(ReasonCode.STOPPED, claim.stop_why, TaskRunState.VERIFYING)
        event = TaskVerified(
            run=self._context.run.id,
            task=claim.task,
            attempt=claim.attempt,
            passed=failed is None,
            commands=[result.to_dict() for result in results],
        )
        step = self._context.recorder.attempt(claim.task, claim.attempt, step="verified")
        await self._context.recorder.write(
            attempts=[step] if failed is None else [], events=[event]
        )
        if failed is None:
            return None
        reason = failed.sentence
        return Refusal(
            ReasonCode.CHECKS,
            reason,
            TaskRunState.VERIFYING,
            f"{reason}. The end of its output:\n{failed.output_tail}",
        )

    async def _merged(self, claim: Claim, candidate: Candidate) -> None:
        recorder = self._context.recorder
        event = TaskMerged(
            run=self._context.run.id,
            task=claim.task,
            attempt=claim.attempt,
            commit=candidate.work,
            merged_as=candidate.merge,
        )
        update = recorder.attempt(
            claim.task,
            claim.attempt,
            step="merged",
            merged_old=candidate.before,
            merged_new=candidate.merge,
        )
        await recorder.write(
            tasks=[
                move(
                    claim.task,
                    self._state,
                    TaskRunState.MERGED,
                    claim.fence,
                    merged_as=candidate.merge,
                )
            ],
            attempts=[update],
            events=[event],
            durable=True,
        )

    async def _change(self, claim: Claim, after: TaskRunState, reason: str = "") -> None:
        event = TaskStateChanged(
            run=self._context.run.id,
            task=claim.task,
            attempt=claim.attempt,
            state=after.value,
            reason=reason,
        )
        await self._context.recorder.write(
            tasks=[move(claim.task, self._state, after, claim.fence)], events=[event]
        )
        self._state = after
