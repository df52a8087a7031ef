"""The body of the Execution tab: live panes, the run above them, its tasks beside them."""

import asyncio
import math
import time
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.geometry import Size
from textual.widget import Widget

from cc4tui.events import Event
from cc4tui.ports import CommandCenter
from cc4tui.screens.bridge import RunBridge
from cc4tui.screens.execution.board import (
    calm_capacity,
    capacity,
    choose_shown,
    next_slots,
    strip_order,
)
from cc4tui.screens.execution.counting import LineCounter
from cc4tui.screens.execution.diff import DiffPane
from cc4tui.screens.execution.diff_view import DiffView
from cc4tui.screens.execution.grid import PaneGrid
from cc4tui.screens.execution.model import RunModel, TaskView
from cc4tui.screens.execution.more import MoreStrip
from cc4tui.screens.execution.pane import AgentPane
from cc4tui.screens.execution.resting import CHECKING, resting_lines
from cc4tui.screens.execution.run_head import RunHead
from cc4tui.screens.execution.scrub import Past
from cc4tui.screens.execution.tasks import EMPTY, draw_task, ordered
from cc4tui.screens.execution.terminals import Terminals
from cc4tui.screens.execution.timeline_view import TimelinePane
from cc4tui.screens.guard import attempt, tell
from cc4tui.screens.messages import RunProgressed
from cc4tui.screens.options import Clock
from cc4tui.screens.widgets.covered import CoveredContainer, CoveredVertical
from cc4tui.screens.widgets.filter_line import FilterLine
from cc4tui.screens.widgets.log_view import LogView
from cc4tui.screens.widgets.row_list import Row, RowList
from cc4tui.screens.widgets.text_pane import TextPane


WIDE = 110
"""Columns from which the tasks stand beside the panes."""
MIN_TIMELINE, MIN_BELOW = 8, 10
"""Rows of a timeline, and of the panes below it: as many at least."""
VERY_WIDE, WIDE_LIST = 170, 60
"""Columns from which they get more room, and how much."""
FASTEST, SLOWEST = 1 / 30, 1 / 10
"""Seconds between two looks at agents' output: fast while something comes, slow while not."""
LONGEST = 1.0
"""Where painting takes long (a colour for every letter), so that keys have most of the time."""
LEFT_SECONDS, LEFT_REST, LEFT_TIMES = 10.0, 20.0, 200
"""Until it is asked again how long a run takes: at least; more if nothing happened; and as many
times as long as the answer took."""


