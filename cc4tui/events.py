"""Facts about runs, in the past tense: for `run --json`, the event table and the screens.

An event is published only after what it tells is stored. Names and keys are a contract with scripts
(docs/events.md): add freely, never rename.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, ClassVar


VERSION = 1
"""Of the event format; the key ``v`` of every object."""

_ENVELOPE = ("run", "task", "attempt", "seq", "ts")
_REGISTRY: dict[str, type["Event"]] = {}


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events; `seq` and `ts` are given by the store."""

    name: ClassVar[str] = ""
    run: str
    task: str | None = None
    attempt: int | None = None
    seq: int = 0
    """Without gaps within a run; 0 = not stored: agent_output; run_paused while nothing can be."""
    ts: datetime | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        _REGISTRY[cls.name] = cls

    def data(self) -> dict[str, Any]:
        """What this kind of event tells beyond the envelope."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _ENVELOPE}

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the contract."""
        when = self.ts or datetime.now(UTC)
        stamp = when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        out: dict[str, Any] = {"v": VERSION}
        if self.seq:
            out["seq"] = self.seq
        out |= {"ts": stamp, "event": self.name, "run": self.run}
        if self.task is not None:
            out["task"] = self.task
        if self.attempt is not None:
            out["attempt"] = self.attempt
        return out | self.data()


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """Signals that a run's workers start."""

    plan: str
    base: str
    branch: str
    target: str
    workers: int
    mode: str
    agent: str
    tasks: list[dict[str, Any]] = field(default_factory=list)
    """Each: id, title, batch, state, waits_for."""


@dataclass(frozen=True, kw_only=True)
class TaskReady(Event):
    """Signals that nothing holds the task back any more."""


@dataclass(frozen=True, kw_only=True)
class SetupStarted(Event):
    """Signals that a worktree is set up for an attempt: its set-up or its inputs are new."""

    worktree: str
    commands: list[dict[str, Any]] = field(default_factory=list)
    """Each: command."""


@dataclass(frozen=True, kw_only=True)
class SetupFinished(Event):
    """Signals that the set-up commands ended."""

    passed: bool
    commands: list[dict[str, Any]] = field(default_factory=list)
    """Each: command, exit_code, seconds."""


@dataclass(frozen=True, kw_only=True)
class AttemptStarted(Event):
    """Signals that an agent's process runs."""

    agent: str
    model: str | None
    worktree: str
    pid: int | None
    folder: str
    """Attempt folder; its file ``out`` is the agent's standard output."""
    timeout: float | None = None
    """Seconds after which it is stopped; None = no limit. The same for those below."""
    first_output: float | None = None
    silence: float | None = None
    after_result: float | None = None
    """Between its word that it is finished and its end."""
    instead_of: str | None = None
    """The agent that the task was planned with, when another one does it."""
    because: str = ""
    """Why that one does not."""


@dataclass(frozen=True, kw_only=True)
class AgentOutput(Event):
    """Something the agent said or did; never stored (the attempt's files are)."""

    kind: str
    """text, tool, tool_result, thinking or stderr."""
    text: str
    offset: int


@dataclass(frozen=True, kw_only=True)
class RequestOpened(Event):
    """Signals that an agent waits for a person."""

    request: str
    """Its name, for the answer."""
    kind: str
    """permission or question."""
    tool: str
    summary: str
    details: str = ""
    choices: list[str] = field(default_factory=list)
    """Answers that a question offers."""
    rule: str = ""
    """What would be allowed from now on by a lasting yes."""


@dataclass(frozen=True, kw_only=True)
class RequestAnswered(Event):
    """Signals that the agent does not wait for this any more."""

    request: str
    decision: str
    """allowed, denied, answered or withdrawn."""
    by: str
    """person, rule or agent."""


@dataclass(frozen=True, kw_only=True)
class RequestRefused(Event):
    """Signals that what a person asked of the run could not be done."""

    kind: str
    """retry_task, skip_task, message, fork, ..."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class MessageSent(Event):
    """Signals that a person's message was handed to the agent, or waits for its next attempt."""

    text: str
    live: bool


@dataclass(frozen=True, kw_only=True)
class UsageReported(Event):
    """Signals tokens and cost of an attempt so far."""

    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    cost_estimated: bool = False
    """The cost comes from the price list: the agent told tokens only."""


@dataclass(frozen=True, kw_only=True)
class BudgetWarned(Event):
    """Signals that a budget is nearly used up, or cannot be watched."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class AttemptFinished(Event):
    """Signals that an agent and all its descendants have ended."""

    outcome: str
    reason_code: str | None
    reason: str
    exit_code: int | None
    retry_in: float | None = None
    """Seconds until the next attempt; None when there is none."""


@dataclass(frozen=True, kw_only=True)
class TaskParked(Event):
    """Signals that the task waits for the limit of its agent, and goes on by itself then."""

    agent: str
    reason: str
    until: str
    """UTC; it may be tried a little later."""


@dataclass(frozen=True, kw_only=True)
class TaskCommitted(Event):
    """Signals that the task's work is on its branch."""

    commit: str
    branch: str


