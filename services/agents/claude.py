"""Claude Code, the real command line, without a screen: ``claude -p`` with JSON lines.

Measured with 2.1.197. It is told things as JSON lines while it works: the prompt first, messages of
a person, answers to its requests. As root it refuses bypassPermissions unless the person has set
IS_SANDBOX: that variable is passed through and never set here. SIGINT is the one signal after which
it ends its own shells, so it gets time for that.
"""

from cc4tui.domain.agent import AgentJob
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.services.agents.claude_stream import ClaudeStream
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.environment import CLOUD_PASSES


MODES = {
    "ask": "default",
    "accept-edits": "acceptEdits",
    "yolo": "bypassPermissions",
    "read-only": "default",
}
"""Its own names of the policies; in `default` it asks before everything that changes something."""


class ClaudeBackend(CliBackend):
    """Starts one ``claude -p`` per attempt."""

    driver = "claude"
    install = "install it with: npm install -g @anthropic-ai/claude-code"
    interrupt_seconds = 5.0  # 0.4 s were measured, on a quiet machine
    defaults = {  # noqa: RUF012 - a ClassVar of the base
        "CLAUDE_CODE_MAX_RETRIES": "4",  # its own 10 are minutes of silence on a dead server
        "DISABLE_AUTOUPDATER": "1",  # an update in the middle of a run changes what was probed
    }
    passes = (
        *CLOUD_PASSES,
        "ANTHROPIC_*",
        "CLAUDE_*",
        "IS_SANDBOX",
        "DISABLE_*",
        "ENABLE_*",
        "MAX_THINKING_TOKENS",
        "MAX_MCP_OUTPUT_TOKENS",
        "MCP_*",
        "BASH_DEFAULT_TIMEOUT_MS",
        "BASH_MAX_*",
        "API_TIMEOUT_MS",
        "OTEL_*",
    )

    stdin = "pipe"
    copies_sessions = True

    def options(self, spec: AgentSpec, job: AgentJob) -> list[str]:
        """Print mode; permissions by its policy, unless its arguments choose another mode."""
        options = ["-p", "--output-format", "stream-json", "--verbose"]
        options += ["--input-format", "stream-json", "--replay-user-messages"]
        if "--permission-mode" not in spec.args:
            options += ["--permission-mode", MODES[spec.policy]]
        if spec.policy != "yolo" and "--permission-prompt-tool" not in spec.args:
            options += ["--permission-prompt-tool", "stdio"]
        if model := job.model or spec.model:
            options += ["--model", model]
        if job.effort:
            options += ["--effort", job.effort]
        if job.resume_session:
            options += ["--resume", job.resume_session]
        if job.copy_session:
            options += ["--fork-session"]
        return [*options, *spec.args]

    def stream(self, spec: AgentSpec, job: AgentJob) -> ClaudeStream:
        """A decoder of its JSON lines."""
        return ClaudeStream(job)
