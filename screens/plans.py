"""The Plans tab: the repository's plans, one of them as a tree, the task under the cursor."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.events import Resize
from textual.widget import Widget

from cc4tui.domain.agent import AgentSpec
from cc4tui.domain.plan import Plan
from cc4tui.ports import CommandCenter, PlanSummary, RunOptions
from cc4tui.screens.bindings import bindings
from cc4tui.screens.editor import open_editor
from cc4tui.screens.guard import attempt, tell
from cc4tui.screens.lines import Line
from cc4tui.screens.messages import RunProgressed, RunRequested
from cc4tui.screens.plan_details import row_lines
from cc4tui.screens.plan_rows import NO_PLANS, draw_plan
from cc4tui.screens.plan_states import PlanStates
from cc4tui.screens.plan_tree import TreeRow
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.filter_line import FilterLine
from cc4tui.screens.widgets.plan_tree_list import PlanTreeList
from cc4tui.screens.widgets.row_list import RowList
from cc4tui.screens.widgets.text_pane import TextPane


WIDE, WIDEST = 110, 170
"""Columns from which the task stands beside the tree, and the plans beside both."""


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
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.PLANS)

    def __init__(self, center: CommandCenter) -> None:
        super().__init__()
        self.center = center
        self.plans: RowList[PlanSummary] = RowList(
            draw_plan, key=lambda plan: plan.path, widget_id="plans"
        )
        self.tree_list = PlanTreeList()
        self.filter_line = FilterLine("id, words, file, label")
        self.pane = TextPane(widget_id="task")
        self.plan: Plan | None = None
        """The one whose tree is shown."""
        self._states = PlanStates(center)
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
        return self.tree_list

    # --- reading ----------------------------------------------------------------------------

    async def _watch(self) -> None:
        await self._read_list()
        await self._read_plan()
        self._agents = await self.center.agents()
        async for changed in self.center.watch_plans():
            await self._read_list()
            if self.plan is None or self.plan.path in changed:
                await self._read_plan()

    async def _read_list(self) -> None:
        plans = await self.center.plans()
        self.plans.set_empty(NO_PLANS)
        self.plans.set_items(plans)
        self.set_class(not plans, "-none")

    async def _read_plan(self) -> None:
        """Read the plan under the cursor."""
        chosen = self.plans.current
        if chosen is None:
            self.plan = None
            return
        plan = await self.center.read_plan(chosen.path)
        if self.plan is None or self.plan.path != plan.path:
            await self._states.read(plan.path)
        self.plan = plan
        self.tree_list.show(plan, self._states.states)

    @on(RowList.Moved, "#plans")
    def _plan_moved(self, event: RowList.Moved) -> None:
        event.stop()
        chosen = self.plans.current
        if chosen is not None and self.plan is not None and chosen.path != self.plan.path:
            attempt(self, self._read_plan(), group="read", latest=True)

    # --- live -------------------------------------------------------------------------------

    def show_progress(self, message: RunProgressed) -> None:
        """Show the states of the run that goes on."""
        if self._states.follow(message):
            self.tree_list.show_states(self._states.states)
            attempt(self, self._refresh_records(), group="records", latest=True)

    async def _refresh_records(self) -> None:
        await self._states.refresh()
        self.pane.set_lines(self._details(), keep_place=True)

    @on(RowList.Moved, "#tree")
    def _row_moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.pane.set_lines_soon(self._details)

    def _details(self) -> Sequence[Line]:
        row = self.tree_list.current
        return () if row is None else self._lines(row)

    def _lines(self, row: TreeRow) -> Sequence[Line]:
        if self.plan is None:
            return ()
        return list(row_lines(row, self.plan, self._states.states, self._states.records))

    # --- verbs ------------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_open_task()

    def action_open_task(self) -> None:
        """From the plans into the tree; in the tree, show the task whole or fold the batch."""
        row = self.tree_list.current
        if self.plans.has_focus or row is None:
            self.tree_list.focus()
        elif row.key in self.tree_list.fold_keys:
            self.tree_list.toggle()
        else:
            from cc4tui.screens.dialogs.reading import ReadingDialog

            title = f"Task {row.task.id}" if row.task else "Problem"
            self.app.push_screen(ReadingDialog(title, self._lines(row)))

    def action_back(self) -> None:
        """From the tree back to the plans."""
        self.plans.focus()

    def action_fold(self) -> None:
        """Fold the batch."""
        self.tree_list.fold()

    def action_unfold(self) -> None:
        """Unfold the batch."""
        self.tree_list.unfold()

    def action_fold_all(self) -> None:
        """Fold all, or unfold all."""
        self.tree_list.toggle_all()

    def action_problems(self) -> None:
        """Go to the next problem."""
        self.tree_list.focus()
        if not self.tree_list.next_problem():
            tell(self.app, "This plan has no problems.")

    def action_filter(self) -> None:
        """Open the filter line."""
        if self.plan is not None:
            self.filter_line.open()

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
        row = self.tree_list.current
        path = self.center.repository.root / self.plan.path
        line = row.line if row is not None and not self.plans.has_focus else 1
        attempt(self.app, open_editor(self.app, path, line), group="editor")

    def action_run(self) -> None:
        """Ask what to run and how."""
        from cc4tui.screens.dialogs.run import RunDialog, Selection

        if self.plan is None:
            tell(self.app, "There is no plan to run yet: write one into plans/.", "warning")
            return
        plan, row = self.plan, self.tree_list.current
        selection = Selection(
            plan,
            batch=row.batch if row else None,
            task=row.task if row else None,
            marked=self.tree_list.marked_tasks,
            offered=row.offered if row else False,
        )
        self.app.push_screen(RunDialog(selection, self._agents), partial(self._start, plan.path))

    def _start(self, plan: str, options: RunOptions | None) -> None:
        if options is not None:
            self.tree_list.clear_marks()
            self.post_message(RunRequested(plan, options))
