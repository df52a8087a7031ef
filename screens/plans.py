"""The Plans tab: the repository's plans, one of them as a tree, the task under the cursor.

The plan can be seen as a graph, as a forecast of its run, or as its problems beside its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.widget import Widget

from cc4tui.errors import Cc4tuiError
from cc4tui.screens.bindings import bindings
from cc4tui.screens.editor import open_editor
from cc4tui.screens.guard import attempt, tell
from cc4tui.screens.lines import Line
from cc4tui.screens.messages import RunProgressed, RunRequested
from cc4tui.screens.plan_states import PlanStates
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.filter_line import FilterLine
from cc4tui.screens.widgets.plan_tree_list import PlanTreeList
from cc4tui.screens.widgets.row_list import Row, RowList
from cc4tui.screens.widgets.text_pane import TextPane


if TYPE_CHECKING:
    from cc4tui.domain.agent_spec import AgentSpec
    from cc4tui.domain.plan import Plan
    from cc4tui.ports import CommandCenter, PlanSummary, RunOptions
    from cc4tui.screens.plan_tree import TreeRow
    from cc4tui.screens.planning.forecast_view import ForecastView, WorkersWanted
    from cc4tui.screens.planning.graph_view import GraphView
    from cc4tui.screens.planning.problems_view import ProblemsView


WIDE, WIDEST = 110, 170
"""Columns from which the task stands beside the tree, and the plans beside both."""


class View(Enum):
    """How the plan is seen."""

    TREE = "tree"
    GRAPH = "graph"
    FORECAST = "forecast"
    PROBLEMS = "problems"


class PlansTab(Horizontal):
    """Plans, tree and task; read again when files change.

    Args:
        center: Reads and watches the plans.
    """

    DEFAULT_CSS = """
    PlansTab #left { width: 1fr; height: 1fr; layout: vertical; }
    PlansTab #plans { height: auto; max-height: 25%; min-height: 1; padding-top: 1; }
    PlansTab #trunk { height: 1fr; width: 1fr; border-top: solid $border; }
    PlansTab #task { display: none; }
    PlansTab.-none #plans { height: 1fr; max-height: 100%; }
    PlansTab.-none #trunk, PlansTab.-none #task { display: none; }
    PlansTab.-wide #left { width: 3fr; }
    PlansTab.-wide #task {
        display: block; width: 2fr; border-left: solid $border; padding: 1 2;
    }
    PlansTab.-widest #left { layout: horizontal; }
    PlansTab.-widest #plans { width: 44; height: 1fr; max-height: 100%; }
    PlansTab.-widest #trunk { border-top: none; border-left: solid $border; padding: 1 0; }
    PlansTab.-view #plans { display: none; }
    PlansTab.-view #trunk { border-top: none; padding: 1 0 0 0; }
    PlansTab.-view.-widest #trunk { border-left: none; }
    PlansTab.-graph { layout: vertical; }
    PlansTab.-graph.-wide #left { width: 1fr; }
    PlansTab.-graph.-wide #task {
        width: 1fr; height: 25%; border-left: none; border-top: solid $border; padding: 0 2;
    }
    PlansTab.-problems.-wide #task { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.PLANS)

    def __init__(self, center: CommandCenter) -> None:
        super().__init__()
        self.center = center
        self.plans: RowList[PlanSummary] = RowList(
            _draw_plan, key=lambda plan: plan.path, widget_id="plans"
        )
        self.tree_list = PlanTreeList()
        self.view = View.TREE
        """How the plan is seen now."""
        self.filter_line = FilterLine("id, words, file, label")
        self.pane = TextPane(widget_id="task")
        self.plan: Plan | None = None
        """The one whose tree is shown."""
        self._states = PlanStates(center)
        self._states_of = ""
        """The plan whose states were read."""
        self._agents: Sequence[AgentSpec] = ()

    def compose(self) -> ComposeResult:
        """Plans above or beside the tree, the task at the right where there is room."""
        with Container(id="left"):
            yield self.plans
            with Vertical(id="trunk"):
                yield self.filter_line
                yield self.tree_list
        yield self.pane

    def on_mount(self) -> None:
        """Read the plans after the first paint, and again whenever they change."""
        self.call_after_refresh(lambda: attempt(self, self._watch(), group="watch"))

    def on_resize(self, event: Resize) -> None:
        """More room shows more at once."""
        self.set_class(event.size.width >= WIDE, "-wide")
        self.set_class(event.size.width >= WIDEST, "-widest")

    @property
    def entry(self) -> Widget:
        """Where the focus goes when the tab is first shown."""
        match self.view:
            case View.TREE:
                return self.tree_list
            case View.GRAPH:
                return self.graph
            case View.FORECAST:
                return self.forecast.rows
            case View.PROBLEMS:
                return self.problems.rows

    # --- reading ----------------------------------------------------------------------------

    async def _watch(self) -> None:
        await self._read(set())
        self._agents = await self.center.agents()
        async for changed in self.center.watch_plans():
            await self._read(changed)

    async def _read(self, changed: set[str]) -> None:
        """Read again what changed; a plan that goes away meanwhile must not end the watch."""
        try:
            await self._read_list()
            if self.plan is None or self.plan.path in changed:
                await self._read_plan()
        except Cc4tuiError as error:
            tell(self.app, str(error), "error")

    async def _read_list(self) -> None:
        plans = await self.center.plans()
        from cc4tui.screens.plan_rows import NO_PLANS

        self.plans.set_empty(NO_PLANS)
        self.plans.set_items(plans)
        self.set_class(not plans, "-none")

    async def _read_plan(self) -> None:
        """Read the plan under the cursor, which may move on meanwhile."""
        plan, path = None, ""
        while (chosen := self.plans.current) is not None and chosen.path != path:
            path = chosen.path
            plan = await self.center.read_plan(path)
            if self._states_of != path:
                self._states_of = ""
                await self._states.read(path)
                self._states_of = path
        self.plan = plan if chosen is not None else None
        if self.plan is None:
            return
        self.tree_list.show(self.plan, self._states.states)
        await self._fill_view()

    @on(RowList.Moved, "#plans")
    def _plan_moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.pane.set_lines_soon(self._details)
        chosen = self.plans.current
        if chosen is not None and self.plan is not None and chosen.path != self.plan.path:
            attempt(self, self._read_plan(), group="read", latest=True)

    # --- live -------------------------------------------------------------------------------

    def show_progress(self, message: RunProgressed) -> None:
        """Show the states of the run that goes on."""
        if self._states.follow(message):
            self.tree_list.show_states(self._states.states)
            if self.view is View.GRAPH:
                self.graph.show_states(self._states.states)
            attempt(self, self._refresh_records(), group="records", latest=True)

    async def _refresh_records(self) -> None:
        await self._states.refresh()
        self.pane.set_lines(self._details(), keep_place=True)

    @on(RowList.Moved)
    def _row_moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.pane.set_lines_soon(self._details)

    def on_graph_view_moved(self, event: Message) -> None:
        """The cursor is on another box."""
        event.stop()
        self.pane.set_lines_soon(self._details)

    def _details(self) -> Sequence[Line]:
        row = self.row
        return () if row is None else self._lines(row)

    def _lines(self, row: TreeRow) -> Sequence[Line]:
        if self.plan is None:
            return ()
        from cc4tui.screens.plan_details import row_lines

        return list(row_lines(row, self.plan, self._states.states, self._states.records))

    # --- views ------------------------------------------------------------------------------

    @cached_property
    def graph(self) -> GraphView:
        """Who waits for whom; like the other views it is made when it is first seen."""
        from cc4tui.screens.planning.graph_view import GraphView

        return GraphView(self.tree_list.is_marked, self.tree_list.mark_task)

    @cached_property
    def forecast(self) -> ForecastView:
        """How a run would go."""
        from cc4tui.screens.planning.forecast_view import ForecastView

        return ForecastView()

    @cached_property
    def problems(self) -> ProblemsView:
        """What is wrong with the plan, beside its text."""
        from cc4tui.screens.planning.problems_view import ProblemsView

        return ProblemsView()

    def _widget(self, view: View) -> Widget:
        match view:
            case View.TREE:
                return self.tree_list
            case View.GRAPH:
                return self.graph
            case View.FORECAST:
                return self.forecast
            case View.PROBLEMS:
                return self.problems

    @property
    def row(self) -> TreeRow | None:
        """What verbs are about: the row, box or problem under the cursor of the view."""
        if self.plan is None:
            return None
        from cc4tui.screens.plan_tree import problem_row, task_row

        match self.view:
            case View.TREE:
                return self.tree_list.current
            case View.GRAPH:
                task = self.graph.current
                return task_row(self.plan, task.id) if task is not None else None
            case View.FORECAST:
                return self._forecast_row(self.plan)
            case View.PROBLEMS:
                problem = self.problems.rows.current
                return problem_row(problem) if problem is not None else None

    def _forecast_row(self, plan: Plan) -> TreeRow | None:
        from cc4tui.screens.plan_tree import problem_row, task_row

        row = self.forecast.rows.current
        if row is not None and row.problem is not None:
            return problem_row(row.problem)
        return task_row(plan, self.forecast.task_id or "")

    async def show_view(self, view: View) -> None:
        """See the plan another way, with the cursor on the same task; what it tells may follow."""
        row, before = self.row, self._widget(self.view)
        widget = self._widget(view)
        if not widget.is_attached:
            await self.query_one("#trunk").mount(widget)
        self.view = view
        before.display = False
        widget.display = True
        for other in (View.GRAPH, View.FORECAST, View.PROBLEMS):
            self.set_class(other is view, f"-{other.value}")
        self.set_class(view is not View.TREE, "-view")
        if view is View.TREE and row is not None:
            self.tree_list.select(row.key)
        self.screen.set_focus(self.entry)
        attempt(self, self._fill_view(row), group="view", latest=True)

    async def _fill_view(self, row: TreeRow | None = None) -> None:
        """Show the plan as it is now in the view that is seen."""
        plan = self.plan
        if plan is None:
            return
        task = row.task.id if row is not None and row.task is not None else None
        match self.view:
            case View.TREE:
                pass
            case View.GRAPH:
                await self.graph.show(plan, self._states.states, task)
            case View.FORECAST:
                await self._foretell(self.forecast.wanted, task)
            case View.PROBLEMS:
                source = await self.center.plan_source(plan.path)
                if plan is not self.plan:
                    return
                self.problems.show(plan, source)
                if row is not None and row.problem is not None:
                    self.problems.select(row.problem)
        self.pane.set_lines_soon(self._details)

    async def _foretell(self, workers: int | None, task: str | None = None) -> None:
        from cc4tui.ports import RunOptions
        from cc4tui.screens.plan_tree import only_offers

        plan = self.plan
        if plan is None:
            return
        if self.forecast.told is None or self.forecast.told.plan != plan.path:
            self.forecast.show(None)
            workers = None
        options = RunOptions(workers=workers, accept_offers=only_offers(plan))
        told = await self.center.forecast(plan.path, options)
        if plan is self.plan and workers == self.forecast.wanted:
            self.forecast.show(told, task)

    def on_workers_wanted(self, event: WorkersWanted) -> None:
        """The forecast is wanted for another number of workers."""
        event.stop()
        self.forecast.wanted = event.workers
        attempt(self, self._foretell(event.workers), group="forecast", latest=True)

    async def _toggle_view(self, view: View) -> None:
        if not self.has_class("-none"):
            await self.show_view(View.TREE if self.view is view else view)

    async def action_graph(self) -> None:
        """Draw who waits for whom; again: back to the tree."""
        await self._toggle_view(View.GRAPH)

    async def action_forecast(self) -> None:
        """Tell how a run would go; again: back to the tree."""
        await self._toggle_view(View.FORECAST)

    async def action_problems(self) -> None:
        """Show the problems beside the text; again: back to the tree."""
        clean = self.plan is not None and not self.plan.diagnostics
        if clean and self.view is not View.PROBLEMS:
            tell(self.app, "This plan has no problems.")
        else:
            await self._toggle_view(View.PROBLEMS)

    # --- verbs ------------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_open_task()

    def on_graph_view_chosen(self, event: Message) -> None:
        """A box was clicked twice."""
        event.stop()
        self.action_open_task()

    def action_open_task(self) -> None:
        """From the plans into the tree; in the tree, show the task whole or fold the batch."""
        row = self.row
        if self.plans.has_focus:
            self.entry.focus()
        elif row is None:
            return
        elif self.view is View.TREE and row.key in self.tree_list.fold_keys:
            self.tree_list.toggle()
        else:
            from cc4tui.screens.dialogs.reading import ReadingDialog

            title = f"Task {row.task.id}" if row.task else "Problem"
            self.app.push_screen(ReadingDialog(title, self._lines(row)))

    async def action_back(self) -> None:
        """From another view to the tree; from the tree to the plans."""
        if self.view is View.TREE:
            self.plans.focus()
        else:
            await self.show_view(View.TREE)

    def action_fold(self) -> None:
        """Fold the batch."""
        self.tree_list.fold()

    def action_unfold(self) -> None:
        """Unfold the batch."""
        self.tree_list.unfold()

    def action_fold_all(self) -> None:
        """Fold all, or unfold all."""
        self.tree_list.toggle_all()

    async def action_filter(self) -> None:
        """Open the filter line; what it filters is the tree."""
        if self.plan is not None:
            if self.view is not View.TREE:
                await self.show_view(View.TREE)
            await self.filter_line.open()

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        event.stop()
        self.tree_list.filter(event.text)

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        event.stop()
        self.tree_list.focus()

    def action_edit(self) -> None:
        """Open the plan in the person's editor, at the row."""
        if self.plan is None:
            return
        row = self.row
        path = self.center.repository.root / self.plan.path
        line = row.line if row is not None and not self.plans.has_focus else 1
        attempt(self.app, open_editor(self.app, path, line), group="editor")

    def action_run(self) -> None:
        """Ask what to run and how."""
        from cc4tui.screens.dialogs.run import RunDialog, Selection

        if self.plan is None:
            tell(self.app, "There is no plan to run yet: write one into plans/.", "warning")
            return
        plan, row = self.plan, self.row
        selection = Selection(
            plan,
            batch=row.batch if row else None,
            task=row.task if row else None,
            marked=self.tree_list.marked_tasks,
            offered=row.offered if row else False,
        )
        wanted = self.forecast.wanted if self.view is View.FORECAST else None
        foretell = partial(self.center.forecast, plan.path)
        dialog = RunDialog(selection, self._agents, foretell, workers=wanted)
        self.app.push_screen(dialog, partial(self._start, plan.path))

    def action_new_plan(self) -> None:
        """Ask for a title and begin a plan from the template."""
        attempt(self.app, self._new_plan(), group="new-plan")

    async def _new_plan(self) -> None:
        from cc4tui.screens.dialogs.new_plan import NewPlanDialog

        wanted = await self.app.push_screen_wait(NewPlanDialog())
        if wanted is None:
            return
        await self.center.create_plan(wanted.path, wanted.title)
        await self._read_list()
        self.plans.select(wanted.path)
        await self._read_plan()
        await self.show_view(View.TREE)
        tell(self.app, f"{wanted.path} is written. e opens it in your editor.")

    def _start(self, plan: str, options: RunOptions | None) -> None:
        if options is not None:
            self.tree_list.clear_marks()
            self.post_message(RunRequested(plan, options))


def _draw_plan(plan: PlanSummary, width: int) -> Row:
    from cc4tui.screens.plan_rows import draw_plan

    return draw_plan(plan, width)
