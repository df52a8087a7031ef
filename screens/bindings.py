"""Key bindings made from the table of verbs."""

from typing import Protocol, runtime_checkable

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget

from cc4tui.screens.verbs import Scope, key_name, verb_id, verbs


@runtime_checkable
class TakesKeys(Protocol):
    """A widget for which every key is the business of a program, not of the app."""

    async def take_key(self, event: events.Key) -> None:
        """Act on a key."""


def takes_letters(widget: Widget | None) -> bool:
    """Whether letters typed into this widget are text, not verbs."""
    kind = Widget if widget is None else type(widget)
    return kind.check_consume_key is not Widget.check_consume_key


def bindings(scope: Scope) -> list[BindingType]:
    """What a widget of this scope sets as its BINDINGS; it has an ``action_<action>`` for each."""
    return [
        Binding(
            verb.keys,
            verb.action,
            verb.label,
            show=verb.footer > 0,
            key_display=key_name(verb.keys.split(",")[0]),
            tooltip=verb.help,
            priority=verb.priority,
            id=verb_id(scope, verb),
        )
        for verb in verbs(scope)
    ]
