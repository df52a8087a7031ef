"""Chooses what of a plan a run does, and with which agent, model, limits and checks.

Precedence everywhere: the command line, then the task, then the plan's front matter, then the
configuration.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.plan import Batch, Plan, PlanTaskState, Task
from cc4tui.domain.run import TaskRunState
from cc4tui.domain.text import clean_line
from cc4tui.errors import PlanError, UsageError
from cc4tui.ports import RunOptions


COMMON_EFFORTS = frozenset({"low", "medium", "high"})
"""Words that every agent with an effort knows."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where neither the command line nor the plan says anything."""

    agent: str
    model: str | None
    timeout: float | None
    """Seconds for one attempt; None = no limit."""
    retries: int
    verify: tuple[str, ...]
    mode: str = "worktree"
    land: str = "merge"
    fallback: tuple[str, ...] = ()
    """Agents that do what their task's own agent cannot do for now."""


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task of a run with everything decided."""

    task: Task
    batch: Batch
    agent: AgentSpec
    model: str | None
    effort: str | None
    timeout: float | None
    retries: int
    verify: tuple[str, ...]
    state: TaskRunState
    budget: Mapping[str, float] | None = None
    """``tokens`` and/or ``usd`` of all its attempts together; None = no limit."""
    reason: str = ""
    """Why it is skipped or blocked from the start."""
    hints: tuple[str, ...] = ()
    """What a person added for every further attempt."""
    fallback: tuple[AgentSpec, ...] = ()
    """Who does it when its agent is limited or cannot be used, the first one that can."""

    def by(self, agent: AgentSpec) -> "PlannedTask":
        """The same done by another agent, with the model of its own settings.

        Its effort, too, unless it has none and all agents know the word.
        """
        effort = agent.effort or (self.effort if self.effort in COMMON_EFFORTS else None)
        return replace(self, agent=agent, model=agent.model, effort=effort)

    @property
    def agents(self) -> tuple[AgentSpec, ...]:
        """Everybody who may do it, the one that was asked for first."""
        return (self.agent, *self.fallback)


def plan_tasks(
    plan: Plan,
    options: RunOptions,
    defaults: Defaults,
    agents: Callable[[str], AgentSpec],
    done: Mapping[str, str],
) -> list[PlannedTask]:
    """Every task of the run in document order.

    Args:
        agents: Gives the configured agent of a name; raises UsageError for an unknown one.
        done: Task id -> commit of what the target branch already holds of this plan.

    Raises:
        PlanError: the plan has errors or no task.
        UsageError: an unknown batch, task or agent was named.
    """
    check_runnable(plan)
    chosen = select(plan, options)
    return [_planned(task, batch, plan, options, defaults, agents, done) for batch, task in chosen]


def check_runnable(plan: Plan) -> None:
    """Raise PlanError with the first problem that blocks a run."""
    if plan.errors:
        first, *rest = plan.errors
        more = f" (and {len(rest)} more; `cc4tui plan check` lists them)" if rest else ""
        raise PlanError(clean_line(first.render(plan.path)) + more)
    if any(True for _ in plan.tasks()):
        return
    if plan.offers:
        offer = plan.offers[0]
        raise PlanError(
            f"{plan.path}:{offer.line}:1 holds no certain task, but a {offer.kind} that may be"
            f" {len(offer.batch.tasks)}; run it with --accept-offers"
        )
    raise PlanError(f"{plan.path}: no task found; `cc4tui plan check --explain` says what was seen")


def select(plan: Plan, options: RunOptions) -> list[tuple[Batch, Task]]:
    """The batches and tasks that --batch and --task name; all without them."""
    batches = _select_batches(plan.batches, options.batches)
    pairs = [(batch, task) for batch in batches for task in batch.tasks]
    if not options.tasks:
        return pairs
    known = {task.id for _, task in pairs}
    for wanted in options.tasks:
        if wanted not in known:
            ids = ", ".join(clean_line(i) for i in list(known)[:12])
            raise UsageError(f'no task "{clean_line(wanted)}" in {plan.path}; there are: {ids}')
    return [(batch, task) for batch, task in pairs if task.id in options.tasks]


def _select_batches(batches: Sequence[Batch], specs: Sequence[str]) -> Sequence[Batch]:
    if not specs:
        return batches
    chosen: set[int] = set()
    for spec in specs:
        found = _matching(batches, spec.strip())
        if not found:
            names = ", ".join(f"{b.id} ({clean_line(b.title)})" for b in batches if b.tasks)
            raise UsageError(f'no batch "{clean_line(spec)}"; there are: {names}')
        chosen |= found
    return [batch for index, batch in enumerate(batches) if index in chosen]


def _matching(batches: Sequence[Batch], spec: str) -> set[int]:
    """Indices of the batches that `1`, `1-3` or `Phase 2` means."""
    by_id = {batch.id.casefold(): index for index, batch in enumerate(batches)}
    if spec.casefold() in by_id:
        return {by_id[spec.casefold()]}
    first, dash, last = (part.strip().casefold() for part in spec.partition("-"))
    if dash and first in by_id and last in by_id:
        return set(range(by_id[first], by_id[last] + 1))
    wanted = spec.casefold()
    number = re.sub(r"^\w+\s+", "", wanted)
    return {
        index
        for index, batch in enumerate(batches)
        if batch.title.casefold().startswith(wanted) or batch.id.casefold() in (wanted, number)
    }


def _planned(
    task: Task,
    batch: Batch,
    plan: Plan,
    options: RunOptions,
    defaults: Defaults,
    agents: Callable[[str], AgentSpec],
    done: Mapping[str, str],
) -> PlannedTask:
    front: Mapping[str, Any] = plan.defaults
    try:
        agent = _agent(task, front, options, defaults, agents)
        fallback = _fallback(task, agent, front, defaults, agents)
    except UsageError as error:
        if options.agent is not None and task.fallback is None:
            raise
        raise PlanError(f"{plan.path}:{task.line}:1 {error}") from None
    state, reason = _initial_state(task, done, redo=options.redo)
    plan_verify = _strings(front.get("verify"))
    task_verify = tuple(command for command in task.verify if command not in plan_verify)
    return PlannedTask(
        task=task,
        batch=batch,
        agent=agent,
        model=options.model or _model(task, agent, front, defaults),
        effort=task.effort or front.get("effort") or agent.effort,
        timeout=_first(options.timeout, task.timeout, front.get("timeout"), defaults.timeout),
        retries=_first(options.retries, task.retries, front.get("retries"), defaults.retries) or 0,
        verify=(*defaults.verify, *plan_verify, *task_verify, *options.verify),
        state=state,
        budget=_first(task.budget, front.get("budget")),
        reason=reason,
        fallback=fallback,
    )


def _model(
    task: Task, agent: AgentSpec, front: Mapping[str, Any], defaults: Defaults
) -> str | None:
    """The plan's word for a model counts for the agent that it means."""
    by_plan = front.get("agent") or defaults.agent
    words = ((task.agent or by_plan, task.model), (by_plan, front.get("model")))
    said = next((model for name, model in words if model and name == agent.name), None)
    return said or agent.model or defaults.model


