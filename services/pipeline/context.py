"""What the parts of a running run share."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cc4tui.domain.plan import Plan
from cc4tui.domain.prices import PriceList
from cc4tui.domain.run import AttemptRecord, RunRecord
from cc4tui.domain.usage import TokenUsage
from cc4tui.ports import AgentBackend, Process, ProcessHost
from cc4tui.services.agents.redaction import Redactor
from cc4tui.services.pipeline.budgets import Budgets
from cc4tui.services.pipeline.clocks import TimeLimits
from cc4tui.services.pipeline.desk import Desk
from cc4tui.services.pipeline.mailbox import Mailbox
from cc4tui.services.pipeline.patience import Patience
from cc4tui.services.pipeline.precedence import Precedence
from cc4tui.services.pipeline.recorder import Recorder
from cc4tui.services.pipeline.selection import PlannedTask
from cc4tui.services.pipeline.talk import Talk
from cc4tui.services.pipeline.wishes import Wishes
from cc4tui.services.pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Origin:
    """What an attempt goes on with: an earlier one's work, and its session if that is found."""

    record: AttemptRecord
    used: TokenUsage | None = None
    """Tokens of all attempts in that session together."""
    merged: bool = False
    """Its work is merged: what merged is begun from, not what it left."""
    copy: bool = False
    """It stays as it is: a copy of its session is gone on with."""
    cut: bool = False
    """It was cut short together with cc4tui, and nobody asked for another try."""


@dataclass
class Claim:
    """A worker's hold on a task: valid while the stored fence is the same."""

    planned: PlannedTask
    attempt: int
    fence: int
    previous_failure: str = ""
    """What went wrong last time, for the agent's prompt."""
    messages: tuple[str, ...] = ()
    """What a person told the task while no agent listened, for the prompt."""
    after: Origin | None = None
    """What this attempt goes on with; None = it begins afresh."""
    shortages: int = 0
    """`Patience.shortages` when it was claimed."""
    process: Process | None = None
    redirected: bool = False
    """It is being stopped to go on at once with what a person told it."""
    stop_why: str | None = None
    """Set when a person or the run's end asked for its stop; also before the process exists."""
    leaving: str | None = None
    """Set when its agent is to work on without us; also before the process exists."""
    has_agent: bool = False
    """Whether the process is the agent, and not one that prepares its worktree."""

    instead_of: str | None = None
    """The agent that the task was planned with, when another one does it."""
    because: str = ""
    """Why that one does not."""
    talk: Talk | None = None
    """With an agent that listens while it works."""
    agent_gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing of it runs any more; its work may still have to be saved."""

    @property
    def may_survive(self) -> bool:
        """Whether its agent can work on without us; one that needs answers all the time cannot."""
        return self.talk is None or (self.talk.survives and not self.talk.waits_for_person)

    @property
    def task(self) -> str:
        """The task's id."""
        return self.planned.task.id

    def hold(self, process: Process, *, agent: bool = False) -> None:
        """What a stop is to reach from now on; it may have been asked for already."""
        self.process, self.has_agent = process, agent
        if self.leaving is not None and not agent:
            self.stop_why = self.stop_why or self.leaving
        if self.stop_why is not None:
            process.stop(self.stop_why)

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Ask the attempt to end, `at_once` without giving it time; the first reason counts."""
        if self.stop_why is None:
            self.stop_why = why
        if self.process is not None:
            self.process.stop(self.stop_why, at_once=at_once)

    async def leave(self, why: str) -> None:
        """Have the agent work on without us; returns when that is certain.

        One that is about to start does so first. What prepares its worktree is stopped instead.
        """
        self.leaving = why
        if self.process is not None and self.has_agent and self.may_survive:
            if self.talk is not None:
                self.talk.leave()
            await self.process.keep()
        elif self.process is not None:
            self.stop(why)


@dataclass
class RunContext:
    """One run's surroundings. Owned by the orchestrator."""

    run: RunRecord
    plan: Plan
    tasks: Mapping[str, PlannedTask]
    recorder: Recorder
    host: ProcessHost
    workspace: Workspace
    patience: Patience
    desk: Desk
    budgets: Budgets
    wishes: Wishes
    folder: Path
    """Holds the attempts' folders: ``<task slug>-<attempt>``."""
    backend: Callable[[str], AgentBackend]
    prices: PriceList
    """For agents that tell no cost."""
    environment: Mapping[str, str]
    """The person's environment, before scrubbing."""
    limits: TimeLimits = field(default_factory=TimeLimits)
    """Of every attempt; the whole time is the task's own."""
    output_cap: int | None = None
    """Bytes that each output of an attempt keeps on the disk; None = all."""
    redactor: Redactor = field(default_factory=Redactor)
    """Knows the person's secrets."""
    with_output: bool = False
    detach: bool = False
    """Agents work on when this program is gone, however it went."""
    claims: dict[str, Claim] = field(default_factory=dict)
    """Attempts under way, by task."""
    mailbox: Mailbox = field(default_factory=Mailbox)
    """What people told tasks while no agent listened."""
    precedence: Precedence = field(default_factory=Precedence)
    """Of the workers over what goes on behind them."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    """Notified whenever a task's state changed."""
