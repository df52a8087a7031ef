"""Turns events into a run model: one function for live runs, past and other processes' ones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cc4tui import events as e
from cc4tui.domain.run import (
    FINAL_STATES,
    AttemptOutcome,
    AttemptRecord,
    ReasonCode,
    RunRecord,
    RunStatus,
    TaskRunRecord,
    TaskRunState,
)
from cc4tui.domain.usage import TokenUsage
from cc4tui.ports import RunView
from cc4tui.screens.execution.model import (
    AttemptView,
    Moment,
    Parked,
    Quarantined,
    RunModel,
    Spent,
    TaskView,
)


_S = TaskRunState
_STEPS = 400
"""Of how tokens and cost grew that are kept."""


def fold(model: RunModel | None, events: Iterable[e.Event]) -> RunModel | None:
    """The model after these events; None while there was none and no run has started.

    Pure: the given model stays as it is. Events that are folded in already are left out, so that
    stored and live ones may overlap; those of other runs are, too.
    """
    draft = _Draft.of(model)
    for event in events:
        if draft is None:
            if not isinstance(event, e.RunStarted):
                continue
            draft = _Draft(_record(event), {})
        if event.run != draft.run.id or (0 < event.seq <= draft.seq):
            continue
        draft.seq = max(draft.seq, event.seq)
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(draft, event)
    return None if draft is None else draft.freeze()


def settle(model: RunModel | None, view: RunView, attempts: Sequence[AttemptRecord]) -> RunModel:
    """The model in line with the stored records, which have the last word on states.

    A run whose process died has no event that says so, and neither has one that was cancelled
    afterwards. Records also hold titles and attempts of runs whose events are not there.
    """
    known = dict(model.tasks) if model is not None else {}
    by_task: dict[str, list[AttemptRecord]] = {}
    for attempt in attempts:
        by_task.setdefault(attempt.task, []).append(attempt)
    tasks = {
        record.task: _settled(known.get(record.task), record, by_task.get(record.task, []))
        for record in sorted(view.tasks, key=lambda record: record.position)
    }
    base = model or RunModel(view.run)
    given_up = view.run.status is RunStatus.CANCELLED
    quarantine = None if given_up else base.quarantine
    return replace(base, run=view.run, tasks=tasks, quarantine=quarantine)


def _settled(
    task: TaskView | None, record: TaskRunRecord, attempts: Sequence[AttemptRecord]
) -> TaskView:
    base = task or TaskView(record.task)
    known = {attempt.number: attempt for attempt in base.attempts}
    for attempt in attempts:
        known[attempt.attempt] = _attempt(attempt, known.get(attempt.attempt))
    return replace(
        base,
        title=record.title,
        batch=record.batch,
        position=record.position,
        state=record.state,
        reason_code=record.reason_code,
        reason=record.reason or (base.reason if record.state is base.state else ""),
        waits_for=record.waits_for,
        attempts=tuple(known[number] for number in sorted(known)),
        past=_settled_past(base, record, attempts),
        parked=Parked(record.agent, record.reason, record.until) if record.until else None,
    )


def _settled_past(
    base: TaskView, record: TaskRunRecord, attempts: Sequence[AttemptRecord]
) -> tuple[Moment, ...]:
    """What events told, or else the attempts; it ends in the state that is recorded."""
    past = list(base.past)
    if not past:
        for attempt in attempts:
            if attempt.started is not None:
                past.append(Moment(attempt.started, _S.RUNNING, works=True))
            if attempt.finished is not None and attempt is not attempts[-1]:
                past.append(Moment(attempt.finished, _S.READY))
    if past and past[-1].state is not record.state:
        ends = [attempt.finished for attempt in attempts if attempt.finished is not None]
        past.append(Moment(max([past[-1].at, *ends]), record.state))
    return tuple(past)


def _attempt(record: AttemptRecord, known: AttemptView | None) -> AttemptView:
    """The record, with what only events told where it says nothing."""
    before = known or AttemptView(record.attempt)
    return replace(
        before,
        agent=record.agent,
        folder=record.folder or before.folder,
        started=record.started or before.started,
        finished=record.finished or before.finished,
        outcome=record.outcome or before.outcome,
        reason=record.reason or before.reason,
        usage=before.usage if record.usage.total is None else record.usage,
        cost_usd=before.cost_usd if record.cost_usd is None else record.cost_usd,
        cost_estimated=before.cost_estimated or record.cost_estimated,
    )


# --- events ----------------------------------------------------------------------------------


@dataclass
class _Draft:
    """A model while events are folded in."""

    run: RunRecord
    tasks: dict[str, TaskView]
    seq: int = 0
    paused: str = ""
    held: bool = False
    landed: bool | None = None
    efficiency: float | None = None
    recovered: str = ""
    quarantine: Quarantined | None = None
    touched: str = ""
    spent: tuple[Spent, ...] = ()
    tip: str = ""

    @classmethod
    def of(cls, model: RunModel | None) -> "_Draft | None":
        if model is None:
            return None
        return cls(
            model.run,
            dict(model.tasks),
            model.seq,
            model.paused,
            model.held,
            model.landed,
            model.efficiency,
            model.recovered,
            model.quarantine,
            model.touched,
            model.spent,
            model.tip,
        )

    def freeze(self) -> RunModel:
        return RunModel(
            self.run,
            self.tasks,
            self.seq,
            self.paused,
            self.held,
            self.landed,
            self.efficiency,
            self.recovered,
            self.quarantine,
            self.touched,
            self.spent,
            self.tip,
        )

    def task(self, event: e.Event) -> TaskView:
        """The event's task; made when no event told of it before."""
        task_id = event.task or ""
        return self.tasks.get(task_id) or TaskView(task_id, position=len(self.tasks))

    def change(self, event: e.Event, **values: Any) -> None:
        """Set fields of the event's task."""
        task = replace(self.task(event), **values)
        self.tasks[task.id] = _remembered(task, _time(event))

    def move(self, event: e.Event, state: TaskRunState, **values: Any) -> None:
        """Bring the event's task into a state."""
        ended = event.seq or self.seq if state in FINAL_STATES else 0
        values.setdefault("parked", None)
        self.change(event, state=state, ended=ended, **values)

    def change_attempt(self, event: e.Event, **values: Any) -> None:
        """Set fields of the event's attempt, which is made when it is new."""
        task = self.task(event)
        number = event.attempt or len(task.attempts) or 1
        known = {attempt.number: attempt for attempt in task.attempts}
        known[number] = replace(known.get(number) or AttemptView(number), **values)
        self.change(event, attempts=tuple(known[number] for number in sorted(known)))


