"""The terminals that were opened for tasks of a run: at most one of each, one of them shown."""

from typing import TYPE_CHECKING

from textual.widget import Widget

from cc4tui.ports import CommandCenter
from cc4tui.screens.guard import attempt, tell


if TYPE_CHECKING:
    from cc4tui.screens.terminal.pane import TerminalPane
    from cc4tui.screens.terminal.session import TerminalSession


class Terminals:
    """Opens terminals, and finds those again that were left.

    Args:
        home: Where the pane of the one that is shown is put.
        center: Starts what runs in them.
    """

    def __init__(self, home: Widget, center: CommandCenter) -> None:
        self._home = home
        self._center = center
        self._pane: TerminalPane | None = None
        self._sessions: dict[tuple[str, str], TerminalSession] = {}
        self._opening: set[tuple[str, str]] = set()

    @property
    def shown(self) -> "TerminalSession | None":
        """The one that is shown."""
        return None if self._pane is None else self._pane.session

    @property
    def view(self) -> Widget:
        """What shows it: gets the keys."""
        assert self._pane is not None
        return self._pane.view

    @property
    def going_on(self) -> "list[TerminalSession]":
        """Those whose program has not ended."""
        return [session for session in self._sessions.values() if not session.over]

    def of(self, run: str, task: str) -> "TerminalSession | None":
        """The one of a task."""
        return self._sessions.get((run, task))

    async def open(self, run: str, task: str) -> "TerminalSession | None":
        """The terminal of a task, started if it has none; None while that is under way already."""
        from cc4tui.screens.terminal.session import TerminalSession

        key = run, task
        if key in self._opening:
            return None
        if key not in self._sessions:
            self._opening.add(key)
            try:
                session = TerminalSession(await self._center.attach(run, task), run, task)
            finally:
                self._opening.discard(key)
            self._sessions[key] = session
            attempt(self._home, self._keep(session), group="terminals")
        return self._sessions[key]

    async def _keep(self, session: "TerminalSession") -> None:
        try:
            await session.work()
        except BaseException:
            session.terminal.hang_up()
            self.forget(session)
            raise
        if self._pane is not None and self.shown is session:
            self._pane.refresh_head()
        else:
            self.forget(session)
            tell(self._home.app, f"The terminal of {session.task} has ended. {session.told}")

    def forget(self, session: "TerminalSession") -> None:
        """It has ended, and nobody looks at it any more."""
        self._sessions.pop((session.run, session.task), None)

    async def show(self, session: "TerminalSession") -> None:
        """Show one, and give it the keys."""
        if self._pane is None:
            from cc4tui.screens.terminal.pane import TerminalPane

            self._pane = TerminalPane()
            await self._home.mount(self._pane)
        self._pane.open(session)

    def hide(self) -> None:
        """Show none; all go on."""
        session = self.shown
        if self._pane is not None and session is not None:
            self._pane.close()
            if session.over:
                self.forget(session)
