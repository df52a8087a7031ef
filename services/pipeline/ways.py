"""What becomes of a message to a task that this process does not work on."""

from collections.abc import Mapping
from pathlib import Path

from cc4tui.domain.agent import AgentJob
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import ACTIVE_STATES, DONE_STATES, TaskRunRecord, TaskRunState
from cc4tui.errors import UsageError
from cc4tui.ports import Conversation, Journal, MessageWay
from cc4tui.services.agents.registry import backend_for
from cc4tui.services.pipeline.orchestrator import RETRYABLE


async def stored_way(
    journal: Journal, task: TaskRunRecord, agents: Mapping[str, AgentSpec]
) -> MessageWay:
    """As `Orchestrator.way`, from what is stored.

    Raises:
        UsageError: nobody can be told anything about it.
    """
    if task.state in DONE_STATES and not task.attempts:
        raise UsageError(f"task {task.task} was skipped; there is nobody to tell")
    if task.state in DONE_STATES:
        return MessageWay.FOLLOW_UP
    if task.state is TaskRunState.RUNNING:
        attempts = await journal.attempts(task.run, task.task)
        spec = agents.get(attempts[-1].agent) if attempts else None
        return MessageWay.LIVE if spec is not None and listens(spec) else MessageWay.QUEUED
    if task.state in ACTIVE_STATES:
        return MessageWay.QUEUED
    if not task.attempts:
        return MessageWay.FIRST
    return MessageWay.RESUMED if task.state in RETRYABLE else MessageWay.QUEUED


def listens(spec: AgentSpec) -> bool:
    """Whether the agent takes messages while it works."""
    nothing = Path()
    job = AgentJob("", "", "", 1, "", prompt="", prompt_file=nothing, worktree=nothing)
    return isinstance(backend_for(spec.driver).stream(spec, job), Conversation)
