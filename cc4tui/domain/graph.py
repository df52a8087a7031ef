"""Who waits for whom, as a graph of tasks: direct edges only, layers, and the longest open chain.

Sets of tasks are integers with a bit for each task: in a plan of batches every task waits for a
thousand others, and only such sets keep ten thousand tasks within a second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cc4tui.domain.plan import Plan, Task


@dataclass(frozen=True, slots=True)
class TaskGraph:
    """Tasks by number, in document order; of two with the same id the first one counts."""

    tasks: tuple[Task, ...]
    number: Mapping[str, int]
    """By id."""
    before: tuple[tuple[int, ...], ...]
    """By task: what it directly waits for; what follows from that is left out. Tasks that wait for
    the same have the same object."""
    layer: tuple[int, ...]
    """By task: the length of the longest way to it."""
    order: tuple[int, ...]
    """Every task after all that it waits for."""
    place: tuple[int, ...]
    """By task: where it stands in `order`."""
    ancestors: tuple[int, ...]
    """By task: a bit, by place, for each that comes before it, directly or through others."""

    def after(self) -> list[list[int]]:
        """By task: what directly waits for it."""
        out: list[list[int]] = [[] for _ in self.tasks]
        for number, before in enumerate(self.before):
            for other in before:
                out[other].append(number)
        return out

    def ordered(self, first: int, second: int) -> bool:
        """Whether one of the two waits for the other."""
        earlier, later = sorted((first, second), key=lambda one: self.place[one])
        return bool(self.ancestors[later] >> self.place[earlier] & 1)

    def longest(self, is_open: Callable[[Task], bool]) -> tuple[int, ...]:
        """The chain with the most open tasks, from its first open one: what decides the end."""
        best = [0] * len(self.tasks)
        via: list[int | None] = [None] * len(self.tasks)
        known: dict[int, int | None] = {}
        for at in self.order:
            before = self.before[at]
            key = id(before)
            if key not in known:
                known[key] = max(before, key=lambda one: (best[one], -one), default=None)
            came = known[key]
            best[at] = is_open(self.tasks[at]) + (best[came] if came is not None else 0)
            via[at] = came if came is not None and best[came] else None
        last = max(self.order, key=lambda one: (best[one], -one), default=None)
        if last is None or not best[last]:
            return ()
        chain = [last]
        while (came := via[chain[-1]]) is not None:
            chain.append(came)
        return tuple(reversed(chain))


def task_graph(plan: Plan) -> TaskGraph:
    """The graph of a plan; a circle is cut where the document comes to it first."""
    number: dict[str, int] = {}
    tasks: list[Task] = []
    for task in plan.tasks():
        if task.id not in number:
            number[task.id] = len(tasks)
            tasks.append(task)
    order = _order(_masks(tasks, number), len(tasks))
    place = [0] * len(tasks)
    for at, one in enumerate(order):
        place[one] = at
    in_order = [tasks[one] for one in order]
    masks = _masks(in_order, {task.id: at for at, task in enumerate(in_order)})
    before: list[tuple[int, ...]] = [()] * len(tasks)
    layer = [0] * len(tasks)
    ancestors = [0] * len(tasks)
    known: dict[int, tuple[tuple[int, ...], int, int]] = {}
    for at, one in enumerate(order):
        mask = masks[at] & ((1 << at) - 1)  # what comes later is part of a circle
        if mask not in known:
            direct, covered = _reduce(mask, order, ancestors)
            known[mask] = direct, covered, max((layer[it] + 1 for it in direct), default=0)
        before[one], ancestors[one], layer[one] = known[mask]
    return TaskGraph(
        tuple(tasks),
        number,
        tuple(before),
        tuple(layer),
        tuple(order),
        tuple(place),
        tuple(ancestors),
    )


def _masks(tasks: Sequence[Task], bit: Mapping[str, int]) -> list[int]:
    """By task: the set it waits for. Neighbours wait for nearly the same, so each is made from the
    one before."""
    out: list[int] = []
    shared: dict[int, int] = {}
    last: frozenset[str] = frozenset()
    mask = 0
    for task in tasks:
        key = id(task.waits_for)
        if key not in shared:
            waits = frozenset(task.waits_for)
            for one in waits ^ last:
                if one in bit:
                    mask ^= 1 << bit[one]
            last, shared[key] = waits, mask
        out.append(shared[key])
    return out


def _order(masks: Sequence[int], count: int) -> list[int]:
    """Document order, but each task after all that it waits for."""
    order: list[int] = []
    settled = 0
    left = list(range(count))
    while left:
        still: list[int] = []
        for one in left:
            if masks[one] & ~settled:
                still.append(one)
            else:
                order.append(one)
                settled |= 1 << one
        if len(still) == len(left):  # a circle
            order.append(still[0])
            settled |= 1 << still.pop(0)
        left = still
    return order


def _reduce(
    mask: int, order: Sequence[int], ancestors: Sequence[int]
) -> tuple[tuple[int, ...], int]:
    """What of a set does not follow from the rest of it, and all that comes before."""
    kept: list[int] = []
    covered = 0
    while mask:
        last = mask.bit_length() - 1  # nothing else in the set waits for the last one in order
        kept.append(order[last])
        covered |= ancestors[order[last]] | 1 << last
        mask &= ~covered
    return tuple(sorted(kept)), covered