def _remembered(task: TaskView, when: datetime) -> TaskView:
    """The task, with a moment more in its past when something else happens with it now."""
    works = task.has_agent and not task.asks
    last = task.past[-1] if task.past else None
    if last is None and task.state is _S.PENDING:
        return task
    if last is not None and (last.state, last.works) == (task.state, works):
        return task
    return replace(task, past=(*task.past, Moment(when, task.state, works)))


def _time(event: e.Event) -> datetime:
    return event.ts or datetime.now(UTC)


def _record(event: e.RunStarted) -> RunRecord:
    return RunRecord(
        id=event.run,
        plan=event.plan,
        plan_key=event.plan,
        status=RunStatus.RUNNING,
        base=event.base,
        branch=event.branch,
        target=event.target,
        workers=event.workers,
        mode=event.mode,
        agent=event.agent,
        started=_time(event),
    )


def _run_started(draft: _Draft, event: e.RunStarted) -> None:
    draft.run = replace(_record(event), started=min(draft.run.started, _time(event)))
    draft.landed = draft.efficiency = None
    draft.paused, draft.held = "", False
    for position, told in enumerate(event.tasks):
        task_id = str(told.get("id", ""))
        task = draft.tasks.get(task_id) or TaskView(task_id)
        task = replace(
            task,
            title=str(told.get("title", task.title)),
            batch=str(told.get("batch", task.batch)),
            position=position,
            state=_state(told.get("state"), task.state),
            waits_for=tuple(told.get("waits_for") or ()),
        )
        draft.tasks[task_id] = _remembered(task, _time(event))


def _state(value: object, otherwise: TaskRunState) -> TaskRunState:
    """A state by its name; what this version does not know changes nothing."""
    try:
        return TaskRunState(str(value))
    except ValueError:
        return otherwise


def _task_ready(draft: _Draft, event: e.TaskReady) -> None:
    draft.move(event, _S.READY)


