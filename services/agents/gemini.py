"""Google's Gemini CLI without a screen: ``gemini -o stream-json``.

Measured with 0.61.0. Only ``yolo`` offers it a shell. It works only in a folder that it trusts: for
a worktree of the repository that a person runs a plan in, that is said here, unless they have said
otherwise. It ignores SIGINT and ends with exit code 0 when its group is signalled, so 0 alone means
nothing.
"""

import re
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
    FileChanged,
    SessionStarted,
    TextSaid,
    ToolCalled,
    ToolReturned,
    UsageReported,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.conclusion import failed_exit
from cc4tui.services.agents.environment import CLOUD_PASSES
from cc4tui.services.agents.logins import (
    first_file,
    first_set,
    home_of,
    setting,
    told_in,
    whole_environment,
)
from cc4tui.services.agents.reasons import failure, problem, sentence
from cc4tui.services.agents.streams import JsonStream
from cc4tui.services.agents.summary import relative, tool_summary
from cc4tui.services.agents.wire import count_at, dict_at, text_at


NO_LOGIN_EXIT, NO_TRUST_EXIT = 41, 55
_FAILED_TRY = re.compile(r"Attempt (\d{1,3}) failed(?: with status (\d+))?[:.]? ?(.*)")
_WAITS = re.compile(r"Retrying (?:with backoff|after (\d{1,12})ms)")
_INNER_CODE = re.compile(r'"code": ?(\d{3})\b')
_INNER_MESSAGE = re.compile(r'(?<="message":")[^"\\]+(?=")')
"""Of the API's JSON within its own sentence."""
_WRITING_TOOLS = frozenset({"write_file", "replace"})


MODES = {"accept-edits": "auto_edit", "yolo": "yolo", "read-only": "plan"}
"""Its own names of the policies."""


TRUST = "GEMINI_CLI_TRUST_WORKSPACE"
LOGINS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA")


class GeminiBackend(CliBackend):
    """Starts one ``gemini`` per attempt."""

    driver = "gemini"
    package = "@google/gemini-cli"
    least_version = (0, 11, 0)
    login_hint = "run `gemini` once and log in, or set GEMINI_API_KEY"
    screen = "--resume"
    session_in_folder = True
    interrupt_seconds = 0.5  # it does not listen
    policies = tuple(MODES)
    defaults = {TRUST: "true"}  # noqa: RUF012 - a ClassVar of the base
    passes = (*CLOUD_PASSES, "GEMINI_*", "GOOGLE_*")

    def refuses(self, spec: AgentSpec) -> str | None:
        """It works in no folder that it does not trust, and it was told to trust none."""
        trust = whole_environment(spec, self._person).get(TRUST)
        if trust is None or trust.lower() in ("true", "1") or "--skip-trust" in spec.args:
            return None
        return (
            f"the agent {spec.name} would wait for your trust in each worktree: {TRUST} is"
            f" {trust!r}; unset it, or set it to true"
        )

    def login(self, spec: AgentSpec) -> str | None:
        """A key, a way to log in that was chosen, or what a log-in wrote."""
        environment = whole_environment(spec, self._person)
        home, here = home_of(environment), Path.cwd()
        own = home / ".gemini"
        above = (here, *here.parents, home)
        places = [one for folder in above for one in (folder / ".gemini", folder)]
        return (
            first_set(environment, LOGINS)
            or first_file(own / "oauth_creds.json")
            or setting(own / "settings.json", "security", "auth", "selectedType")
            or setting(own / "settings.json", "selectedAuthType")
            or told_in(places, LOGINS)
        )

    def options(self, spec: AgentSpec, job: AgentJob) -> list[str]:
        """All tools, unless the agent's arguments choose another mode; it knows no effort."""
        options = ["-o", "stream-json"]
        if "--approval-mode" not in spec.args:
            options += ["--approval-mode", MODES[spec.policy]]
        if model := job.model or spec.model:
            options += ["-m", model]
        if job.resume_session:
            options += ["--resume", job.resume_session]
        return [*options, *spec.args]

    def stream(self, spec: AgentSpec, job: AgentJob) -> "GeminiStream":
        """A decoder of its JSON lines."""
        return GeminiStream(job)


