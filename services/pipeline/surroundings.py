"""What every run of a process shares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.prices import PriceList
from cc4tui.ports import AgentBackend, Journal, ProcessHost
from cc4tui.services.agents.readiness import unready
from cc4tui.services.agents.redaction import Redactor
from cc4tui.services.git.repository import Repository
from cc4tui.services.pipeline.bus import EventBus
from cc4tui.services.pipeline.clocks import TimeLimits
from cc4tui.services.pipeline.known_limits import KnownLimits
from cc4tui.services.pipeline.preparation import SetupPlan
from cc4tui.services.pipeline.selection import Defaults


@dataclass(frozen=True)
class RunSettings:
    """What the person chose for all runs; a plan and the options of a run may say otherwise."""

    defaults: Defaults
    workers: int
    check_timeout: float | None
    """Seconds for one verify command."""
    budget: Mapping[str, float] = field(default_factory=dict)
    """Of a whole run: ``tokens`` and/or ``usd``; empty = no limit."""
    prices: PriceList = field(default_factory=PriceList)
    """For agents that tell no cost."""
    quota_wait: float = 86400.0
    """Seconds that a task waits for the limit of its agent."""
    setup: SetupPlan = field(default_factory=SetupPlan)
    """What every worktree needs before work in it begins."""
    keep: tuple[str, ...] = ()
    """Globs of ignored files that survive the recycling of a worktree."""
    limits: TimeLimits = field(default_factory=TimeLimits)
    """Of every attempt; the whole time is the task's own."""
    output_cap: int | None = None
    """Bytes that each output of an attempt keeps on the disk; None = all."""


@dataclass(frozen=True)
class Surroundings:
    """The repository, the person's choices and the services that runs use."""

    repository: Repository
    state: Path
    """State folder of the repository."""
    journal: Journal
    bus: EventBus
    host: ProcessHost
    agents: Callable[[str], AgentSpec]
    backend: Callable[[str], AgentBackend]
    environment: Mapping[str, str]
    settings: RunSettings
    redactor: Redactor = field(default_factory=Redactor)
    """Knows the person's secrets."""
    untrusted: frozenset[str] = frozenset()
    """Agents that the repository configures and the person has not trusted: not to be touched."""

    @property
    def known_limits(self) -> KnownLimits:
        """Limits that agents have met in any run of this person, in whatever repository."""
        return KnownLimits(self.state.parent / "limits", self.environment, self.redactor)

    async def problem(self, agent: AgentSpec) -> str | None:
        """Why an agent cannot be used here, before anything is spent on it."""
        if agent.name in self.untrusted:
            return (
                f"the agent {agent.name} is configured by this repository, whose commands you have"
                " not trusted yet; you are asked when the run starts"
            )
        return await unready(agent, self.backend(agent.driver), self.environment)
