"""What Claude Code is told while it works, and what it asks: its control protocol."""

from pathlib import Path
from typing import Any

from cc4tui.domain.agent import AgentEvent, Answer, Asked, AskWithdrawn
from cc4tui.services.agents.summary import tool_summary
from cc4tui.services.agents.wire import dict_at, json_line, list_at, text_at


QUESTION_TOOL = "AskUserQuestion"
_EDITING = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_READING = frozenset(
    {"Read", "Glob", "Grep", "LS", "NotebookRead", "WebFetch", "WebSearch", "TodoWrite", "Task"}
)


class ClaudeTalk:
    """Words for one process.

    Args:
        prompt: What comes first.
    """

    def __init__(self, prompt: str) -> None:
        self._out: list[bytes] = []
        self._unread = 0
        self._asked: dict[str, dict[str, Any]] = {}
        self._interrupts = 0
        self.say(prompt)

    @property
    def was_read(self) -> bool:
        """It has taken up every message."""
        return self._unread <= 0

    def outgoing(self) -> bytes:
        """Everything that is due."""
        out, self._out = b"".join(self._out), []
        return out

    def read(self) -> None:
        """It repeats each message when it takes it up."""
        self._unread -= 1

    def say(self, text: str) -> None:
        """A message of the user."""
        content = [{"type": "text", "text": text}]
        self._write({"type": "user", "message": {"role": "user", "content": content}})
        self._unread += 1

    def interrupt(self) -> None:
        """End the turn that runs."""
        self._interrupts += 1
        request = {"subtype": "interrupt"}
        identity = f"cc4-interrupt-{self._interrupts}"
        self._write({"type": "control_request", "request_id": identity, "request": request})

    def asked(self, message: dict[str, Any], worktree: Path) -> list[AgentEvent]:
        """A request for permission, or a question; others are refused, so that it never waits."""
        ref, request = text_at(message, "request_id"), dict_at(message, "request")
        if text_at(request, "subtype") != "can_use_tool":
            self._respond(ref, {"subtype": "error", "error": "not supported"})
            return []
        tool, arguments = text_at(request, "tool_name"), dict_at(request, "input")
        self._asked[ref] = request
        summary = tool_summary(tool, arguments, worktree)
        if tool == QUESTION_TOOL:
            return [_question(ref, tool, arguments, summary)]
        changes, edits = tool not in _READING, tool in _EDITING
        return [Asked(ref, tool, arguments, summary, changes=changes, edits=edits)]

    def withdrawn(self, ref: str) -> list[AgentEvent]:
        """It no longer waits for an answer."""
        return [AskWithdrawn(ref)] if self._asked.pop(ref, None) is not None else []

    def answer(self, ref: str, answer: Answer) -> None:
        """Allow or deny; the answer to a question goes with its input."""
        request = self._asked.pop(ref, None)
        if request is None:
            return
        arguments = dict_at(request, "input")
        if not answer.allow:
            why = answer.text or "the person who runs this said no"
            decision: dict[str, Any] = {"behavior": "deny", "message": why}
        else:
            if text_at(request, "tool_name") == QUESTION_TOOL:
                asked = [text_at(one, "question") for one in list_at(arguments, "questions")]
                arguments = {**arguments, "answers": dict.fromkeys(asked, answer.text)}
            decision = {"behavior": "allow", "updatedInput": arguments}
        self._respond(ref, {"subtype": "success", "response": decision})

    def _respond(self, ref: str, response: dict[str, Any]) -> None:
        self._write({"type": "control_response", "response": {**response, "request_id": ref}})

    def _write(self, message: dict[str, Any]) -> None:
        self._out.append(json_line(message))


def _question(ref: str, tool: str, arguments: dict[str, Any], summary: str) -> Asked:
    questions = list_at(arguments, "questions")
    words = " ".join(text_at(one, "question") for one in questions) or summary
    options = list_at(questions[0], "options") if len(questions) == 1 else []
    choices = tuple(filter(None, (text_at(option, "label") for option in options)))
    return Asked(ref, tool, arguments, words, kind="question", choices=choices)
