"""What a person changed about the tasks of a run, in its folder: a resumed run knows it too."""

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import TaskRunState
from cc4tui.domain.text import clean_line
from cc4tui.ports import Retry
from cc4tui.services.git.files import read_regular, write_atomic
from cc4tui.services.pipeline.selection import PlannedTask


log = logging.getLogger(__name__)

FOLLOW_UP, FORK = "follow_up", "fork"
TITLE_LENGTH = 72


@dataclass(frozen=True, slots=True)
class Offshoot:
    """A task that a person made out of another one of the run, which stays as it is."""

    id: str
    of: str
    attempt: int
    """Of that task: the one that it goes on with."""
    text: str
    """What is to be done."""
    kind: str
    """FOLLOW_UP on work that is done: begins from what merged. FORK: begins from that attempt's
    own work, with a copy of its session."""
    commit: str = ""
    """What that attempt had done when it was forked, if it was at work then."""


class Wishes:
    """Other agents, models and hints for tasks, and tasks that grew out of others.

    Args:
        path: The file.
        agents: The configured agent of a name.
    """

    def __init__(self, path: Path, agents: Callable[[str], AgentSpec]) -> None:
        self._path = path
        self._agents = agents
        kept = _load(path)
        self._retries = {task: Retry(**_texts(one)) for task, one in kept.get("tasks", {}).items()}
        self._offshoots = [Offshoot(**one) for one in kept.get("offshoots", [])]

    def offshoot(self, task: str) -> Offshoot | None:
        """Where the task came from, if a person made it out of another one."""
        return next((one for one in self._offshoots if one.id == task), None)

    def choose(self, planned: PlannedTask, wish: Retry) -> PlannedTask:
        """Remember how the task is to be done from now on; the task with it.

        Raises:
            UsageError: there is no such agent.
        """
        if not (wish.agent or wish.model or wish.hint):
            return planned
        before = self._retries.get(planned.task.id, Retry())
        hints = "\n\n".join(filter(None, [before.hint, wish.hint]))
        if wish.agent and wish.agent != before.agent:  # a model of the one before means nothing
            before = replace(before, model="")
        chosen = Retry(wish.agent or before.agent, wish.model or before.model, hints)
        made = self._chosen(planned, chosen)
        self._retries[planned.task.id] = chosen
        self._save()
        return made

    def branch_off(
        self,
        of: str,
        attempt: int,
        text: str,
        kind: str,
        taken: Collection[str],
        commit: str = "",
    ) -> Offshoot:
        """Remember a task that grows out of another one, under a name that no task has."""
        used = {*taken, *(one.id for one in self._offshoots)}
        number = 1
        while (name := f"{of}+{number}") in used:
            number += 1
        made = Offshoot(name, of, attempt, text, kind, commit)
        self._offshoots.append(made)
        self._save()
        return made

    def applied(self, tasks: Mapping[str, PlannedTask]) -> dict[str, PlannedTask]:
        """The tasks of a plan as they are to be done, and those that grew out of them."""
        known = dict(tasks)
        for one in self._offshoots:
            if one.of in known and one.id not in known:
                known[one.id] = planned_offshoot(one, known[one.of])
        for task, wish in self._retries.items():
            if task in known:
                known[task] = self._chosen(known[task], wish)
        return known

    def _chosen(self, planned: PlannedTask, wish: Retry) -> PlannedTask:
        made = planned.by(self._agents(wish.agent)) if wish.agent else planned
        hints = tuple(filter(None, [wish.hint]))
        return replace(made, model=wish.model or made.model, hints=hints)

    def _save(self) -> None:
        kept = {
            "tasks": {task: asdict(wish) for task, wish in self._retries.items()},
            "offshoots": [asdict(one) for one in self._offshoots],
        }
        write_atomic(self._path, json.dumps(kept, indent=1).encode())


def planned_offshoot(made: Offshoot, base: PlannedTask) -> PlannedTask:
    """The new task with everything decided, as the one that it grew out of has it."""
    task = replace(
        base.task,
        id=made.id,
        title=clean_line(made.text, TITLE_LENGTH),
        depends_on=(),
        waits_for=(),
        needs=(),
    )
    if made.kind == FOLLOW_UP:
        done = f"It follows up on the task {made.of}, which is done and merged"
        before = "\n".join(f"> {line}" for line in base.task.body.splitlines())
        body = f"{made.text}\n\n{done}:\n\n> {base.task.title}\n{before}"
        task = replace(task, body=body, goal="", steps=(), acceptance=())
        return replace(base, task=task, state=TaskRunState.PENDING, reason="", hints=())
    hints = (*base.hints, made.text)
    return replace(base, task=task, state=TaskRunState.PENDING, reason="", hints=hints)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(values.get(key, "")) for key in ("agent", "model", "hint")}


def _load(path: Path) -> dict[str, Any]:
    data = read_regular(path)
    try:
        found = json.loads(data) if data else {}
        return found if isinstance(found, dict) else {}
    except ValueError as error:
        log.warning("the wishes in %s cannot be read and count as none: %s", path, error)
        return {}
