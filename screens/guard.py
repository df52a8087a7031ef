"""Work that may fail runs here, off the key press: its error becomes one sentence on the screen."""

import logging
import weakref
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.worker import Worker

from cc4tui.domain.text import clean
from cc4tui.errors import Cc4tuiError


_log = logging.getLogger(__name__)


def attempt(
    node: DOMNode, work: Coroutine[Any, Any, None], *, group: str = "default", latest: bool = False
) -> Worker[None]:
    """Run `work` beside the screen; it ends when `node` is removed.

    Args:
        node: Whose work it is.
        work: What to do; a Cc4tuiError is shown, any other error is shown and logged.
        group: Works of the same kind.
        latest: Cancel what still runs of the same group, as its result is out of date.
    """
    guarded: Callable[[], Coroutine[None, None, None]] = partial(_guarded, node.app, work)
    worker: Worker[None] = node.run_worker(guarded, group=group, exclusive=latest)
    # A worker that is cancelled before its first step leaves its coroutine unawaited.
    weakref.finalize(worker, work.close)
    return worker


async def _guarded(app: App[Any], work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Cc4tuiError as error:
        tell(app, str(error), severity="error")
    except Exception as error:
        _log.exception("A screen's work failed")
        tell(app, f"Unexpected {type(error).__name__}: {error}", severity="error")


def tell(app: App[Any], sentence: str, severity: str = "information") -> None:
    """Show a sentence that may hold data: never markup, never an escape.

    Args:
        app: Where.
        sentence: What.
        severity: "information", "warning" or "error".
    """
    level = severity if severity in ("warning", "error") else "information"
    app.notify(clean(sentence), severity=level, markup=False)  # type: ignore[arg-type]
