"""Who waits for whom: direct edges, layers, the longest open chain."""

from graphlib import TopologicalSorter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.graph import TaskGraph, task_graph
from cc4tui.domain.plan import Batch, Plan, PlanTaskState, Task


def plan_of(waits: dict[str, tuple[str, ...]]) -> Plan:
    tasks = tuple(
        Task(name, name, PlanTaskState.TODO, 1, 1, waits_for=waits_for)
        for name, waits_for in waits.items()
    )
    return Plan("p.md", "P", "cc4", (Batch("1", "B", 1, tasks),))


def direct(graph: TaskGraph) -> dict[str, set[str]]:
    """By id: what a task directly waits for."""
    return {
        graph.tasks[at].id: {graph.tasks[one].id for one in before}
        for at, before in enumerate(graph.before)
    }


@st.composite
def dags(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Any dependencies without a circle, in an order of the document that need not fit them."""
    count = draw(st.integers(1, 9))
    waits = {str(n): tuple(str(m) for m in range(n) if draw(st.booleans())) for n in range(count)}
    order = draw(st.permutations(list(waits)))
    return {name: waits[name] for name in order}


def reachable(waits: dict[str, tuple[str, ...]]) -> dict[str, set[str]]:
    """By id: everything that comes before."""
    out: dict[str, set[str]] = {}
    for name in TopologicalSorter(waits).static_order():
        out[name] = set(waits[name]).union(*(out[one] for one in waits[name]))
    return out


@given(dags())
def test_direct_edges_tell_the_same_as_all_of_them_and_none_is_too_much(
    waits: dict[str, tuple[str, ...]],
) -> None:
    graph = task_graph(plan_of(waits))
    full, edges = reachable(waits), direct(graph)
    assert reachable({name: tuple(before) for name, before in edges.items()}) == full
    for before in edges.values():
        for one in before:
            assert not any(one in full[other] for other in before)


@given(dags())
def test_layers_and_order_follow_the_dependencies(waits: dict[str, tuple[str, ...]]) -> None:
    graph = task_graph(plan_of(waits))
    assert sorted(graph.order) == list(range(len(waits)))
    for at, before in enumerate(graph.before):
        assert graph.layer[at] == max((graph.layer[one] + 1 for one in before), default=0)
        assert all(graph.place[one] < graph.place[at] for one in before)
    full = reachable(waits)
    for one in waits:
        for other in waits:
            if one != other:
                numbers = graph.number[one], graph.number[other]
                assert graph.ordered(*numbers) == (one in full[other] or other in full[one])


@given(dags(), st.data())
def test_no_chain_of_open_tasks_is_longer_than_the_longest(
    waits: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    graph = task_graph(plan_of(waits))
    closed = data.draw(st.sets(st.sampled_from(list(waits))))
    chain = graph.longest(lambda task: task.id not in closed)
    length: dict[str, int] = {}
    for name in TopologicalSorter(waits).static_order():
        before = max((length[one] for one in waits[name]), default=0)
        length[name] = before + (name not in closed)
    ids = [graph.tasks[at].id for at in chain]
    assert sum(one not in closed for one in ids) == max(length.values())
    assert all(one in direct(graph)[other] for one, other in pairwise(ids))
    assert not ids or ids[0] not in closed


def test_a_barrier_is_told_once() -> None:
    first = tuple(f"1.{n}" for n in range(40))
    graph = task_graph(plan_of(dict.fromkeys(first, ()) | {f"2.{n}": first for n in range(40)}))
    assert len({id(before) for before in graph.before}) == 2
    assert set(graph.layer) == {0, 1}


def test_a_circle_is_cut_and_ends() -> None:
    graph = task_graph(plan_of({"a": ("c",), "b": ("a",), "c": ("b",), "d": ("d", "x")}))
    assert direct(graph) == {"a": set(), "b": {"a"}, "c": {"b"}, "d": set()}
    assert graph.layer == (0, 1, 2, 0)


def test_of_two_tasks_with_one_id_the_first_counts() -> None:
    batches = (
        Batch("1", "", 1, (Task("1", "first", PlanTaskState.TODO, 1, 1),)),
        Batch("2", "", 5, (Task("1", "second", PlanTaskState.TODO, 5, 5),)),
    )
    assert [task.title for task in task_graph(Plan("p", "", "cc4", batches)).tasks] == ["first"]


def test_nothing_is_a_graph_too() -> None:
    graph = task_graph(Plan("p", "", "cc4"))
    assert (graph.tasks, graph.longest(lambda task: True), graph.after()) == ((), (), [])
