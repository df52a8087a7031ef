"""A terminal in memory: what a program writes becomes rows of clean text, what is typed its bytes.

Nothing that a program writes reaches the real terminal but characters and colours. What it asks its
terminal for (clipboard, window size, title, printer, key definitions) is left unanswered, so that a
file that is only looked at cannot type for whoever looks.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from bittty import KeyEvent, KeyModifiers, TerminalCaps
from bittty.devices.board import Board
from bittty.mode_profiles import BITTTY_MODE_CAPABILITIES
from bittty.model import EDITING, XTERM
from bittty.options import DEC_EXTENDED_CPR, KITTY_KEYBOARD, XTERM_MODIFY_KEYS, XTERM_PASTE
from bittty.present import RowsScrolledOff, ScrollbackCleared
from rich.cells import cell_len
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character

from cc4tui.domain.text import clean_line
from cc4tui.screens.driver import ALT_ALIASES
from cc4tui.screens.widgets.ansi import OVERLINE, PLAIN, Colour, Pen, Span


HISTORY = 5000
"""Rows that are kept of what has scrolled off."""
CLUSTER = 8
"""Code points of one cell, at most: more marks on a letter say nothing."""

_MODEL = replace(
    XTERM,
    options=frozenset(),
    control_capabilities=EDITING
    | {DEC_EXTENDED_CPR, KITTY_KEYBOARD, XTERM_MODIFY_KEYS, XTERM_PASTE},
    mode_capabilities=BITTTY_MODE_CAPABILITIES,
    macro_space=None,
    power_on_modes=frozenset({1036, 1039}),  # alt and meta send an escape before the key
)
"""An xterm without what it was fitted with beyond a screen and a keyboard."""
_REFUSED = (
    *("XTWINOPS", "DECSCPP", "LINUX_SETTERM", "DECRQUPSS", "C0_ENQ", "DECRQCRA"),
    *("OSC_CLIPBOARD", "OSC_FONT", "OSC_NOTIFY", "OSC_POINTER_SHAPE", "OSC_CWD"),
    *("SET_ICON_AND_WINDOW_TITLE", "SET_ICON_TITLE", "SET_WINDOW_TITLE"),
)
"""Its control functions that size or name windows, reach the clipboard, or answer with texts."""
_MODIFIERS = {
    "shift": KeyModifiers.SHIFT,
    "alt": KeyModifiers.ALT,
    "meta": KeyModifiers.ALT,
    "ctrl": KeyModifiers.CTRL,
    "super": KeyModifiers.SUPER,
    "hyper": KeyModifiers.HYPER,
}
_FLAGS = (("bold", 1), ("dim", 2), ("italic", 3), ("underline", 4), ("reverse", 7), ("strike", 9))

Row = tuple[Span, ...]
"""Cleaned text with its pens; blanks at its end are left out if they have no colour."""


class Emulator:
    """The screen and the keyboard of one program.

    Args:
        send: Gets what the program is to read.
        resized: Gets the new columns and rows.
    """

    keeps_scrollback = True

    def __init__(self, send: Callable[[bytes], None], resized: Callable[[int, int], None]) -> None:
        self._board = Board(model=_MODEL)
        for name in _REFUSED:
            self._board.registry.pop(name, None)
        self._board.set_caps(TerminalCaps(grapheme_mode="permanently-set"))
        self._board.host.attach(_Line(send, resized))
        self._board.attach_display(self)
        self._seen = self._board.display.page.observe()
        self._page: Any = None
        self._cursor: tuple[int, int] | None = None
        self.history: deque[Row] = deque(maxlen=HISTORY)
        """Rows that have scrolled off, the oldest first."""
        self.scrolled = 0
        """How many rows ever have."""

    # --- what the program writes ------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take what the program wrote."""
        self._board.feed_host_data(data)

    def present(self, event: object) -> None:
        """Keep what scrolls off; whatever else the program wants of its terminal is ignored."""
        match event:
            case RowsScrolledOff():
                self.scrolled += len(event.lines)
                self.history.extend(_row(line.cells) for line in event.lines)
            case ScrollbackCleared():
                self.history.clear()

    @property
    def rows(self) -> int:
        """Rows of the screen."""
        return int(self._board.display.height)

    @property
    def cursor(self) -> tuple[int, int] | None:
        """Column and row; None while the program hides it."""
        cursor: tuple[int, int] | None = self._board.display.cursor
        return cursor

    @property
    def is_full_screen(self) -> bool:
        """Whether a program draws on the other screen, which leaves no history."""
        return bool(self._board.blitter.in_alt_screen)

    def row(self, y: int) -> Row:
        """A row of the screen; with a negative number one of those that have scrolled off."""
        if y < 0:
            return self.history[y] if -y <= len(self.history) else ()
        page = self._board.display.page
        return _row(page.grid[y]) if y < page.height else ()

    def changed(self) -> set[int]:
        """Rows of the screen that look different since the last call."""
        page, cursor = self._board.display.page, self.cursor
        rows = set(page.dirty_rows(self._seen) if page is self._page else range(page.height))
        if cursor != self._cursor:
            rows |= {at[1] for at in (cursor, self._cursor) if at is not None}
        self._page, self._cursor, self._seen = page, cursor, page.observe()
        return rows

    # --- what the person does ---------------------------------------------------------------

    def resize(self, columns: int, rows: int) -> None:
        """Have another size."""
        columns, rows = max(columns, 2), max(rows, 1)
        if (columns, rows) == (self._board.width, self._board.height):
            return
        self._lift_to(rows)
        self._board.resize_from_frontend(columns, rows)

    def _lift_to(self, rows: int) -> None:
        """Scroll what is written into fewer rows, as far as the cursor allows.

        The library cuts rows off at the bottom: programs that draw upwards from the cursor would
        then draw over what stays. Nor are lines wrapped anew, since such programs count their rows.
        """
        blitter, cursor = self._board.blitter, self._board.cursor
        if blitter.in_alt_screen:  # it is all drawn again
            return
        last = self.rows - 1
        while last > cursor.y and not self.row(last):
            last -= 1
        over = min(last - rows + 1, cursor.y)
        if over > 0:
            blitter.set_scroll_region(0, self.rows - 1)  # as a new size does
            blitter.reset_left_right_margins()
            blitter.scroll(over)
            cursor.y -= over

    def press(self, key: str, character: str | None) -> None:
        """Type a key, by Textual's name for it."""
        if character and (pressed := ALT_ALIASES.get(character)):
            key, character = f"alt+{pressed}", None
        keyboard = self._board.keyboard
        if key == "shift+enter" and not (keyboard.kitty_flags or keyboard.modify_other_keys):
            # Claude Code asks for it only in terminals it knows, and its set-up of others has them
            # send this for it; a bare enter would be "send the message".
            key = "alt+enter"
        *names, base = key.split("+") if key != "+" else ["+"]
        modifiers = KeyModifiers.NONE
        for name in names:
            modifiers |= _MODIFIERS.get(name, KeyModifiers.NONE)
        typed = character if character and character.isprintable() else None
        sign = typed or (key_to_character(_LONG.get(base, base)) if base not in _NAMED else None)
        text = typed if not modifiers & ~KeyModifiers.SHIFT else None
        self._board.input_key_event(KeyEvent(sign or base, modifiers, text=text))

    def paste(self, text: str) -> None:
        """Paste, so that the program knows it for that if it asked to be told."""
        self._board.input_paste(text)

    def focus(self, *, has: bool) -> None:
        """Whether keys go there."""
        self._board.set_focus(has)

    @property
    def wants_mouse(self) -> bool:
        """Whether the program asked for the mouse."""
        return bool(self._board.mouse.capture() != "off")

    def mouse(self, what: str, place: tuple[int, int], button: int, held: Sequence[str]) -> None:
        """Tell of the mouse.

        Args:
            what: ``press``, ``release`` or ``move``.
            place: Column and row, from 0.
            button: 0 left, 1 middle, 2 right, 64 and 65 the wheel.
            held: Of ``shift``, ``meta`` and ``ctrl`` those that are.
        """
        self._board.input_mouse(place[0] + 1, place[1] + 1, button, what, set(held))


