"""Checks the agents that a plan names against those that there are."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cc4tui.domain.plan import Diagnostic, Plan, Severity
from cc4tui.services.plans.text import nearest, quote


def with_known_agents(plan: Plan, known: Collection[str]) -> Plan:
    """The plan, with an error for each agent that is not configured."""
    found = tuple(_problem(name, line, known) for name, line in named(plan) if name not in known)
    return replace(plan, diagnostics=(*plan.diagnostics, *found)) if found else plan


def named(plan: Plan) -> Iterator[tuple[str, int]]:
    """Agents and fallbacks with the first line that names each."""
    seen: set[str] = set()
    front = {"agent": plan.defaults.get("agent"), "fallback": plan.defaults.get("fallback")}
    for name in _names(front):
        if name not in seen:
            seen.add(name)
            yield name, 1
    for task in plan.tasks():
        for name in _names({"agent": task.agent, "fallback": task.fallback}):
            if name not in seen:
                seen.add(name)
                yield name, task.line


def _names(told: Mapping[str, Any]) -> Iterator[str]:
    if told["agent"]:
        yield str(told["agent"])
    yield from map(str, told["fallback"] or ())


def _problem(name: str, line: int, known: Collection[str]) -> Diagnostic:
    near = nearest(name, tuple(known))
    hint = f"did you mean {near}" if near else f"configured are {', '.join(known)}"
    return Diagnostic("E09", Severity.ERROR, line, 1, f"no agent is called {quote(name)}", hint)
