"""opencode without a screen: ``opencode run --format json``.

Measured with 1.18.33. It says nothing while it tries again, tells a tool call only when it is over,
and ends with exit code 0 when a permission was refused: success is a last step that ended itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    AgentJob,
    AgentResult,
    ExitStatus,
    FileChanged,
    Launch,
    ProblemMet,
    SessionStarted,
    TextSaid,
    ThinkingSaid,
    ToolCalled,
    ToolReturned,
    UsageReported,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage, add_known
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.conclusion import failed_exit
from cc4tui.services.agents.environment import CLOUD_PASSES
from cc4tui.services.agents.logins import first_file, first_set, home_of, whole_environment
from cc4tui.services.agents.reasons import failure, problem
from cc4tui.services.agents.streams import JsonStream
from cc4tui.services.agents.summary import relative, tool_summary
from cc4tui.services.agents.wire import count_at, dict_at, number_at, text_at, value_at


_WRITING_TOOLS = frozenset({"write", "edit", "patch", "multiedit"})


READ_ONLY = '{"edit": "deny", "bash": "deny"}'
"""Its own words for: look around by the tools that are made for it."""


class OpencodeBackend(CliBackend):
    """Starts one ``opencode run`` per attempt."""

    driver = "opencode"
    package = "opencode-ai"
    least_version = (1, 0, 0)
    login_hint = "run `opencode auth login`"
    needs_login = False  # it comes with models that need none
    screen = "--session"
    interrupt_seconds = 2.0  # obeyed at once, but its shells stay and are swept
    policies = ("yolo", "read-only")
    copies_sessions = True
    defaults = {"OPENCODE_DISABLE_AUTOUPDATE": "1"}  # noqa: RUF012 - a ClassVar of the base
    passes = (
        *CLOUD_PASSES,
        "OPENCODE_*",
        "ANTHROPIC_*",
        "OPENAI_*",
        "GEMINI_*",
        "GOOGLE_*",
        "OPENROUTER_*",
        "GROQ_*",
        "MISTRAL_*",
        "DEEPSEEK_*",
        "XAI_*",
        "MOONSHOT_*",
    )

    def login(self, spec: AgentSpec) -> str | None:
        """What `opencode auth login` wrote, or the key of some provider."""
        environment = whole_environment(spec, self._person)
        data = environment.get("XDG_DATA_HOME") or home_of(environment) / ".local/share"
        keys = sorted(name for name in environment if name.endswith("_API_KEY"))
        return first_file(Path(data, "opencode/auth.json")) or first_set(environment, keys)

    def options(self, spec: AgentSpec, job: AgentJob) -> list[str]:
        """All permissions that are not refused by its own settings."""
        options = ["run", "--format", "json"]
        options += ["--agent", "plan"] if spec.policy == "read-only" else ["--auto"]
        if model := job.model or spec.model:
            options += ["-m", model]
        if job.effort:
            options += ["--variant", job.effort]
        if job.resume_session:
            options += ["--session", job.resume_session]
        if job.copy_session:
            options += ["--fork"]
        return [*options, *spec.args]

    def launch(self, spec: AgentSpec, job: AgentJob) -> Launch:
        """A call that needs nobody to answer; its plan mode alone would let commands write."""
        launch = super().launch(spec, job)
        if spec.policy != "read-only":
            return launch
        return replace(launch, env={**launch.env, "OPENCODE_PERMISSION": READ_ONLY})

    def stream(self, spec: AgentSpec, job: AgentJob) -> "OpencodeStream":
        """A decoder of its JSON lines."""
        return OpencodeStream(job)


class OpencodeStream(JsonStream):
    """One process of ``opencode run --format json``."""

    program = "opencode"

    def __init__(self, job: AgentJob) -> None:
        super().__init__()
        self._worktree = job.worktree
        self._session = job.resume_session
        self._told_session = False
        self._usage = TokenUsage()
        self._cost: float | None = None
        self._end = ""
        self._error: tuple[str, int | None] | None = None
        self._refused = ""

    def read_message(self, message: dict[str, Any]) -> Iterable[AgentEvent]:
        yield from self._started(text_at(message, "sessionID"))
        part = dict_at(message, "part")
        match message.get("type"):
            case "text":
                yield TextSaid(text_at(part, "text"))
            case "reasoning":
                yield ThinkingSaid(text_at(part, "text"))
            case "tool_use":
                yield from self._tool(part)
            case "step_finish":
                yield from self._step_finished(part)
            case "error":
                yield self._failed(dict_at(message, "error"))

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        return replace(
            self._outcome(status, stderr),
            usage=self._usage,
            cost_usd=self._cost,
            session=self._session,
        )

    def _outcome(self, status: ExitStatus, stderr: str) -> AgentResult:
        if self._error is not None:
            code, reason = failure(self.program, *self._error)
            return AgentResult(AttemptOutcome.FAILED, code, reason)
        if status.code != 0:
            return failed_exit(self.program, status, stderr)
        if self._end == "stop":
            return AgentResult(AttemptOutcome.SUCCEEDED)
        if self._refused:
            reason = f"opencode was denied a tool call: {self._refused}"
            return AgentResult(AttemptOutcome.FAILED, ReasonCode.AGENT, reason)
        if self._end:
            reason = f"opencode stopped before it was finished ({self._end})"
            return AgentResult(AttemptOutcome.FAILED, ReasonCode.AGENT, reason)
        return failed_exit(self.program, status, stderr)

    def _started(self, session: str) -> Iterator[AgentEvent]:
        if session and not self._told_session:
            self._told_session, self._session = True, session
            yield SessionStarted(session)

    def _tool(self, part: dict[str, Any]) -> Iterator[AgentEvent]:
        name, identity = text_at(part, "tool"), text_at(part, "callID")
        arguments, status = dict_at(part, "state", "input"), text_at(part, "state", "status")
        yield ToolCalled(identity, name, arguments, tool_summary(name, arguments, self._worktree))
        ok = status == "completed" and count_at(part, "state", "metadata", "exit") in (0, None)
        error = text_at(part, "state", "error")
        yield ToolReturned(identity, ok, text_at(part, "state", "output") or error)
        if "rejected permission" in error:
            self._refused = name
        if ok and name in _WRITING_TOOLS and (path := text_at(arguments, "filePath")):
            created = value_at(part, "state", "metadata", "exists") is False
            yield FileChanged(relative(path, self._worktree), created)

    def _step_finished(self, part: dict[str, Any]) -> Iterator[AgentEvent]:
        self._end, self._error = text_at(part, "reason"), None
        self._usage += _step_usage(dict_at(part, "tokens"))
        # a model without a known price costs 0 there, which would be a lie here
        self._cost = add_known(self._cost, number_at(part, "cost") or None)
        yield UsageReported(self._usage, self._cost)
        if self._end == "stop":
            yield AgentFinished(ok=True)

    def _failed(self, error: dict[str, Any]) -> ProblemMet:
        words = text_at(error, "data", "message") or text_at(error, "name") or "no message"
        status = count_at(error, "data", "statusCode")
        self._error = words, status
        return problem(words, status)


def _step_usage(tokens: dict[str, Any]) -> TokenUsage:
    """Reasoning is output, and what is written to the cache was not read from it."""
    return TokenUsage(
        add_known(count_at(tokens, "input"), count_at(tokens, "cache", "write")),
        count_at(tokens, "cache", "read"),
        add_known(count_at(tokens, "output"), count_at(tokens, "reasoning")),
    )
