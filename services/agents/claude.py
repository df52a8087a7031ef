"""Claude Code, the real command line, without a screen: ``claude -p`` with JSON lines.

Measured with 2.1.197. It is told things as JSON lines while it works: the prompt first, messages of
a person, answers to its requests. As root it refuses bypassPermissions unless the person has set
IS_SANDBOX: that variable is passed through and never set here. SIGINT is the one signal after which
it ends its own shells, so it gets time for that.
"""

import os
from pathlib import Path

from cc4tui.domain.agent import AgentJob
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.services.agents.claude_stream import ClaudeStream
from cc4tui.services.agents.cli_backend import CliBackend
from cc4tui.services.agents.environment import CLOUD_PASSES
from cc4tui.services.agents.logins import (
    first_file,
    first_set,
    home_of,
    setting,
    whole_environment,
)
from cc4tui.services.agents.wire import parse_object, value_at


MODES = {
    "ask": "default",
    "accept-edits": "acceptEdits",
    "yolo": "bypassPermissions",
    "read-only": "default",
}
"""Its own names of the policies; in `default` it asks before everything that changes something."""


LOGINS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_*",
    "ANTHROPIC_BASE_URL",
)
"""Variables that log it in, or lead it to where no login is needed."""
SANDBOXES = ("IS_SANDBOX", "CLAUDE_CODE_BUBBLEWRAP")


class ClaudeBackend(CliBackend):
    """Starts one ``claude -p`` per attempt."""

    driver = "claude"
    package = "@anthropic-ai/claude-code"
    least_version = (2, 0, 0)
    login_hint = "run `claude` and use /login, or set ANTHROPIC_API_KEY"
    login_question = ("auth", "status")
    screen = "--resume"
    session_in_folder = True
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

    def refuses(self, spec: AgentSpec) -> str | None:
        """As root it does nothing without asking, unless it is told that this is a sandbox."""
        environment = whole_environment(spec, self._person)
        skips = "--dangerously-skip-permissions" in spec.args
        chosen = "--permission-mode" in spec.args and "bypassPermissions" not in spec.args
        yolo = skips or (spec.policy == "yolo" and not chosen)
        if os.geteuid() != 0 or not yolo or first_set(environment, SANDBOXES):
            return None
        return (
            f"the agent {spec.name} refuses to work as root without asking; work as another user,"
            ' set policy = "accept-edits", or IS_SANDBOX=1 if this machine is one'
        )

    def login(self, spec: AgentSpec) -> str | None:
        """A key, a rented model, a helper that prints keys, or what /login wrote."""
        environment = whole_environment(spec, self._person)
        home = home_of(environment)
        folder = Path(environment.get("CLAUDE_CONFIG_DIR") or home / ".claude")
        settings = folder / "settings.json"
        return (
            first_set(environment, LOGINS)
            or first_file(folder / ".credentials.json")
            or setting(settings, "apiKeyHelper")
            or setting(settings, "env")
        )

    def says_logged_out(self, answer: str) -> bool:
        """Its answer is JSON."""
        return value_at(parse_object(answer.encode()), "loggedIn") is False

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
