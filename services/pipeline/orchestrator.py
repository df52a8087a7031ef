"""Runs the tasks of one run: N workers, one merge queue, one owner of every coroutine."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cc4tui.domain.agent import AgentResult
from cc4tui.domain.plan import Plan
from cc4tui.domain.run import (
    DONE_STATES,
    AttemptOutcome,
    AttemptRecord,
    ReasonCode,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.domain.usage import TokenUsage
from cc4tui.errors import NotFoundError, UsageError, sentence
from cc4tui.events import (
    MessageSent,
    RunPaused,
    RunResumed,
    TaskAdded,
    TaskBlocked,
    TaskCancelled,
    TaskReady,
    TaskSkipped,
    TaskStateChanged,
)
from cc4tui.ports import Decision, MessageWay, Retry, TaskUpdate
from cc4tui.services.pipeline.adoption import Adopted
from cc4tui.services.pipeline.attempt import AttemptReport, AttemptRunner
from cc4tui.services.pipeline.context import Claim, Origin, RunContext
from cc4tui.services.pipeline.group import add
from cc4tui.services.pipeline.inbox import answer_of
from cc4tui.services.pipeline.merge_queue import Mergeable, MergeQueue
from cc4tui.services.pipeline.parking import Parking
from cc4tui.services.pipeline.patience import STARVATIONS
from cc4tui.services.pipeline.plan_difference import PlanDifference, change_event
from cc4tui.services.pipeline.planned import schedulable, task_records
from cc4tui.services.pipeline.recorder import move
from cc4tui.services.pipeline.remembering import remember_run
from cc4tui.services.pipeline.schedule import Schedule
from cc4tui.services.pipeline.selection import PlannedTask
from cc4tui.services.pipeline.settlement import Settlement
from cc4tui.services.pipeline.wishes import FOLLOW_UP, FORK, planned_offshoot


RETRYABLE = frozenset(
    {TaskRunState.FAILED, TaskRunState.CANCELLED, TaskRunState.NO_CHANGE, TaskRunState.BLOCKED}
)
SPAWNED = "spawned"
"""The step of an attempt whose agent is at work."""
CUT = (AttemptOutcome.LOST, AttemptOutcome.STOPPED)
"""How attempts end that nothing was wrong with."""
SKIPPABLE = RETRYABLE | {TaskRunState.PENDING, TaskRunState.READY}
log = logging.getLogger(__name__)


class Orchestrator:
    """Drives a run from its first ready task to the point where nothing more happens.

    Landing is the next step, see `landing.py`. One task's failure touches no other: whatever goes
    wrong inside an attempt ends as that task's own state with a reason.
    """

    def __init__(
        self,
        context: RunContext,
        schedule: Schedule,
        merges: MergeQueue,
        records: Sequence[TaskRunRecord],
        parking: Parking,
    ) -> None:
        self._context = context
        self._schedule = schedule
        self._merges = merges
        self._attempts = AttemptRunner(context)
        self._settlement = Settlement(context, records)
        self._recorder = context.recorder
        self._fences = {record.task: record.fence for record in records}
        self._tries = {record.task: record.attempts for record in records}
        self._failures: dict[str, str] = {}
        self._budget_used: dict[str, int] = {}
        self._afresh: set[str] = set()
        """Tasks that a person wants to be tried again."""
        self._starvations: dict[str, int] = {}
        self._parking = parking
        self._stopping: str | None = None
        self._working = False
        self._paused = False
        self._left: list[str] = []
        self._behind: asyncio.TaskGroup | None = None
        """What goes on behind the workers: saving, judging, merging."""

    @property
    def stopping(self) -> str | None:
        """Why the run was asked to stop; None = it was not."""
        return self._stopping

    async def run(
        self, committed: Sequence[Mergeable] = (), adopted: Sequence[Adopted] = ()
    ) -> None:
        """Work until every task has ended, or until `stop` or `leave` has taken effect.

        Args:
            committed: Work that an earlier process had committed but not merged.
            adopted: Attempts that an earlier process had begun; each keeps a worker busy.
        """
        self._working = True
        workers = max(self._context.run.workers, len(adopted))
        async with asyncio.TaskGroup() as self._behind:
            for item in committed:
                self._go_on(partial(self._merge, item))
            async with asyncio.TaskGroup() as group:
                for number in range(workers):
                    first = adopted[number] if number < len(adopted) else None
                    more = number < self._context.run.workers
                    add(group, partial(self._work, first, more=more))

    async def stop(self, why: str, *, at_once: bool = False) -> None:
        """Stop claiming and end every agent; their work is saved and their tasks stay open."""
        self._stopping = self._stopping or why
        for claim in self._context.claims.values():
            claim.stop(why, at_once=at_once)
        await self._notify()

    async def leave(self, why: str) -> None:
        """Stop claiming and let every agent work on without us; what is being checked stops."""
        self._stopping = self._stopping or why
        running = TaskRunState.RUNNING
        stays = [c for c in self._context.claims.values() if self._state(c.task) is running]
        for claim in self._context.claims.values():
            if claim not in stays:
                claim.stop(why)
        await asyncio.gather(*(claim.leave(why) for claim in stays))
        await self._notify()

    @property
    def left(self) -> list[str]:
        """Tasks whose agents work on without us."""
        return self._left

    async def pause(self, *, paused: bool) -> None:
        """Stop or start claiming, as a person asked for; what runs goes on."""
        if paused is self._paused:
            return
        run, by = self._context.run.id, "person"
        told = (
            RunPaused(run=run, reason="nothing new is started", by=by)
            if paused
            else RunResumed(run=run, reason="goes on", by=by)
        )
        await self._recorder.write(events=[told])
        self._paused = paused
        await self._notify()

    async def cancel(self, task: str, why: str = "cancelled") -> None:
        """End one task as cancelled, wherever it is; one that has ended stays as it is."""
        async with self._context.changed:
            state = self._state(task)
            if task in self._context.claims:
                self._context.claims[task].stop(why)
            elif state in (TaskRunState.PENDING, TaskRunState.READY):
                await self._settlement.cancelled(task, state, why)
                self._schedule.states[task] = TaskRunState.CANCELLED
            self._context.changed.notify_all()

    async def cancel_all(self, why: str = "cancelled") -> None:
        """Cancel every task that has not ended."""
        for task in list(self._schedule.states):
            await self.cancel(task, why)

    async def retry(self, task: str, wish: Retry | None = None) -> None:
        """Put a task that ended without success back, and what was blocked by it.

        Args:
            wish: By whom, and with which hint, from its next attempt on.

        Raises:
            UsageError: there is no such agent.
        """
        async with self._context.changed:
            state = self._state(task)
            if wish is not None and state not in DONE_STATES:
                planned = self._context.wishes.choose(self._context.tasks[task], wish)
                self._context.tasks = {**self._context.tasks, task: planned}
            if state is TaskRunState.READY:
                await self._release(task)
            if state not in RETRYABLE:
                return
            await self._reopen(task, "retry asked for")
            await self._unblock(task)
            self._context.changed.notify_all()

    async def skip(self, task: str, reason: str = "") -> None:
        """Pass over a task that nobody works on; what waits for it may start.

        Raises:
            UsageError: somebody works on it, or it is done.
        """
        async with self._context.changed:
            state = self._state(task)
            if state not in SKIPPABLE or task in self._context.claims:
                raise UsageError(f"task {task} is {state.value}; only what rests can be skipped")
            why = f"skipped by a person{f': {reason}' if reason else ''}"
            await self._recorder.write(
                tasks=[move(task, state, TaskRunState.SKIPPED, reason=why)],
                events=[TaskSkipped(run=self._context.run.id, task=task, reason=why)],
            )
            self._schedule.states[task] = TaskRunState.SKIPPED
            await self._unblock(task)
            self._context.changed.notify_all()

    async def _unblock(self, task: str) -> None:
        for other in self._schedule.dependents(task):
            if self._schedule.states[other] is TaskRunState.BLOCKED:
                await self._reopen(other, "no longer blocked")

    async def answer(self, decision: Decision) -> None:
        """Answer what an agent waits for; what does not wait any more is passed over."""
        await self._context.desk.answer(
            decision.request, answer_of(decision), always=decision.always, rule=decision.rule
        )

    async def tell(self, task: str, text: str, *, interrupt: bool = False) -> None:
        """Hand a message to the task's agent, as `way` says.

        Args:
            interrupt: End what it is doing now; it goes on with the message, if there is one.

        Raises:
            UsageError: nobody can be told anything about it any more.
        """
        way = self.way(task)
        if way is MessageWay.FOLLOW_UP and text:
            await self._branch_off(task, text, FOLLOW_UP)
        if way is MessageWay.FOLLOW_UP:
            return
        claim = self._context.claims.get(task)
        talk = claim.talk if claim is not None else None
        if way is MessageWay.LIVE and talk is not None:
            if interrupt:
                talk.interrupt()
            if text:
                talk.say(text)
        if text:
            await self._tell(task, text, claim, live=way is MessageWay.LIVE)
        if way is MessageWay.QUEUED and claim is not None and interrupt and text:
            self._redirect(claim)
        elif way is not MessageWay.LIVE:
            await self.retry(task)

    def _redirect(self, claim: Claim) -> None:
        """An agent that does not listen can only be ended, to go on with what waits for it."""
        if self._state(claim.task) is TaskRunState.RUNNING:
            claim.redirected = True
            claim.stop("interrupted by a message")

    def way(self, task: str) -> MessageWay:
        """What becomes of a message to this task now.

        Raises:
            UsageError: nobody can be told anything about it.
        """
        state, claim = self._state(task), self._context.claims.get(task)
        if self._context.tasks[task].task.run:
            raise UsageError(f"task {task} is plain commands; there is nobody to tell")
        if claim is not None:
            live = claim.talk is not None and not claim.talk.closed
            return MessageWay.LIVE if live else MessageWay.QUEUED
        if state in DONE_STATES and not self._tries[task]:
            raise UsageError(f"task {task} was skipped; there is nobody to tell")
        if state in DONE_STATES:
            return MessageWay.FOLLOW_UP
        if not self._tries[task]:
            return MessageWay.FIRST
        return MessageWay.RESUMED if state in RETRYABLE else MessageWay.QUEUED

    async def _tell(self, task: str, text: str, claim: Claim | None, *, live: bool) -> None:
        """Record a message; one that nobody hears now waits for the next attempt."""
        attempt = claim.attempt if claim is not None else self._tries[task] or None
        event = MessageSent(
            run=self._context.run.id, task=task, attempt=attempt, text=text, live=live
        )
        await self._recorder.write(events=[event])
        if not live:
            self._context.mailbox.put(task, text)

    async def fork(self, task: str, text: str, attempt: int | None = None) -> None:
        """Make a new task that goes on from an attempt, which stays as it is.

        Raises:
            UsageError: it has no such attempt, or its work is just being taken over.
        """
        claim, running = self._context.claims.get(task), TaskRunState.RUNNING
        so_far = ""
        if self._state(task) is running and claim is not None and attempt in (None, claim.attempt):
            so_far = await self._work_so_far(claim)
        await self._branch_off(task, text, FORK, attempt, so_far)

    async def _work_so_far(self, claim: Claim) -> str:
        """A commit of what an agent at work has done until now."""
        attempts = await self._recorder.attempts(claim.task)
        commit = await self._context.workspace.work_so_far(attempts[-1])
        last = (await self._recorder.attempts(claim.task))[-1]
        if commit is None or last.step != SPAWNED:  # else somebody has cleaned up meanwhile
            why = f"task {claim.task} is between two steps; say it again in a moment"
            raise UsageError(why)
        return commit

    async def _branch_off(
        self, task: str, text: str, kind: str, attempt: int | None = None, so_far: str = ""
    ) -> None:
        """Let a new task join the run that grows out of another one.

        Raises:
            UsageError: it cannot; the sentence says why.
        """
        run = self._context.run
        async with self._context.changed:
            if self._working and self._schedule.finished:
                raise UsageError(f"run {run.id} is just ending; say it again once it has ended")
            base = self._context.tasks[task]
            if base.task.run:
                raise UsageError(f"task {task} is plain commands; there is nobody to tell")
            number = attempt or self._tries[task]
            if not 0 < number <= self._tries[task]:
                raise UsageError(f"task {task} has no attempt {number}")
            wishes, states = self._context.wishes, self._schedule.states
            names = [*states]
            made = await asyncio.to_thread(
                wishes.branch_off, task, number, text, kind, names, so_far
            )
            planned = planned_offshoot(made, base)
            tasks = {**self._context.tasks, made.id: planned}
            records = task_records(run, [*tasks.values()])
            event = TaskAdded(
                run=run.id,
                task=made.id,
                title=planned.task.title,
                batch=planned.task.batch,
                of=task,
                kind=kind,
                text=text,
            )
            await self._recorder.write(new_tasks=[records[-1]], events=[event])
            self._context.tasks = tasks
            self._schedule.replan(
                [schedulable(item) for item in tasks.values()],
                {name: item.state for name, item in tasks.items()},
            )
            self._fences[made.id] = self._tries[made.id] = 0
            await asyncio.to_thread(remember_run, self._context.folder, run, records)
            self._context.changed.notify_all()

    async def replan(
        self, plan: Plan, planned: Mapping[str, PlannedTask], difference: PlanDifference
    ) -> str:
        """Take an edited plan over: new tasks join, changed ones get their new text at the next
        attempt, removed ones that have not started are cancelled. Why not; empty when done.
        """
        async with self._context.changed:
            if self._schedule.finished:
                return "the run has ended"
            states = self._schedule.states
            idle = (TaskRunState.PENDING, TaskRunState.READY)
            gone = [task for task in difference.removed if states.get(task) in idle]
            added = [task for task in planned if task not in states]
            stays = {t: p for t, p in self._context.tasks.items() if t in states}
            tasks = {**planned, **{t: p for t, p in stays.items() if t not in planned}}
            await self._record_replan(planned, difference, added, gone)
            self._context.plan, self._context.tasks = plan, tasks
            self._schedule.replan(
                [schedulable(item) for item in tasks.values()],
                {task: item.state for task, item in tasks.items()},
            )
            self._schedule.states |= dict.fromkeys(gone, TaskRunState.CANCELLED)
            self._fences |= dict.fromkeys(added, 0)
            self._tries |= dict.fromkeys(added, 0)
            self._context.changed.notify_all()
        return ""

    async def _record_replan(
        self,
        planned: Mapping[str, PlannedTask],
        difference: PlanDifference,
        added: Sequence[str],
        gone: Sequence[str],
    ) -> None:
        run, reason = self._context.run, "removed from the plan"
        cancelled = [
            move(
                task,
                self._schedule.states[task],
                TaskRunState.CANCELLED,
                reason_code=ReasonCode.STOPPED,
                reason=reason,
            )
            for task in gone
        ]
        records = task_records(run, [*planned.values()])
        changed = [
            TaskUpdate(r.task, frozenset(), None, {"title": r.title, "waits_for": r.waits_for})
            for r in records
            if r.task in difference.changed and r.task in self._schedule.states
        ]
        await self._recorder.write(
            new_tasks=[record for record in records if record.task in added],
            tasks=[*cancelled, *changed],
            events=[
                change_event(run.id, difference, applied=True),
                *(TaskCancelled(run=run.id, task=task, reason=reason) for task in gone),
            ],
        )

    def _state(self, task: str) -> TaskRunState:
        if task not in self._schedule.states:
            raise NotFoundError(f'no task "{task}" in run {self._context.run.id}')
        return self._schedule.states[task]

    async def _reopen(self, task: str, reason: str) -> None:
        before = self._schedule.states[task]
        after = TaskRunState.PENDING if before is TaskRunState.BLOCKED else TaskRunState.READY
        event = TaskStateChanged(
            run=self._context.run.id, task=task, state=after.value, reason=reason
        )
        await self._recorder.write(tasks=[move(task, before, after)], events=[event])
        self._budget_used[task] = 0
        self._afresh.add(task)
        self._schedule.states[task] = after

    async def _release(self, task: str) -> None:
        """Try a parked task now, and what else waits for the same agents."""
        if self._parking.release(self._context.tasks[task]):
            ready, reason = TaskRunState.READY, "tried now: retry asked for"
            clear = {"until": None, "reason": "", "reason_code": None}
            event = TaskStateChanged(
                run=self._context.run.id, task=task, state=ready.value, reason=reason
            )
            update = TaskUpdate(task, frozenset({ready}), None, clear)
            await self._recorder.write(tasks=[update], events=[event])
            self._context.changed.notify_all()

    # --- workers -------------------------------------------------------------------------

    async def _work(self, first: Adopted | None, *, more: bool) -> None:
        if first is not None:
            await self._begin(first.claim, first)
        while more and (claim := await self._claim()) is not None:
            await self._begin(claim)

    async def _begin(self, claim: Claim, adopted: Adopted | None = None) -> None:
        """Have the task attempted; returns once its agent is gone, while its work is still saved.

        So a worker takes the next task at once, and saving costs no worker's time. In mode `local`
        it waits: one thing after the other is what that mode is for.
        """
        if self._context.run.mode == "local":
            await self._attempt(claim, adopted)
            return
        attempt = self._go_on(partial(self._attempt, claim, adopted))
        attempt.add_done_callback(lambda _: claim.agent_gone.set())
        await claim.agent_gone.wait()

    def _go_on(self, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        assert self._behind is not None
        return add(self._behind, work)

    async def _claim(self) -> Claim | None:
        """The next task, claimed in the database; None when nothing is left to claim."""
        async with self._context.changed:
            while True:
                await self._advance()
                if self._stopping is not None:
                    return None
                task = None if self._paused else self._schedule.next(self._held)
                if task is not None:
                    with self._context.precedence.taken():
                        return await self._take(task)
                if self._schedule.finished:
                    return None
                await self._changed()

    def _held(self, task: str) -> bool:
        return self._parking.holds(self._context.tasks[task])

    async def _changed(self) -> None:
        """Wait until a task's state has changed, or the limit of an agent may be over."""
        try:
            async with asyncio.timeout(self._parking.patience()):
                await self._context.changed.wait()
        except TimeoutError:
            pass

    async def _advance(self) -> None:
        """Record what follows from the states: who is blocked, who is ready."""
        while blocked := list(self._schedule.newly_blocked()):
            for task, by in blocked:
                await self._block(task, by)
        if ready := list(self._schedule.newly_ready()):
            run, before, after = self._context.run.id, TaskRunState.PENDING, TaskRunState.READY
            await self._recorder.write(
                tasks=[move(task, before, after) for task in ready],
                events=[TaskReady(run=run, task=task) for task in ready],
            )
            self._schedule.states |= dict.fromkeys(ready, after)
        if self._stopping is None:
            await self._parking.tell(self._context.tasks[task] for task in self._schedule.ready())
        if self._schedule.finished:
            self._context.changed.notify_all()

    async def _block(self, task: str, by: str) -> None:
        reason = f"{by} ended as {self._schedule.states[by].value}"
        update = move(
            task,
            self._schedule.states[task],
            TaskRunState.BLOCKED,
            reason_code=ReasonCode.BLOCKED_BY,
            reason=reason,
        )
        event = TaskBlocked(run=self._context.run.id, task=task, by=by, reason=reason)
        await self._recorder.write(tasks=[update], events=[event])
        self._schedule.states[task] = TaskRunState.BLOCKED

    async def _take(self, task: str) -> Claim:
        choice = self._parking.choice(self._context.tasks[task])
        planned = choice.planned
        fence, attempt = self._fences[task], self._tries[task] + 1
        values = {
            "state": TaskRunState.RUNNING,
            "fence": fence + 1,
            "attempts": attempt,
            "agent": planned.agent.name,
            "reason": "",
            "reason_code": None,
            "until": None,
        }
        claimed = TaskUpdate(task, frozenset({TaskRunState.READY}), fence, values)
        journal = self._recorder.attempt(
            task,
            attempt,
            agent=planned.agent.name,
            fence=fence + 1,
            token="",
            folder="",
            step="claimed",
        )
        messages = self._context.mailbox.of(task)
        origin = await self._origin(task, told=bool(messages))
        await self._recorder.write(tasks=[claimed], attempts=[journal])
        self._fences[task], self._tries[task] = fence + 1, attempt
        self._schedule.states[task] = TaskRunState.RUNNING
        claim = Claim(planned, attempt, fence + 1, self._failures.get(task, ""), messages, origin)
        claim.instead_of, claim.because = choice.instead_of, choice.because
        claim.shortages = self._context.patience.shortages
        self._context.claims[task] = claim
        if self._stopping is not None:  # asked for while it was being recorded
            claim.stop(self._stopping)
        return claim

    async def _origin(self, task: str, *, told: bool) -> Origin | None:
        """What the next attempt goes on with: the one before if it was told something since, or
        cut short by a limit, or together with cc4tui."""
        parked = self._parking.goes_on(task)
        earlier = await self._recorder.attempts(task) if self._tries[task] else []
        last = earlier[-1] if earlier else None
        if last is not None and (told or (parked and (last.session or last.commit))):
            return Origin(last, used_in(earlier, last.session))
        if last is not None and last.session and last.outcome in CUT and task not in self._afresh:
            left = last.commit or await self._context.workspace.left_by(last)
            used = used_in(earlier, last.session)
            return Origin(replace(last, commit=left), used, cut=True)
        made = self._context.wishes.offshoot(task)
        if made is None:
            return None
        earlier = await self._recorder.attempts(made.of)
        record = next((one for one in earlier if one.attempt == made.attempt), None)
        if record is None:
            return None
        if made.commit:  # its session is in use, and in another folder
            record = replace(record, commit=made.commit, worktree=None, session=None)
        merged, used = made.kind == FOLLOW_UP, used_in(earlier, record.session)
        return Origin(record, used, merged=merged, copy=not merged)

    async def _attempt(self, claim: Claim, adopted: Adopted | None = None) -> None:
        try:
            attempts = self._attempts
            report = await (attempts.adopt(adopted) if adopted else attempts.run(claim))
        except Exception as error:
            log.warning("attempt %d of %s broke", claim.attempt, claim.task, exc_info=error)
            again = await self._starved(claim, error)
            state = await self._settlement.broken(claim, sentence(error), again)
            await self._ended(claim, state)
            return
        if report is None:
            self._left.append(claim.task)
            await self._ended(claim, TaskRunState.RUNNING)
            return
        for text in claim.talk.unsaid if claim.talk is not None else ():
            await self._tell(claim.task, text, claim, live=False)
        told = bool(self._context.mailbox.of(claim.task)) and self._stopping is None
        done = report.result.outcome is AttemptOutcome.SUCCEEDED and report.commit is not None
        if done and not told:
            await self._settlement.committed(claim, report)
            await self._set(claim.task, TaskRunState.MERGING)
            self._go_on(partial(self._merge, Mergeable(claim, str(report.commit))))
        else:
            await self._unsuccessful(claim, report, told)

    async def _unsuccessful(self, claim: Claim, report: AttemptReport, told: bool) -> None:
        """Try the task again, now or when its agent may, or let it end."""
        result = report.result
        stopped = result.outcome is AttemptOutcome.STOPPED
        over = result.reason_code is ReasonCode.BUDGET
        parked = self._parking.ended(claim, self._context.tasks[claim.task], result)
        if parked is not None:
            again = parked.again
            if parked.refusal:
                result = replace(result, reason=f"{result.reason}; {parked.refusal}")
                report = replace(report, result=result)
        else:
            again = not over and (
                self._session_is_lost(claim, result) or await self._may_retry(claim, result.outcome)
            )
            if again:
                self._failures[claim.task] = result.reason
        again = again or (told and (claim.redirected or not stopped))
        state = await self._settlement.ended(claim, report, again, self._stopping, parked)
        await self._ended(claim, state)

    async def _merge(self, item: Mergeable) -> None:
        claim = item.claim
        refusal = await self._merges.merge(item)
        told = bool(self._context.mailbox.of(claim.task)) and self._stopping is None
        if refusal is None:
            if told:  # before its end counts: the run may have nothing else left to do
                text = self._context.mailbox.take(claim.task)
                await self._branch_off(claim.task, text, FOLLOW_UP)
            await self._ended(claim, TaskRunState.MERGED)
            return
        stopped = refusal.reason_code is ReasonCode.STOPPED
        again = not stopped and (told or self._retries_left(claim))
        if again:
            self._failures[claim.task] = refusal.detail or refusal.reason
        await self._ended(
            claim, await self._settlement.refused(claim, refusal, again, self._stopping)
        )

    async def _may_retry(self, claim: Claim, outcome: AttemptOutcome) -> bool:
        retryable = (AttemptOutcome.FAILED, AttemptOutcome.TIMED_OUT, AttemptOutcome.LOST)
        if outcome not in retryable or self._stopping is not None:
            return False
        return await self._starved(claim) or self._retries_left(claim)

    def _session_is_lost(self, claim: Claim, result: AgentResult) -> bool:
        """Whether it failed because what it went on with after a crash is not found any more: no
        token was used. Then it begins afresh, and that costs no retry."""
        went_on = claim.after is not None and claim.after.cut and not result.usage.total
        return went_on and result.outcome is AttemptOutcome.FAILED and self._stopping is None

    async def _starved(self, claim: Claim, error: Exception | None = None) -> bool:
        """Whether an attempt failed for want of space: waits for it, and costs no retry.

        Not without end: a task that fills the disk each time fails like any other.
        """
        used = self._starvations.get(claim.task, 0)
        self._starvations[claim.task] = used + 1
        if self._stopping or used >= STARVATIONS:
            return False
        return await self._context.patience.starved(error, claim.shortages)

    def _retries_left(self, claim: Claim) -> bool:
        used = self._budget_used.get(claim.task, 0)
        if used >= claim.planned.retries:
            return False
        self._budget_used[claim.task] = used + 1
        return True

    async def _ended(self, claim: Claim, state: TaskRunState) -> None:
        self._context.claims.pop(claim.task, None)
        await self._set(claim.task, state)

    async def _set(self, task: str, state: TaskRunState) -> None:
        self._schedule.states[task] = state
        self._context.workspace.expect(self._schedule.unfinished)
        await self._notify()

    async def _notify(self) -> None:
        async with self._context.changed:
            self._context.changed.notify_all()


def used_in(attempts: Sequence[AttemptRecord], session: str | None) -> TokenUsage | None:
    """Tokens that attempts used in a session together; None when nothing is known of it."""
    used: TokenUsage | None = None
    for attempt in attempts:
        if session is not None and attempt.session == session:
            used = attempt.usage if used is None else used + attempt.usage
    return used
