"""Help: the keys that do something on this screen, and those that work everywhere."""

from collections.abc import Iterable, Iterator

from textual.app import ComposeResult

from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.lines import Line, cell
from cc4tui.screens.verbs import Scope, Verb, key_names, verbs
from cc4tui.screens.widgets.text_pane import TextPane


_KEY_WIDTH = 14


class KeysDialog(Dialog[None]):
    """Lists verbs with their keys, those of the present screen first.

    Args:
        here: What the active bindings were made from; None for bindings of Textual.
    """

    DEFAULT_CSS = """
    KeysDialog Box { width: 80; }
    KeysDialog TextPane { max-height: 18; }
    """
    AUTO_FOCUS = "TextPane"

    def __init__(self, here: Iterable[tuple[Scope, Verb] | None]) -> None:
        super().__init__()
        self._scopes = list(dict.fromkeys(scope for scope, _ in filter(None, here)))

    def compose(self) -> ComposeResult:
        """A heading and a list per scope."""
        order = sorted(self._scopes, key=lambda scope: (scope in _COMMON, scope is Scope.LISTS))
        with Box("Keys", "↑ ↓ scroll · Esc leaves"):
            yield TextPane(line for at, scope in enumerate(order) for line in _section(scope, at))


_COMMON = (Scope.EVERYWHERE, Scope.LISTS)


def _section(scope: Scope, at: int) -> Iterator[Line]:
    if at:
        yield ()
    yield ((scope.value, "heading"),)
    for verb in verbs(scope):
        yield (cell(" ".join(key_names(verb)), _KEY_WIDTH, "key"), (verb.help, "text"))
