"""Who waits for whom: declared dependencies, barriers between batches, order inside a batch.

Declared dependencies go by rule R7, order by rule R8. What is declared wins: an implied edge that
would close a circle with declared ones is left out.
"""

import heapq
from dataclasses import dataclass, field

from cc4tui.services.plans.draft import BatchDraft, PlanDraft, TaskDraft
from cc4tui.services.plans.labels import normal_id
from cc4tui.services.plans.text import nearest, quote, squeeze


MAX_EDGES = 2_000_000
"""Ids in `waits_for` tuples that are not shared; beyond it sequences wait by their links only."""
MANY = 200
"""Tasks before one that waits for all of them, from which not every one is named."""
MAX_GUESSES = 40_000
"""Ids that unknown ones are compared with, in all, to find the nearest."""


@dataclass(slots=True)
class Resolved:
    """What one task waits for."""

    waits_for: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    parallel: bool = True


@dataclass(slots=True)
class Resolution:
    """What every task waits for."""

    tasks: dict[TaskDraft, Resolved] = field(default_factory=dict)
    declared: dict[TaskDraft, list[TaskDraft]] = field(default_factory=dict)
    """By task: the tasks its own field names."""
    gates: dict[BatchDraft, list[TaskDraft]] = field(default_factory=dict)
    """By batch: the tasks that its declared dependencies name."""
    cycle: list[TaskDraft] = field(default_factory=list)

    def of(self, task: TaskDraft) -> Resolved:
        """What `task` waits for."""
        return self.tasks.get(task, Resolved())


@dataclass(slots=True)
class _Segment:
    """Neighbouring tasks of one batch, in document order."""

    batch: BatchDraft
    tasks: list[TaskDraft]
    ids: tuple[str, ...] = ()


def resolve(plan: PlanDraft) -> Resolution:
    """Resolve every dependency of a plan; unknown names and circles become diagnostics."""
    out = Resolution()
    names = _Names(plan)
    for batch in plan.batches:
        gate = names.of_batch(batch) if batch.depends is not None else None
        if gate is not None:
            out.gates[batch] = gate
    for index, task in enumerate(plan.order):
        if task.depends:
            out.declared[task] = names.of_task(task, index)
    positions = _positions(plan, out)
    if out.cycle:
        _report_cycle(plan, out.cycle)
    _connect(plan, out, positions)
    return out


