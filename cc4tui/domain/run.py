"""What an execution of a plan is made of, and the one table of its states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cc4tui.domain.usage import TokenUsage


NO_BOUNDARY = (
    "agents run as you, each in a worktree of its own: that contains accidents, it is no security"
    " boundary (said once per repository)"
)
"""What worktrees do not protect from, said with the first run of a repository."""


class TaskRunState(StrEnum):
    """States of a task in a run; used alike by events, JSON and screens."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    VERIFYING = "verifying"
    REVIEWING = "reviewing"
    MERGING = "merging"
    MERGED = "merged"
    """In the run's integration branch with its checks passed on the merged tree."""
    LANDED = "landed"
    """Merged, and the target branch holds it."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """Done before this run, or passed over by a person."""
    BLOCKED = "blocked"
    """Something it depends on, or an earlier batch, failed."""
    NO_CHANGE = "no_change"
    """The agent ended without changing anything: never a success."""


S = TaskRunState

TRANSITIONS: Mapping[TaskRunState, frozenset[TaskRunState]] = {
    S.PENDING: frozenset({S.READY, S.BLOCKED, S.CANCELLED, S.SKIPPED}),
    S.READY: frozenset({S.RUNNING, S.BLOCKED, S.CANCELLED, S.SKIPPED}),
    S.RUNNING: frozenset({S.READY, S.MERGING, S.FAILED, S.CANCELLED, S.NO_CHANGE}),
    S.MERGING: frozenset({S.VERIFYING, S.MERGED, S.READY, S.FAILED, S.CANCELLED}),
    S.VERIFYING: frozenset({S.MERGING, S.REVIEWING, S.MERGED, S.READY, S.FAILED, S.CANCELLED}),
    S.REVIEWING: frozenset({S.MERGING, S.READY, S.FAILED, S.CANCELLED}),
    S.MERGED: frozenset({S.LANDED}),
    S.LANDED: frozenset(),
    S.FAILED: frozenset({S.READY, S.SKIPPED}),
    S.CANCELLED: frozenset({S.READY, S.SKIPPED}),
    S.SKIPPED: frozenset(),
    S.BLOCKED: frozenset({S.PENDING, S.READY, S.SKIPPED}),
    S.NO_CHANGE: frozenset({S.READY, S.SKIPPED}),
}
"""Legal moves. `ready` after `running` is a retry or a recovery; after an end, a person's retry."""

FINAL_STATES = frozenset(
    {S.MERGED, S.LANDED, S.FAILED, S.CANCELLED, S.SKIPPED, S.BLOCKED, S.NO_CHANGE}
)
"""Nothing more happens to the task by itself (a merged one still lands with its run)."""
DONE_STATES = frozenset({S.MERGED, S.LANDED, S.SKIPPED})
"""Dependents may start."""
ACTIVE_STATES = frozenset({S.RUNNING, S.VERIFYING, S.REVIEWING, S.MERGING})


def may_move(before: TaskRunState, after: TaskRunState) -> bool:
    """Whether the table allows the move."""
    return after in TRANSITIONS[before]


class ReasonCode(StrEnum):
    """Why a task ended as it did, for programs; a sentence stands beside it for people."""

    AGENT = "agent"
    CHECKS = "checks"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    CONFLICT = "conflict"
    BUDGET = "budget"
    QUOTA = "quota"
    LOGIN = "login"
    LOST = "lost"
    QUARANTINED = "quarantined"
    STOPPED = "stopped"
    BLOCKED_BY = "blocked_by"
    REVIEW = "review"
    SETUP = "setup"


class AttemptOutcome(StrEnum):
    """How one try of an agent ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    LOST = "lost"
    NO_CHANGE = "no_change"


class RunStatus(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTLY_FAILED = "partly_failed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its process ended before it did; `resume` continues it."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution of a plan."""

    id: str
    plan: str
    """Path of the plan as the person named it."""
    plan_key: str
    """What identifies the plan between runs: real path relative to the repository, or absolute."""
    status: RunStatus
    base: str
    """Commit the run starts from."""
    branch: str
    """Integration branch, ``cc4/<run>/merged``."""
    target: str
    """Branch it lands on; equals `branch` when nothing is to land."""
    workers: int
    mode: str
    agent: str
    started: datetime
    finished: datetime | None = None
    land: str = "merge"
    reason: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The rest of RunOptions, to continue the run as it was asked for."""
    owner: Mapping[str, Any] = field(default_factory=dict)
    """pid, start time and boot id of the process that works on it."""


@dataclass(frozen=True, slots=True)
class TaskRunRecord:
    """A task in a run."""

    run: str
    task: str
    position: int
    """Document order, from 0."""
    title: str
    batch: str
    state: TaskRunState
    fence: int = 0
    """Goes up with every claim; a late writer with an old fence is refused."""
    attempts: int = 0
    agent: str = ""
    commit: str | None = None
    """What the task's branch holds."""
    branch: str | None = None
    merged_as: str | None = None
    """The merge commit on the integration branch."""
    reason_code: ReasonCode | None = None
    reason: str = ""
    waits_for: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    seconds: float | None = None
    """Time its attempts took together."""
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float | None = None
    cost_estimated: bool = False
    """Some of the cost comes from the price list and not from an agent."""
    until: datetime | None = None
    """Its agent is limited until then, and the task goes on by itself; None = it is not parked."""


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try of a task by an agent, with its journal."""

    run: str
    task: str
    attempt: int
    agent: str
    fence: int
    token: str
    """What the agent carries in its environment (CC4_TOKEN), to find every descendant."""
    folder: str
    """Attempt folder that holds spec, out, err, exit, ended."""
    worktree: str | None = None
    branch: str | None = None
    pid: int | None = None
    pid_start: int | None = None
    boot: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    outcome: AttemptOutcome | None = None
    reason_code: ReasonCode | None = None
    reason: str = ""
    exit_code: int | None = None
    saved_ref: str | None = None
    commit: str | None = None
    merged_old: str | None = None
    merged_new: str | None = None
    step: str = "claimed"
    """Last journal step: claimed, worktree, spawned, exited, saved, committed, verified, merged."""
    session: str | None = None
    """The agent's own session id, to resume it."""
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float | None = None
    cost_estimated: bool = False
    """The cost comes from the price list: the agent told tokens only."""