def _setup_started(draft: _Draft, event: e.SetupStarted) -> None:
    draft.move(event, _S.RUNNING, reason="", reason_code=None, note="sets up its worktree")


def _attempt_started(draft: _Draft, event: e.AttemptStarted) -> None:
    draft.change_attempt(
        event,
        agent=event.agent,
        model=event.model,
        folder=event.folder,
        worktree=event.worktree,
        timeout=event.timeout,
        first_output=event.first_output,
        silence=event.silence,
        after_result=event.after_result,
        started=_time(event),
        finished=None,
        outcome=None,
    )
    told = tuple(one for one in draft.task(event).told if one[0] >= (event.attempt or 0))
    draft.change(event, told=told)
    draft.move(event, _S.RUNNING, reason="", reason_code=None, note="")


def _message_sent(draft: _Draft, event: e.MessageSent) -> None:
    if not event.live:
        told = (*draft.task(event).told, (event.attempt or 0, event.text))
        draft.change(event, told=told)


def _request_refused(draft: _Draft, event: e.RequestRefused) -> None:
    draft.change(event, note=event.reason)


def _task_added(draft: _Draft, event: e.TaskAdded) -> None:
    if event.of in draft.tasks:  # what it was told too late is the new task's now
        draft.tasks[event.of] = replace(draft.tasks[event.of], told=())
    draft.change(event, title=event.title, batch=event.batch, note=f"{event.kind} of {event.of}")


def _request_opened(draft: _Draft, event: e.RequestOpened) -> None:
    asks = (*draft.task(event).asks, event.request)
    draft.change(event, asks=asks, note=f"asks: {event.summary}")


def _request_answered(draft: _Draft, event: e.RequestAnswered) -> None:
    task = draft.task(event)
    asks = tuple(name for name in task.asks if name != event.request)
    draft.change(event, asks=asks, note=task.note if asks else "")


def _budget_warned(draft: _Draft, event: e.BudgetWarned) -> None:
    draft.change(event, note=event.reason)


def _usage_reported(draft: _Draft, event: e.UsageReported) -> None:
    usage = TokenUsage(event.input_tokens, event.cached_input_tokens, event.output_tokens)
    known = {attempt.number: attempt for attempt in draft.task(event).attempts}
    before = known.get(event.attempt or len(known) or 1)
    draft.change_attempt(event, usage=usage, **_cost(event))
    last = draft.spent[-1] if draft.spent else Spent(draft.run.started, 0, 0.0)
    old_tokens, old_cost = (before.usage.total, before.cost_usd) if before else (0, 0.0)
    tokens = last.tokens + max((usage.total or 0) - (old_tokens or 0), 0)
    cost = last.cost_usd + max((event.cost_usd or 0.0) - (old_cost or 0.0), 0.0)
    draft.spent = _thinned((*draft.spent, Spent(_time(event), tokens, cost)))


def _cost(event: e.UsageReported) -> dict[str, Any]:
    return {"cost_usd": event.cost_usd, "cost_estimated": event.cost_estimated}


def _thinned(spent: tuple[Spent, ...]) -> tuple[Spent, ...]:
    """Every second step of too many; the last one stays."""
    return spent if len(spent) <= _STEPS else (*spent[:-1:2], spent[-1])


def _attempt_finished(draft: _Draft, event: e.AttemptFinished) -> None:
    outcome = next((o for o in AttemptOutcome if o.value == event.outcome), None)
    draft.change_attempt(event, finished=_time(event), outcome=outcome, reason=event.reason)
    draft.change(event, asks=())
    if event.retry_in is not None:
        draft.change(event, note=f"tries again: {event.reason}")


def _task_parked(draft: _Draft, event: e.TaskParked) -> None:
    try:
        until = datetime.fromisoformat(event.until)
    except ValueError:
        return
    parked = Parked(event.agent, event.reason, until)
    draft.move(event, _S.READY, parked=parked, reason=event.reason, note="")


def _task_verified(draft: _Draft, event: e.TaskVerified) -> None:
    failed = [str(c.get("command", "")) for c in event.commands if c.get("exit_code") != 0]
    draft.change(event, note="" if event.passed else f"checks failed: {', '.join(failed)}")


def _task_failed(draft: _Draft, event: e.TaskFailed) -> None:
    code = next((c for c in ReasonCode if c.value == event.reason_code), None)
    draft.move(event, _S.FAILED, reason=event.reason, reason_code=code)


