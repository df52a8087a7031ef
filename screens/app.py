"""The app: a status line, four tabs, a line of keys; screens talk to it by messages."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from platformdirs import user_downloads_path
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Container
from textual.driver import Driver
from textual.screen import Screen
from textual.widget import Widget

from cc4tui.domain.text import clean_line
from cc4tui.errors import UnfitError
from cc4tui.importing import imported
from cc4tui.screens.bindings import TakesKeys, bindings, takes_letters
from cc4tui.screens.glyphs import ascii_only
from cc4tui.screens.guard import attempt, tell
from cc4tui.screens.messages import (
    Note,
    NotebookChanged,
    NoteRequested,
    RunChosen,
    RunProgressed,
    RunRequested,
    Undoable,
)
from cc4tui.screens.options import StartOptions, Tab
from cc4tui.screens.themes import THEMES, ink_defaults, theme_after
from cc4tui.screens.undo import UndoStack
from cc4tui.screens.verbs import Scope, Verb, find, verb_id
from cc4tui.screens.widgets.compositor import DirectScreen
from cc4tui.screens.widgets.key_bar import KeyBar
from cc4tui.screens.widgets.others_line import OthersLine, only_watching
from cc4tui.screens.widgets.status_bar import StatusBar


if TYPE_CHECKING:
    from cc4tui.domain.run import RunRecord
    from cc4tui.ports import CommandCenter, RunOptions
    from cc4tui.screens.attention import Attention
    from cc4tui.screens.planning.held_edits import HeldEdits
    from cc4tui.screens.widgets.note_line import NoteLine

_log = logging.getLogger(__name__)

OTHERS_SECONDS = 1.0
"""How often it is looked whether another cc4tui works here."""
FIRST_FRAME_SECONDS = 0.05
"""By then the first frame is painted, and what it did not need may begin."""
COLLECT_AFTER = (5_000, 10, 10)
"""Thresholds of the garbage collector: a repaint makes thousands of objects and keeps few."""
LOADED_SECONDS = 5.0
"""By then everything is imported. What is there stays for good, and the garbage collector need not
look through it again and again, for up to 60 ms in which no key is answered."""
NOTICE_SECONDS = 10.0
"""A notice that is given once stays for so long."""

CALM_SECONDS = 2.0
"""Without a key, after which a question may come up: nobody answers what they did not see."""


def _commands() -> type[Provider]:
    from cc4tui.screens.commands import VerbProvider

    return VerbProvider


class CommandCenterApp(App[None]):
    """The command center of one repository.

    Nothing heavy is imported or read before the first paint: tabs are made when they are first
    shown, and load what they show in workers.

    Args:
        center: Everything the screens may ask for.
        options: Where to begin.
    """

    TITLE = "cc4tui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMANDS: ClassVar = {_commands}
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.EVERYWHERE)

    def __init__(self, center: CommandCenter, options: StartOptions | None = None) -> None:
        super().__init__()
        self.animation_level = "none"
        self.center = center
        self.options = options or StartOptions()
        self.tab = self.options.first_tab
        """The tab that is shown."""
        self.painted = asyncio.Event()
        """Set once the first frame was painted."""
        self.progress: RunProgressed | None = None
        """The newest news of the run that Execution shows."""
        self._tabs: dict[Tab, Widget] = {}
        self._mounting = asyncio.Lock()
        self._focus: dict[Tab, Widget | None] = {}
        self._undo = UndoStack()
        self._note: NoteLine | None = None
        self._before_note: Widget | None = None
        self._edits: HeldEdits | None = None
        self._last_key = 0.0
        self.attention: Attention | None = None
        """Calls a person who looks elsewhere."""
        self._status = StatusBar(center.repository, self.tab)
        self._others = OthersLine()
        self._body = Container(id="body")

    # --- shell ------------------------------------------------------------------------------

    def get_driver_class(self) -> type[Driver]:
        """Textual's own, with what is mended in it."""
        from cc4tui.screens.driver import mended

        return mended(super().get_driver_class())

    def get_default_screen(self) -> Screen[object]:
        """A screen that paints what changed, and nothing between."""
        return DirectScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our inks for themes that do not have them."""
        return ink_defaults(self.current_theme)

    def on_load(self) -> None:
        """Take the theme before anything is styled.

        Not by assigning it: that has everything parsed and styled again, before the first frame.
        """
        for theme in THEMES:
            self.register_theme(theme)
        self.set_reactive(App.theme, self.options.theme)
        taken = self.current_theme
        modes = {"-dark-mode": taken.dark, "-light-mode": not taken.dark}
        self.update_classes(modes | {f"-theme-{taken.name}": True}, update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def compose(self) -> ComposeResult:
        """The frame; tabs follow."""
        yield self._status
        yield self._others
        yield self._body
        yield KeyBar()

    async def on_mount(self) -> None:
        """Show the first tab; the rest begins once it is painted."""
        self.set_class(ascii_only(), "-ascii")
        self.watch(self.screen, "focused", self._focus_moved, init=False)
        await self.show_tab(self.tab)
        # A callback after the refresh would wait for as long as a dialog covers the first screen.
        self.set_timer(FIRST_FRAME_SECONDS, self._begin)
        self.set_interval(OTHERS_SECONDS, self._look_for_others)

    def _begin(self) -> None:
        """Have the rest come beside the first frame: keys do not wait for it."""
        self.painted.set()
        self._look_for_others()
        attempt(self, self._go_on(), group="begin")

    async def _go_on(self) -> None:
        """Mount Execution, which tells of runs behind any tab; start what was asked for."""
        began = self.options.clock()
        await imported("cc4tui.screens.attention", "cc4tui.screens.execution")
        from cc4tui.screens.attention import Attention, caller

        call = caller(self, self.options.notify)
        self.attention = Attention(call, lambda: self.app_focus, began)
        await self._mounted(Tab.EXECUTION)
        self._follow_edits()
        if not self.is_headless:  # tests make many apps, and what these leave must go
            gc.set_threshold(*COLLECT_AFTER)
            gc.freeze()
            self.set_timer(LOADED_SECONDS, gc.freeze)
        if self.options.run is not None:
            await self.show_run(self.options.run)
        if self.options.plan is not None:
            from cc4tui.ports import RunOptions

            options = self.options.run_options or RunOptions()
            self.post_message(RunRequested(self.options.plan, options))

    def _look_for_others(self) -> None:
        self._others.show(self.center.other_instance())

    def _follow_edits(self) -> None:
        from cc4tui.screens.planning.held_edits import HeldEdits

        self._edits = HeldEdits(self, self.center)
        attempt(self, self._edits.follow(), group="edits")

    async def on_event(self, event: events.Event) -> None:
        """Act on a key before the next one is looked at.

        Textual sends a key through the queues of all widgets before it acts. Of keys that come
        faster than that, the second would still go to where the first one has just led away from:
        typed quickly, `i` and then `x` would delete an idea. Text fields keep the order themselves.
        """
        if isinstance(event, events.Key):
            self._last_key = time.monotonic()
            if isinstance(self.focused, TakesKeys) and not event.is_forwarded:
                self.app_focus = True
                await self.focused.take_key(event)
                return
        if (
            isinstance(event, events.Key)
            and not event.is_forwarded
            and not takes_letters(self.focused)
        ):
            self.app_focus = True
            for priority in (True, False):
                if await self._check_bindings(event.key, priority=priority):
                    return
        await super().on_event(event)

    # --- tabs -------------------------------------------------------------------------------

    async def show_tab(self, tab: Tab) -> Widget:
        """Bring a tab to the front, with the focus where it was in it."""
        widget = await self._mounted(tab)
        if tab is not self.tab:
            self._focus[self.tab] = self.focused
        self.tab = tab
        for other, it in self._tabs.items():
            it.display = other is tab
        self._status.show_tab(tab)
        _focus_into(widget, self._focus.get(tab))
        return widget

    async def _mounted(self, tab: Tab) -> Widget:
        """The tab with everything in it; a key that comes while it is being made waits for it."""
        async with self._mounting:
            widget = self._tabs.get(tab)
            if widget is None:
                widget = _FACTORIES[tab](self)
                widget.display = tab is self.tab
                await self._body.mount(widget)
                self._tabs[tab] = widget
        return widget

    def _focus_moved(self, focused: Widget | None) -> None:
        """What had the focus is gone or hidden: keys still belong to the tab that is shown."""
        if focused is None and self.tab in self._tabs and self.is_running:
            _focus_into(self._tabs[self.tab], None)

    async def action_show_tab(self, name: str) -> None:
        """Show the tab of this name."""
        await self.show_tab(Tab(name))

    async def on_status_bar_tab_clicked(self, message: StatusBar.TabClicked) -> None:
        """Tabs work with the mouse too."""
        await self.show_tab(message.tab)

    async def on_status_bar_waiting_clicked(self) -> None:
        """The flag works with the mouse too."""
        await self.action_show_waiting()

    async def action_show_waiting(self) -> None:
        """Go to what waits longest for the person: what agents ask, then what is to be judged."""
        attempt(self, self._show_waiting(), group="waiting", latest=True)

    async def _show_waiting(self) -> None:
        if await self.center.open_requests():
            from cc4tui.screens.dialogs.request import answer_waiting

            request = await answer_waiting(self.push_screen_wait, self.center)
            if request is not None:
                await self.show_run(request.run)
        elif self._edits is not None and self._edits.waiting:
            await self._edits.ask()
        elif self.progress is None or not self.progress.waiting:
            tell(self, "Nothing waits for you.")
        else:
            await self.run_action("show_waiting", await self.show_tab(Tab.EXECUTION))

    # --- runs -------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """A defect ends the app with one sentence; the log has the rest."""
        if os.environ.get("CC4TUI_DEBUG", "") not in ("", "0"):
            super()._handle_exception(error)
            return
        _log.critical("the app broke", exc_info=error)
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.panic(
            Text(
                f"cc4tui: unexpected {type(error).__name__}: {clean_line(str(error))}; what ran is"
                " stopped and saved; set CC4TUI_DEBUG=1 to see where, and report it"
            )
        )

    async def show_run(self, run_id: str) -> None:
        """Show a run, running or over, in Execution."""
        from cc4tui.screens.execution import ExecutionTab

        widget = await self.show_tab(Tab.EXECUTION)
        assert isinstance(widget, ExecutionTab)
        widget.show_run(run_id)

    async def on_run_chosen(self, message: RunChosen) -> None:
        """A run was picked in a list."""
        await self.show_run(message.run_id)

    def on_run_requested(self, message: RunRequested) -> None:
        """A run is to be started: ask for trust where that is needed, then watch it."""
        attempt(self, self._start(message.plan, message.options), group="start")

    async def _start(self, plan: str, options: RunOptions) -> None:
        other = self.center.other_instance()
        if other is not None:
            raise UnfitError(only_watching(other))
        question = await self.center.trust_question(plan, options)
        if question is not None:
            from cc4tui.screens.dialogs.trust import YES, TrustDialog

            if await self.push_screen_wait(TrustDialog(question)) != YES:
                tell(self, "Not trusted, so nothing was started.")
                return
            await self.center.trust(question)
        is_first = not await self.center.journal.runs(1)
        held = replace(options, hold_edits=True)
        await self.show_run(await self.center.start_run(plan, held))
        if is_first:
            from cc4tui.domain.run import NO_BOUNDARY
            from cc4tui.screens.widgets.notice import Notice

            said = f"{NO_BOUNDARY[0].upper()}{NO_BOUNDARY[1:]}."
            await self._body.screen.mount(Notice(said, NOTICE_SECONDS), after=self._others)

    @property
    def is_calm(self) -> bool:
        """Whether a question may come up by itself: nobody types, nothing else is asked."""
        quiet = time.monotonic() - self._last_key > CALM_SECONDS
        return quiet and not self.screen.is_modal and not takes_letters(self.focused)

    def action_show_edit(self) -> None:
        """Show the edit of the plan that waits."""
        if self._edits is not None:
            attempt(self, self._edits.ask(), group="edit", latest=True)

    def show_waiting_edits(self, count: int) -> None:
        """Tell on the status line how many edits wait."""
        self._status.show_edits(count)
        if self.attention is not None:
            self.attention.waits("edits", count)

    def on_run_progressed(self, message: RunProgressed) -> None:
        """Tell of the run on the status line and in the plan's tree."""
        self.progress = message
        self._status.show_progress(message)
        if self.attention is not None:
            from cc4tui.domain.run import DONE_STATES

            self.attention.waits("requests", message.waiting)
            done = sum(state in DONE_STATES for state in message.states.values())
            self.attention.run_moved(message.run, done, len(message.states))
        plans = self._tabs.get(Tab.PLANS)
        if plans is not None:
            from cc4tui.screens.plans import PlansTab

            assert isinstance(plans, PlansTab)
            plans.show_progress(message)

    # --- notes ------------------------------------------------------------------------------

    async def action_capture(self) -> None:
        """Open the line for an idea."""
        await self._open_note(NoteRequested(Note.IDEA))

    async def on_note_requested(self, message: NoteRequested) -> None:
        """A tab wants something written or edited."""
        await self._open_note(message)

    async def _open_note(self, request: NoteRequested) -> None:
        from cc4tui.screens.widgets.note_line import NoteLine

        if self._note is None:
            self._note = NoteLine()
            await self._body.screen.mount(self._note, after=self._status)
        if not self._note.is_open:
            self._before_note = self.focused
        self._note.open(request.kind, request.text, request.subject)

    def on_note_line_kept(self, message: NoteLine.Kept) -> None:
        """Store what was written."""
        work = self._keep(message.kind, message.text, message.subject)
        attempt(self, work, group="keep")

    async def _keep(self, kind: Note, text: str, subject: int | None) -> None:
        from cc4tui.screens.keeping import keep

        step = await keep(self.center, kind, text, subject)
        self._undo.push(step)
        tell(self, f"{step.label.capitalize()}.")
        self._notebook_changed()

    def on_note_line_closed(self) -> None:
        """Go back to where the person was."""
        if self._before_note is not None and self._before_note.is_attached:
            self._before_note.focus()

    def _notebook_changed(self) -> None:
        for tab in self._tabs.values():
            tab.post_message(NotebookChanged())

    # --- verbs ------------------------------------------------------------------------------

    def on_undoable(self, message: Undoable) -> None:
        """Remember what `u` takes back."""
        self._undo.push(message)

    def action_undo(self) -> None:
        """Take the last step back."""
        attempt(self, self._take_back(), group="undo")

    async def _take_back(self) -> None:
        label = await self._undo.undo()
        tell(self, f"Undone: {label}." if label else "There is nothing to undo.")
        self._notebook_changed()

    async def perform(self, scope: Scope, verb: Verb) -> None:
        """Do what a verb does: here where it is in force, else its tab comes to the front first."""
        active, name = self.screen.active_bindings.values(), verb_id(scope, verb)
        node = next((it.node for it in active if it.enabled and it.binding.id == name), None)
        if node is None and scope in _SCOPE_TABS:
            node = await self.show_tab(_SCOPE_TABS[scope])
        await self.run_action(verb.action, node)

    def action_press(self, key: str) -> None:
        """Do what the key does that was clicked in a hint; the focus stays where it is."""
        event = events.Key(key, key if len(key) == 1 else None)
        event.set_sender(self)
        self.post_message(event)

    def action_help(self) -> None:
        """Show the keys that do something here."""
        from cc4tui.screens.dialogs.keys import KeysDialog

        self.push_screen(KeysDialog([find(b.binding.id) for b in self.active_bindings.values()]))

    def action_next_theme(self) -> None:
        """Go round the themes."""
        self.theme = theme_after(self.theme)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save a picture of the screen: among the downloads, or at home without such a folder."""
        if path is None and not user_downloads_path().is_dir():
            path = str(Path.home())
        super().action_screenshot(filename, path)

    def action_copy_or_quit(self) -> None:
        """ctrl+c that no selection took: the person may want out."""
        self.action_ask_quit()

    def action_ask_quit(self) -> None:
        """Quit at once, or ask when agents are running."""
        attempt(self, self._ask_quit(), group="quit", latest=True)

    async def _ask_quit(self) -> None:
        runs, terminals = await self._own_runs(), self._open_terminals()
        if runs or terminals:
            from cc4tui.screens.dialogs.quit import KEEP, STOP, QuitDialog

            answer = await self.push_screen_wait(QuitDialog(runs, terminals))
            if answer not in (KEEP, STOP):
                return
            if answer == KEEP:
                await self.center.leave("quit")
        self.exit()

    def _open_terminals(self) -> list[str]:
        """Programs at terminals that have not ended."""
        tab = self._tabs.get(Tab.EXECUTION)
        if tab is None:
            return []
        from cc4tui.screens.execution import ExecutionTab

        assert isinstance(tab, ExecutionTab)
        return [f"{it.task}: {clean_line(it.terminal.title)}" for it in tab.terminals.going_on]

    async def _own_runs(self) -> list[RunRecord]:
        """Runs that this process works on."""
        from cc4tui.domain.run import RunStatus

        active = self.center.active_run
        run = None if active is None else await self.center.journal.run(active)
        return [] if run is None or run.status is not RunStatus.RUNNING else [run]


def _focus_into(tab: Widget, before: Widget | None) -> None:
    """Focus what had it before in this tab, or the tab's entry, or the first that can have it."""
    candidates = (before, getattr(tab, "entry", None), *tab.walk_children(Widget))
    for widget in candidates:
        if widget is not None and _can_have_focus(widget):
            tab.screen.set_focus(widget)
            return


