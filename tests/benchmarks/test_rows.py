"""Rows by the hundred thousand, plans by the ten thousand: the price is that of what is seen."""

import gc
import time
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import OptionList

from cc4tui.domain.plan import Plan
from cc4tui.screens.planning.graph_view import GraphView
from cc4tui.screens.widgets.plan_tree_list import PlanTreeList
from cc4tui.screens.widgets.row_list import Row, RowList
from cc4tui.services.plans.reading import read_plan


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROWS = 100_000
STEPS = 40


class Lists(App[None]):
    """An empty list of ours and one of Textual's."""

    def __init__(self) -> None:
        super().__init__()
        self.ours: RowList[int] = RowList(
            lambda item, width: Row(((f"row {item}", "text"),), ((f"#{item}", "muted"),)),
            key=lambda item: item,
        )
        self.theirs = OptionList()

    def compose(self) -> ComposeResult:
        yield self.ours
        yield self.theirs


async def test_a_hundred_thousand_rows(measured: Callable[..., None]) -> None:
    app = Lists()
    items = list(range(ROWS))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        gc.collect()  # else what other measurements left is looked through in the middle of this
        begun = time.process_time()
        app.ours.set_items(items)
        await pilot.pause()
        shown = time.process_time() - begun
        app.ours.focus()
        await pilot.pause()
        steps = []
        for _ in range(STEPS):
            begun = time.process_time()
            await pilot.press("pagedown")
            await pilot.pause()
            steps.append(time.process_time() - begun)
        share = ROWS // 20
        begun = time.process_time()
        app.theirs.add_options([f"row {item}" for item in range(share)])
        await pilot.pause()
        theirs = (time.process_time() - begun) * ROWS / share
    step = sorted(steps)[STEPS // 2]
    measured("100k rows, CPU ms to show them", shown * 1000, "<= 50",
             f"an OptionList takes {theirs / shown:,.0f} times as long")  # fmt: skip
    measured("100k rows, CPU ms for a page down", step * 1000, "<= 20")
    assert theirs / shown >= 10
    assert step <= 0.1


class PlanViews(App[None]):
    """The two ways to see a plan: as a tree and as a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.tree_list = PlanTreeList()
        self.graph = GraphView(self.tree_list.is_marked, self.tree_list.mark_task)

    def compose(self) -> ComposeResult:
        yield self.tree_list
        yield self.graph


def plan_of(tasks: int) -> Plan:
    """Batches of a hundred tasks, one in ten of which waits for the one before it."""
    lines = []
    for number in range(tasks):
        if number % 100 == 0:
            lines.append(f"## Batch {number // 100 + 1}: Part {number // 100 + 1}")
        waits = f" (depends on T{number - 1:05d})" if number % 10 == 5 else ""
        lines.append(f"- [ ] T{number:05d} [P] Feature {number} in `m{number}.py`{waits}")
    return read_plan("\n".join(lines).encode(), "plan.md")


async def scrolled(pilot: Pilot[None]) -> float:
    """CPU seconds of a page down, the middle one of many."""
    steps = []
    for _ in range(STEPS):
        begun = time.process_time()
        await pilot.press("pagedown")
        await pilot.pause()
        steps.append(time.process_time() - begun)
    return sorted(steps)[STEPS // 2]


async def seen(tasks: int) -> dict[str, float]:
    """CPU seconds for reading a plan, showing and scrolling its tree, then its graph."""
    begun = time.process_time()
    plan = plan_of(tasks)
    out = {"read": time.process_time() - begun}
    app = PlanViews()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        begun = time.process_time()
        app.tree_list.show(plan, {})
        await pilot.pause()
        out["tree"] = time.process_time() - begun
        assert len(app.tree_list.items) >= tasks
        app.tree_list.focus()
        await pilot.pause()
        out["tree page"] = await scrolled(pilot)
        assert app.tree_list.scroll_y > 0
        begun = time.process_time()
        await app.graph.show(plan, {}, None)
        await pilot.pause()
        out["graph"] = time.process_time() - begun
        assert app.graph.layout_now is not None
        app.graph.focus()
        await pilot.pause()
        out["graph page"] = await scrolled(pilot)
        assert app.graph.scroll_y > 0
    return out


async def test_the_plans_tab_with_ten_thousand_tasks(measured: Callable[..., None]) -> None:
    small, large = await seen(1_000), await seen(10_000)
    measured("10k tasks, CPU ms to show the tree", large["tree"] * 1000, "<= the reading",
             f"{large['tree'] / large['read']:.2f} of reading the plan")  # fmt: skip
    measured("10k tasks, CPU ms to open the graph", large["graph"] * 1000, "<= 4 x the reading",
             f"{large['graph'] / large['read']:.2f} of reading the plan")  # fmt: skip
    for view in ("tree page", "graph page"):
        measured(f"10k tasks, CPU ms for a {view}", large[view] * 1000, "<= 3 x 1k tasks",
                 f"{large[view] / small[view]:.1f} times that of 1k tasks")  # fmt: skip
    assert large["tree"] <= large["read"]
    assert large["graph"] <= 4 * large["read"]
    assert large["tree page"] <= 3 * small["tree page"]
    assert large["graph page"] <= 3 * small["graph page"]
