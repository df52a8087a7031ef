"""What an agent of the Agent Client Protocol tells while it works: text, tool calls, plans."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cc4tui.domain.agent import (
    AgentEvent,
    FileChanged,
    TextSaid,
    ThinkingSaid,
    Todo,
    TodosChanged,
    ToolCalled,
    ToolReturned,
)
from cc4tui.services.agents.summary import relative, tool_summary
from cc4tui.services.agents.wire import dict_at, list_at, text_at, text_of, value_at


@dataclass
class _Call:
    """A tool call, of which agents tell a bit more with every update."""

    identity: str
    name: str = ""
    kind: str = ""
    title: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, bool] = field(default_factory=dict)
    """Files that it changes; whether they are new."""
    told: bool = False


class AcpUpdates:
    """Turns the updates of one session into events."""

    def __init__(self, worktree: Path) -> None:
        self._worktree = worktree
        self._calls: dict[str, _Call] = {}
        self._text = ""
        self._thought = False
        self.live = False
        """Before that, a loaded session only repeats what was said in it."""

    def read(self, update: dict[str, Any]) -> list[AgentEvent]:
        """The events of one update."""
        return list(self._read(update)) if self.live else []

    def rest(self) -> list[AgentEvent]:
        """A text that was not ended by a line end."""
        text, self._text = self._text, ""
        if not text:
            return []
        return [ThinkingSaid(text) if self._thought else TextSaid(text)]

    def asked(self, update: dict[str, Any]) -> tuple[list[AgentEvent], ToolCalled]:
        """The call that a request for permission is about, and its event if that is new."""
        call = self._known(update)
        told = list(self._tell(call))
        return [*self.rest(), *told], self._event(call)

    def kind_of(self, identity: str) -> str:
        """read, edit, execute, ...; empty if it was not told."""
        call = self._calls.get(identity)
        return call.kind if call else ""

    def _read(self, update: dict[str, Any]) -> Iterator[AgentEvent]:
        kind = text_at(update, "sessionUpdate")
        if kind in ("agent_message_chunk", "agent_thought_chunk"):
            thought = kind == "agent_thought_chunk"
            if thought != self._thought:
                yield from self.rest()
            self._thought = thought
            yield from self._said(text_at(update, "content", "text"))
        elif kind in ("tool_call", "tool_call_update"):
            yield from self.rest()
            yield from self._call(update)
        elif kind == "plan":
            yield TodosChanged(tuple(_todos(list_at(update, "entries"))))

    def _said(self, text: str) -> Iterator[AgentEvent]:
        """Pieces are cut anywhere; whole lines of them are told."""
        lines, newline, self._text = (self._text + text).rpartition("\n")
        if newline and lines:
            yield ThinkingSaid(lines) if self._thought else TextSaid(lines)

    def _call(self, update: dict[str, Any]) -> Iterator[AgentEvent]:
        call, status = self._known(update), text_at(update, "status")
        ended = status in ("completed", "failed")
        if ended or _is_telling(call):
            yield from self._tell(call)
        if ended:
            del self._calls[call.identity]
            yield ToolReturned(call.identity, status == "completed", _result(update))
            if status == "completed":
                for path, created in call.paths.items():
                    yield FileChanged(relative(path, self._worktree), created)

    def _known(self, update: dict[str, Any]) -> _Call:
        identity = text_at(update, "toolCallId")
        call = self._calls.setdefault(identity, _Call(identity))
        call.name = text_at(update, "_meta", "claudeCode", "toolName") or call.name
        call.kind = text_at(update, "kind") or call.kind
        call.title = text_at(update, "title") or call.title
        call.arguments = dict_at(update, "rawInput") or call.arguments
        if call.kind == "edit":
            for place in list_at(update, "locations"):
                if path := text_at(place, "path"):
                    call.paths.setdefault(path, False)
        for part in list_at(update, "content"):
            if text_at(part, "type") == "diff" and (path := text_at(part, "path")):
                call.paths[path] = not text_at(part, "oldText")
        return call

    def _tell(self, call: _Call) -> Iterator[AgentEvent]:
        if not call.told:
            call.told = True
            yield self._event(call)

    def _event(self, call: _Call) -> ToolCalled:
        name = call.name or call.kind or "tool"
        summary = tool_summary(name, call.arguments or {"description": call.title}, self._worktree)
        return ToolCalled(call.identity, name, call.arguments, summary)


def _is_telling(call: _Call) -> bool:
    """Agents announce a call with its bare name first, and tell what it does a moment later."""
    return any(key != "cwd" for key in call.arguments)


def _result(update: dict[str, Any]) -> str:
    contents = (value_at(part, "content") for part in list_at(update, "content"))
    text = "\n".join(filter(None, map(text_of, contents)))
    raw = value_at(update, "rawOutput")
    return text or text_of(raw) or text_at(raw, "output")


def _todos(entries: list[Any]) -> Iterator[Todo]:
    for entry in entries:
        if text := text_at(entry, "content"):
            status = text_at(entry, "status")
            yield Todo(text, done=status == "completed", active=status == "in_progress")