@dataclass(frozen=True, kw_only=True)
class TaskVerified(Event):
    """Signals that the checks ran on the merged tree."""

    passed: bool
    commands: list[dict[str, Any]] = field(default_factory=list)
    """Each: command, exit_code, seconds."""


@dataclass(frozen=True, kw_only=True)
class TaskMerged(Event):
    """Signals that the integration branch holds the task."""

    commit: str
    merged_as: str


@dataclass(frozen=True, kw_only=True)
class TaskLanded(Event):
    """Signals that the target branch holds the task."""

    target: str


@dataclass(frozen=True, kw_only=True)
class TaskFailed(Event):
    """Signals that the task ended without success; its branch is kept."""

    reason_code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TaskSkipped(Event):
    """Signals that the task was done before this run, or that a person passed over it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class TaskBlocked(Event):
    """Signals that the task cannot run because of another one."""

    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TaskCancelled(Event):
    """Signals that a person stopped the task."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class TaskNoChange(Event):
    """Signals that the agent ended but changed nothing."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class TaskStateChanged(Event):
    """Signals a move without an event of its own: merging, verifying, ready or pending again."""

    state: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class MergeConflict(Event):
    """Signals that the task's branch and the integration branch change the same lines."""

    files: list[str]
    with_tasks: list[str] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """`with` is a Python keyword, so the field has another name than the key."""
        return {"files": self.files, "with": self.with_tasks}


@dataclass(frozen=True, kw_only=True)
class RunRecovered(Event):
    """Signals what was done about a run that its process left unfinished."""

    done: int
    adopted: int
    retried: int


@dataclass(frozen=True, kw_only=True)
class TaskAdded(Event):
    """Signals that a person made a task out of another one of the run."""

    title: str
    batch: str
    of: str
    kind: str
    """follow_up (of work that is done) or fork (of an attempt)."""
    text: str


@dataclass(frozen=True, kw_only=True)
class PlanChanged(Event):
    """Signals that the plan file was edited during the run, and what came of it.

    Without any task: an edit that was held was taken back.
    """

    added: list[str]
    changed: list[str]
    """Their text is new; those that have started go on with the old one."""
    removed: list[str]
    applied: bool
    """False: held until somebody decides."""
    reason: str = ""
    """Why it could not be applied."""


@dataclass(frozen=True, kw_only=True)
class RunPaused(Event):
    """Signals that no new task is claimed for now."""

    reason: str
    until: str | None = None
    by: str = ""
    """``person`` when somebody asked for it; the same in run_resumed."""


@dataclass(frozen=True, kw_only=True)
class RunResumed(Event):
    """Signals that tasks are claimed again."""

    reason: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class RunQuarantined(Event):
    """Signals that landing waits: what the repository executes changed while tasks ran."""

    tasks: list[str]
    """Those that ran then."""
    reason: str
    """The difference, and the ways out."""
    changes: list[str] = field(default_factory=list)
    """The whole difference, one line each; may quote what agents wrote, clean it to show."""


@dataclass(frozen=True, kw_only=True)
class CheckoutChanged(Event):
    """Signals that files of the person's own checkout changed while agents worked."""

    tasks: list[str]
    """Those that ran then."""
    files: list[str]
    """Paths, each told once per run; `HEAD` when that moved; refs with where they were."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """Signals that nothing of the run goes on any more."""

    status: str
    counts: dict[str, int]
    target: str
    landed: bool
    reason: str
    seconds: float
    efficiency: float | None
    """Sum of the attempts' time over workers x time from run_started to here."""


def from_parts(
    name: str,
    data: Mapping[str, Any],
    *,
    run: str,
    task: str | None,
    attempt: int | None,
    seq: int,
    ts: datetime,
) -> Event | None:
    """An event as the table holds it; None for a kind this version does not know.

    Unknown keys of `data` are left out, so that an older program reads a newer table.
    """
    kind = _REGISTRY.get(name)
    if kind is None:
        return None
    values = dict(data)
    if "with" in values:
        values["with_tasks"] = values.pop("with")
    known = {f.name for f in fields(kind)} - set(_ENVELOPE)
    try:
        return kind(
            run=run,
            task=task,
            attempt=attempt,
            seq=seq,
            ts=ts,
            **{key: value for key, value in values.items() if key in known},
        )
    except TypeError:
        return None
