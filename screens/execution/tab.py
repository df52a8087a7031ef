"""What keys and the mouse do in the Execution tab."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

from textual import events, on
from textual.binding import BindingType
from textual.widget import Widget

from cc4tui.ports import CommandCenter
from cc4tui.screens.bindings import bindings
from cc4tui.screens.editor import open_log, open_shell
from cc4tui.screens.execution.body import ExecutionBody
from cc4tui.screens.execution.commands import RunCommands
from cc4tui.screens.execution.more import MoreStrip
from cc4tui.screens.execution.offers import is_offered
from cc4tui.screens.execution.pane import AgentPane
from cc4tui.screens.execution.timeline_view import TimelineView
from cc4tui.screens.guard import attempt, tell
from cc4tui.screens.messages import TerminalLeft
from cc4tui.screens.options import Clock, system_clock
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.filter_line import FilterLine
from cc4tui.screens.widgets.log_view import LogView
from cc4tui.screens.widgets.row_list import RowList


Direction = Literal["left", "right", "up", "down"]


class ExecutionTab(ExecutionBody):
    """Shows one run: a running one live, a past one as it ended.

    Args:
        center: Where runs, events and output come from, and who carries out what is asked for.
        clock: For elapsed times.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.EXECUTION),
        *bindings(Scope.AGENT),
        *bindings(Scope.PAST),
    ]

    def __init__(self, center: CommandCenter, clock: Clock = system_clock) -> None:
        super().__init__(center, clock)
        self._commands = RunCommands(self, center)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what makes sense for what is selected."""
        return is_offered(self, action)

    def on_key(self, event: events.Key) -> None:
        """A key that no verb took: say why, where somebody could have expected that it does."""
        from cc4tui.screens.execution.refusals import why_not

        for verb in self._bindings.key_to_bindings.get(event.key, ()):
            reason = why_not(self, verb.action)
            if reason is not None:
                event.stop()
                tell(self.app, reason)
                return

    # --- looking closer ---------------------------------------------------------------------

    def action_zoom(self) -> None:
        """Show the selected task's output whole."""
        if self.selected is not None:
            self._show_whole(self.selected.id)

    def _show_whole(self, task_id: str | None) -> None:
        task = self.model.tasks.get(task_id or "") if self.model is not None else None
        if self.model is not None and task is not None:
            self.show_whole(self.model, task)

    @on(RowList.Chosen)
    def _task_chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_zoom()

    @on(AgentPane.Opened)
    def _pane_opened(self, message: AgentPane.Opened) -> None:
        message.stop()
        if not self.is_whole:
            self._show_whole(message.pane.task_id)

    def action_show_call(self) -> None:
        """Show the last tool call in sight whole, with its result."""
        pane = self.grid.zoomed
        if pane is not None:
            self._show_call(pane, pane.call_near(None))

    @on(LogView.Clicked)
    def _line_clicked(self, message: LogView.Clicked) -> None:
        message.stop()
        pane = self.grid.zoomed
        if pane is not None and message.view is pane.log_view:
            self._show_call(pane, pane.call_near(message.offset))

    def _show_call(self, pane: AgentPane, number: int | None) -> None:
        if number is not None and pane.feed is not None:
            from cc4tui.screens.dialogs.call import CallDialog

            self.app.push_screen(CallDialog(pane.read_call, number, pane.feed.calls.count))

    def action_back(self) -> None:
        """From a diff to the log, from a search to the log without it, from one pane to all."""
        log = self.shown_log
        if log is not None and log.search is not None:
            log.stop_search()
            return
        if self.diff.is_open and self.grid.zoomed is not None:
            self.diff.close()
            self.grid.display = True
            self.grid.zoomed.log_view.focus()
            return
        if self.timeline_shown:
            self.action_timeline()
            return
        if self.as_of is not None and not self.is_whole:
            self.return_to_now()
            return
        task = self.selected
        if self.timeline.is_open:
            self.leave_whole()
            self.rearrange()
            self.timeline.view.focus()
            return
        pane = self.leave_whole() or (self.grid.pane_of(task.id) if task is not None else None)
        self.rearrange()
        self.call_after_refresh(self.rearrange)  # the list is back: there is less room again
        if pane is None and task is not None:
            self.tasks.select(task.id)
        (pane or self.tasks).focus()

    def action_timeline(self) -> None:
        """Show who worked on what, when; or the panes again."""
        if self.model is None:
            return
        if not self.timeline_shown:
            self.open_timeline(self.model)
            return
        task = self.selected
        self.close_timeline()
        pane = self.grid.pane_of(task.id) if task is not None else None
        if pane is None and task is not None:
            self.tasks.select(task.id)
        (pane or self.tasks).focus()

    def action_scrub(self, by: int) -> None:
        """Show the run as it was a moment earlier (-1), or what happened next (1)."""
        attempt(self, self.scrub(by), group="scrub")

    def action_return_to_now(self) -> None:
        """From an earlier moment back to the present one."""
        self.return_to_now()

    @on(TimelineView.Picked)
    def _moment_picked(self, message: TimelineView.Picked) -> None:
        message.stop()
        if self.live is not None and message.seconds > self.timeline.view.told.seconds:
            self.return_to_now()
        elif self.live is not None:
            when = self.live.run.started + timedelta(seconds=message.seconds)
            attempt(self, self.scrub_to(when), group="scrub")

    @on(TimelineView.Chosen)
    def _stint_chosen(self, message: TimelineView.Chosen) -> None:
        message.stop()
        self.action_zoom()

    def action_diff(self) -> None:
        """Show what the selected task changed."""
        if self.model is not None and self.selected is not None:
            attempt(self, self.show_diff(self.model, self.selected), group="diff", latest=True)

    def action_other_base(self) -> None:
        """Compare the shown diff with the integration branch, or with where the work began."""
        attempt(self, self.diff.compare_with_other(), group="diff", latest=True)

    def action_toggle_raw(self) -> None:
        """Show the output as it was written, or in a structured way."""
        pane = self.grid.zoomed or self.focused_pane
        if pane is not None:
            pane.toggle_raw()
            pane.refresh_head()

    def action_toggle_times(self) -> None:
        """Tell when each line of the log was written, or do not."""
        pane = self.grid.zoomed or self.focused_pane
        if pane is not None:
            attempt(self, pane.toggle_times(), group="times", latest=True)

    def action_other_try(self, by: int) -> None:
        """Show an earlier or a later try."""
        pane = self.grid.zoomed or self.focused_pane
        if pane is not None:
            pane.show_attempt(by)

    async def action_search(self) -> None:
        """Search what fills the tab."""
        await self.search_line.open()

    @on(FilterLine.Changed)
    def _search_changed(self, event: FilterLine.Changed) -> None:
        event.stop()
        log = self.shown_log
        if log is not None:
            log.start_search(event.text)

    @on(FilterLine.Left)
    def _search_left(self, event: FilterLine.Left) -> None:
        event.stop()
        log = self.shown_log
        if log is not None:
            log.focus()

    @on(LogView.Searched)
    def _searched(self, message: LogView.Searched) -> None:
        message.stop()
        self.diff.head.update()
        for pane in self.grid.in_sight():
            pane.refresh_head()
        self.refresh_bindings()

    # --- moving about -----------------------------------------------------------------------

    def action_focus_pane(self, number: int) -> None:
        """Go to the pane with this digit."""
        if 0 < number <= len(self.grid.panes):
            self._go_to(self.grid.panes[number - 1])

    def _go_to(self, pane: AgentPane) -> None:
        if self.is_whole or self.timeline_shown:
            self._show_whole(pane.task_id)
        else:
            pane.focus()

    def action_focus_near(self, direction: Direction) -> None:
        """Go to the nearest pane, or the list, in a direction."""
        if self.is_whole:
            self._zoom_neighbour(1 if direction in ("right", "down") else -1)
            return
        here = self.screen.focused
        if here is None:
            return
        others: Iterable[Widget] = [*self.grid.panes, self.tasks, self.timeline.view]
        near = nearest(here, others, direction)
        if near is not None:
            near.focus()

    def _zoom_neighbour(self, by: int) -> None:
        zoomed, panes = self.grid.zoomed, self.grid.panes
        if zoomed in panes and len(panes) > 1:
            self._go_to(panes[(panes.index(zoomed) + by) % len(panes)])

    @on(MoreStrip.Picked)
    def _picked(self, message: MoreStrip.Picked) -> None:
        message.stop()
        self._show_whole(message.task_id)

    def action_scroll_pane(self, how: str) -> None:
        """Scroll the focused pane: `page_up`, `page_down`, `begin` or `follow`."""
        pane = self.focused_pane
        if pane is not None:
            log = pane.log_view
            moves = {
                "page_up": log.action_page_up,
                "page_down": log.action_page_down,
                "begin": log.action_begin,
                "follow": log.action_follow,
            }
            moves[how]()
            pane.refresh_head()

    def action_tasks(self) -> None:
        """Go to the list."""
        if self.timeline_shown:
            self.close_timeline()
        if not self.is_whole:
            self.tasks.focus()

    def action_problems(self) -> None:
        """Go to the first problem, or the next one after the selected task."""
        problems = [] if self.model is None else list(self.model.problems())
        if not problems or self.model is None:
            tell(self.app, "Nothing is wrong.")
            return
        if self.timeline_shown:
            self.close_timeline()
        ids = [task.id for task in problems]
        here = self.selected.id if self.selected is not None else ""
        focused = self.is_whole or self.tasks.has_focus
        at = ids.index(here) + 1 if here in ids and focused else 0
        task = problems[at % len(problems)]
        if self.is_whole:
            self._show_whole(task.id)
        else:
            self.tasks.select(task.id)
            self.tasks.focus()

    def action_dismiss(self) -> None:
        """Take a finished pane away."""
        task = self.selected
        if self.model is not None and task is not None and not task.is_active:
            self.dismissed.add(task.id)
            self.leave_whole()
            self.refresh_all(self.model)
            self.entry.focus()

    def action_dismiss_all(self) -> None:
        """Take all finished panes away."""
        if self.model is not None:
            self.dismissed |= {it.id for it in self.model.tasks.values() if not it.is_active}
            self.refresh_all(self.model)
            self.entry.focus()

    # --- intervening ------------------------------------------------------------------------

    def action_stop_task(self) -> None:
        """Stop the selected task, after a yes."""
        if self.model is not None and self.selected is not None:
            work = self._commands.stop_task(self.model.run.id, self.selected, self.now())
            attempt(self, work, group="command")

    def action_shell(self) -> None:
        """Open a shell where the agent works; the agent goes on."""
        task = self.selected
        if task is not None and task.attempt is not None and task.attempt.worktree:
            folder = Path(task.attempt.worktree)
            attempt(self, open_shell(self.app, folder), group="shell")

    def action_attach(self) -> None:
        """Open the terminal of the selected task, or go back to it."""
        if self.model is not None and self.selected is not None:
            work = self.show_terminal(self.model, self.selected)
            attempt(self, work, group="attach")

    @on(TerminalLeft)
    def _terminal_left(self, message: TerminalLeft) -> None:
        message.stop()
        self.action_back()

    def action_hang_up(self) -> None:
        """End the program at the selected task's terminal."""
        task = self.selected
        if self.model is not None and task is not None:
            session = self.terminals.of(self.model.run.id, task.id)
            if session is not None:
                session.terminal.hang_up()

    def action_editor(self) -> None:
        """Open what the agent changed so far in the person's editor; the agent goes on."""
        task = self.selected
        if self.model is not None and task is not None and task.attempt is not None:
            place = self.diff.place if self.diff.is_open else None
            work = self._commands.edit(self.model.run.id, task, place)
            attempt(self, work, group="shell")

    def action_pager(self) -> None:
        """Open the log in the person's pager."""
        pane = self.grid.zoomed or self.focused_pane
        if pane is not None:
            attempt(self, open_log(self.app, pane.log_view.window.reader), group="shell")

    def action_pin(self) -> None:
        """Keep the selected pane whatever else needs room, or not any more."""
        if self.model is not None and self.selected is not None:
            self.pinned ^= {self.selected.id}
            self.refresh_all(self.model)

    def action_pause(self) -> None:
        """Start nothing new, or go on."""
        if self.model is not None:
            attempt(self, self._commands.pause(self.model), group="command")

    def action_stop_run(self) -> None:
        """Stop the run, after a yes."""
        if self.model is not None:
            attempt(self, self._commands.stop_run(self.model), group="command")

    def action_show_waiting(self) -> None:
        """Go to what waits for the person: the judgement of what tasks may have planted."""
        self.action_judge_changes()

    def action_judge_changes(self) -> None:
        """Show what changed in what the repository executes, and decide."""
        if self.model is not None:
            from cc4tui.screens.execution.quarantine import judge

            attempt(self, judge(self, self.center, self.model), group="command")

    def action_message(self) -> None:
        """Write to the agent of the selected task."""
        self._write(interrupt=False)

    def action_redirect(self) -> None:
        """Interrupt it, and write what it is to do instead."""
        self._write(interrupt=True)

    def _write(self, *, interrupt: bool) -> None:
        if self.model is not None and self.selected is not None:
            work = self._commands.message(self.model.run.id, self.selected, interrupt=interrupt)
            attempt(self, work, group="command")

    def action_fork(self) -> None:
        """Go on from the try that is shown in a new task."""
        if self.model is not None and self.selected is not None:
            pane = self.grid.zoomed or self.focused_pane
            number = pane.attempt_number if pane is not None else None
            work = self._commands.fork(self.model.run.id, self.selected, number)
            attempt(self, work, group="command")

    def action_skip_task(self) -> None:
        """Pass over the selected task, after a yes."""
        if self.model is not None and self.selected is not None:
            attempt(self, self._commands.skip(self.model, self.selected), group="command")

    def action_retry_task(self) -> None:
        """Try the selected task again, perhaps in another way."""
        if self.model is not None and self.selected is not None:
            attempt(self, self._commands.retry(self.model.run.id, self.selected), group="command")


def nearest(here: Widget, others: Iterable[Widget], direction: Direction) -> Widget | None:
    """The widget that lies closest in a direction; None when there is none."""
    x, y = here.region.center
    best: tuple[float, Widget] | None = None
    for other in others:
        if other is here or not other.region:
            continue
        dx, dy = other.region.center[0] - x, other.region.center[1] - y
        ahead, aside = {"left": (-dx, dy), "right": (dx, dy), "up": (-dy, dx), "down": (dy, dx)}[
            direction
        ]
        distance = ahead + 3 * abs(aside)
        if ahead > 0 and (best is None or distance < best[0]):
            best = (distance, other)
    return None if best is None else best[1]