def _fallback(
    task: Task,
    agent: AgentSpec,
    front: Mapping[str, Any],
    defaults: Defaults,
    agents: Callable[[str], AgentSpec],
) -> tuple[AgentSpec, ...]:
    if task.run:
        return ()
    names = _first(task.fallback, front.get("fallback"), defaults.fallback)
    found = {spec.name: spec for spec in map(agents, names)}
    return tuple(spec for spec in found.values() if spec.name != agent.name)


def _agent(
    task: Task,
    front: Mapping[str, Any],
    options: RunOptions,
    defaults: Defaults,
    agents: Callable[[str], AgentSpec],
) -> AgentSpec:
    if task.run:
        return agents("shell")
    name = options.agent or task.agent or front.get("agent") or defaults.agent
    return replace(agents(str(name)))


def _initial_state(task: Task, done: Mapping[str, str], *, redo: bool) -> tuple[TaskRunState, str]:
    if task.state is PlanTaskState.CANCELLED:
        return TaskRunState.SKIPPED, "cancelled in the plan"
    if task.state is PlanTaskState.BLOCKED:
        return TaskRunState.BLOCKED, "marked as blocked in the plan"
    if redo:
        return TaskRunState.PENDING, ""
    if task.state is PlanTaskState.DONE:
        return TaskRunState.SKIPPED, "done in the plan"
    if task.id in done:
        return TaskRunState.SKIPPED, f"already landed as {done[task.id][:10]}"
    return TaskRunState.PENDING, ""


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)
