"""The bottom line: the keys that do something here and now, also for the mouse."""

from collections.abc import Iterator

from textual import events
from textual.binding import ActiveBinding, Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.screens.bindings import TakesKeys, takes_letters
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, strip_of, width_of
from cc4tui.screens.verbs import find, key_name


_RIGHT = 80
"""Verbs from this place in the footer on stand at the right end."""

Item = tuple[int, Binding, DOMNode]


class KeyBar(Widget):
    """Shows the verbs of the focused widget, its tab and the app, by their place in the table."""

    DEFAULT_CSS = """
    KeyBar { height: 1; background: $panel; dock: bottom; }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._targets: list[tuple[int, int, Item]] = []

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def _bindings_updated(self, _screen: Screen[object]) -> None:
        self.refresh()

    def items(self) -> list[Item]:
        """What could be shown, in order: place, binding and the widget that acts."""
        found: dict[str, tuple[int, Item]] = {}
        for active in self._active():
            verb = find(active.binding.id)
            if verb is None or not active.binding.show or not active.enabled:
                continue
            rank = verb[1].keys.split(",").index(active.binding.key)
            known = found.get(active.binding.id or "")
            if known is None or rank < known[0]:
                item = (verb[1].footer, active.binding, active.node)
                found[active.binding.id or ""] = (rank, item)
        return sorted((item for _, item in found.values()), key=lambda item: item[0])

    def _active(self) -> Iterator[ActiveBinding]:
        """The bindings in force; while something is written, no letter is one."""
        focused = self.screen.focused
        writing = takes_letters(focused)
        if writing and focused is not None and focused.parent is not None:
            line = focused.parent
            yield from (ActiveBinding(line, it, True, "") for _, it in line._bindings)
        if isinstance(focused, TakesKeys):
            return
        for active in self.screen.active_bindings.values():
            if not (writing and len(key_name(active.binding.key)) == 1):
                yield active

    def render_line(self, y: int) -> Strip:
        """Draw what fits; the last ones of a context go first when there is no room."""
        width = self.size.width
        items = self.items()
        left = [item for item in items if item[0] < _RIGHT]
        right = [item for item in items if item[0] >= _RIGHT]
        while left and _width([*left, *right]) > width:
            left.pop()
        while right and _width(right) > width:
            right.pop(0)
        gap = max(width - _width(left) - _width(right), 0)
        line: list[tuple[str, str]] = []
        self._targets = []
        at = 0
        for item in left:
            at = self._place(line, item, at)
        line.append((" " * gap, ""))
        at += gap
        for item in right:
            at = self._place(line, item, at)
        return strip_of(tuple(line), width, ink(self.app), self.rich_style)

    def _place(self, line: list[tuple[str, str]], item: Item, at: int) -> int:
        label = _label(item)
        line += label
        end = at + width_of(label)
        self._targets.append((at, end, item))
        return end

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        event.stop()
        for start, end, (_, binding, node) in self._targets:
            if start <= event.x < end:
                await self.app.run_action(binding.action, node)
                return


def _label(item: Item) -> Line:
    binding = item[1]
    return ((f" {key_name(binding.key)} ", "key"), (f"{binding.description} ", "muted"))


def _width(items: list[Item]) -> int:
    return sum(width_of(_label(item)) for item in items)
