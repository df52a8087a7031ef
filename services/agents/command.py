"""Any program as an agent: the prompt on its standard input, the worktree as its folder.

Exit code 0 means finished. What it changed is committed for it; what it prints is its log.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from cc4tui.domain.agent import AgentJob, AgentResult, ExitStatus, Launch
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome
from cc4tui.errors import UsageError
from cc4tui.services.agents.conclusion import failed_exit
from cc4tui.services.agents.environment import job_environment
from cc4tui.services.agents.program import command_line, missing, search_path
from cc4tui.services.agents.streams import TextStream


class CommandBackend:
    """Starts the configured command; it may be written in any language."""

    driver = "command"

    def __init__(self, person: Mapping[str, str] = os.environ) -> None:
        self._person = person

    def check(self, spec: AgentSpec) -> str | None:
        """Whether the command's program exists."""
        if not spec.command:
            return f'agent {spec.name} has no command; set command = ["PROGRAM", "ARGUMENT"]'
        way_out = "check its name, or give its full path"
        return missing(spec.command[0], search_path(spec, self._person), way_out)

    def launch(self, spec: AgentSpec, job: AgentJob) -> Launch:
        """The command as it is, without a shell.

        Raises:
            UsageError: there is no command.
        """
        if not spec.command:
            raise UsageError(f"agent {spec.name} has no command")
        return Launch(
            argv=(*command_line(spec, self._person), *spec.args),
            env=job_environment(job),
            stdin="prompt",
        )

    def stream(self, spec: AgentSpec, job: AgentJob) -> "CommandStream":
        """Its output is text."""
        return CommandStream(Path(spec.command[0]).name if spec.command else spec.name)


class CommandStream(TextStream):
    """Lines of text, and an exit code that decides."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self.program = program

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        if status.code == 0:
            return AgentResult(AttemptOutcome.SUCCEEDED)
        return failed_exit(self.program, status, stderr)