def _can_have_focus(widget: Widget) -> bool:
    """What is not displayed can have the focus too, says Textual, and loses it again later."""
    return (
        widget.is_attached
        and widget.focusable
        and all(node.display for node in widget.ancestors_with_self)
    )


def _ideas(app: CommandCenterApp) -> Widget:
    from cc4tui.screens.ideas import IdeasTab

    return IdeasTab(app.center, app.options.clock)


def _plans(app: CommandCenterApp) -> Widget:
    from cc4tui.screens.plans import PlansTab

    return PlansTab(app.center)


def _execution(app: CommandCenterApp) -> Widget:
    from cc4tui.screens.execution import ExecutionTab

    return ExecutionTab(app.center, app.options.clock)


def _memory(app: CommandCenterApp) -> Widget:
    from cc4tui.screens.memory import MemoryTab

    return MemoryTab(app.center, app.options.clock)


_SCOPE_TABS = {
    Scope.IDEAS: Tab.IDEAS,
    Scope.PLANS: Tab.PLANS,
    Scope.EXECUTION: Tab.EXECUTION,
    Scope.AGENT: Tab.EXECUTION,
    Scope.PAST: Tab.EXECUTION,
    Scope.MEMORY: Tab.MEMORY,
}

_FACTORIES: dict[Tab, Callable[[CommandCenterApp], Widget]] = {
    Tab.IDEAS: _ideas,
    Tab.PLANS: _plans,
    Tab.EXECUTION: _execution,
    Tab.MEMORY: _memory,
}
"""Imports a tab's module when the tab is first shown."""
