"""Any agent that speaks the Agent Client Protocol: JSON-RPC over its standard streams.

The protocol's files and terminals are not offered: agents have their own, in the worktree, and what
they change there is found by git. See docs/adr/0007-conversations-without-io.md.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    AgentJob,
    AgentResult,
    Answer,
    Asked,
    ExitStatus,
    Launch,
    ProblemMet,
    SessionStarted,
    UsageReported,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage, add_known
from cc4tui.errors import UsageError
from cc4tui.services.agents.acp_updates import AcpUpdates
from cc4tui.services.agents.conclusion import failed_exit
from cc4tui.services.agents.environment import CLOUD_PASSES, defaults, job_environment
from cc4tui.services.agents.program import command_line, missing, search_path
from cc4tui.services.agents.reasons import failure, problem, sentence
from cc4tui.services.agents.streams import JsonStream
from cc4tui.services.agents.wire import (
    count_at,
    dict_at,
    json_line,
    list_at,
    number_at,
    text_at,
    value_at,
)


VERSION = 1
ABOUT_US: Mapping[str, Any] = {
    "clientCapabilities": {
        "fs": {"readTextFile": False, "writeTextFile": False},
        "terminal": False,
    },
    "clientInfo": {"name": "cc4tui", "version": "0"},
}
"""What this client is and can, for `initialize`."""
PASSES = (
    *CLOUD_PASSES,
    *("ANTHROPIC_*", "CLAUDE_*", "IS_SANDBOX", "OPENAI_*", "CODEX_*", "GEMINI_*", "GOOGLE_*"),
    *("OPENCODE_*", "OPENROUTER_*", "MISTRAL_*", "ACP_*"),
)
"""Keys and settings of the agents that are known to speak it."""
DEFAULTS = {
    "CLAUDE_CODE_MAX_RETRIES": "4",  # its own 10 are minutes of silence, also for a wrong key
    "DISABLE_AUTOUPDATER": "1",
}
"""Variables it gets when the person has not set them: for Claude Code behind the protocol."""
RELAY = (sys.executable, "-SEs", str(Path(__file__).with_name("relay.py")))
"""Gives the program a pipe to write to, see there."""
_OPENING = frozenset({"session/new", "session/load", "session/fork"})
_IDS = {"initialize": 0, **dict.fromkeys(_OPENING, 1), "session/set_model": 2}
_FIRST_PROMPT = 10
"""Fixed, so that a recording can be read without knowing how its agent was started."""
METHOD_NOT_FOUND, AUTH_REQUIRED = -32601, -32000
_READING = frozenset({"read", "search", "think", "fetch"})
_EDITING = frozenset({"edit", "delete", "move"})
_LAST_STEP_ONLY = frozenset({"opencode"})
"""Agents whose usage of a turn covers its last step: the rest is unknown, so all of it is."""


class AcpBackend:
    """Starts one process per attempt and holds one session with it."""

    driver = "acp"
    copies_sessions = True
    """Where the agent can; one that cannot gets the whole prompt in a new session."""

    def __init__(self, person: Mapping[str, str] = os.environ) -> None:
        self._person = person

    def check(self, spec: AgentSpec) -> str | None:
        """Whether the program is there."""
        if not spec.command:
            return f'agent {spec.name} has no command; set command = ["PROGRAM", "--acp"]'
        path = search_path(spec, self._person)
        return missing(spec.command[0], path, "install it, or give its full path")

    def launch(self, spec: AgentSpec, job: AgentJob) -> Launch:
        """The command; the prompt goes through the protocol.

        Raises:
            UsageError: there is no command.
        """
        if not spec.command:
            raise UsageError(f"agent {spec.name} has no command")
        return Launch(
            argv=(*RELAY, *command_line(spec, self._person), *spec.args),
            env=job_environment(job) | defaults(spec, self._person, DEFAULTS),
            stdin="pipe",
            passes=PASSES,
            interrupt_seconds=3.0,
        )

    def stream(self, spec: AgentSpec, job: AgentJob) -> "AcpStream":
        """The client's side of the protocol."""
        return AcpStream(spec, job)