class ExecutionBody(CoveredVertical):
    """Shows one run and keeps what it shows up to date; its subclass knows the verbs.

    Args:
        center: Where runs, events and output come from.
        clock: For elapsed times.
    """

    DEFAULT_CSS = """
    ExecutionBody .split { height: 1fr; layout: vertical; }
    ExecutionBody .main { height: 1fr; width: 1fr; }
    ExecutionBody .main > TextPane { height: 1fr; padding: 0 2; }
    ExecutionBody .split > RowList { height: 6; border-top: solid $border-blurred; }
    ExecutionBody.-wide .split { layout: horizontal; }
    ExecutionBody.-wide .split > RowList {
        height: 1fr; width: 44; border-top: none; border-left: solid $border-blurred;
    }
    ExecutionBody.-very-wide .split > RowList { width: 60; }
    ExecutionBody.-whole .split > RowList, ExecutionBody.-timeline .split > RowList,
    ExecutionBody.-empty .split > RowList { display: none; }
    """

    def __init__(self, center: CommandCenter, clock: Clock) -> None:
        super().__init__(classes="-empty")
        self.center = center
        self.model: RunModel | None = None
        """The run that is shown."""
        self.live: RunModel | None = None
        """The run as it is; `model` may be an earlier one."""
        self.as_of: datetime | None = None
        """The moment that is shown; None = now."""
        self._past: Past | None = None
        self._live_slots: tuple[str, ...] = ()
        """Places of the panes, as they were when a person went back."""
        self._real_clock = clock
        self.head = RunHead(self.now)
        self.grid = PaneGrid(center, self.now)
        self.grid.display = False
        self.resting = TextPane()
        self.more = MoreStrip(self.now)
        self.diff = DiffPane(center, clock)
        self.timeline = TimelinePane(clock)
        self.tasks: RowList[TaskView] = RowList(
            self._draw_task, key=lambda task: task.id, empty=EMPTY, widget_id="run-tasks"
        )
        self.search_line = FilterLine("search this log")
        self._main = CoveredVertical(classes="main")
        self.terminals = Terminals(self._main, center)
        self._bridge = RunBridge(center, self.post_message)
        self._left_asked: tuple[str, int] | None = None
        """Run and event as of which it was asked how long it still takes."""
        self._left_due = 0.0
        """When that may be asked again; by the monotonic clock."""
        self._counter = LineCounter(center, self._counted)
        self._slots: tuple[str, ...] = ()
        self.dismissed: set[str] = set()
        """Finished tasks whose panes a person took away."""
        self.pinned: set[str] = set()
        """Tasks whose panes stay."""
        self._active: set[str] = set()
        """Tasks that were worked on when the run moved last."""
        self._unseen: set[str] = set()
        """Tasks that ended without having been in sight since."""
        self._greets = True
        """Whether the focus goes to the list, and to the first pane once there is one."""
        self._has_none = False
        """Whether nothing was ever run, as far as that was asked."""
        self._checks = False
        """Whether states of runs are not certain yet."""
        self._asked = False
        """Whether a run was asked for, so that the newest one is not shown instead."""

    def now(self) -> datetime:
        """The moment that is shown."""
        return self.as_of or self._real_clock()

    def compose(self) -> ComposeResult:
        """The run, the panes, the tasks."""
        yield self.head
        with CoveredContainer(classes="split"):
            with self._main:
                yield self.resting
                yield self.timeline
                yield self.grid
                yield self.diff
                yield self.more
            yield self.tasks
        yield self.search_line

    def on_mount(self) -> None:
        """Listen to runs; show the newest one."""
        attempt(self, self._bridge.work(), group="bridge")
        attempt(self, self._show_newest(), group="newest")
        attempt(self, self._watch_output(), group="output")
        attempt(self, self._counter.work(), group="lines")
        self.set_interval(1.0, self._second)

    async def _show_newest(self) -> None:
        runs = await self.center.journal.runs(1)
        if runs and not self._asked:
            self._bridge.show(runs[0].id)
        self._has_none = not runs
        self._rest()

    def _rest(self) -> None:
        """Tell what to do where nothing is done; nothing before it is known whether that is so."""
        if self.model is not None or (self._has_none and not self._checks):
            self.resting.set_lines(resting_lines(self.model))

    def show_run(self, run_id: str) -> None:
        """Show a run, running or over, of this process or of another one."""
        self._asked = True
        self._bridge.show(run_id)

    # --- news -------------------------------------------------------------------------------

    @on(RunBridge.Failed)
    def _run_failed_to_show(self, message: RunBridge.Failed) -> None:
        tell(self.app, message.sentence, severity="error")

    @on(RunBridge.Checking)
    def _runs_are_checked(self) -> None:
        self._checks = True
        self.resting.set_lines(CHECKING)

    @on(RunBridge.Checked)
    def _runs_were_checked(self, message: RunBridge.Checked) -> None:
        if message.sentence:
            tell(self.app, message.sentence)
        self._checks = False
        self._rest()

    @on(RunBridge.Moved)
    def _run_moved(self, message: RunBridge.Moved) -> None:
        before, self.live = self.live, message.model
        self.remove_class("-empty")
        if before is None or before.run.id != message.model.run.id:
            self._slots, self.dismissed, self.pinned, self._greets = (), set(), set(), True
            self._active, self._unseen = set(), set()
            self.as_of = self._past = None
            self.leave_whole()
        if self.as_of is None:
            self.model = message.model
            self.refresh_all(message.model)
        elif self.timeline_shown:
            self.timeline.show(message.model, self.as_of)
        self.post_message(
            RunProgressed(
                message.model.run,
                {task.id: task.state for task in message.model.tasks.values()},
                busy=message.model.busy,
                waiting=message.model.waiting,
            )
        )

    def refresh_all(self, model: RunModel) -> None:
        """Bring everything in line with the model."""
        if self.as_of is None:
            active = {task.id for task in model.active}
            self._unseen = (self._unseen | (self._active - active)) - self.dismissed - active
            self._active = active
            self.dismissed -= active
            self._slots = next_slots(self._slots, model, self.dismissed, self.pinned)
            if self.display:
                self._ask_left(model)
        else:
            self._slots = next_slots((), model)
        self.head.as_of = self.as_of is not None
        self.head.show(model)
        self.tasks.set_items(ordered(model))
        self._arrange(model)
        self.refresh_bindings()

    @property
    def entry(self) -> Widget:
        """What a person looks at first: gets the focus when the tab is entered."""
        panes = self.grid.panes
        if self.timeline_shown:
            return self.timeline.view
        if self.terminals.shown is not None:
            return self.terminals.view
        return self.shown_log or (panes[0] if panes else self.tasks)

    def _arrange(self, model: RunModel) -> None:
        """Give the panes that fit their places, and name the others."""
        size = self._main.size
        if not size:
            return
        if self._widen_list(self.size):
            self.call_after_refresh(self.rearrange)
        focused = self.selected.id if self.selected is not None else None
        self.timeline.display = self.timeline_shown
        below = self._below_timeline(model, size.height) if self.timeline_shown else 0
        whole = below or size.height
        for height in (whole, whole - 1):  # with a row for the strip
            room, calm = capacity(size.width, height), calm_capacity(size.width, height)
            shown = choose_shown(self._slots, room, model, focused, self.pinned, calm)
            if len(shown) == len(self._slots):
                break
        alone = self.diff.is_open or self.terminals.shown is not None
        if self.timeline_shown:
            self.timeline.styles.height = size.height - below if below and shown else "1fr"
            alone = not (below and shown)
        self.resting.display = not shown and self.grid.zoomed is None and not alone
        self.grid.display = not self.resting.display and not alone
        if self.resting.display:
            self.resting.set_lines(resting_lines(model), keep_place=True)
        self.grid.show(model, shown, self.pinned, self.as_of)
        self._count(model)
        hidden = (
            ()
            if self.is_whole or self.timeline_shown
            else [it for it in self._slots if it not in shown]
        )
        self._look()
        order = strip_order(hidden, model, self._unseen)
        self.more.show([model.tasks[it] for it in order], self._unseen)
        if self._greets and self.display:
            self._greets = not self.grid.panes
            if self.screen.focused in (None, self.tasks, self.resting):
                self.screen.set_focus(self.entry)

    def _below_timeline(self, model: RunModel, height: int) -> int:
        """Draw the timeline; rows that it leaves to the panes, 0 where they would be too few."""
        self.timeline.show(self.live or model, self.as_of)
        left = height - max(self.timeline.wanted_rows, MIN_TIMELINE)
        return left if left >= MIN_BELOW else 0

    def _look(self) -> None:
        """What a person has in sight is not new to them any more."""
        if self.display and self.grid.display:
            self._unseen -= {pane.task_id for pane in self.grid.in_sight() if pane.task_id}

    async def _watch_output(self) -> None:
        """Let the panes in sight take what their agents said; the others cost nothing."""
        delay = FASTEST
        while True:
            due = time.perf_counter() + delay
            await asyncio.sleep(delay)
            late = time.perf_counter() - due  # as long as the last paint took, or whatever else
            if not self.display or not self.grid.display:
                continue
            panes = list(self.grid.in_sight())
            start = time.perf_counter()
            for pane in [pane for pane in panes if pane.has_news()]:
                await (
                    pane.pull()
                )  # one after the other: threads would keep the interpreter from keys
            news = [pane.poll() for pane in panes]
            for pane, came in zip(panes, news, strict=True):
                if came and pane.task_id is not None:
                    self._counter.wrote(pane.task_id)
            spent = time.perf_counter() - start
            quiet = delay * 1.25 if not any(news) else FASTEST
            delay = max(min(quiet, SLOWEST), min(2 * (spent + late), LONGEST))

    def _counted(self, task_id: str) -> None:
        for pane in self.grid.in_sight():
            if pane.task_id == task_id:
                pane.set_changed(self._counter.lines(task_id))

    def _count(self, model: RunModel) -> None:
        """Know the lines of the tasks in sight, and count them when they have moved on."""
        for pane in self.grid.in_sight():
            task = pane.task_view
            if self.as_of is not None:
                pane.set_changed(None)
            elif task is not None and task.attempts:
                state = (task.state, len(task.attempts), task.attempts[-1].finished)
                self._counter.look(model.run.id, task.id, state)
                pane.set_changed(self._counter.lines(task.id))

    def _ask_left(self, model: RunModel) -> None:
        """How long the run still takes: asked when it moved on, or after a while."""
        if model.is_over:
            self._left_asked = None
            self._tell_left(None)
            return
        known, now = (model.run.id, model.seq), time.monotonic()
        if self._left_asked is None or self._left_asked[0] != model.run.id:
            self._left_due = 0.0
        if now >= self._left_due + (0.0 if known != self._left_asked else LEFT_REST):
            self._left_asked, self._left_due = known, math.inf
            attempt(self, self._estimate(model.run.id), group="left", latest=True)

    async def _estimate(self, run_id: str) -> None:
        begin = time.monotonic()
        try:
            left = await self.center.time_left(run_id)
            if self._left_asked is not None and self._left_asked[0] == run_id:
                self._tell_left(left)
        finally:
            took = time.monotonic() - begin
            self._left_due = time.monotonic() + max(LEFT_SECONDS, LEFT_TIMES * took)

    def _tell_left(self, left: tuple[float, float] | None) -> None:
        self.head.show_left(left)
        self.timeline.show_left(left)

    def _second(self) -> None:
        if self.live is None or self.live.is_over or not self.display:
            return
        if self.as_of is not None:
            if self.timeline_shown:
                self.timeline.tick()
            return
        self._look()
        self.head.tick()
        self._ask_left(self.live)
        self.diff.tick()
        if self.timeline_shown:
            self.timeline.tick()
        for pane in self.grid.in_sight() if self.grid.display else ():
            pane.refresh_head()
        if self.more.display:
            self.more.refresh()
        if any(self.live.limits(self.now())):
            self.tasks.refresh()  # their rows count down

    def on_resize(self, event: events.Resize) -> None:
        """Beside or below, and as many panes as fit."""
        self.set_class(event.size.width >= WIDE, "-wide")
        self._widen_list(event.size)
        self.call_after_refresh(self.rearrange)

    def _widen_list(self, size: Size) -> bool:
        """Much room for the list of tasks, unless panes need it; True = there is another room."""
        crowded = len(self._slots) > capacity(size.width - WIDE_LIST, self._main.size.height)
        wide = size.width >= VERY_WIDE and not crowded
        changed = wide is not self.has_class("-very-wide")
        self.set_class(wide, "-very-wide")
        return changed

    def rearrange(self) -> None:
        """Fit the panes to the room."""
        if self.model is not None:
            self._arrange(self.model)

    def _draw_task(self, task: TaskView, width: int) -> Row:
        return draw_task(task, self.now(), width)

    # --- what was before --------------------------------------------------------------------

    async def scrub(self, by: int) -> None:
        """Show the run as it was a moment earlier (-1), or what happened next (1)."""
        past = await self._known_past()
        if past is None:
            return
        if by < 0:
            when = past.before(self.as_of)
            if when is None:
                tell(self.app, "Nothing is known of what was before.")
                return
        elif self.as_of is None:
            tell(self.app, "This is now.")
            return
        else:
            when = past.after(self.as_of)
        self._show_moment(past, when)

    async def scrub_to(self, when: datetime) -> None:
        """Show the run as it was at a time."""
        past = await self._known_past()
        if past is not None:
            self._show_moment(past, past.nearest(when))

    async def _known_past(self) -> Past | None:
        """The past of the shown run as far as it was known when a person went back."""
        if self._past is None and self.live is not None:
            run, events = self.live.run.id, list[Event]()
            while page := await self.center.journal.events(run, events[-1].seq if events else 0):
                events += page
            past = await asyncio.to_thread(Past, events)
            if self.live.run.id == run:
                self._past = past
        return self._past

    def _show_moment(self, past: Past, when: datetime | None) -> None:
        model = past.model(when) if when is not None else None
        if model is None:
            self.return_to_now()
            return
        if self.as_of is None:
            self._live_slots = self._slots
        self.as_of, self.model = when, model
        self.refresh_all(model)

    def return_to_now(self) -> None:
        """Show the run as it is."""
        if self.as_of is not None and self.live is not None:
            self.as_of = self._past = None
            self.model, self._slots = self.live, self._live_slots
            self.refresh_all(self.live)

    # --- what is selected -------------------------------------------------------------------

    @property
    def is_whole(self) -> bool:
        """Whether one log, diff or terminal fills the tab."""
        shown = self.terminals.shown is not None
        return self.grid.zoomed is not None or self.diff.is_open or shown

    @property
    def timeline_shown(self) -> bool:
        """Whether the timeline stands where the panes do."""
        return self.timeline.is_open and not self.is_whole

    @property
    def selected(self) -> TaskView | None:
        """The task that verbs are about: zoomed, focused, or under the list's cursor."""
        if self.model is None:
            return None
        if self.diff.is_open:
            return self.model.tasks.get(self.diff.task_id)
        if self.terminals.shown is not None:
            return self.model.tasks.get(self.terminals.shown.task)
        pane = self.grid.zoomed or self.focused_pane
        if self.timeline_shown and pane is None:
            return self.model.tasks.get(self.timeline.task_id or "")
        task_id = pane.task_id if pane is not None else None
        if task_id is not None:
            return self.model.tasks.get(task_id)
        current = self.tasks.current
        return self.model.tasks.get(current.id) if current is not None else None

    @property
    def focused_pane(self) -> AgentPane | None:
        """The pane that keys go to."""
        focused = self.screen.focused if self.is_attached else None
        return focused if isinstance(focused, AgentPane) else None

    @property
    def shown_log(self) -> LogView | DiffView | None:
        """The log or diff that fills the tab."""
        if self.diff.is_open:
            return self.diff.view
        return self.grid.zoomed.log_view if self.grid.zoomed is not None else None

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The verbs are about something else now."""
        self.refresh_bindings()

    # --- one log or diff alone --------------------------------------------------------------

    def open_timeline(self, model: RunModel) -> None:
        """Show who worked on what, when, in place of the panes."""
        task = self.selected
        self.leave_whole()
        self.timeline.is_open = True
        self.add_class("-timeline")
        self._arrange(model)
        if task is not None:
            self.timeline.view.select(task.id)
        self.timeline.view.focus()

    def close_timeline(self) -> None:
        """Show the panes again."""
        self.timeline.is_open = False
        self.remove_class("-timeline")
        self.rearrange()

    def show_whole(self, model: RunModel, task: TaskView) -> None:
        """Show one task's output alone."""
        if self.grid.zoomed is not None:
            self.grid.unzoom()
        self.diff.close()
        self.terminals.hide()
        self.add_class("-whole")
        self.grid.display = True
        self.resting.display = False
        pane = self.grid.zoom(model, task.id)
        self._arrange(model)
        pane.log_view.focus()

    async def show_diff(self, model: RunModel, task: TaskView) -> None:
        """Show what a task changed, alone."""
        await self.diff.open(model.run.id, task)
        self.terminals.hide()
        self.add_class("-whole")
        self._arrange(model)

    async def show_terminal(self, model: RunModel, task: TaskView) -> None:
        """Show the terminal of a task alone; it is opened if there is none."""
        session = await self.terminals.open(model.run.id, task.id)
        if session is None or self.model is None:
            return
        if self.model.run.id != session.run or self.as_of is not None:
            tell(self.app, f"The terminal of {task.id} is open; A goes there.")
            return
        self.leave_whole()
        await self.terminals.show(session)
        self.add_class("-whole")
        self._arrange(self.model)

    def leave_whole(self) -> AgentPane | None:
        """Show everything again; returns the pane that was alone, if it has a place."""
        self.search_line.action_clear()
        self.terminals.hide()
        self.diff.close()
        self.remove_class("-whole")
        return self.grid.unzoom()
