"""What the decoders of all agents share: from bytes to lines, from the last line to a result."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cc4tui.domain.agent import AgentEvent, AgentResult, ExitStatus, LinesSaid, TextSaid
from cc4tui.services.agents.conclusion import LINGERING, ended_by_others
from cc4tui.services.agents.lines import DEFAULT_CAP, LineSplitter
from cc4tui.services.agents.wire import parse_object


TEXT_CAP = 1024 * 1024
"""Bytes of one line of plain text that are kept."""


class LineStream(ABC):
    """Decodes output line by line; a subclass says what a line means and how it all ended."""

    needs_output = True
    program = "the agent"
    """Its name in sentences."""

    def __init__(self, cap: int = DEFAULT_CAP) -> None:
        self._lines = LineSplitter(cap)

    def feed(self, data: bytes) -> list[AgentEvent]:
        """The events of the lines that `data` completes."""
        return self.read_lines(self._lines.feed(data))

    def read_lines(self, lines: Iterable[bytes]) -> list[AgentEvent]:
        """What these lines say."""
        return [event for line in lines for event in self.read_line(line)]

    def finish(self, exit_status: ExitStatus, stderr_tail: str) -> AgentResult:
        """The result, from the whole output and the end of the process."""
        if (last := self._lines.flush()) is not None:
            list(self.read_line(last))
        if exit_status.why == LINGERING:  # the exit code is our doing; what it said counts
            exit_status = replace(exit_status, code=0)
        told = self.conclude(exit_status, stderr_tail)
        others = ended_by_others(exit_status, self.program)
        if others is None:
            return told
        return replace(
            told, outcome=others.outcome, reason_code=others.reason_code, reason=others.reason
        )

    def hear_error(self, line: str) -> Iterable[AgentEvent]:
        """What a line of standard error says, beside being shown: for those that tell only there
        that they wait."""
        return ()

    @abstractmethod
    def read_line(self, line: bytes) -> Iterable[AgentEvent]:
        """What one line says; must not raise, whatever the line holds."""

    @abstractmethod
    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        """The result if the program ended by itself; its usage and session count in any case."""


class TextStream(LineStream):
    """Output that is plain text: its lines are what is said, and the exit code decides."""

    needs_output = False

    def __init__(self) -> None:
        super().__init__(TEXT_CAP)

    def read_lines(self, lines: Iterable[bytes]) -> list[AgentEvent]:
        several = list(lines)
        if len(several) > 1:
            return [LinesSaid(b"\n".join(several).decode("utf-8", "replace"))]
        return [event for line in several for event in self.read_line(line)]

    def read_line(self, line: bytes) -> Iterable[AgentEvent]:
        return [TextSaid(line.decode("utf-8", "replace"))]


class JsonStream(LineStream):
    """Output of one JSON object per line; any other line (a warning, a cut) is shown as text."""

    def read_line(self, line: bytes) -> Iterable[AgentEvent]:
        message = parse_object(line)
        if message is not None:
            return self.read_message(message)
        text = line.decode("utf-8", "replace").strip("\0 \t")
        return [TextSaid(text)] if text else []

    @abstractmethod
    def read_message(self, message: dict[str, Any]) -> Iterable[AgentEvent]:
        """What one object says; unknown kinds and fields say nothing."""
