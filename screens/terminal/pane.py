"""The pane of a terminal: what runs in it and how to leave it, above what it shows."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from cc4tui.screens.bindings import bindings
from cc4tui.screens.execution.pane import PaneHead
from cc4tui.screens.lines import Line, cleaned, fit, spread
from cc4tui.screens.messages import TerminalLeft
from cc4tui.screens.terminal.session import TerminalSession
from cc4tui.screens.terminal.view import TerminalView
from cc4tui.screens.verbs import Scope, key_name
from cc4tui.screens.widgets.covered import CoveredVertical


DETACH = "ctrl+right_square_bracket"


class TerminalPane(CoveredVertical):
    """Shows one session at a time; the others go on."""

    DEFAULT_CSS = """
    TerminalPane { display: none; height: 1fr; background: $background; }
    TerminalPane.-open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.TERMINAL)

    def __init__(self) -> None:
        super().__init__()
        self.head = PaneHead(self._head_lines)
        self.view = TerminalView()

    def compose(self) -> ComposeResult:
        """The heading above the terminal."""
        yield self.head
        yield self.view

    @property
    def session(self) -> TerminalSession | None:
        """What is shown."""
        return self.view.session

    @property
    def is_open(self) -> bool:
        """Whether a terminal is shown."""
        return self.has_class("-open")

    def open(self, session: TerminalSession) -> None:
        """Show a session."""
        self.add_class("-open")
        self.view.show(session)
        self.refresh_head()
        self.view.focus()

    def close(self) -> None:
        """Show nothing; the session goes on."""
        self.remove_class("-open")
        self.view.show(None)

    def refresh_head(self) -> None:
        """Tell what runs, or of its end; a second line only where there is more to tell."""
        if self.session is not None:
            more = self.session.over or self.session.terminal.note
            self.head.styles.height = 2 if more else 1
        self.head.update(is_active=True)

    def action_detach(self) -> None:
        """Back to where the person came from."""
        self.post_message(TerminalLeft())

    def action_scroll(self, by: int) -> None:
        """Show what has scrolled off: a page back (1), or forth (-1)."""
        self.view.scroll_back(by * max(self.view.size.height - 1, 1))

    def on_click(self, event: events.Click) -> None:
        """The heading is the mouse's way back."""
        if event.widget is self.head:
            event.stop()
            self.action_detach()

    def _head_lines(self, width: int, height: int) -> list[Line]:
        session = self.session
        if session is None:
            return []
        over, terminal = session.over, session.terminal
        what = f" {session.task} · {terminal.title}{' · has ended' if over else ''}"
        way_out = (f"{key_name(DETACH)} ", "key"), (_WAY_OUT[over], "muted")
        more = f" {session.told if over else terminal.note}"
        return [
            spread(cleaned(((what, "title"),)), cleaned(way_out), width),
            fit(cleaned(((more, "muted"),)), width),
        ]


_WAY_OUT = {False: "detaches: it goes on ", True: "goes back "}
