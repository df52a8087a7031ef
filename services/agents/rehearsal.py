"""The rehearsal agent: acts out a plan so that it can be tried before a token is spent.

It is a real process that makes real files, takes its time and talks; ``{rehearse: fail}`` and its
like tell it to fail, conflict, hang or change nothing. CC4_REHEARSAL_SPEED makes it faster.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cc4tui
from cc4tui.domain.agent import (
    AgentEvent,
    AgentFinished,
    AgentJob,
    AgentResult,
    ExitStatus,
    FileChanged,
    Launch,
    TextSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome
from cc4tui.services.agents.conclusion import failed_exit
from cc4tui.services.agents.environment import job_environment, printable
from cc4tui.services.agents.streams import JsonStream
from cc4tui.services.agents.wire import text_at, value_at


_START = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from cc4tui.services.agents.rehearsal_acting import main; "
    "sys.exit(main(sys.argv[2]))"
)
_ROOT = str(Path(cc4tui.__file__).absolute().parent.parent)
SPEED = "CC4_REHEARSAL_SPEED"
FILES_LIMIT = 100
"""Files of one task that are made; the argument that names them has a limited size."""


class RehearsalBackend:
    """Starts this Python isolated from the environment, the worktree and site-packages."""

    driver = "rehearsal"

    def __init__(self, person: Mapping[str, str] = os.environ) -> None:
        self._person = person

    def check(self, spec: AgentSpec) -> str | None:
        """It is part of the program."""
        return None

    def launch(self, spec: AgentSpec, job: AgentJob) -> Launch:
        """`rehearsal_acting.main`, with the job as its argument."""
        return Launch(
            argv=(sys.executable, "-I", "-S", "-c", _START, _ROOT, json.dumps(_description(job))),
            env=job_environment(job) | self._speed(),
        )

    def stream(self, spec: AgentSpec, job: AgentJob) -> "RehearsalStream":
        """A decoder of the script's lines."""
        return RehearsalStream()

    def _speed(self) -> dict[str, str]:
        """Variables named CC4_* do not pass by themselves: they may be of an outer run."""
        return {SPEED: self._person[SPEED]} if SPEED in self._person else {}


def _description(job: AgentJob) -> dict[str, Any]:
    return {
        "task": printable(job.task),
        "title": printable(job.title),
        "attempt": job.attempt,
        "files": [printable(name) for name in job.files[:FILES_LIMIT]],
        "rehearse": job.rehearse,
    }


class RehearsalStream(JsonStream):
    """Decodes what the script tells."""

    program = "the rehearsal agent"

    def read_message(self, message: dict[str, Any]) -> Iterable[AgentEvent]:
        call, path = text_at(message, "id"), text_at(message, "path")
        match message.get("type"):
            case "say":
                yield TextSaid(text_at(message, "text"))
            case "tool":
                name = text_at(message, "name")
                yield ToolCalled(call, name, {"path": path}, f"{name} {path}")
            case "tool_done":
                ok = value_at(message, "ok") is True
                yield ToolReturned(call, ok, text_at(message, "text"))
                if ok:
                    yield FileChanged(path, created=value_at(message, "created") is True)
            case "done":
                yield AgentFinished(ok=True)

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        if status.code == 0:
            return AgentResult(AttemptOutcome.SUCCEEDED)
        return failed_exit(self.program, status, stderr)
