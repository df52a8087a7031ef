"""A scripted model behind Anthropic's Messages API, for the real agents without a network.

It also answers OpenAI's Responses and Chat Completions and Gemini's API, see `mock_dialects.py`.
What the "model" does is read from markers in the newest text of the user that has any; each action
is one reply with one tool call:

    <<write path=a/b.py lines=12>>   <<write path=a.txt text="hello">>
    <<edit path=a.py old="x = 1" new="x = 2">>   <<read path=a.py>>
    <<bash git status --short>>      <<commit message words>>
    <<tool Name {"json": "input"}>>  any tool by its name

Modifiers apply to the next reply, the next action or the final text:

    <<sleep 2>>  <<say text>>  <<think text>>  <<long 500>>  <<slow 0.05>>
    <<tokens in=1000 out=200 cache=5000>>
    <<fail 500>>  <<fail 529 times=2>>  <<fail 429 after=2>>
    <<drop>> cuts the connection   <<hang>> starts a reply and stays silent
    <<refuse>>  <<maxtok>>         <<reply any text>> is the final text

The server keeps no conversation: the step is the number of replies with tool calls after that
text, so that any number of clients can run at once. Usage: ``mock_model.py READY_FILE``; the file
gets the URL. ``GET /_mock/stats`` tells what was asked for.
"""

import json
import re
import shlex
import socket
import struct
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mock_dialects import Dialect, Tokens, Turn, dialect_of, spoken  # a program of its own


ACTIONS = ("write", "edit", "read", "bash", "commit", "tool")
MODIFIERS = (
    *("sleep", "say", "think", "long", "tokens", "slow", "fail"),
    *("drop", "hang", "refuse", "maxtok"),
)
MARKER = re.compile(rf"<<\s*({'|'.join((*ACTIONS, *MODIFIERS, 'reply'))})\b(.*?)>>", re.DOTALL)
REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
ADDED = ("sent a new message while you were working", "sent the following message")
"""Claude Code's words around a message that came during a turn, to be done at its end."""
FOLDER = re.compile(r"[Ww]orking directory: ([^\\\n\"]+)")
MESSAGES = {
    401: "invalid x-api-key",
    429: "Number of requests has exceeded your rate limit",
    529: "Overloaded",
}
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
FOREVER = 3600.0

Step = dict[str, str]
Json = dict[str, Any]


def read_steps(text: str) -> list[Step]:
    """One step per action, and a last one for the final text."""
    steps: list[Step] = []
    current: Step = {}
    final = None
    for match in MARKER.finditer(text):
        kind, rest = match[1], match[2].strip()
        if kind in ACTIONS:
            steps.append({**current, "act": kind, "rest": rest})
            current = {}
        elif kind == "reply":
            final = rest
        else:
            current[kind] = rest
    current["final"] = f"DONE: {len(steps)} steps" if final is None else final
    return [*steps, current]


def options(rest: str) -> dict[str, str]:
    """The ``key=value`` words of a marker; the first other word is under ``""``."""
    found: dict[str, str] = {}
    for word in shlex.split(rest):
        key, equals, value = word.partition("=")
        if equals and key.isidentifier():
            found[key] = value.replace("\\n", "\n")
        else:
            found.setdefault("", word)
    return found


def action(step: Step) -> tuple[str, Json]:
    """What is to be done (write, edit, read, bash or tool), with its arguments."""
    kind, rest = step["act"], step["rest"]
    if kind == "bash":
        return kind, {"command": rest}
    if kind == "commit":
        return "bash", {"command": f"git add -A && git commit -q -m {shlex.quote(rest)}"}
    if kind == "tool":
        name, _, arguments = rest.partition(" ")
        return kind, {"name": name, "input": json.loads(arguments or "{}")}
    given: Json = {"path": "mock.txt", **options(rest)}
    if kind == "write":
        given["content"] = file_body(given["path"], given)
    return kind, given


def tool_call(step: Step, folder: str) -> tuple[str, Json]:
    """The tool of Claude Code and its input for an action."""
    kind, given = action(step)
    if kind == "bash":
        return "Bash", {"command": given["command"], "description": "mock step"}
    if kind == "tool":
        return given["name"], given["input"]
    path = str(Path(folder) / given["path"])
    if kind == "write":
        return "Write", {"file_path": path, "content": given["content"]}
    if kind == "edit":
        return "Edit", {"file_path": path, "old_string": given["old"], "new_string": given["new"]}
    return "Read", {"file_path": path}


