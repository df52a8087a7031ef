"""What the scripted model of `mock_model.py` says in the protocols of OpenAI and Gemini.

A dialect reads a conversation and words a reply; what is to be done comes from the markers.
"""

import json
import re
import shlex
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


Json = dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """A message of a conversation."""

    role: str
    text: str
    calls_a_tool: bool = False


@dataclass(frozen=True)
class Call:
    """A tool call in the client's own words."""

    name: str
    arguments: Json

    @property
    def identity(self) -> str:
        return f"call_mock{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class Tokens:
    """What a reply says that it used."""

    fresh: int
    cached: int
    output: int


class Dialect(ABC):
    """One protocol."""

    folder = re.compile(r"working directory[^/\\]{0,40}(/[^\\\n\"`<]+)|<cwd>([^<]+)", re.IGNORECASE)

    @abstractmethod
    def turns(self, body: Json) -> list[Turn]:
        """The conversation so far."""

    @abstractmethod
    def tools(self, body: Json) -> set[str]:
        """Names of the tools that the client offers; none = a request for a title."""

    @abstractmethod
    def events(self, text: str, call: Call | None, tokens: Tokens) -> Iterator[tuple[str, Any]]:
        """A reply in pieces, each with the name of its event (empty = without)."""

    @abstractmethod
    def error(self, status: int, message: str, after: str) -> Json:
        """The body of an error."""


class Responses(Dialect):
    """OpenAI's Responses API: Codex."""

    def turns(self, body: Json) -> list[Turn]:
        found = []
        for item in body.get("input") or []:
            kind = item.get("type", "message")
            if kind == "message":
                found.append(Turn(item["role"], _texts(item["content"])))
            elif kind in ("function_call", "custom_tool_call"):
                found.append(Turn("assistant", "", calls_a_tool=True))
        return found

    def tools(self, body: Json) -> set[str]:
        return {tool.get("name") or tool["type"] for tool in body.get("tools") or []}

    def events(self, text: str, call: Call | None, tokens: Tokens) -> Iterator[tuple[str, Any]]:
        items = [_message(text)] if text or not call else []
        items += [_function_call(call)] if call else []
        head = {"id": f"resp_{uuid.uuid4().hex[:12]}", "object": "response", "output": []}
        events: list[Json] = [{"type": "response.created", "response": head}]
        for index, item in enumerate(items):
            begun = {**item, "status": "in_progress"}
            events.append(
                {"type": "response.output_item.added", "output_index": index, "item": begun}
            )
            events.append(
                {"type": "response.output_item.done", "output_index": index, "item": item}
            )
        usage = {
            "input_tokens": tokens.fresh + tokens.cached,
            "input_tokens_details": {"cached_tokens": tokens.cached},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens.fresh + tokens.cached + tokens.output,
        }
        whole = {**head, "status": "completed", "output": items, "usage": usage}
        events.append({"type": "response.completed", "response": whole})
        for number, event in enumerate(events):
            yield event["type"], {**event, "sequence_number": number}

    def error(self, status: int, message: str, after: str) -> Json:
        codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
        return {"error": {"message": message, "type": "mock", "code": codes.get(status)}}


class Chat(Responses):
    """OpenAI's Chat Completions, which many providers speak: opencode."""

    def turns(self, body: Json) -> list[Turn]:
        return [
            Turn(m["role"], _texts(m.get("content")), bool(m.get("tool_calls")))
            for m in body["messages"]
        ]

    def tools(self, body: Json) -> set[str]:
        return {tool["function"]["name"] for tool in body.get("tools") or []}

    def events(self, text: str, call: Call | None, tokens: Tokens) -> Iterator[tuple[str, Any]]:
        deltas: list[Json] = [{"role": "assistant", "content": text}]
        if call:
            function = {"name": call.name, "arguments": json.dumps(call.arguments)}
            entry = {"index": 0, "id": call.identity, "type": "function", "function": function}
            deltas.append({"tool_calls": [entry]})
        head = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 0}
        ends = [None] * len(deltas) + ["tool_calls" if call else "stop"]
        for delta, end in zip([*deltas, {}], ends, strict=True):
            yield "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        usage = {
            "prompt_tokens": tokens.fresh + tokens.cached,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.fresh + tokens.cached + tokens.output,
            "prompt_tokens_details": {"cached_tokens": tokens.cached},
        }
        yield "", {**head, "choices": [], "usage": usage}
        yield "", "[DONE]"


