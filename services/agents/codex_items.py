"""The items of a Codex thread: messages, commands, file changes, its list of things to do."""

import shlex
from collections.abc import Iterator
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
from cc4tui.services.agents.reasons import problem
from cc4tui.services.agents.summary import relative, tool_summary
from cc4tui.services.agents.wire import count_at, dict_at, list_at, text_at, text_of, value_at


_SILENT_FIELDS = frozenset({"id", "type", "status", "aggregated_output", "exit_code", "result"})
_SHELLS = frozenset({"bash", "sh", "zsh"})


class CodexItems:
    """Turns items into events; an item that is only told when complete is a call and its end."""

    def __init__(self, worktree: Path) -> None:
        self._worktree = worktree
        self._called: set[str] = set()

    def read(self, stage: str, item: dict[str, Any]) -> Iterator[AgentEvent]:
        """Events of an item.

        Args:
            stage: ``started``, ``updated`` or ``completed``.
            item: What the event holds.
        """
        kind = text_at(item, "type")
        if kind == "todo_list":
            yield TodosChanged(tuple(_todos(item)))
        elif kind in ("agent_message", "reasoning", "error"):
            if stage == "completed":
                yield _said(kind, item)
        elif kind:
            yield from self._tool(stage, kind, item)

    def _tool(self, stage: str, kind: str, item: dict[str, Any]) -> Iterator[AgentEvent]:
        identity = text_at(item, "id")
        if identity not in self._called:
            self._called.add(identity)
            yield self._call(identity, kind, item)
        if stage == "completed":
            ok = count_at(item, "exit_code") in (0, None) and text_at(item, "status") != "failed"
            yield ToolReturned(identity, ok, text_at(item, "aggregated_output") or _outcome(item))
            if ok:
                yield from self._changes(item)

    def _call(self, identity: str, kind: str, item: dict[str, Any]) -> ToolCalled:
        arguments = {key: value for key, value in item.items() if key not in _SILENT_FIELDS}
        if command := text_at(item, "command"):
            command = arguments["command"] = without_shell(command)
            return ToolCalled(
                identity, kind, arguments, tool_summary("Bash", arguments, self._worktree)
            )
        if kind == "mcp_tool_call":
            name = f"mcp__{text_at(item, 'server')}__{text_at(item, 'tool')}"
            given = dict_at(item, "arguments")
            return ToolCalled(identity, name, given, tool_summary(name, given, self._worktree))
        changes = [text_at(change, "path") for change in list_at(item, "changes")]
        about = {"path": changes[0]} if changes else arguments
        summary = tool_summary(kind.replace("_", " ").capitalize(), about, self._worktree)
        return ToolCalled(identity, kind, arguments, summary)

    def _changes(self, item: dict[str, Any]) -> Iterator[AgentEvent]:
        for change in list_at(item, "changes"):
            if path := text_at(change, "path"):
                created = text_at(change, "kind") == "add"
                yield FileChanged(relative(path, self._worktree), created)


def without_shell(command: str) -> str:
    """``ls src`` of ``/bin/bash -lc 'ls src'``."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if len(words) == 3 and Path(words[0]).name in _SHELLS and words[1] in ("-c", "-lc"):
        return words[2]
    return command


def _said(kind: str, item: dict[str, Any]) -> AgentEvent:
    match kind:
        case "agent_message":
            return TextSaid(text_at(item, "text"))
        case "reasoning":
            return ThinkingSaid(text_at(item, "text"))
    words = text_at(item, "message")
    return problem(words)


def _outcome(item: dict[str, Any]) -> str:
    return text_of(value_at(item, "result")) or text_at(item, "error", "message")


def _todos(item: dict[str, Any]) -> Iterator[Todo]:
    for entry in list_at(item, "items"):
        if text := text_at(entry, "text"):
            yield Todo(text, done=value_at(entry, "completed") is True)
