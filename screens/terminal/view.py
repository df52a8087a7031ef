"""Shows a terminal and gives it every key, the mouse and what is pasted."""

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.ink import ink
from cc4tui.screens.terminal.emulator import Row
from cc4tui.screens.terminal.session import TerminalSession
from cc4tui.screens.widgets.ansi import Pen
from cc4tui.screens.widgets.log_search import lit
from cc4tui.screens.widgets.palette import CHOSEN, Palette


WHEEL_ROWS = 3


class TerminalView(Widget, can_focus=True):
    """Draws the rows of a session; an older part of them when a person scrolled back."""

    DEFAULT_CSS = """
    TerminalView { height: 1fr; width: 1fr; background: $background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.session: TerminalSession | None = None
        self._back = 0
        """Rows that it is scrolled back."""
        self._scrolled = 0
        """Rows that had scrolled off when it was drawn last."""
        self._palette: Palette | None = None
        self._chosen: Selection | None = None

    def show(self, session: TerminalSession | None) -> None:
        """Show a session from its end on; None = nothing."""
        if self.session is not None:
            self.session.watcher = None
            self.session.emulator.focus(has=False)
        self.session, self._back = session, 0
        if session is not None:
            self._scrolled = session.emulator.scrolled
            session.watcher = self._changed
            session.emulator.focus(has=self.has_focus)
            self._fit()
        self.refresh()

    def _fit(self) -> None:
        if self.session is not None and self.size:
            self.session.emulator.resize(self.size.width, self.size.height)

    def on_resize(self) -> None:
        """The program is told."""
        self._fit()
        self.refresh()

    def _changed(self) -> None:
        session = self.session
        if session is None or not self.is_attached:
            return
        emulator = session.emulator
        came, self._scrolled = emulator.scrolled - self._scrolled, emulator.scrolled
        rows = emulator.changed()
        if self._back:  # what is read stays where it is
            self._back = min(self._back + came, len(emulator.history))
            self.refresh()
        elif rows:
            width, height = self.size
            self.refresh(*(Region(0, y, width, 1) for y in rows if y < height))
        if session.over:
            self.refresh()

    @property
    def back(self) -> int:
        """Rows that it is scrolled back; 0 = the end is shown."""
        return self._back

    def scroll_back(self, by: int) -> None:
        """Show what has scrolled off: so many rows further back, or forth if negative."""
        if self.session is not None:
            most = len(self.session.emulator.history)
            back = min(max(self._back + by, 0), most)
            if back != self._back:
                self._back = back
                self.refresh()

    # --- drawing ----------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Draw in other colours."""
        super().notify_style_update()
        self._palette = None

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        if self._palette is None:
            chosen = self.screen.get_component_rich_style("screen--selection")
            self._palette = Palette(ink(self.app), self.rich_style, chosen)
        palette, width = self._palette, self.size.width
        if self.session is None:
            return Strip.blank(width, palette.base)
        spans = self._spans(self.session, y)
        segments = [Segment(text, palette.style(pen)) for text, pen in spans]
        strip = Strip(segments).adjust_cell_length(width, palette.base)
        return strip.apply_offsets(0, y)

    def _spans(self, session: TerminalSession, y: int) -> Row:
        spans = session.emulator.row(y - self._back)
        if self._chosen is not None and (span := self._chosen.get_span(y)) is not None:
            end = len("".join(text for text, _ in spans)) if span[1] == -1 else span[1]
            spans = lit(spans, [(max(span[0], 0), max(end, 0))], CHOSEN)
        cursor = None if session.over or self._back else session.emulator.cursor
        if cursor is None or cursor[1] != y:
            return spans
        return _with_cursor(spans, cursor[0], 7 if self.has_focus else 4)

    def on_focus(self) -> None:
        """Keys go to the program."""
        self._focus_changed(has=True)

    def on_blur(self) -> None:
        """Keys go elsewhere."""
        self._focus_changed(has=False)

    def _focus_changed(self, *, has: bool) -> None:
        if self.session is not None:
            self.session.emulator.focus(has=has)
        self.refresh()

    # --- typing -----------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Every key is the program's."""
        return True

    async def take_key(self, event: events.Key) -> None:
        """Type a key, unless it is one of the pane's verbs."""
        pane = self.parent
        assert isinstance(pane, Widget)
        verbs = pane._bindings.key_to_bindings.get(event.key, ())
        if self.session is None or self.session.over:
            await self.app.run_action("detach", pane)
        elif verbs:
            await self.app.run_action(verbs[0].action, pane)
        else:
            self.scroll_back(-self._back)
            self.session.emulator.press(event.key, event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Paste."""
        event.stop()
        if self.session is not None:
            self.scroll_back(-self._back)
            self.session.emulator.paste(event.text)

    # --- the mouse --------------------------------------------------------------------------

    @property
    def allow_select(self) -> bool:
        """Text is selected as anywhere, unless the program has the mouse."""
        return not self._has_mouse

    @property
    def _has_mouse(self) -> bool:
        session = self.session
        return session is not None and not self._back and session.emulator.wants_mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The program's, if it asked for it."""
        self._tell_mouse("press", event, event.button - 1)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The program's, if it asked for it."""
        self._tell_mouse("release", event, event.button - 1)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The program's, if it asked for it."""
        self._tell_mouse("move", event, max(event.button - 1, 0))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The program's, if it asked for it; else back."""
        if not self._tell_mouse("press", event, 64):
            event.stop()
            self.scroll_back(WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The program's, if it asked for it; else forth."""
        if not self._tell_mouse("press", event, 65):
            event.stop()
            self.scroll_back(-WHEEL_ROWS)

    def _tell_mouse(self, what: str, event: events.MouseEvent, button: int) -> bool:
        if self.session is None or not self._has_mouse:
            return False
        event.stop()
        held = [name for name in ("shift", "meta", "ctrl") if getattr(event, name)]
        place = (max(int(event.x), 0), max(int(event.y), 0))
        self.session.emulator.mouse(what, place, max(button, 0), held)
        return True

    # --- selecting --------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text."""
        if self.session is None:
            return None
        rows = [
            "".join(text for text, _ in self.session.emulator.row(y - self._back))
            for y in range(self.size.height)
        ]
        return selection.extract("\n".join(rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self._chosen = selection
        self.refresh()


def _with_cursor(spans: Row, column: int, flag: int) -> Row:
    """The row with a pen flag set where the cursor is."""
    text = "".join(piece for piece, _ in spans)
    at = cells = 0
    while at < len(text) and cells < column:
        cells += cell_len(text[at])
        at += 1
    if at >= len(text):
        spans = (*spans, (" " * (column - cells + 1), Pen()))
        at += column - cells
    return lit(spans, [(at, at + 1)], flag)
