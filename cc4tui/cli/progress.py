"""Tells a run's events to a person: one plain line each, what matters only."""

from collections.abc import Callable, Mapping
from datetime import datetime

from cc4tui import events
from cc4tui.cli.output import counted, duration
from cc4tui.cli.wording import counts_text, limit_text
from cc4tui.domain.text import clean_line
from cc4tui.events import Event


class Narrator:
    """Renders events; remembers the tasks' titles, which only a run's first event tells."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._titles: dict[str, str] = {}

    def learn(self, titles: Mapping[str, str]) -> None:
        """Titles of tasks by id, of a run whose first event was told long ago."""
        self._titles |= titles

    def tell(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        if isinstance(event, events.RunStarted):
            self.learn({str(task["id"]): str(task["title"]) for task in event.tasks})
        if isinstance(event, events.TaskAdded):
            self.learn({event.task or "": event.title})
        text = self.line(event)
        if text is not None:
            self._write(f"{_clock(event.ts)}  {text}")

    def line(self, event: Event) -> str | None:
        """What a person reads of it; None for what only programs need."""
        if event.task is None:
            return _run_line(event)
        told = _task_line(event)
        if told is None:
            return None
        verb, detail = told
        title = self._titles.get(event.task, "")
        named = f"{clean_line(event.task, 40)} {clean_line(title, 80)}".rstrip()
        return f"{verb:<10}{named}{f': {clean_line(detail, 400)}' if detail else ''}"


def _run_line(event: Event) -> str | None:
    match event:
        case events.RunStarted():
            return _started(event)
        case events.RunRecovered():
            return (
                f"recovered: {event.done} done, {event.adopted} adopted, {event.retried} to retry"
            )
        case events.PlanChanged():
            return _plan_changed(event)
        case events.RunPaused():
            until = f" until {event.until}" if event.until else ""
            return clean_line(f"paused: {event.reason}{until}")
        case events.RunResumed():
            return clean_line(f"resumed: {event.reason}")
        case events.RunQuarantined():
            return clean_line(f"landing waits: {event.reason}", 1000)
        case events.CheckoutChanged():
            return clean_line(f"note: {event.reason}", 400)
        case events.RunFinished():
            return _finished(event)
        case _:
            return None


def _started(event: events.RunStarted) -> str:
    where = "stays on its branch" if event.target == event.branch else f"lands on {event.target}"
    return clean_line(
        f"run {event.run} of {event.plan}: {counted(len(event.tasks), 'task')},"
        f" {counted(event.workers, 'worker')}, agent {event.agent}, {event.mode} mode,"
        f" from {event.base[:10]}, {where}"
    )


def _plan_changed(event: events.PlanChanged) -> str:
    kinds = {"added": event.added, "changed": event.changed, "removed": event.removed}
    parts = [f"{', '.join(ids)} {kind}" for kind, ids in kinds.items() if ids]
    if not parts:
        return "plan edited back: the run goes by it as before"
    held = "" if event.applied else "; held back"
    reason = f": {event.reason}" if event.reason else ""
    return clean_line(f"plan edited: {'; '.join(parts)}{held}{reason}", 400)


def _finished(event: events.RunFinished) -> str:
    efficiency = "" if event.efficiency is None else f", efficiency {event.efficiency:.2f}"
    landed = f" on {event.target}" if event.landed else ""
    reason = f"; {event.reason}" if event.reason else ""
    status = event.status.replace("_", " ")
    return clean_line(
        f"run {event.run} {status} after {duration(event.seconds)}:"
        f" {counts_text(event.counts)}{landed}{efficiency}{reason}"
    )


def _task_line(event: Event) -> tuple[str, str] | None:
    """Verb and detail."""
    match event:
        case events.SetupStarted():
            return "sets up", "; ".join(str(c.get("command")) for c in event.commands)
        case events.AttemptStarted():
            return "started", _who(event)
        case events.AttemptFinished() | events.TaskParked():
            return _attempt_finished(event)
        case events.TaskVerified(passed=False):
            return "checks", _failed_checks(event)
        case events.TaskMerged():
            return "merged", event.merged_as[:10]
        case events.TaskFailed():
            return "failed", f"{event.reason} ({event.reason_code})"
        case events.TaskSkipped():
            return "skipped", event.reason
        case events.TaskBlocked():
            return "blocked", event.reason or f"by {event.by}"
        case events.TaskCancelled():
            return "cancelled", event.reason
        case events.TaskNoChange():
            return "no change", event.reason
        case events.MergeConflict():
            others = f" (with {', '.join(event.with_tasks)})" if event.with_tasks else ""
            return "conflict", ", ".join(event.files) + others
        case events.AgentOutput():
            return "says", event.text
        case _:
            return _between(event)


def _between(event: Event) -> tuple[str, str] | None:
    """What passes between a person and the task: words, questions, wishes, warnings."""
    match event:
        case events.BudgetWarned():
            return "budget", event.reason
        case events.RequestOpened():
            return "asks", f"{event.summary}; answer with: cc4tui answer {event.request} allow"
        case events.RequestAnswered():
            return clean_line(event.decision), f"by {event.by}"
        case events.RequestRefused():
            return "refused", event.reason
        case events.MessageSent():
            return ("told" if event.live else "will hear"), event.text
        case events.TaskAdded():
            return "added", f"{event.kind.replace('_', '-')} of {event.of}"
        case _:
            return None


def _who(event: events.AttemptStarted) -> str:
    again = f", attempt {event.attempt}" if (event.attempt or 1) > 1 else ""
    other = f" instead of {event.instead_of} ({event.because})" if event.instead_of else ""
    return f"{event.agent}{again}{other}"


def _attempt_finished(
    event: events.AttemptFinished | events.TaskParked,
) -> tuple[str, str] | None:
    """A line only where the task's own event does not follow: before another attempt."""
    if isinstance(event, events.TaskParked):
        return "parked", f"{event.reason}; {limit_text(event.agent, event.until)}"
    if event.retry_in is None or (event.retry_in and event.reason_code == "quota"):
        return None
    wait = f" in {duration(event.retry_in)}" if event.retry_in else ""
    return "retrying", f"{event.outcome.replace('_', ' ')}: {event.reason}; again{wait}"


def _failed_checks(event: events.TaskVerified) -> str:
    failed = [c for c in event.commands if c.get("exit_code") != 0]
    return "; ".join(f"`{c.get('command')}` ended with {c.get('exit_code')}" for c in failed)


def _clock(when: datetime | None) -> str:
    return (when or datetime.now().astimezone()).astimezone().strftime("%H:%M:%S")