class _Line:
    """The cable to the program, as the emulator's library wants it."""

    closed = False

    def __init__(self, send: Callable[[bytes], None], resized: Callable[[int, int], None]) -> None:
        self.write_bytes = send
        self._resized = resized

    def write(self, data: str) -> int:
        self.write_bytes(data.encode("utf-8", "replace"))
        return len(data)

    def resize(self, rows: int, columns: int) -> None:
        self._resized(columns, rows)

    def flush(self) -> None:
        """Nothing is held back."""


_LONG = {short: long for long, short in KEY_NAME_REPLACEMENTS.items()}
"""Textual's short names of signs, as Unicode has them."""
_NAMED = frozenset(
    {
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
        *("enter", "tab", "escape", "backspace"),
        *(f"f{number}" for number in range(1, 25)),
    }
)
"""Keys that have the same name there."""


def _row(cells: Sequence[tuple[Any, str]]) -> Row:
    """Spans of a row; the usual one is of one look, and every line that scrolls off comes here."""
    text = "".join([sign for _, sign in cells])
    cells = cells[: _written(cells, len(text) - len(text.rstrip(" ")))]
    styles = [style for style, _ in cells]
    if not styles:
        return ()
    is_plain = text.isascii() and text.isprintable() and not styles[0].conceal
    if is_plain and styles.count(styles[0]) == len(styles):
        return ((text[: len(styles)], _pen(styles[0])),)
    return tuple(_spans(cells))


