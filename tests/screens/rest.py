"""When the app has done all that it began by itself; Textual's pilot only guesses that.

The pilot takes a process that uses no processor for one that has nothing to do. On a busy machine a
process that waits for its turn looks the same: the test goes on, and presses a key or looks at the
screen before the app is there. Here it is asked of the event loop instead.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import textual.app
import textual.pilot
from textual._context import active_app
from textual.app import App
from textual.message_pump import MessagePump
from textual.timer import Timer
from textual.widgets import Input, TextArea


SOON = 0.2
"""Seconds: what the app does by itself that soon is waited for; a toast that fades is not."""
LIMIT = 5.0
"""Seconds after which a test goes on, as what is waited for may be held back by the test itself."""
PASSES = 3
"""Turns of the event loop in which nothing was left to do: one more asks the selector again."""


def watch_rest(monkeypatch: Any) -> None:
    """Let `pilot.pause`, `press`, `click` and pictures wait until the app is at rest.

    Cursors do not blink: half of all pictures would be without them on a machine that is busy.
    """
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda self: None)
    threads = Threads()
    monkeypatch.setattr(asyncio, "to_thread", threads.run)

    async def wait(min_sleep: float = 0, max_sleep: float = 0) -> None:
        """Takes the place of `textual._wait.wait_for_idle`."""
        await rest(active_app.get(), threads)

    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", wait)


class Threads:
    """Counts the works that are in other threads."""

    def __init__(self) -> None:
        self.busy = 0
        self._to_thread = asyncio.to_thread

    async def run(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Like `asyncio.to_thread`."""
        self.busy += 1
        try:
            return await self._to_thread(work, *args, **kwargs)
        finally:
            self.busy -= 1


async def rest(app: App[Any], threads: Threads) -> None:
    """Wait until no task can go on, no thread works, no timer is due soon, and all is painted."""
    ready: Any = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    deadline = time.monotonic() + LIMIT
    quiet = 0
    while quiet < PASSES and time.monotonic() < deadline:
        await asyncio.sleep(0)
        if ready:
            quiet = 0
        elif threads.busy or any(map(_is_due, _timers(app))):
            quiet = 0
            await asyncio.sleep(0.01)
        elif not _paint(app):
            quiet += 1
        else:
            quiet = 0


def _paint(app: App[Any]) -> bool:
    """Do now what the screen would do at its next frame; False when there was nothing."""
    if not app.is_running or app._batch_count:
        return False
    screen = app.screen
    if not (
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    ):
        return False
    screen._on_timer_update()
    return True


def _timers(app: App[Any]) -> Iterator[Timer]:
    pumps: list[MessagePump] = [app]
    for screen in app.screen_stack if app.is_running else ():
        pumps += screen.walk_children(with_self=True)
    for pump in pumps:
        yield from list(pump._timers)


def _is_due(timer: Timer) -> bool:
    """Whether it fires once, and soon."""
    pending = timer._task is not None and not timer._task.done() and timer._active.is_set()
    return pending and timer._repeat == 0 and timer._interval <= SOON
