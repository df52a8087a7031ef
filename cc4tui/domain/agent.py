"""What goes to an agent and what comes back, free of any wire format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage


@dataclass(frozen=True, slots=True)
class AgentJob:
    """One attempt at one task, as a backend needs it."""

    run: str
    task: str
    title: str
    attempt: int
    plan: str
    """Path of the plan file."""
    prompt: str
    prompt_file: Path
    """Holds `prompt`; lies in the attempt's folder, outside the worktree."""
    worktree: Path
    model: str | None = None
    effort: str | None = None
    commands: tuple[str, ...] = ()
    """The task's ``Run:`` commands, for the shell agent."""
    files: tuple[str, ...] = ()
    rehearse: str | None = None
    resume_session: str | None = None
    """The agent's own id of a session to go on with; some find it only from the same worktree."""
    copy_session: bool = False
    """Go on in a copy of `resume_session`, which stays as it is."""
    whole_prompt: str = ""
    """Instead of `prompt`, for an agent that only then says that it cannot go on in sessions."""
    session_usage: TokenUsage | None = None
    """What `resume_session` had used before, for agents that report totals of the whole session."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a backend wants its program started; never through a shell."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """On top of the scrubbed environment."""
    stdin: str = "null"
    """``null``, ``prompt`` (the prompt file, then end of file) or ``pipe`` (fed later)."""
    passes: tuple[str, ...] = ()
    """Names (``*`` at the end allowed) of the person's variables that this driver needs."""
    interrupt_seconds: float = 2.0
    """How long SIGINT may take before its children get SIGTERM."""


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How the agent's process ended, from wait(2)."""

    code: int | None
    """Exit code; negative = that signal; None = it could not be started or was lost."""
    why: str = "exited"
    """exited, stopped, timeout, silence, app-gone, exec, supervisor-lost, ..."""
    errno: int | None = None
    """When it could not be started."""


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """Something an agent did or said. Text is raw: it is cleaned where it is shown or stored."""


@dataclass(frozen=True, slots=True)
class SessionStarted(AgentEvent):
    """The agent told its own session id and model."""

    session: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class TextSaid(AgentEvent):
    """Text of the agent."""

    text: str


@dataclass(frozen=True, slots=True)
class LinesSaid(TextSaid):
    """Several lines of a program that speaks plain text, in one, so that a flood is cheap."""


@dataclass(frozen=True, slots=True)
class StderrSaid(AgentEvent):
    """Text on the agent's standard error: warnings, progress, the cause of a crash."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingSaid(AgentEvent):
    """Text of its reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCalled(AgentEvent):
    """A tool call began."""

    call: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    """One line a person understands: ``Edit api/limits.py``, ``Bash pytest -q``."""


@dataclass(frozen=True, slots=True)
class ToolReturned(AgentEvent):
    """A tool call ended."""

    call: str
    ok: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class FileChanged(AgentEvent):
    """A tool of the agent changed a file; commands may change more: git has the last word."""

    path: str
    """Relative to the worktree where it lies inside."""
    created: bool = False


@dataclass(frozen=True, slots=True)
class Todo:
    """An entry of the list an agent keeps for itself."""

    text: str
    done: bool
    active: bool = False


@dataclass(frozen=True, slots=True)
class TodosChanged(AgentEvent):
    """The agent wrote its own list anew."""

    todos: tuple[Todo, ...]


@dataclass(frozen=True, slots=True)
class UsageReported(AgentEvent):
    """Tokens and cost of this attempt so far (a total, not a difference)."""

    usage: TokenUsage
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class BackingOff(AgentEvent):
    """The agent waits before it tries its model again."""

    seconds: float
    """0 = it did not say how long."""
    reason: str


@dataclass(frozen=True, slots=True)
class LimitReached(AgentEvent):
    """The account's quota is used up for now."""

    reason: str
    until: float | None = None
    """When it is reset, in seconds since the epoch; None = the agent did not say."""


@dataclass(frozen=True, slots=True)
class Asked(AgentEvent):
    """The agent waits until somebody lets it do something, or tells it something."""

    ref: str
    """Its own id of the request."""
    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    """What it is about, in one line."""
    kind: str = "permission"
    """``permission`` or ``question``."""
    changes: bool = True
    """Whether it may change something; reading and searching do not."""
    edits: bool = False
    """Whether it does no more than change files of the worktree."""
    choices: tuple[str, ...] = ()
    """Answers that a question offers."""


@dataclass(frozen=True, slots=True)
class AskWithdrawn(AgentEvent):
    """The agent no longer waits for this."""

    ref: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody decided about a request."""

    allow: bool
    text: str = ""
    """Why not, for the agent; or the answer to its question."""


@dataclass(frozen=True, slots=True)
class ProblemMet(AgentEvent):
    """The agent reported an error; it may still get over it."""

    reason: str
    code: ReasonCode = ReasonCode.AGENT


@dataclass(frozen=True, slots=True)
class LoginNeeded(ProblemMet):
    """It cannot work before its person has logged in, or has given it a key that counts."""


@dataclass(frozen=True, slots=True)
class ContextExhausted(ProblemMet):
    """What it was told and has done no longer fits its model's context."""


@dataclass(frozen=True, slots=True)
class AgentFinished(AgentEvent):
    """The agent said that its work is over; its process should end within seconds."""

    ok: bool


@dataclass(frozen=True, slots=True)
class AgentResult:
    """What a backend concludes from the stream and the exit; git has the last word on success."""

    outcome: AttemptOutcome
    reason_code: ReasonCode | None = None
    reason: str = ""
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float | None = None
    cost_estimated: bool = False
    """The cost comes from the price list: the agent told tokens only."""
    session: str | None = None
    until: float | None = None
    """When the limit that it met is over, in seconds since the epoch; None = it did not say."""
