"""Decodes the JSON lines of Claude Code and judges how it ended.

What counts, in this order: the last ``result`` event, the exit code, and words on standard error
when there is no result. ``subtype: success`` alone means nothing: every API error carries it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    AgentJob,
    AgentResult,
    Answer,
    BackingOff,
    ExitStatus,
    FileChanged,
    LimitReached,
    SessionStarted,
    TextSaid,
    ThinkingSaid,
    Todo,
    TodosChanged,
    ToolCalled,
    ToolReturned,
)
from cc4tui.services.agents.claude_result import conclude
from cc4tui.services.agents.claude_talk import ClaudeTalk
from cc4tui.services.agents.claude_usage import UsageCounter
from cc4tui.services.agents.conclusion import failed_exit
from cc4tui.services.agents.reasons import problem
from cc4tui.services.agents.streams import JsonStream
from cc4tui.services.agents.summary import relative, tool_summary
from cc4tui.services.agents.wire import (
    count_at,
    dict_at,
    list_at,
    number_at,
    text_at,
    text_of,
    value_at,
)


class ClaudeStream(JsonStream):
    """One process of ``claude -p`` with JSON lines both ways."""

    program = "claude"
    survives = True

    def __init__(self, job: AgentJob) -> None:
        super().__init__()
        self._talk = ClaudeTalk(job.prompt)
        self._worktree = job.worktree
        self._session = job.resume_session
        self._sessions_told: set[str] = set()
        self._usage = UsageCounter()
        self._result: dict[str, Any] | None = None
        self._problem = ""
        self._until: float | None = None

    # --- what is said to it ------------------------------------------------------------------

    def outgoing(self) -> bytes:
        """Everything that is due."""
        return self._talk.outgoing()

    @property
    def over(self) -> bool:
        """It said that it is finished after it had read everything that it was told."""
        return self._result is not None and self._talk.was_read

    def say(self, text: str) -> None:
        """It reaches the model after the tool call that runs, or begins a new turn."""
        self._talk.say(text)

    def answer(self, ref: str, answer: Answer) -> None:
        """Allow or deny a tool call, or answer its question."""
        self._talk.answer(ref, answer)

    def interrupt(self) -> None:
        """End the turn; the session goes on with what is said next."""
        self._talk.interrupt()

    # --- what it says ------------------------------------------------------------------------

    def read_message(self, message: dict[str, Any]) -> Iterable[AgentEvent]:
        match message.get("type"):
            case "control_request":
                return self._talk.asked(message, self._worktree)
            case "control_cancel_request":
                return self._talk.withdrawn(text_at(message, "request_id"))
            case "system":
                return self._system(message)
            case "assistant":
                return self._assistant(message)
            case "user":
                return self._user(message)
            case "stream_event":
                return self._partial(message)
            case "rate_limit_event":
                return self._rate_limit(dict_at(message, "rate_limit_info"))
            case "result":
                return self._ended(message)
        return ()

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        if self._result is None:
            told = failed_exit(self.program, status, stderr or self._problem)
            return self._with_totals(told)
        return self._with_totals(conclude(self._result, status, self._problem))

    def _with_totals(self, result: AgentResult) -> AgentResult:
        total = self._usage.total()
        return replace(
            result,
            usage=total.usage,
            cost_usd=total.cost_usd,
            session=self._session,
            until=self._until,
        )

    def _system(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        match message.get("subtype"):
            case "init":
                yield from self._started(message)
            case "api_retry":
                yield _backing_off(message)

    def _started(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        session = text_at(message, "session_id")
        if session and session not in self._sessions_told:  # told again before each turn
            self._session = session
            self._sessions_told.add(session)
            yield SessionStarted(session, text_at(message, "model") or None)

    def _assistant(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        body = dict_at(message, "message")
        yield from self._usage_event(self._usage.message(body))
        if said := text_at(body, "content"):
            yield TextSaid(said)
        for block in list_at(body, "content"):
            yield from self._block(block)
        if error := text_at(message, "error"):
            self._problem = text_of(body) or error
            yield problem(self._problem, about=error)

    def _block(self, block: Any) -> Iterator[AgentEvent]:
        match block:
            case {"type": "text", "text": str(text)}:
                yield TextSaid(text)
            case {"type": "thinking", "thinking": str(text)} if text:
                yield ThinkingSaid(text)
            case {"type": "tool_use", "name": str(name)}:
                arguments = dict_at(block, "input")
                summary = tool_summary(name, arguments, self._worktree)
                yield ToolCalled(text_at(block, "id"), name, arguments, summary)
                if name == "TodoWrite":
                    yield TodosChanged(tuple(_todos(list_at(arguments, "todos"))))

    def _user(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        if value_at(message, "isReplay") is True:
            self._talk.read()
        for block in list_at(message, "message", "content"):
            if text_at(block, "type") == "tool_result":
                failed = value_at(block, "is_error") is True
                text = text_of(value_at(block, "content"))
                yield ToolReturned(text_at(block, "tool_use_id"), not failed, text)
        result = dict_at(message, "tool_use_result")
        if "structuredPatch" in result and (path := text_at(result, "filePath")):
            created = text_at(result, "type") == "create"
            yield FileChanged(relative(path, self._worktree), created)

    def _partial(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        parent = text_at(message, "parent_tool_use_id")
        yield from self._usage_event(self._usage.partial(dict_at(message, "event"), parent))

    def _rate_limit(self, info: dict[str, Any]) -> Iterator[AgentEvent]:
        if text_at(info, "status") == "rejected":
            kind = text_at(info, "rateLimitType").replace("_", " ") or "usage"
            self._until = number_at(info, "resetsAt")
            yield LimitReached(f"{kind} limit reached", self._until)

    def _ended(self, message: dict[str, Any]) -> Iterator[AgentEvent]:
        self._result = message
        self._session = text_at(message, "session_id") or self._session
        yield from self._usage_event(self._usage.result(message))
        yield AgentFinished(ok=value_at(message, "is_error") is not True)

    def _usage_event(self, changed: bool) -> Iterator[AgentEvent]:
        if changed:
            yield self._usage.total()


def _backing_off(message: dict[str, Any]) -> BackingOff:
    """Its attempt, its error and its status, as in ``overloaded (529), try 2 of 10``."""
    status = count_at(message, "error_status")
    what = text_at(message, "error") or "no answer"
    tries = f"try {count_at(message, 'attempt')} of {count_at(message, 'max_retries')}"
    reason = f"{what.replace('_', ' ')} ({status}), {tries}" if status else f"{what}, {tries}"
    return BackingOff((number_at(message, "retry_delay_ms") or 0.0) / 1000, reason)


def _todos(entries: list[Any]) -> Iterator[Todo]:
    for entry in entries:
        if text := text_at(entry, "content"):
            status = text_at(entry, "status")
            yield Todo(text, done=status == "completed", active=status == "in_progress")