class GeminiStream(JsonStream):
    """One process of ``gemini -o stream-json``."""

    program = "gemini"

    def __init__(self, job: AgentJob) -> None:
        super().__init__()
        self._worktree = job.worktree
        self._session = job.resume_session
        self._calls: dict[str, ToolCalled] = {}
        self._refused: dict[str, None] = {}
        self._text = ""
        self._usage = TokenUsage()
        self._status = ""
        self._error = ""
        self._http: int | None = None
        self._failed_try = ""

    def read_message(self, message: dict[str, Any]) -> Iterable[AgentEvent]:
        kind = text_at(message, "type")
        if kind == "message" and text_at(message, "role") == "assistant":
            yield from self._said(text_at(message, "content"), message.get("delta") is True)
            return
        yield from self._rest()
        match kind:
            case "init":
                yield from self._started(message)
            case "tool_use":
                yield self._called(message)
            case "tool_result":
                yield from self._returned(message)
            case "error":
                yield problem(text_at(message, "message"))
            case "result":
                yield from self._ended(message)

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        if self._status == "success" and status.code == 0:
            result = AgentResult(AttemptOutcome.SUCCEEDED, reason=self._refusals())
        elif self._error:
            code, reason = failure(self.program, self._error, self._http)
            result = AgentResult(AttemptOutcome.FAILED, code, reason)
        else:
            result = _without_result(failed_exit(self.program, status, stderr), status.code)
        return replace(result, usage=self._usage, session=self._session)

    def hear_error(self, line: str) -> Iterator[AgentEvent]:
        """Its tries are told only on standard error, in one line or two."""
        if failed := _FAILED_TRY.match(line):
            what = f"status {failed[2]}" if failed[2] else failed[3]
            self._failed_try = f"{what}, try {failed[1]}"
        waits = _WAITS.search(line)
        if waits and self._failed_try:
            yield BackingOff(int(waits[1] or 0) / 1000, sentence(self._failed_try))
            self._failed_try = ""

    def _refusals(self) -> str:
        """It counts as its success when its mode did not offer what it needed."""
        names = ", ".join(self._refused)
        return f"gemini was not offered the tools it called: {names}" if names else ""

    def _said(self, text: str, more_follows: bool) -> Iterator[AgentEvent]:
        """Pieces of a text are cut anywhere; whole lines of them are told."""
        self._text += text
        if not more_follows:
            yield from self._rest()
            return
        lines, newline, self._text = self._text.rpartition("\n")
        if newline:
            yield TextSaid(lines)

    def _rest(self) -> Iterator[AgentEvent]:
        if self._text:
            yield TextSaid(self._text)
            self._text = ""

    def _started(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        if session := text_at(message, "session_id"):
            self._session = session
            yield SessionStarted(session, text_at(message, "model") or None)

    def _called(self, message: dict[str, Any]) -> ToolCalled:
        name, arguments = text_at(message, "tool_name"), dict_at(message, "parameters")
        summary = tool_summary(name, arguments, self._worktree)
        call = ToolCalled(text_at(message, "tool_id"), name, arguments, summary)
        self._calls[call.call] = call
        return call

    def _returned(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        identity, ok = text_at(message, "tool_id"), text_at(message, "status") == "success"
        text = text_at(message, "output") or text_at(message, "error", "message")
        yield ToolReturned(identity, ok, text)
        call = self._calls.pop(identity, None)
        if call is not None and text_at(message, "error", "type") == "tool_not_registered":
            self._refused[call.name] = None
        if ok and call is not None and call.name in _WRITING_TOOLS:
            yield FileChanged(relative(text_at(call.arguments, "file_path"), self._worktree))

    def _ended(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        self._status = text_at(message, "status")
        words = text_at(message, "error", "message")
        status, inner = _INNER_CODE.search(words), _INNER_MESSAGE.search(words)
        self._http = int(status[1]) if status else None
        self._error = inner[0] if inner else words or text_at(message, "error", "type")
        if stats := dict_at(message, "stats"):
            self._usage = _usage(stats)
            yield UsageReported(self._usage)
        yield AgentFinished(ok=self._status == "success")


def _usage(stats: dict[str, Any]) -> TokenUsage:
    """Its input includes what came from the cache; ours does not."""
    cached, total = count_at(stats, "cached"), count_at(stats, "input_tokens")
    fresh = None if total is None else max(total - (cached or 0), 0)
    return TokenUsage(fresh, cached, count_at(stats, "output_tokens"))


def _without_result(result: AgentResult, code: int | None) -> AgentResult:
    if code == NO_LOGIN_EXIT:
        return replace(result, reason_code=ReasonCode.LOGIN)
    if code == NO_TRUST_EXIT:
        way_out = "; it trusts the folder with GEMINI_CLI_TRUST_WORKSPACE=true"
        return replace(result, reason=result.reason + way_out)
    return result
