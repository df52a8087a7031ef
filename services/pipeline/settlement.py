"""Records how attempts and tasks ended: the one place that turns outcomes into states."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from cc4tui.domain.run import AttemptOutcome, ReasonCode, TaskRunRecord, TaskRunState
from cc4tui.domain.usage import TokenUsage, add_known
from cc4tui.events import (
    AttemptFinished,
    Event,
    TaskCancelled,
    TaskCommitted,
    TaskFailed,
    TaskNoChange,
    TaskStateChanged,
)
from cc4tui.ports import AttemptUpdate
from cc4tui.services.pipeline.attempt import AttemptReport
from cc4tui.services.pipeline.context import Claim, RunContext
from cc4tui.services.pipeline.merge_queue import Refusal
from cc4tui.services.pipeline.parking import Parked, parked_event
from cc4tui.services.pipeline.recorder import move


@dataclass(frozen=True, slots=True)
class Totals:
    """Time, tokens and money of a task's attempts together."""

    seconds: float = 0.0
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float | None = None
    cost_estimated: bool = False


class Settlement:
    """Writes the ends of attempts for one run."""

    def __init__(self, context: RunContext, records: Sequence[TaskRunRecord]) -> None:
        self._run = context.run.id
        self._recorder = context.recorder
        self._totals = {
            r.task: Totals(r.seconds or 0.0, r.usage, r.cost_usd, r.cost_estimated) for r in records
        }

    async def committed(self, claim: Claim, report: AttemptReport) -> None:
        """The agent succeeded and its work is on the task's branch: it goes to the merge queue."""
        assert report.commit is not None
        update = move(
            claim.task,
            TaskRunState.RUNNING,
            TaskRunState.MERGING,
            claim.fence,
            commit=report.commit,
            branch=report.branch,
            **self._add(claim.task, report),
        )
        committed = TaskCommitted(
            run=self._run,
            task=claim.task,
            attempt=claim.attempt,
            commit=report.commit,
            branch=report.branch,
        )
        await self._recorder.write(
            tasks=[update],
            attempts=[self._attempt(claim, report, step="committed")],
            events=[self._finished(claim, report), committed],
            durable=True,
        )

    async def ended(
        self,
        claim: Claim,
        report: AttemptReport,
        again: bool,
        stopping: str | None,
        parked: Parked | None = None,
    ) -> TaskRunState:
        """The attempt ended without success; returns the task's state.

        Args:
            again: Another attempt follows.
            parked: What follows from a limit that it met.
            stopping: The run is being stopped: a stopped task stays open for `resume`.
        """
        state = _state_after(report.result.outcome, again, stopping is not None)
        update = move(
            claim.task,
            TaskRunState.RUNNING,
            state,
            claim.fence,
            report.result.reason_code,
            report.result.reason,
            commit=report.commit,
            branch=report.branch if report.commit else None,
            **_waits(parked),
            **self._add(claim.task, report),
        )
        events = [
            self._finished(claim, report, again, parked),
            self._told(claim, state, report, parked),
        ]
        await self._recorder.write(
            tasks=[update],
            attempts=[self._attempt(claim, report, step="saved")],
            events=events,
        )
        return state

    async def cancelled(self, task: str, before: TaskRunState, why: str) -> None:
        """A person cancelled a task that had not started."""
        update = move(
            task, before, TaskRunState.CANCELLED, reason_code=ReasonCode.STOPPED, reason=why
        )
        event = TaskCancelled(run=self._run, task=task, reason=why)
        await self._recorder.write(tasks=[update], events=[event])

    async def broken(self, claim: Claim, reason: str, again: bool) -> TaskRunState:
        """The attempt could not be made or saved, by no fault of the agent; the task's state."""
        refusal = Refusal(ReasonCode.LOST, reason, TaskRunState.RUNNING)
        if again:
            await self._reopen(claim, refusal)
            return TaskRunState.READY
        await self._fail(claim, refusal)
        return TaskRunState.FAILED

    async def refused(
        self, claim: Claim, refusal: Refusal, again: bool, stopping: str | None
    ) -> TaskRunState:
        """The merge queue did not take the work; returns the task's state."""
        if refusal.reason_code is ReasonCode.STOPPED and stopping is None:
            update = move(
                claim.task,
                refusal.state,
                TaskRunState.CANCELLED,
                claim.fence,
                refusal.reason_code,
                refusal.reason,
            )
            event = TaskCancelled(run=self._run, task=claim.task, reason=refusal.reason)
            await self._recorder.write(tasks=[update], events=[event])
            return TaskRunState.CANCELLED
        if stopping is not None and refusal.reason_code is ReasonCode.STOPPED:
            return refusal.state  # its commit is kept; resume merges it
        if again:
            await self._reopen(claim, refusal)
            return TaskRunState.READY
        await self._fail(claim, refusal)
        return TaskRunState.FAILED

    async def _reopen(self, claim: Claim, refusal: Refusal) -> None:
        update = move(
            claim.task,
            refusal.state,
            TaskRunState.READY,
            claim.fence,
            refusal.reason_code,
            refusal.reason,
        )
        event = TaskStateChanged(
            run=self._run,
            task=claim.task,
            attempt=claim.attempt,
            state=TaskRunState.READY.value,
            reason=refusal.reason,
        )
        await self._recorder.write(
            tasks=[update], attempts=self._unfinished(claim, refusal), events=[event]
        )

    async def _fail(self, claim: Claim, refusal: Refusal) -> None:
        code, reason = refusal.reason_code, refusal.reason
        update = move(claim.task, refusal.state, TaskRunState.FAILED, claim.fence, code, reason)
        event = TaskFailed(
            run=self._run,
            task=claim.task,
            attempt=claim.attempt,
            reason_code=code.value,
            reason=reason,
        )
        await self._recorder.write(
            tasks=[update], attempts=self._unfinished(claim, refusal), events=[event]
        )

    def _unfinished(self, claim: Claim, refusal: Refusal) -> list[AttemptUpdate]:
        """The end of an attempt that broke before it could report one itself."""
        if refusal.state is not TaskRunState.RUNNING:
            return []
        end = {
            "finished": datetime.now(UTC),
            "outcome": AttemptOutcome.LOST,
            "reason_code": refusal.reason_code,
            "reason": refusal.reason,
        }
        return [self._recorder.attempt(claim.task, claim.attempt, **end)]

    def _add(self, task: str, report: AttemptReport) -> dict[str, Any]:
        """What adds up over a task's attempts."""
        before, result = self._totals.get(task, Totals()), report.result
        after = Totals(
            before.seconds + report.seconds,
            before.usage + result.usage,
            add_known(before.cost_usd, result.cost_usd),
            before.cost_estimated or result.cost_estimated,
        )
        self._totals[task] = after
        return asdict(after) | {"usage": after.usage}

    def _attempt(self, claim: Claim, report: AttemptReport, step: str) -> AttemptUpdate:
        result = report.result
        return self._recorder.attempt(
            claim.task,
            claim.attempt,
            step=step,
            finished=report.finished,
            outcome=result.outcome,
            reason_code=result.reason_code,
            reason=result.reason,
            commit=report.commit,
            session=result.session,
            usage=result.usage,
            cost_usd=result.cost_usd,
            cost_estimated=result.cost_estimated,
        )

    def _finished(
        self,
        claim: Claim,
        report: AttemptReport,
        again: bool = False,
        parked: Parked | None = None,
    ) -> AttemptFinished:
        result = report.result
        until = parked.until if parked is not None else None
        wait = 0.0 if until is None else max((until - report.finished).total_seconds(), 0.0)
        return AttemptFinished(
            run=self._run,
            task=claim.task,
            attempt=claim.attempt,
            outcome=result.outcome.value,
            reason_code=result.reason_code.value if result.reason_code else None,
            reason=result.reason,
            exit_code=report.exit_code,
            retry_in=wait if again else None,
        )

    def _told(
        self, claim: Claim, state: TaskRunState, report: AttemptReport, parked: Parked | None
    ) -> Event:
        run, task, attempt = self._run, claim.task, claim.attempt
        reason = report.result.reason
        if parked is not None and parked.until is not None:
            return parked_event(run, task, parked.agent, reason, parked.until, attempt)
        match state:
            case TaskRunState.NO_CHANGE:
                return TaskNoChange(run=run, task=task, attempt=attempt, reason=reason)
            case TaskRunState.CANCELLED:
                return TaskCancelled(run=run, task=task, attempt=attempt, reason=reason)
            case TaskRunState.READY:
                return TaskStateChanged(
                    run=run, task=task, attempt=attempt, state=state.value, reason=reason
                )
            case _:
                code = report.result.reason_code or ReasonCode.AGENT
                return TaskFailed(
                    run=run, task=task, attempt=attempt, reason_code=code.value, reason=reason
                )


def _waits(parked: Parked | None) -> dict[str, Any]:
    if parked is None or parked.until is None:
        return {}
    return {"until": parked.until, "agent": parked.agent}


def _state_after(outcome: AttemptOutcome, again: bool, stopping: bool) -> TaskRunState:
    if again:
        return TaskRunState.READY
    match outcome:
        case AttemptOutcome.STOPPED:
            return TaskRunState.READY if stopping else TaskRunState.CANCELLED
        case AttemptOutcome.NO_CHANGE:
            return TaskRunState.NO_CHANGE
        case _:
            return TaskRunState.FAILED
