"""Limits that agents have met, kept between runs: a new one does not ask a limited agent at once.

A limit is one of an account, so it holds for every repository. Only one that the agent itself has
dated is kept, never our own guess; it is forgotten when a person wants the agent to be tried.
"""

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.services.agents.program import find_program, search_path
from cc4tui.services.agents.redaction import Redactor
from cc4tui.services.agents.wire import number_at, parse_object, text_at
from cc4tui.services.git.files import make_private, read_regular, write_atomic
from cc4tui.services.pipeline.quotas import Limit


log = logging.getLogger(__name__)

_ACCOUNT = re.compile(
    r"_(API_KEY|AUTH_TOKEN|OAUTH_TOKEN|BASE_URL)$|^(CODEX_HOME|CLAUDE_CONFIG_DIR)$"
)
"""Variables by which a person changes to another account."""


class KnownLimits:
    """One small file per limited agent.

    Args:
        folder: Of all repositories; made with the first limit.
        environment: The person's variables.
        redactor: Masks the person's secrets in what agents said.
        clock: Gives the seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        redactor: Redactor | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._redactor = redactor or Redactor()
        self._clock = clock

    def of(self, agent: AgentSpec) -> Limit | None:
        """The limit that still holds, with where it was met."""
        kept = parse_object(read_regular(self._file(agent)) or b"")
        until = number_at(kept, "until")
        if until is None or until <= self._clock():
            return None
        met = datetime.fromtimestamp(number_at(kept, "met") or 0.0).astimezone()
        where = f"met at {met:%H:%M} by run {text_at(kept, 'run')}"
        return Limit(agent.name, f"{text_at(kept, 'reason')} ({where})", until)

    def keep(self, agent: AgentSpec, limit: Limit, run: str) -> None:
        """Remember what a run has met; without it the run goes on just as well."""
        kept = {
            "agent": agent.name,
            "reason": self._redactor.text(limit.reason),
            "until": limit.until,
            "met": self._clock(),
            "run": run,
        }
        try:
            make_private(self._folder)
            write_atomic(self._file(agent), json.dumps(kept).encode())
        except OSError as error:
            log.warning("the limit of %s is not kept for later runs: %s", agent.name, error)

    def forget(self, agent: AgentSpec) -> None:
        """A person wants it to be tried."""
        try:
            self._file(agent).unlink(missing_ok=True)
        except OSError as error:
            log.warning("the limit of %s stays as it is kept: %s", agent.name, error)

    def _file(self, agent: AgentSpec) -> Path:
        """The same for the same program with the same account."""
        environment = {**self._environment, **agent.env}
        account = sorted((name, environment[name]) for name in environment if _ACCOUNT.search(name))
        name = (*agent.command, agent.driver)[0]
        program = find_program(name, search_path(agent, self._environment))
        told = [agent.name, agent.driver, program, agent.command, agent.args, agent.model, account]
        digest = hashlib.sha256(json.dumps(told).encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest[:32]}.json"