class Gemini(Dialect):
    """Google's API of the Gemini models."""

    def turns(self, body: Json) -> list[Turn]:
        return [
            Turn(
                "assistant" if content.get("role") == "model" else "user",
                "\n".join(part.get("text", "") for part in content["parts"]),
                any("functionCall" in part for part in content["parts"]),
            )
            for content in body.get("contents", [])
        ]

    def tools(self, body: Json) -> set[str]:
        groups = (tool.get("functionDeclarations") or [] for tool in body.get("tools") or [])
        return {function["name"] for group in groups for function in group}

    def events(self, text: str, call: Call | None, tokens: Tokens) -> Iterator[tuple[str, Any]]:
        parts: list[Json] = [{"text": text}] if text or not call else []
        if call:
            function = {"name": call.name, "args": call.arguments, "id": call.identity}
            parts.append({"functionCall": function})
        usage = {
            "promptTokenCount": tokens.fresh + tokens.cached,
            "candidatesTokenCount": tokens.output,
            "totalTokenCount": tokens.fresh + tokens.cached + tokens.output,
            "cachedContentTokenCount": tokens.cached,
        }
        content = {"role": "model", "parts": parts}
        candidate = {"content": content, "index": 0, "finishReason": "STOP"}
        yield "", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "mock"}

    def error(self, status: int, message: str, after: str) -> Json:
        names = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
        error: Json = {"code": status, "message": message, "status": names.get(status, "UNKNOWN")}
        if status == 429:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            error["details"] = [{"@type": kind, "retryDelay": f"{after}s"}]
        return {"error": error}


def dialect_of(path: str) -> Dialect | None:
    """By the path of a request, without its query."""
    if path.endswith("/responses"):
        return Responses()
    if path.endswith("/chat/completions"):
        return Chat()
    return Gemini() if path.endswith(":streamGenerateContent") else None


def spoken(kind: str, given: Json, offered: set[str], folder: str) -> Call:
    """An action in the vocabulary of the client: by the tools it offers.

    Args:
        kind: write, edit, read or bash.
        given: What `mock_model.action` made of the marker.
        offered: Names of tools.
        folder: Where the client works.
    """
    path = given.get("path", "")
    whole = str(Path(folder) / path)
    words: dict[str, dict[str, Json]] = {
        "write": {
            "write_file": {"file_path": path, "content": given.get("content")},
            "write": {"filePath": whole, "content": given.get("content")},
        },
        "edit": {
            "replace": {
                "file_path": path,
                "old_string": given.get("old"),
                "new_string": given.get("new"),
                "instruction": "replace it",
            },
            "edit": {
                "filePath": whole,
                "oldString": given.get("old"),
                "newString": given.get("new"),
            },
        },
        "read": {"read_file": {"file_path": path}, "read": {"filePath": whole}},
    }
    for name, arguments in words.get(kind, {}).items():
        if name in offered:
            return Call(name, arguments)
    command = given["command"] if kind == "bash" else _as_command(kind, given)
    shells = {
        "run_shell_command": {"command": command, "description": "mock step"},
        "bash": {"command": command, "description": "mock step"},
        "exec_command": {"cmd": command},
        "shell_command": {"command": command},
        "shell": {"command": ["bash", "-c", command]},
    }
    name = next(
        (name for name in shells if name in offered), "run_shell_command"
    )  # or none of them
    return Call(name, shells[name])


def _as_command(kind: str, given: Json) -> str:
    """For clients whose one tool is a shell."""
    path = given["path"]
    if kind == "read":
        return f"cat {shlex.quote(path)}"
    if kind == "edit":
        script = (
            f"import pathlib; p = pathlib.Path({path!r});"
            f" p.write_text(p.read_text().replace({given['old']!r}, {given['new']!r}, 1))"
        )
        return f"python3 -c {shlex.quote(script)}"
    target = shlex.quote(path)
    folder = shlex.quote(str(Path(path).parent))
    return f"mkdir -p {folder} && printf %s {shlex.quote(given['content'])} > {target}"


def _texts(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [])


def _message(text: str) -> Json:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    identity = f"msg_{time.monotonic_ns()}"
    return {
        "type": "message",
        "role": "assistant",
        "id": identity,
        "status": "completed",
        "content": content,
    }


def _function_call(call: Call) -> Json:
    identity = call.identity
    return {
        "type": "function_call",
        "id": f"fc_{identity}",
        "call_id": identity,
        "name": call.name,
        "arguments": json.dumps(call.arguments),
        "status": "completed",
    }