class _Names:
    """Finds tasks and batches by what people call them."""

    def __init__(self, plan: PlanDraft) -> None:
        self.plan = plan
        self.guesses = 0
        self.last_all = 0
        self.tasks: dict[str, TaskDraft] = {}
        for task in plan.order:
            self.tasks.setdefault(normal_id(task.id), task)
        self.batches: dict[str, list[TaskDraft]] = {}
        for batch in plan.batches:
            keys = {squeeze(name) for name in (batch.id, batch.title, batch.name, *batch.names)}
            for key in keys - {""}:
                self.batches.setdefault(key, []).extend(batch.tasks)

    def of_task(self, task: TaskDraft, index: int) -> list[TaskDraft]:
        out: dict[TaskDraft, None] = {}
        known: list[str] = []
        for ref in task.depends:
            if ref == "all":
                known.append(ref)
                # The task before that waits for all stands for those before it, in a large plan.
                first = self.last_all if index > MANY else 0
                out.update(dict.fromkeys(self.plan.order[first:index]))
                self.last_all = index
                continue
            found = self.find(ref)
            if found is None:
                if task.strict and not task.outside:
                    self.unknown(ref, task.line, task.column, f"task {task.id}")
                    known.append(ref)
                continue
            known.append(ref)
            out.update((t, None) for t in found if t is not task or len(found) == 1)
        if not task.outside:
            task.depends = known
        return list(out)

    def of_batch(self, batch: BatchDraft) -> list[TaskDraft] | None:
        """Tasks that a batch waits for; None = what it says was no dependency at all."""
        out: dict[TaskDraft, None] = {}
        known = []
        for ref in batch.depends or ():
            found = self.find(ref, batches_first=True)
            if ref == "all":
                found = [t for t in self.plan.order if t.line < batch.line]
            if found is None and squeeze(ref) in self.plan.headings:
                found = []
            if found is None and batch.strict:
                self.unknown(ref, batch.line, 0, batch.name or f"batch {quote(batch.title)}")
            if found is not None or batch.strict:
                known.append(ref)
            out.update((t, None) for t in found or () if t.batch is not batch)
        if batch.depends and not known:
            batch.depends = None
            return None
        batch.depends = known
        return list(out)

    def find(self, ref: str, *, batches_first: bool = False) -> list[TaskDraft] | None:
        """Tasks that a reference means; None = nothing is called so."""
        if ".." in ref:
            return self.span(*ref.split("..", 1))
        task = self.tasks.get(normal_id(ref))
        batch = self.batches.get(squeeze(ref))
        if batches_first and batch is None and ref[:1].isdigit():
            batch = next(
                (self.batches[k] for k in self.batches if k.endswith(f" {squeeze(ref)}")), None
            )
        if task is not None and not (batches_first and batch):
            return [task]
        if batch is not None:
            return batch
        word = ref.rpartition(" ")[2]
        task = self.tasks.get(normal_id(word)) if " " in ref else None
        return [task] if task is not None else None

    def span(self, first: str, last: str) -> list[TaskDraft] | None:
        """Tasks from one to another in document order, or batches likewise."""
        kind, _, _ = first.rpartition(" ")
        begin, end = self.find(first), self.find(f"{kind} {last}".strip())
        if not begin or not end:
            return None
        order = {task: index for index, task in enumerate(self.plan.order)}
        low, high = order[begin[0]], order[end[-1]]
        return self.plan.order[low : high + 1] or None

    def unknown(self, ref: str, line: int, column: int, who: str) -> None:
        guess = None
        self.guesses += len(self.plan.order)
        if self.guesses <= MAX_GUESSES:
            guess = nearest(ref, [t.id for t in self.plan.order])
        hint = f"nearest is {guess}" if guess else "name a task or batch of this plan"
        self.plan.error(
            "E04", line, f"{who} depends on {quote(ref)}, which is not here", hint, column
        )


def _successors(plan: PlanDraft, out: Resolution) -> dict[object, list[object]]:
    """Declared edges from what is waited for to who waits; a batch's gate is a node of its own."""
    edges: dict[object, list[object]] = {}
    for task, needs in out.declared.items():
        for need in needs:
            edges.setdefault(need, []).append(task)
    for batch, needs in out.gates.items():
        for need in needs:
            edges.setdefault(need, []).append(batch)
        edges.setdefault(batch, []).extend(batch.tasks)
    return edges


def _positions(plan: PlanDraft, out: Resolution) -> dict[TaskDraft, int]:
    """Document order, changed only where declared dependencies point forward (stable Kahn)."""
    order = {task: index for index, task in enumerate(plan.order)}
    if _all_backward(out, order):
        return order
    edges = _successors(plan, out)
    waiting: dict[object, int] = {}
    for targets in edges.values():
        for target in targets:
            waiting[target] = waiting.get(target, 0) + 1
    rank: dict[object, int] = dict(order.items())
    for batch in out.gates:
        rank[batch] = min((order[task] for task in batch.tasks), default=0)
    nodes = [*plan.order, *out.gates]
    heap = [(rank[node], n) for n, node in enumerate(nodes) if not waiting.get(node)]
    number = {node: n for n, node in enumerate(nodes)}
    heapq.heapify(heap)
    positions: dict[TaskDraft, int] = {}
    while heap:
        _, n = heapq.heappop(heap)
        node = nodes[n]
        if isinstance(node, TaskDraft):
            positions[node] = len(positions)
        for target in edges.get(node, ()):
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(heap, (rank[target], number[target]))
    if len(positions) < len(order):
        left = [task for task in plan.order if task not in positions]
        out.cycle = _find_cycle(left, out)
        for task in left:
            positions[task] = len(positions)
    return positions


