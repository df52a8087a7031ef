"""The top line: repository and branch, the tabs, the run, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.glyphs import sign
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, cleaned, fit, strip_of, width_of
from cc4tui.screens.messages import RunProgressed
from cc4tui.screens.options import Tab


if TYPE_CHECKING:
    from cc4tui.ports import RepositoryInfo


class StatusBar(Widget):
    """One line that is drawn from state alone, so that a change costs no layout.

    Args:
        repository: Whose name and branch it shows.
        tab: The tab that is shown.
    """

    DEFAULT_CSS = """
    StatusBar { height: 1; background: $panel; }
    """
    ALLOW_SELECT = False

    class TabClicked(Message):
        """A tab was clicked."""

        def __init__(self, tab: Tab) -> None:
            super().__init__()
            self.tab = tab

    class WaitingClicked(Message):
        """The flag was clicked."""

    def __init__(self, repository: RepositoryInfo, tab: Tab) -> None:
        super().__init__()
        self.repository = repository
        self.tab = tab
        self.progress: RunProgressed | None = None
        self._edits = 0
        self._targets: list[tuple[int, int, Tab | None]] = []
        """Columns from, to (exclusive) and what a click there means; None is the flag."""

    def show_tab(self, tab: Tab) -> None:
        """Mark this tab as the one that is shown."""
        self.tab = tab
        self.refresh()

    def show_progress(self, progress: RunProgressed) -> None:
        """Tell of this run on the right."""
        self.progress = progress
        self.refresh()

    def show_edits(self, count: int) -> None:
        """Tell how many edits of plans wait for a yes."""
        self._edits = count
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line and note where the tabs are, for clicks."""
        width = self.size.width
        right = cleaned(self._run(wide=width >= 110))
        tabs = list(self._tabs(names=width >= 60))
        tabs_width = sum(width_of(line) for _, line in tabs)
        room = width - tabs_width - width_of(right) - 2
        if room < 0:
            right, room = (), max(width - tabs_width, 0)
        left = fit(cleaned(self._place(wide=width >= 100)), room)
        gap = self._gap(width, tabs_width, width_of(left), width_of(right))
        line: list[tuple[str, str]] = [*left, (" " * gap, "")]
        self._targets = []
        at = width_of(left) + gap
        for tab, label in tabs:
            self._targets.append((at, at + width_of(label), tab))
            line += label
            at += width_of(label)
        fill = width - at - width_of(right)
        line += [(" " * max(fill, 0), ""), *right]
        self._targets.append((width - width_of(right), width, None))
        return strip_of(tuple(line), width, ink(self.app), self.rich_style)

    @staticmethod
    def _gap(width: int, tabs: int, left: int, right: int) -> int:
        """Cells before the tabs: in the middle where there is room, at one place for all runs."""
        middle = (width - tabs) // 2
        return max(min(middle, width - tabs - right) - left, 0)

    def _place(self, *, wide: bool) -> Line:
        info = self.repository
        branch = info.branch or "detached"
        name: Line = ((f" {info.name} ", "title"), (f"{sign('⎇', '@')} {branch} ", "muted"))
        return ((" cc4tui ", "heading"), *name) if wide else name

    def _tabs(self, *, names: bool) -> Iterator[tuple[Tab, Line]]:
        for number, tab in enumerate(Tab, 1):
            shown = tab is self.tab
            label = f"{number} {tab.title}" if names or shown else f"{number}"
            yield tab, ((" ", ""), (label, "tab" if shown else "muted"), (" ", ""))

    def _run(self, *, wide: bool) -> Line:
        progress = self.progress
        if progress is None:
            return self._waiting(0)
        from cc4tui.domain.run import DONE_STATES, TaskRunState
        from cc4tui.screens.looks import RUN_LOOKS

        run = progress.run
        look = RUN_LOOKS[run.status]
        done = sum(1 for state in progress.states.values() if state in DONE_STATES)
        failed = sum(1 for state in progress.states.values() if state is TaskRunState.FAILED)
        line: list[tuple[str, str]] = []
        if wide:
            line += [(f"{run.id} ", "muted"), (f"{done}/{len(progress.states)} ", "text")]
        line.append((f"{look.sign} ", look.ink))
        line.append(
            (f"{progress.busy}/{run.workers} ", "text")
            if progress.busy
            else (f"{look.word} ", look.ink)
        )
        if failed:
            line.append((f"{failed} {sign('✗', 'x')} ", "bad"))
        return (*line, *self._waiting(progress.waiting))

    def _waiting(self, count: int) -> Line:
        count += self._edits
        return ((f" {sign('⚑', '!')} {count} ", "alarm"),) if count else ()

    def on_click(self, event: events.Click) -> None:
        """Go to the tab, or to what waits, under the mouse."""
        event.stop()
        for start, end, tab in self._targets:
            if start <= event.x < end:
                self.post_message(self.WaitingClicked() if tab is None else self.TabClicked(tab))
                return
