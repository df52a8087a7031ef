"""What a report tells beyond a run's own records: phases in time, differences, ends of logs."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cc4tui import events as e
from cc4tui.cli.logs import event_text
from cc4tui.domain.run import RunStatus, TaskRunRecord
from cc4tui.errors import Cc4tuiError
from cc4tui.ports import RunView


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime

DIFF_CHARACTERS = 200_000
"""Of one task's difference that a report holds."""
LOG_LINES = 200
"""Of the end of one task's newest attempt."""
LOG_CHARACTERS = 40_000
PHASES = ("set-up", "agent", "merging", "verifying", "reviewing")


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time in which one thing was done for a task."""

    task: str
    attempt: int
    kind: str
    """One of PHASES."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Text of a task, without secrets but otherwise raw, and what is left out of it."""

    text: str = ""
    note: str = ""
    """A sentence; empty when all of it is there."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run with everything that a report shows of it."""

    view: RunView
    phases: tuple[Phase, ...]
    diffs: dict[str, Excerpt]
    logs: dict[str, Excerpt]
    mask: Callable[[str], str]
    """Masks known secrets."""


async def gather(center: "Runtime", view: RunView) -> RunFacts:
    """Read all of it."""
    mask = center.redactor.text
    told = [event async for event in _events(center, view.run.id)]
    over = view.run.status is not RunStatus.RUNNING
    diffs, logs = {}, {}
    for task in view.tasks:
        if task.commit or task.merged_as:
            diffs[task.task] = await _diff(center, task)
        if task.attempts:
            logs[task.task] = await _log(center, task, mask)
    return RunFacts(view, phases(told, None if over else datetime.now(UTC)), diffs, logs, mask)


async def _events(center: "Runtime", run: str) -> AsyncIterator[e.Event]:
    after = 0
    while page := await center.journal.events(run, after):
        for event in page:
            yield event
        after = page[-1].seq


def phases(told: Iterable[e.Event], now: datetime | None) -> tuple[Phase, ...]:
    """The phases that the events of a run tell, in the order of their beginnings.

    Args:
        told: In order.
        now: When what has not ended yet is cut off; None = with the last event.
    """
    found: list[Phase] = []
    begun: dict[str, tuple[int, str, datetime]] = {}
    attempts: dict[str, int] = {}
    last = now

    def close(task: str, end: datetime) -> None:
        if task in begun:
            attempt, kind, start = begun.pop(task)
            found.append(Phase(task, attempt, kind, start, max(start, end)))

    for event in told:
        if event.ts is None:
            continue
        if isinstance(event, (e.RunStarted, e.RunRecovered, e.RunFinished)):
            for task in list(begun):  # a process that died told no end
                close(task, event.ts if isinstance(event, e.RunFinished) else last or event.ts)
        elif event.task is not None:
            attempts[event.task] = event.attempt or attempts.get(event.task, 1)
            kind = _begun_by(event)
            if kind is not None or _ends(event):
                close(event.task, event.ts)
            if kind is not None:
                begun[event.task] = (attempts[event.task], kind, event.ts)
        last = event.ts
    for task in list(begun):
        close(task, now or last or begun[task][2])
    return tuple(sorted(found, key=lambda phase: phase.start))


def _begun_by(event: e.Event) -> str | None:
    match event:
        case e.SetupStarted():
            return "set-up"
        case e.AttemptStarted():
            return "agent"
        case e.TaskCommitted():
            return "merging"
        case e.TaskStateChanged(state=state) if state in PHASES:
            return state
        case _:
            return None


def _ends(event: e.Event) -> bool:
    ends = (
        e.SetupFinished, e.AttemptFinished, e.TaskMerged, e.TaskFailed, e.TaskCancelled,
        e.TaskNoChange, e.TaskBlocked, e.TaskReady, e.TaskStateChanged,
    )  # fmt: skip
    return isinstance(event, ends)


async def _diff(center: "Runtime", task: TaskRunRecord) -> Excerpt:
    try:
        text = await center.task_diff(task.run, task.task)
    except Cc4tuiError as error:
        return Excerpt(note=f"It cannot be shown: {error}")
    if len(text) <= DIFF_CHARACTERS:
        return Excerpt(text)
    kept = text[:DIFF_CHARACTERS].rpartition("\n")[0]
    left = text.count("\n") - kept.count("\n")
    return Excerpt(
        kept,
        f"{left:,} more lines are left out; `cc4tui diff {task.run} {task.task}` prints them all.",
    )


async def _log(center: "Runtime", task: TaskRunRecord, mask: Callable[[str], str]) -> Excerpt:
    attempt = (await center.journal.attempts(task.run, task.task))[-1:]
    if not attempt:
        return Excerpt()
    reader = center.agent_output(task.run, task.task, attempt[0].attempt)
    lines: deque[str] = deque(maxlen=LOG_LINES)
    seen = 0
    while read := await reader.read():
        for event in read:
            more = (event_text(event) or "").splitlines()
            seen += len(more)
            lines.extend(more)
    text = mask("\n".join(lines))  # again: what is taken out of it may have parted a secret
    short = text[-LOG_CHARACTERS:]
    if seen <= LOG_LINES and short == text:
        return Excerpt(text)
    return Excerpt(
        short,
        f"Only the end; `cc4tui logs {task.run} {task.task}` prints all {seen:,} lines.",
    )