def _all_backward(out: Resolution, order: dict[TaskDraft, int]) -> bool:
    for task, needs in out.declared.items():
        if any(order[need] >= order[task] for need in needs):
            return False
    for batch, needs in out.gates.items():
        first = min((order[task] for task in batch.tasks), default=0)
        if any(order[need] >= first for need in needs):
            return False
    return True


def _find_cycle(left: list[TaskDraft], out: Resolution) -> list[TaskDraft]:
    """One circle among tasks that could not be ordered: walk what each still waits for."""
    stuck = set(left)
    seen: dict[TaskDraft, int] = {}
    path: list[TaskDraft] = []
    here: TaskDraft | None = left[0]
    while here is not None and here not in seen:
        seen[here] = len(path)
        path.append(here)
        needs = [*out.declared.get(here, ()), *out.gates.get(here.batch, ())]
        here = next((need for need in needs if need in stuck), None)
    return path[seen[here] :] if here is not None else path


def _report_cycle(plan: PlanDraft, cycle: list[TaskDraft]) -> None:
    shown = cycle if len(cycle) <= 12 else [*cycle[:11], cycle[-1]]
    chain = " -> ".join([*(task.id for task in shown), cycle[0].id])
    lines = ", ".join(str(task.line + 1) for task in shown)
    plan.error(
        "E06", cycle[0].line, f"cycle {chain} (lines {lines})", "drop one of these dependencies",
        cycle[0].column,
    )  # fmt: skip


def _segments(plan: PlanDraft) -> list[_Segment]:
    out: list[_Segment] = []
    for task in plan.order:
        if not out or out[-1].batch is not task.batch:
            out.append(_Segment(task.batch, []))
        out[-1].tasks.append(task)
    for segment in out:
        segment.ids = tuple(task.id for task in segment.tasks)
    return out


def _runs_beside(task: TaskDraft, plan: PlanDraft) -> bool:
    if task.parallel is not None:
        return task.parallel
    if task.batch.parallel is not None:
        return task.batch.parallel
    return not plan.sequential or task.batch.name.casefold().startswith("batch ")


def _connect(plan: PlanDraft, out: Resolution, positions: dict[TaskDraft, int]) -> None:
    by_id = {task.id: positions[task] for task in reversed(plan.order)}
    reordered = any(positions[task] != index for index, task in enumerate(plan.order))
    before: tuple[str, ...] = ()
    family = 0
    budget = MAX_EDGES
    for segment in _segments(plan):
        gate = out.gates.get(segment.batch)
        declared = tuple(task.id for task in gate) if gate is not None else ()
        barrier = declared
        if plan.ordered and (gate is None or segment.batch.family == family != 0):
            barrier = _join(declared, before)
        family = segment.batch.family
        group: list[str] = []
        previous: tuple[str, ...] = ()
        beside_before = False
        for task in segment.tasks:
            beside = _runs_beside(task, plan)
            if group and not (beside and beside_before):
                previous, group = tuple(group), []
            beside_before = beside
            group.append(task.id)
            own = tuple(need.id for need in out.declared.get(task, ()))
            implied = _join(barrier, previous) if budget > 0 else previous or barrier
            if previous and barrier:
                budget -= len(implied)
            if reordered:
                here = positions[task]
                implied = tuple(i for i in implied if by_id[i] < here or i in declared)
            needs = _with_own(own, declared)
            waits = _with_own(own, implied)
            out.tasks[task] = Resolved(waits, needs, beside)
        before = segment.ids


def _join(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Both without doubles; one of them itself where the other adds nothing."""
    if not first or not second:
        return first or second
    return tuple(dict.fromkeys((*first, *second)))


def _with_own(own: tuple[str, ...], implied: tuple[str, ...]) -> tuple[str, ...]:
    """A task's own few ids before what its batch waits for."""
    if not own:
        return implied
    if len(own) > 8:
        return _join(own, implied)
    fresh = tuple(dict.fromkeys(one for one in own if one not in implied))
    return fresh + implied if fresh else implied