def file_body(path: str, given: dict[str, str]) -> str:
    """The text that was given, or so many lines."""
    if "text" in given:
        return given["text"]
    count = int(given.get("lines", 5))
    if path.endswith(".py"):
        return "".join(f"def line_{i}():\n    return {i}\n" for i in range(1, count // 2 + 1))
    return "".join(f"line {i} of {Path(path).name}\n" for i in range(1, count + 1))


def usage_of(step: Step, request_size: int) -> Json:
    """Tokens as the marker says, else input by size and 40 of output."""
    given = options(step.get("tokens", ""))
    return {
        "input_tokens": int(given.get("in", max(1, request_size // 4))),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": int(given.get("cache", 0)),
        "output_tokens": int(given.get("out", 40)),
        "service_tier": "standard",
    }


def said(step: Step) -> str:
    """The text block of a reply."""
    if "long" in step:
        return "".join(f"long output line {i:05d}\n" for i in range(int(step["long"])))
    return "\n".join(step[key] for key in ("say", "final") if step.get(key))


def current_step(body: Json) -> Step:
    """Which step a request asks for."""
    if not body.get("tools"):
        return {"final": "Mock title"}
    turns = [Turn(m["role"], text_of(m), calls_a_tool(m)) for m in body.get("messages", [])]
    return step_of(turns)


def step_of(turns: list[Turn]) -> Step:
    """Which step a conversation has come to."""
    asked, begin = "", 0
    for index, turn in enumerate(turns):
        added = any(words in turn.text for words in ADDED) and bool(asked)
        text = turn.text if added else REMINDER.sub("", turn.text)
        if (turn.role == "user" or added) and MARKER.search(text):
            asked, begin = (f"{asked}\n{text}", begin) if added else (text, index)
    if not asked:
        return {"final": "OK (no markers in the prompt)"}
    steps = read_steps(asked)
    done = sum(turn.calls_a_tool for turn in turns[begin + 1 :])
    return steps[min(done, len(steps) - 1)]


def text_of(message: Json) -> str:
    """The text of a message."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block["type"] == "text")


def calls_a_tool(message: Json) -> bool:
    """Whether a message is a reply with a tool call."""
    content = message["content"]
    return isinstance(content, list) and any(block["type"] == "tool_use" for block in content)


class HungUpError(Exception):
    """The client has gone, or we cut the connection."""


class Server(ThreadingHTTPServer):
    """Counts what it is asked for."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.failures: Counter[str] = Counter()
        self.stats = {"requests": 0, "active": 0, "max_active": 0, "aborted": 0}

    def count(self, **changes: int) -> None:
        """Add to the statistics."""
        with self.lock:
            for name, change in changes.items():
                self.stats[name] += change
            self.stats["max_active"] = max(self.stats["max_active"], self.stats["active"])

    def still_fails(self, step: Step) -> int | None:
        """The status a failing step answers with; None once it failed often enough."""
        given = options(step["fail"])
        with self.lock:
            self.failures[repr(step)] += 1
            if self.failures[repr(step)] > int(given.get("times", 10**9)):
                return None
        return int(given.get("", 500))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""
        if not isinstance(sys.exc_info()[1], HungUpError | OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers one client."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Silent."""

    def do_HEAD(self) -> None:
        """Clients look whether there is a server."""
        self.send_json(200, {})

    def do_GET(self) -> None:
        """Statistics, and a list of models."""
        self.send_json(200, self.server.stats if self.path == "/_mock/stats" else {"data": []})

    def do_POST(self) -> None:
        """A reply of the model, or a count of tokens."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        if path.endswith("/count_tokens"):
            return self.send_json(200, {"input_tokens": max(1, len(raw) // 4)})
        dialect = dialect_of(path)
        if dialect is None and not path.endswith("/messages"):
            return self.send_json(404, {"type": "error", "error": {"type": "not_found_error"}})
        self.server.count(requests=1, active=1)
        try:
            if dialect is None:
                self.answer(json.loads(raw), raw)
            else:
                self.answer_in(dialect, json.loads(raw), raw)
        except (HungUpError, OSError):
            self.server.count(aborted=1)
            self.close_connection = True
        finally:
            self.server.count(active=-1)
        return None

    def answer(self, body: Json, raw: bytes) -> None:
        """Do the step that the conversation has come to."""
        step = current_step(body)
        if "fail" in step and (status := self.server.still_fails(step)):
            return self.send_error_of_api(status, options(step["fail"]).get("after", "1"))
        folder = FOLDER.search(raw.decode("utf-8", "replace"))
        call = tool_call(step, folder[1].strip() if folder else ".") if "act" in step else None
        reply = Reply(step, call, usage_of(step, len(raw)), body.get("model", "mock"))
        if body.get("stream"):
            return self.stream(reply)
        if "drop" in step:
            self.cut()
        return self.send_json(200, reply.whole())

    def answer_in(self, dialect: Dialect, body: Json, raw: bytes) -> None:
        """The same in another protocol."""
        offered = dialect.tools(body)
        step = step_of(dialect.turns(body)) if offered else {"final": '{"title": "Mock title"}'}
        if "fail" in step and (status := self.server.still_fails(step)):
            after = options(step["fail"]).get("after", "1")
            words = MESSAGES.get(status, f"mock error {status}")
            return self.send_json(status, dialect.error(status, words, after), retry_after=after)
        found = dialect.folder.search(raw.decode("utf-8", "replace"))
        folder = next(filter(None, found.groups())).strip() if found else "."
        call = spoken(*action(step), offered, folder) if "act" in step else None
        usage = usage_of(step, len(raw))
        tokens = Tokens(
            usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]
        )
        self.pause(float(step.get("sleep", 0)))
        return self.send_events(dialect.events(said(step), call, tokens))

    def stream(self, reply: "Reply") -> None:
        """Send a reply as server-sent events."""
        self.send_events((event["type"], event) for event in reply.events(self.pause, self.cut))

    def send_events(self, events: Iterator[tuple[str, Any]]) -> None:
        """Server-sent events with their names; text as it is, anything else as JSON."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for name, event in events:
            data = event if isinstance(event, str) else json.dumps(event)
            head = f"event: {name}\n" if name else ""
            text = f"{head}data: {data}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def pause(self, seconds: float) -> None:
        """Wait, unless the client hangs up."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.is_gone():
                raise HungUpError
            time.sleep(min(0.1, left))

    def is_gone(self) -> bool:
        """Whether the client has closed its side."""
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False

    def cut(self) -> None:
        """Reset the connection."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        raise HungUpError

    def send_json(self, status: int, value: Any, **headers: str) -> None:
        """A whole answer."""
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_error_of_api(self, status: int, after: str) -> None:
        """An error as the API words it."""
        kind = ERROR_TYPES.get(status, "api_error")
        error = {"type": kind, "message": MESSAGES.get(status, f"mock error {status}")}
        headers = {"retry_after": after} if status == 429 else {}
        self.send_json(status, {"type": "error", "error": error}, **headers)


class Reply:
    """One message of the model."""

    def __init__(self, step: Step, call: tuple[str, Json] | None, usage: Json, model: str) -> None:
        self.step, self.call, self.usage, self.text = step, call, usage, said(step)
        self.head = {
            "id": f"msg_mock{uuid.uuid4().hex[:16]}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "stop_sequence": None,
        }
        self.tool_id = f"toolu_mock{uuid.uuid4().hex[:14]}"
        ends = {"refuse": "refusal", "maxtok": "max_tokens"}
        early = next((end for key, end in ends.items() if key in step), "end_turn")
        self.stop_reason = "tool_use" if call else early

    def whole(self) -> Json:
        """The message in one piece."""
        content: list[Json] = [{"type": "text", "text": self.text}] if self.text else []
        if self.call:
            name, arguments = self.call
            tool = {"type": "tool_use", "id": self.tool_id, "name": name, "input": arguments}
            content.append(tool)
        return {
            **self.head,
            "content": content,
            "stop_reason": self.stop_reason,
            "usage": self.usage,
        }

    def events(self, pause: Callable[[float], None], cut: Callable[[], None]) -> Iterator[Json]:
        """The message in pieces."""
        usage = {**self.usage, "output_tokens": 1}
        start = {**self.head, "content": [], "stop_reason": None, "usage": usage}
        yield {"type": "message_start", "message": start}
        pause(float(self.step.get("sleep", 0)))
        if "hang" in self.step:
            pause(FOREVER)
        for index, (block, deltas) in enumerate(self.blocks()):
            if "drop" in self.step and block["type"] == "tool_use":
                cut()
            yield {"type": "content_block_start", "index": index, "content_block": block}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
                pause(float(self.step.get("slow", 0)))
            yield {"type": "content_block_stop", "index": index}
        if "drop" in self.step:
            cut()
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": self.usage}
        yield {"type": "message_stop"}

    def blocks(self) -> Iterator[tuple[Json, list[Json]]]:
        """Each block of content with the pieces it is sent in."""
        if thought := self.step.get("think"):
            signature = {"type": "signature_delta", "signature": "bW9jaw=="}
            thinking = {"type": "thinking_delta", "thinking": thought}
            yield {"type": "thinking", "thinking": "", "signature": ""}, [thinking, signature]
        if self.text:
            pieces = [{"type": "text_delta", "text": piece} for piece in cut_up(self.text)]
            yield {"type": "text", "text": ""}, pieces
        if self.call:
            name, arguments = self.call
            block = {"type": "tool_use", "id": self.tool_id, "name": name, "input": {}}
            pieces = cut_up(json.dumps(arguments))
            yield block, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def cut_up(text: str) -> list[str]:
    """A text in a few hundred pieces at most."""
    size = max(40, len(text) // 400)
    return [text[start : start + size] for start in range(0, len(text), size)]


def main() -> None:
    """Serve until killed; write the URL into the file that is named."""
    server = Server()
    ready = Path(sys.argv[1])
    unfinished = ready.with_suffix(".new")
    unfinished.write_text(f"http://127.0.0.1:{server.server_address[1]}\n")
    unfinished.rename(ready)
    server.serve_forever()


if __name__ == "__main__":
    main()
