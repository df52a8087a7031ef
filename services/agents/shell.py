"""The shell agent: a task's ``Run:`` commands, done as they stand, with no model.

All commands run in one ``/bin/sh -e``, so that a ``cd`` or a variable of one reaches the next. They
are arguments of a fixed script, never put into its text; what a task is comes by environment.
"""

import re
from collections.abc import Iterable

from cc4tui.domain.agent import (
    AgentEvent,
    AgentJob,
    AgentResult,
    ExitStatus,
    Launch,
    TextSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.errors import UsageError
from cc4tui.services.agents.conclusion import failed_exit, how_it_ended, telling_line
from cc4tui.services.agents.environment import job_environment
from cc4tui.services.agents.reasons import sentence
from cc4tui.services.agents.streams import TextStream


SHELL = "/bin/sh"
TOOL = "Run"
"""Name of a command among the tools of agents."""

_SCRIPT = """\
cc4_end() {
  cc4_rc=$?
  [ "$cc4_rc" -eq 0 ] && [ "$cc4_done" = "$cc4_all" ] && exit 0
  printf 'cc4: command %s of %s ended with exit code %s\\n' "$cc4_now" "$cc4_all" "$cc4_rc" >&2
  [ "$cc4_rc" -eq 0 ] && exit 0
  exit "$cc4_rc"
}
cc4_all=$# cc4_now=0 cc4_done=0
trap cc4_end EXIT
for cc4_command do
  cc4_now=$((cc4_now + 1))
  printf '$ %s\\n' "$cc4_command"
  eval "$cc4_command"
  cc4_done=$cc4_now
done
"""
_LAST_WORDS = re.compile(r"^cc4: command (\d+) of (\d+) ended with exit code (\d+)$", re.MULTILINE)


class ShellBackend:
    """Runs a task's own commands."""

    driver = "shell"

    def check(self, spec: AgentSpec) -> str | None:
        """Every system has a shell."""
        return None

    def launch(self, spec: AgentSpec, job: AgentJob) -> Launch:
        """One shell for all commands of the task.

        Raises:
            UsageError: the task has no commands, or one that no program can be given.
        """
        if not job.commands:
            raise UsageError(f"task {job.task} has no Run: commands for the shell agent")
        if any("\0" in command for command in job.commands):
            raise UsageError(f"a Run: command of task {job.task} holds a NUL byte; remove it")
        argv = (SHELL, "-e", "-c", _SCRIPT, "cc4-run", *job.commands)
        return Launch(argv=argv, env=job_environment(job))

    def stream(self, spec: AgentSpec, job: AgentJob) -> "ShellStream":
        """Its output is text in which every command announces itself."""
        return ShellStream(job.commands)


class ShellStream(TextStream):
    """Knows which command runs: the script prints ``$ COMMAND`` before each."""

    program = "the shell"

    def __init__(self, commands: tuple[str, ...]) -> None:
        super().__init__()
        self._commands = commands
        self._started = 0

    def read_lines(self, lines: Iterable[bytes]) -> list[AgentEvent]:
        if self._started == len(self._commands):  # nothing but text can come any more
            return super().read_lines(lines)
        return [event for line in lines for event in self.read_line(line)]

    def read_line(self, line: bytes) -> Iterable[AgentEvent]:
        said = list(super().read_line(line))
        if self._started == len(self._commands):
            return said
        command = self._commands[self._started]
        if said != [TextSaid("$ " + command.split("\n", 1)[0])]:
            return said
        return [*self._previous_ended(), *self._next_started(command)]

    def _previous_ended(self) -> Iterable[AgentEvent]:
        if self._started:
            yield ToolReturned(call=str(self._started), ok=True)

    def _next_started(self, command: str) -> Iterable[AgentEvent]:
        self._started += 1
        yield ToolCalled(
            call=str(self._started),
            name=TOOL,
            arguments={"command": command},
            summary=sentence(f"$ {command}"),
        )

    def conclude(self, status: ExitStatus, stderr: str) -> AgentResult:
        if status.code == 0:
            return AgentResult(AttemptOutcome.SUCCEEDED)
        words = _LAST_WORDS.findall(stderr)
        if not words or status.code is None or status.code < 0:
            return failed_exit(self.program, status, stderr)
        number, total, _ = map(int, words[-1])
        return self._failed_command(number, total, status.code, _LAST_WORDS.sub("", stderr))

    def _failed_command(self, number: int, total: int, code: int, stderr: str) -> AgentResult:
        command = sentence(self._commands[number - 1]) if number <= len(self._commands) else "?"
        told = telling_line(stderr)
        reason = f"command {number} of {total} {how_it_ended(code)}: {command}"
        return AgentResult(
            AttemptOutcome.FAILED, ReasonCode.AGENT, f"{reason} ({told})" if told else reason
        )
