"""OpenAI's Codex without a screen: ``codex exec --json``.

Measured with 0.169.0. Its sandbox makes .git read-only and fails in some homes without saying so in
the stream, so it is bypassed unless the agent's arguments choose one. It counts tokens of the whole
thread, gives no cost, and has errors as text only.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    AgentJob,
    AgentResult,
    BackingOff,
    ExitStatus,
    SessionStarted,
    UsageReported,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome
from cc4tui.domain.usage import TokenUsage
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.codex_items import CodexItems
from cc4tui.services.agents.conclusion import failed_exit
from cc4tui.services.agents.logins import first_file, first_set, home_of, whole_environment
from cc4tui.services.agents.reasons import failure, problem, sentence
from cc4tui.services.agents.streams import JsonStream
from cc4tui.services.agents.wire import count_at, dict_at, parse_object, text_at


_RECONNECTING = re.compile(r"Reconnecting\.\.\. (\d+)/(\d+)(?: \((.*)\))?", re.DOTALL)
_SANDBOX_OPTIONS = frozenset({"-s", "--sandbox", "--full-auto", "--approve-for-me"})


SANDBOXES = {
    "accept-edits": ["-c", "sandbox_mode=workspace-write"],
    "yolo": ["--dangerously-bypass-approvals-and-sandbox"],
    "read-only": ["-c", "sandbox_mode=read-only"],
}
"""By policy; as settings, because ``exec resume`` and ``exec fork`` have no option for it."""


class CodexBackend(CliBackend):
    """Starts one ``codex exec`` per attempt."""

    driver = "codex"
    package = "@openai/codex"
    least_version = (0, 47, 0)
    login_hint = "run `codex login`, or set CODEX_API_KEY"
    login_question = ("login", "status")
    screen = "resume"
    interrupt_seconds = 3.0  # obeyed after 0.05 s
    policies = ("accept-edits", "yolo", "read-only")
    copies_sessions = True
    passes = ("OPENAI_*", "CODEX_*", "AZURE_OPENAI_*", "RUST_LOG")

    def options(self, spec: AgentSpec, job: AgentJob) -> list[str]:
        """Execution without approvals; the prompt comes on standard input."""
        going_on = ["fork" if job.copy_session else "resume"] if job.resume_session else []
        options = ["exec", *going_on]
        options += ["--json", "--skip-git-repo-check"]
        if _SANDBOX_OPTIONS.isdisjoint(spec.args):
            options += SANDBOXES[spec.policy]
        if model := job.model or spec.model:
            options += ["-m", model]
        if job.effort:
            options += ["-c", f"model_reasoning_effort={job.effort}"]
        return [*options, *spec.args, *filter(None, [job.resume_session]), "-"]

    def more_passes(self) -> tuple[str, ...]:
        """Names of the variables that hold the keys of the person's own model providers."""
        providers = dict_at(self._settings(), "model_providers").values()
        return tuple(name for provider in providers if (name := text_at(provider, "env_key")))

    def login(self, spec: AgentSpec) -> str | None:
        """A key, what `codex login` wrote, or a model provider of the person's own."""
        environment = whole_environment(spec, self._person)
        folder = Path(environment.get("CODEX_HOME") or home_of(environment) / ".codex")
        own = text_at(self._settings(), "model_provider") not in ("", "openai")
        return (
            first_set(environment, ("CODEX_API_KEY", "OPENAI_API_KEY"))
            or first_file(folder / "auth.json")
            or (str(folder / "config.toml") if own else None)
        )

    def _settings(self) -> dict[str, Any]:
        """The person's own configuration of it."""
        home = self._person.get("CODEX_HOME") or f"{self._person.get('HOME', '')}/.codex"
        try:
            return tomllib.loads(Path(home, "config.toml").read_text("utf-8"))
        except (OSError, ValueError):  # codex itself says what is wrong with it
            return {}

    def stream(self, spec: AgentSpec, job: AgentJob) -> "CodexStream":
        """A decoder of its JSON lines."""
        model = job.model or spec.model or text_at(self._settings(), "model")
        return CodexStream(job, model or None)


class CodexStream(JsonStream):
    """One process of ``codex exec --json``."""

    program = "codex"

    def __init__(self, job: AgentJob, model: str | None = None) -> None:
        super().__init__()
        self._model = model  # its stream does not tell
        self._items = CodexItems(job.worktree)
        self._session = job.resume_session
        self._before = job.session_usage
        self._resumed_blindly = job.resume_session is not None and job.session_usage is None
        self._usage = TokenUsage()
        self._completed = False
        self._error = self._told = ""

    def read_message(self, message: dict[str, Any]) -> Iterable[AgentEvent]:
        match text_at(message, "type").split("."):
            case ["thread", "started"]:
                return self._started(text_at(message, "thread_id"))
            case ["item", stage]:
                return self._items.read(stage, dict_at(message, "item"))
            case ["turn", "completed"]:
                return self._turn_completed(dict_at(message, "usage"))
            case ["turn", "failed"]:
                return self._turn_failed(text_at(message, "error", "message"))
            case ["error"]:
                return self._problem(text_at(message, "message"))
        return ()

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        if self._error:
            code, reason = failure(self.program, self._error)
            result = AgentResult(AttemptOutcome.FAILED, code, reason)
        elif self._completed and status.code == 0:
            result = AgentResult(AttemptOutcome.SUCCEEDED)
        else:
            result = failed_exit(self.program, status, stderr)
        return replace(result, usage=self._usage, session=self._session)

    def _started(self, session: str) -> Iterator[AgentEvent]:
        if session:
            self._session = session
            yield SessionStarted(session, self._model)

    def _turn_completed(self, usage: dict[str, Any]) -> Iterator[AgentEvent]:
        self._completed, self._error = True, ""
        if usage and not self._resumed_blindly:
            self._usage = _since(self._before, _thread_usage(usage))
            yield UsageReported(self._usage)
        yield AgentFinished(ok=True)

    def _turn_failed(self, words: str) -> Iterator[AgentEvent]:
        self._completed, self._error = False, _message(words) or "the turn failed"
        yield from self._problem(self._error)
        yield AgentFinished(ok=False)

    def _problem(self, words: str) -> Iterator[AgentEvent]:
        """An error is told on its own, and again as the reason of the failed turn."""
        words = _message(words)
        if again := _RECONNECTING.match(words):
            why = f"{again[3] or 'no answer'}, try {again[1]} of {again[2]}"
            yield BackingOff(0.0, sentence(why))
        elif words != self._told:
            self._told = words
            yield problem(words)


def _message(words: str) -> str:
    """The words of an API that answered with JSON, and only that is passed on."""
    told = parse_object(words.encode("utf-8", "replace"))
    return text_at(told, "error", "message") or text_at(told, "message") or words


def _thread_usage(usage: dict[str, Any]) -> TokenUsage:
    """Its input includes what came from the cache; ours does not."""
    cached = count_at(usage, "cached_input_tokens")
    total = count_at(usage, "input_tokens")
    fresh = None if total is None else max(total - (cached or 0), 0)
    return TokenUsage(fresh, cached, count_at(usage, "output_tokens"))


def _since(before: TokenUsage | None, now: TokenUsage) -> TokenUsage:
    if before is None:
        return now
    return TokenUsage(
        _difference(now.input_tokens, before.input_tokens),
        _difference(now.cached_input_tokens, before.cached_input_tokens),
        _difference(now.output_tokens, before.output_tokens),
    )


def _difference(now: int | None, before: int | None) -> int | None:
    return None if now is None else max(now - (before or 0), 0)