class AcpStream(JsonStream):
    """One session: initialize, a new or loaded session, one prompt after another, the end."""

    survives = False

    def __init__(self, spec: AgentSpec, job: AgentJob) -> None:
        super().__init__()
        self.program = Path(spec.command[0]).name if spec.command else spec.name
        self._model = job.model or spec.model
        self._job = job
        self._updates = AcpUpdates(job.worktree)
        self._sent: dict[int, str] = {}
        self._prompts = 0
        self._cancels_first = False
        """Interrupted before its first turn: the session is to know what it was asked."""
        self._out: list[bytes] = []
        self._session = ""
        self._waiting = [job.prompt]
        self._asked: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._agent = ""
        self._stop = ""
        self._error = ""
        self._code = ReasonCode.AGENT
        self._usage = TokenUsage()
        self._cost: float | None = None
        self._call("initialize", protocolVersion=VERSION, **ABOUT_US)

    # --- what is said to it ------------------------------------------------------------------

    def outgoing(self) -> bytes:
        """Everything that is due."""
        out, self._out = b"".join(self._out), []
        return out

    @property
    def over(self) -> bool:
        """Its last turn has ended, or nothing will come of it."""
        idle = not self._sent and not self._waiting
        return bool(self._error) or (bool(self._stop) and idle)

    def say(self, text: str) -> None:
        """The next prompt: a turn that runs is not disturbed."""
        self._waiting.append(text)
        self._prompt_if_idle()

    def answer(self, ref: str, answer: Answer) -> None:
        """Choose the option that fits."""
        if ref not in self._asked:
            return
        identity, request = self._asked.pop(ref)
        wanted = "allow_once" if answer.allow else "reject_once"
        options = list_at(request, "options")
        option = next((one for one in options if text_at(one, "kind") == wanted), None)
        if option is None:
            outcome = {"outcome": "cancelled"}
        else:
            outcome = {"outcome": "selected", "optionId": text_at(option, "optionId")}
        self._reply(identity, {"outcome": outcome})

    def interrupt(self) -> None:
        """End the turn; the protocol wants open requests answered as cancelled."""
        for identity, _ in self._asked.values():
            self._reply(identity, {"outcome": {"outcome": "cancelled"}})
        self._asked.clear()
        if "session/prompt" in self._sent.values():
            self._cancel()
        else:
            self._cancels_first = not self._stop

    # --- what it says ------------------------------------------------------------------------

    def read_message(self, message: dict[str, Any]) -> Iterable[AgentEvent]:
        method = text_at(message, "method")
        if method == "session/update":
            return self._updates.read(dict_at(message, "params", "update")) + self._spent(message)
        if method and "id" in message:
            return self._asked_for(method, message)
        if not method and "id" in message:
            return list(self._answered(message))
        return ()

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        if self._error:
            _, reason = failure(self.program, self._error)
            result = AgentResult(AttemptOutcome.FAILED, self._code, reason)
        elif self._stop == "end_turn":
            result = AgentResult(AttemptOutcome.SUCCEEDED)
        elif self._stop == "cancelled":
            reason = f"{self.program} was interrupted"
            result = AgentResult(AttemptOutcome.STOPPED, ReasonCode.STOPPED, reason)
        elif self._stop:
            words = self._stop.replace("_", " ")
            reason = f"{self.program} stopped before it was finished ({words})"
            result = AgentResult(AttemptOutcome.FAILED, ReasonCode.AGENT, reason)
        else:
            result = failed_exit(self.program, status, stderr)
        session = self._session or None
        return replace(result, usage=self._usage, cost_usd=self._cost, session=session)

    def _asked_for(self, method: str, message: dict[str, Any]) -> list[AgentEvent]:
        identity, params = message["id"], dict_at(message, "params")
        if method != "session/request_permission":
            words = f"this client has no {method}"
            error = {"code": METHOD_NOT_FOUND, "message": words}
            self._write({"id": identity, "error": error})
            return []
        told, call = self._updates.asked(dict_at(params, "toolCall"))
        ref = f"{identity}"
        self._asked[ref] = identity, params
        kind = text_at(params, "toolCall", "kind") or self._updates.kind_of(call.call)
        return [
            *told,
            Asked(
                ref,
                call.name,
                call.arguments,
                call.summary,
                changes=kind not in _READING,
                edits=kind in _EDITING,
            ),
        ]

    def _answered(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        identity = value_at(message, "id")
        method = self._sent.pop(identity, "") if isinstance(identity, int) else ""
        if not method:
            return
        if "error" in message:
            yield from self._refused(method, dict_at(message, "error"))
            return
        result = dict_at(message, "result")
        match method:
            case "initialize":
                self._initialized(result)
            case "session/prompt":
                yield from self._turn_ended(result)
            case _ if method in _OPENING:
                yield from self._opened(result)

    def _initialized(self, result: dict[str, Any]) -> None:
        self._agent = text_at(result, "agentInfo", "name").lower()
        known, way = self._job.resume_session, self._way(dict_at(result, "agentCapabilities"))
        if known and way is not None:
            self._session = known
            self._open(way, sessionId=known)
        else:
            self._open_anew()

    def _open_anew(self) -> None:
        """A new session knows nothing of the one that was to be gone on with."""
        if self._job.resume_session and self._waiting:
            self._waiting[0] = self._job.whole_prompt or self._waiting[0]
        self._session = ""
        self._open("session/new")

    def _open(self, way: str, **params: str) -> None:
        self._call(way, **params, cwd=str(self._job.worktree), mcpServers=[])

    def _way(self, can: dict[str, Any]) -> str | None:
        """How it goes on in a session, or in a copy of one; None = it cannot."""
        if self._job.copy_session:
            return "session/fork" if "fork" in dict_at(can, "sessionCapabilities") else None
        return "session/load" if value_at(can, "loadSession") is True else None

    def _opened(self, result: dict[str, Any]) -> Iterator[AgentEvent]:
        self._session = text_at(result, "sessionId") or self._session
        self._updates.live = True
        models = list_at(result, "models", "availableModels")
        chosen = text_at(result, "models", "currentModelId")
        wanted = self._model or ""
        if wanted and wanted != chosen and any(text_at(m, "modelId") == wanted for m in models):
            self._call("session/set_model", sessionId=self._session, modelId=wanted)
            chosen = wanted
        yield SessionStarted(self._session, chosen or None)
        self._prompt_if_idle()

    def _prompt_if_idle(self) -> None:
        busy = not self._updates.live or "session/prompt" in self._sent.values()
        if self._session and self._waiting and not busy:
            text = {"type": "text", "text": self._waiting.pop(0)}
            self._call("session/prompt", sessionId=self._session, prompt=[text])
            if self._cancels_first:
                self._cancels_first = False
                self._cancel()

    def _cancel(self) -> None:
        self._write({"method": "session/cancel", "params": {"sessionId": self._session}})

    def _turn_ended(self, result: dict[str, Any]) -> Iterator[AgentEvent]:
        yield from self._updates.rest()
        self._stop = text_at(result, "stopReason") or "end_turn"
        usage = dict_at(result, "usage")
        if usage and self._agent not in _LAST_STEP_ONLY:
            self._usage += TokenUsage(
                add_known(count_at(usage, "inputTokens"), count_at(usage, "cachedWriteTokens")),
                count_at(usage, "cachedReadTokens"),
                count_at(usage, "outputTokens"),
            )
        counted = dict_at(result, "_meta", "quota", "token_count")
        if counted and not usage:
            self._usage += TokenUsage(
                count_at(counted, "input_tokens"), None, count_at(counted, "output_tokens")
            )
        yield UsageReported(self._usage, self._cost)
        self._prompt_if_idle()
        if self.over:
            yield AgentFinished(ok=self._stop == "end_turn")

    def _spent(self, message: dict[str, Any]) -> list[AgentEvent]:
        """Money is told as the session's total."""
        update = dict_at(message, "params", "update")
        cost = number_at(update, "cost", "amount")
        if cost is None or text_at(update, "cost", "currency") not in ("USD", ""):
            return []
        self._cost = cost
        return [UsageReported(self._usage, cost)]

    def _refused(self, method: str, error: dict[str, Any]) -> Iterator[AgentEvent]:
        if method == "session/set_model":
            words = f"its model stays as it is: {text_at(error, 'message')}"
            yield ProblemMet(sentence(words))
            return
        if method in ("session/load", "session/fork"):
            words = f"a new session is begun: {text_at(error, 'message') or 'it is not found'}"
            yield ProblemMet(sentence(words))
            self._open_anew()
            return
        words = text_at(error, "data", "message") or text_at(error, "data", "details")
        words = words or text_at(error, "message") or "no message"
        if count_at(error, "data", "statusCode") in (401, 403) or (
            number_at(error, "code") == AUTH_REQUIRED
        ):
            words = f"not logged in: {words}"
        self._error = words = words.removeprefix("Internal error: ") or words
        told = problem(words, about=text_at(error, "data", "errorKind"))
        self._code = told.code
        yield told
        yield AgentFinished(ok=False)

    def _call(self, method: str, **params: Any) -> None:
        identity = _IDS.get(method, _FIRST_PROMPT + self._prompts)
        self._prompts += method == "session/prompt"
        self._sent[identity] = method
        self._write({"id": identity, "method": method, "params": params})

    def _reply(self, identity: Any, result: dict[str, Any]) -> None:
        self._write({"id": identity, "result": result})

    def _write(self, message: dict[str, Any]) -> None:
        self._out.append(json_line({"jsonrpc": "2.0", **message}))
