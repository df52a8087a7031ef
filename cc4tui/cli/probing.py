"""`cc4tui doctor --probe`: one tiny real task for an agent, in a repository made for it."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cc4tui.cli.output import dollars, duration
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import DONE_STATES, AttemptRecord, TaskRunRecord
from cc4tui.domain.text import clean_line
from cc4tui.errors import UsageError
from cc4tui.ports import RunOptions


if TYPE_CHECKING:
    from cc4tui.config import Config
    from cc4tui.services.doctor import Finding

SECONDS = 180.0
"""The task is stopped after that."""
TOKENS = "100k"
"""And when it has used that many."""
PLAN = """\
# Probe

- [ ] 1.1 Create the file probe.txt with the single word "ready", and change nothing else
  - Files: `probe.txt` (create)
  - Run no commands and ask nothing; this only tries whether you can work here.
"""


async def probe(config: "Config", name: str) -> "Finding":
    """Have the agent do a tiny task; its outcome, time, tokens and cost.

    Args:
        config: Where the agent is configured.
        name: The agent; empty = the one that runs use by default.

    Raises:
        UsageError: there is no such agent.
    """
    from cc4tui.config import unknown_agent
    from cc4tui.services.agents.readiness import unready
    from cc4tui.services.agents.registry import backend_for
    from cc4tui.services.doctor import Finding, Level

    name = name or config.run.agent
    if name not in config.agents:
        raise UsageError(unknown_agent(name, config.agents))
    check, agent = f"probe of {name}", config.agents[name]
    if (problem := await unready(agent, backend_for(agent.driver), os.environ)) is not None:
        return Finding(check, Level.WARNING, problem)
    with tempfile.TemporaryDirectory(prefix="cc4tui-probe-") as folder, _own_state(folder):
        task, attempt = await _done(Path(folder, "repository"), agent)
    done = task.state in DONE_STATES
    facts = {
        "agent": name,
        "outcome": attempt.outcome.value if attempt.outcome else task.state.value,
        "seconds": task.seconds,
        "usage": task.usage.to_dict(),
        "cost_usd": task.cost_usd,
        "cost_estimated": task.cost_estimated,
    }
    return Finding(check, Level.OK if done else Level.WARNING, _told(task, done), facts)


async def _done(root: Path, agent: AgentSpec) -> tuple[TaskRunRecord, AttemptRecord]:
    from cc4tui.runtime import Runtime

    await asyncio.to_thread(_prepare, root, agent)
    await _git(root, "init", "-q")
    await _git(root, "add", "-A")
    person = ("-c", "user.name=cc4tui", "-c", "user.email=probe@localhost")
    await _git(root, *person, "commit", "-q", "--no-verify", "-m", "Probe")
    options = RunOptions(agent=agent.name, timeout=SECONDS, budget=TOKENS, land="none", workers=1)
    async with Runtime.open(root) as center:
        question = await center.trust_question("plan.md", options)
        if question is not None:
            await center.trust(question)
        view = await center.wait(await center.start_run("plan.md", options))
        attempts = await center.journal.attempts(view.run.id)
    return view.tasks[0], attempts[-1]


def _prepare(root: Path, agent: AgentSpec) -> None:
    """A repository with the plan, and the agent as it is configured."""
    root.mkdir()
    (root / "plan.md").write_text(PLAN)
    told = {key: value for key, value in asdict(agent).items() if key not in ("name", "env")}
    lines = ["[run]", "retries = 0", "quota_wait = 0"]
    lines += [f"{key} = []" for key in ("fallback", "verify", "setup", "copy", "link", "keep")]
    lines += [f"[agents.{json.dumps(agent.name)}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in told.items() if value]
    lines += [f"[agents.{json.dumps(agent.name)}.env]"]
    lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in agent.env.items()]
    (root / "cc4tui.toml").write_text("\n".join(lines) + "\n")


async def _git(root: Path, *arguments: str) -> None:
    from cc4tui.services.git.runner import GitRunner

    runner = await GitRunner.find()
    try:
        await runner.run([*arguments], cwd=root)
    finally:
        runner.close()


@contextmanager
def _own_state(folder: str) -> Iterator[None]:
    """Nothing of a probe stays behind."""
    before = os.environ.get("CC4TUI_STATE_DIR")
    os.environ["CC4TUI_STATE_DIR"] = str(Path(folder, "state"))
    try:
        yield
    finally:
        if before is None:
            del os.environ["CC4TUI_STATE_DIR"]
        else:
            os.environ["CC4TUI_STATE_DIR"] = before


def _told(task: TaskRunRecord, done: bool) -> str:
    tokens = "unknown" if task.usage.total is None else f"{task.usage.total:,}"
    cost = dollars(task.cost_usd, task.cost_estimated)
    used = f"{duration(task.seconds)}, {tokens} tokens, cost {cost}"
    outcome = "did its task" if done else task.reason or task.state.value.replace("_", " ")
    return clean_line(f"{outcome} ({used})", 600)