def _written(cells: Sequence[tuple[Any, str]], blanks: int) -> int:
    """How many cells there are up to those of the `blanks` at the end that have no look."""
    end, last = len(cells), cells[-1]
    if cells[end - blanks :].count(last) == blanks and _pen(last[0]) == PLAIN:
        return end - blanks
    while end and cells[end - 1][1] == " " and _pen(cells[end - 1][0]) == PLAIN:
        end -= 1
    return end


def _spans(cells: Sequence[tuple[Any, str]]) -> Iterator[Span]:
    """Cells of one look together."""
    at = 0
    for style, alike in groupby(cells, itemgetter(0)):
        signs = [sign for _, sign in alike]
        text = "".join(signs)
        if not (text.isascii() and text.isprintable()):
            text = "".join([_sign(cells, x) for x in range(at, at + len(signs))])
        at += len(signs)
        yield (" " * cell_len(text) if style.conceal else text), _pen(style)


def _sign(cells: Sequence[tuple[Any, str]], x: int) -> str:
    """What one cell holds, in as many cells as the program believes it takes."""
    text = cells[x][1]
    if not text:  # the second half of a wide one
        return ""
    width = 2 if x + 1 < len(cells) and not cells[x + 1][1] else 1
    return _clean_sign(text, width)


@lru_cache(8192)
def _clean_sign(text: str, width: int) -> str:
    cleaned = clean_line(text[:CLUSTER]).rstrip("\u200d")
    return cleaned if cell_len(cleaned) == width else "\N{REPLACEMENT CHARACTER}".ljust(width)


@lru_cache(4096)
def _pen(style: Any) -> Pen:
    flags = sum(1 << code for name, code in _FLAGS if getattr(style, name))
    flags |= (1 << OVERLINE) if style.overline else 0
    return Pen(_colour(style.fg), _colour(style.bg), flags)


def _colour(colour: Any) -> Colour | None:
    return None if colour is None or colour.mode == "default" else colour.value
