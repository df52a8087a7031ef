"""Dependencies of a plan as a graph: edges without repetition, and three renderings."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cc4tui.domain.plan import Batch, Plan, PlanTaskState


@dataclass(slots=True)
class Graph:
    """Who waits for whom; what all tasks of a batch wait for is told once, for the batch."""

    plan: Plan
    batches: dict[str, list[str]] = field(default_factory=dict)
    """By batch: the batches it waits for as a whole."""
    tasks: dict[str, list[str]] = field(default_factory=dict)
    """By task: the tasks it waits for beyond that."""


def build_graph(plan: Plan) -> Graph:
    """The plan's graph; edges that follow from others are left out."""
    graph = Graph(plan)
    ids = {batch.id: {task.id for task in batch.tasks} for batch in plan.batches if batch.tasks}
    before: dict[str, set[str]] = {}
    for batch in plan.batches:
        if not batch.tasks:
            continue
        common = _common(batch)
        whole = [other for other, members in ids.items() if other != batch.id and members <= common]
        implied = set().union(*(before.get(other, set()) for other in whole)) if whole else set()
        before[batch.id] = implied | set(whole)
        graph.batches[batch.id] = [other for other in whole if other not in implied]
        covered = set().union(*(ids[other] for other in whole)) if whole else set()
        for task in batch.tasks:
            graph.tasks[task.id] = [one for one in task.waits_for if one not in covered]
    return graph


def _common(batch: Batch) -> set[str]:
    """What every task of a batch waits for."""
    seen: set[int] = set()
    common: set[str] | None = None
    for task in batch.tasks:
        if id(task.waits_for) not in seen:
            seen.add(id(task.waits_for))
            mine = set(task.waits_for)
            common = mine if common is None else common & mine
    return common or set()


def render(plan: Plan, form: str) -> str:
    """The graph as ``text``, ``mermaid`` or ``dot``.

    Raises:
        KeyError: another form.
    """
    return FORMS[form](build_graph(plan))


def _text(graph: Graph) -> str:
    lines: list[str] = []
    width = max((len(task.id) for task in graph.plan.tasks()), default=0)
    for batch in graph.plan.batches:
        if not batch.tasks:
            continue
        after = [_batch_name(graph, other) for other in graph.batches[batch.id]]
        tail = f"  (after {', '.join(after)})" if after else ""
        lines.append(f"{_batch_name(graph, batch.id)}{tail}")
        for task in batch.tasks:
            waits = graph.tasks[task.id]
            mark = "x" if task.state is PlanTaskState.DONE else " "
            tail = f"  <- {', '.join(waits)}" if waits else ""
            lines.append(f"  [{mark}] {task.id:{width}}  {task.title}{tail}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _batch_name(graph: Graph, batch_id: str) -> str:
    batch = next(batch for batch in graph.plan.batches if batch.id == batch_id)
    if not batch.id:
        return "(no batch)"
    return f"{batch.name or batch.id}: {batch.title}" if batch.title else batch.name or batch.id


def _mermaid(graph: Graph) -> str:
    names = _names(graph.plan, "b", "t")
    lines = ["flowchart LR"]
    for batch in graph.plan.batches:
        if batch.tasks:
            lines.append(
                f'  subgraph {names["", batch.id]}["{_entity(_batch_name(graph, batch.id))}"]'
            )
            for task in batch.tasks:
                style = ":::done" if task.state is PlanTaskState.DONE else ""
                label = _entity(f"{task.id} {task.title}")
                lines.append(f'    {names[batch.id, task.id]}["{label}"]{style}')
            lines.append("  end")
    lines += [f"  {one} --> {other}" for one, other in _pairs(graph, names)]
    lines.append("  classDef done opacity:0.5")
    return "\n".join(lines) + "\n"


def _dot(graph: Graph) -> str:
    names = _names(graph.plan, "cluster_", "t")
    first = {b.id: names[b.id, b.tasks[0].id] for b in graph.plan.batches if b.tasks}
    lines = ["digraph plan {", "  rankdir=LR; compound=true; node [shape=box];"]
    for batch in graph.plan.batches:
        if not batch.tasks:
            continue
        lines.append(f"  subgraph {names['', batch.id]} {{")
        lines.append(f"    label={_dot_text(_batch_name(graph, batch.id))};")
        for task in batch.tasks:
            style = ", style=dashed" if task.state is PlanTaskState.DONE else ""
            label = _dot_text(f"{task.id} {task.title}")
            lines.append(f"    {names[batch.id, task.id]} [label={label}{style}];")
        lines.append("  }")
    nodes = {names["", batch_id]: node for batch_id, node in first.items()}
    for one, other in _pairs(graph, names):
        tail = f"ltail={one}, lhead={other}" if one in nodes else ""
        edge = f"{nodes.get(one, one)} -> {nodes.get(other, other)}"
        lines.append(f"  {edge}{f' [{tail}]' if tail else ''};")
    return "\n".join([*lines, "}"]) + "\n"


def _names(plan: Plan, batch: str, task: str) -> dict[tuple[str, str], str]:
    """Safe node names: ids may hold anything."""
    names: dict[tuple[str, str], str] = {}
    for number, one in enumerate(plan.batches):
        names["", one.id] = f"{batch}{number}"
        for index, inner in enumerate(one.tasks):
            names.setdefault((one.id, inner.id), f"{task}{number}_{index}")
    return names


def _pairs(graph: Graph, names: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    """Edges by node names, from what is waited for to who waits."""
    nodes = {t.id: names[b.id, t.id] for b in graph.plan.batches for t in b.tasks}
    out = [
        (names["", other], names["", batch])
        for batch, others in graph.batches.items()
        for other in others
    ]
    out += [
        (nodes[one], nodes[task])
        for task, ones in graph.tasks.items()
        for one in ones
        if one in nodes
    ]
    return out


def _entity(text: str) -> str:
    """Text inside a quoted mermaid label."""
    safe = re.sub(r"[^\w .,;:/()+*=-]", lambda found: f"#{ord(found[0])};", text.replace("\n", " "))
    return safe[:200]


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


FORMS: dict[str, Callable[[Graph], str]] = {"text": _text, "mermaid": _mermaid, "dot": _dot}
"""The renderings of `plan graph --format`."""