def _task_blocked(draft: _Draft, event: e.TaskBlocked) -> None:
    reason = event.reason or f"{event.by} did not succeed"
    draft.move(event, _S.BLOCKED, reason=reason, reason_code=ReasonCode.BLOCKED_BY)


def _task_state_changed(draft: _Draft, event: e.TaskStateChanged) -> None:
    state = _state(event.state, draft.task(event).state)
    draft.move(event, state, reason=event.reason if state in FINAL_STATES else "")
    if event.reason and state not in FINAL_STATES:
        draft.change(event, note=event.reason)


def _ends_in(state: TaskRunState) -> Callable[[_Draft, Any], None]:
    def handle(draft: _Draft, event: Any) -> None:
        draft.move(event, state, reason=getattr(event, "reason", ""), reason_code=None)

    return handle


def _task_merged(draft: _Draft, event: e.TaskMerged) -> None:
    _ends_in(_S.MERGED)(draft, event)
    draft.tip = event.merged_as


def _merge_conflict(draft: _Draft, event: e.MergeConflict) -> None:
    others = f" with {', '.join(event.with_tasks)}" if event.with_tasks else ""
    draft.change(event, note=f"conflict{others} in {', '.join(event.files)}")


def _run_recovered(draft: _Draft, event: e.RunRecovered) -> None:
    parts = [
        f"{count} {what}"
        for count, what in (
            (event.done, "done"),
            (event.adopted, "taken over"),
            (event.retried, "tried again"),
        )
        if count
    ]
    draft.recovered = ", ".join(parts)


def _run_paused(draft: _Draft, event: e.RunPaused) -> None:
    if event.by == "person":
        draft.held = True
        return
    draft.paused = f"{event.reason} until {event.until}" if event.until else event.reason


def _run_resumed(draft: _Draft, event: e.RunResumed) -> None:
    if event.by == "person" or event.reason == "continued":  # another process forgets it
        draft.held = False
    if event.by == "person":
        return
    draft.paused = ""
    draft.quarantine = None
    if draft.run.finished is not None:
        draft.run = replace(draft.run, status=RunStatus.RUNNING, finished=None, reason="")


def _run_quarantined(draft: _Draft, event: e.RunQuarantined) -> None:
    draft.quarantine = Quarantined(tuple(event.tasks), tuple(event.changes), event.reason)


def _checkout_changed(draft: _Draft, event: e.CheckoutChanged) -> None:
    draft.touched = event.reason


def _run_finished(draft: _Draft, event: e.RunFinished) -> None:
    status = next((s for s in RunStatus if s.value == event.status), draft.run.status)
    draft.run = replace(
        draft.run, status=status, target=event.target, reason=event.reason, finished=_time(event)
    )
    draft.landed = event.landed
    draft.efficiency = event.efficiency
    draft.paused, draft.held = "", False


_HANDLERS: dict[type[e.Event], Callable[[_Draft, Any], None]] = {
    e.RunStarted: _run_started,
    e.TaskReady: _task_ready,
    e.SetupStarted: _setup_started,
    e.AttemptStarted: _attempt_started,
    e.MessageSent: _message_sent,
    e.RequestRefused: _request_refused,
    e.TaskAdded: _task_added,
    e.RequestOpened: _request_opened,
    e.RequestAnswered: _request_answered,
    e.BudgetWarned: _budget_warned,
    e.UsageReported: _usage_reported,
    e.AttemptFinished: _attempt_finished,
    e.TaskParked: _task_parked,
    e.TaskVerified: _task_verified,
    e.TaskMerged: _task_merged,
    e.TaskLanded: _ends_in(_S.LANDED),
    e.TaskFailed: _task_failed,
    e.TaskSkipped: _ends_in(_S.SKIPPED),
    e.TaskBlocked: _task_blocked,
    e.TaskCancelled: _ends_in(_S.CANCELLED),
    e.TaskNoChange: _ends_in(_S.NO_CHANGE),
    e.TaskStateChanged: _task_state_changed,
    e.MergeConflict: _merge_conflict,
    e.RunRecovered: _run_recovered,
    e.RunPaused: _run_paused,
    e.RunResumed: _run_resumed,
    e.RunQuarantined: _run_quarantined,
    e.CheckoutChanged: _checkout_changed,
    e.RunFinished: _run_finished,
}
