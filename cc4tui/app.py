"""Puts the screens on a runtime: the only module that knows both."""

import asyncio
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.runtime import Runtime
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.options import StartOptions


NOTICE_SECONDS = 60.0
"""How long it is shown what the person must know of the state."""
TERMINAL_SECONDS = 1.0
"""How often it is looked whether the terminal is still there."""


def run_app(start: Path, plan: str | None = None) -> int:
    """Open the app and wait until it is left; what runs is then stopped with its work saved.

    Args:
        start: Any folder of the repository.
        plan: A plan to start at once.

    Raises:
        UnfitError: there is nothing to open at `start`.

    Returns:
        0, or 128 + the number of the signal that ended it; a lost terminal counts as SIGHUP.
    """
    return asyncio.run(_run(start, plan))


async def _run(start: Path, plan: str | None) -> int:
    received: list[signal.Signals] = []

    def tell(sentence: str) -> None:
        text = clean_line(sentence, 1000)
        app.notify(text, severity="warning", timeout=NOTICE_SECONDS, markup=False)

    async with Runtime.open(start, tell=tell) as runtime:
        app = CommandCenterApp(runtime, StartOptions(plan=plan))

        def leave(number: signal.Signals) -> None:
            received.append(number)
            app.exit()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, leave, number)
        unfit: list[Cc4tuiError] = []
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(_watch_terminal(leave)),
                group.create_task(_make_ready(runtime, app, unfit)),
            ]
            await app.run_async()
            for task in beside:
                task.cancel()
        if unfit:
            raise unfit[0]
    if received:
        return 128 + received[0]
    return app.return_code or 0


async def _make_ready(runtime: Runtime, app: CommandCenterApp, unfit: list[Cc4tuiError]) -> None:
    """Open the database and import the rest behind the first frame; leave when that fails."""
    await app.painted.wait()
    try:
        await runtime.ready()
    except Cc4tuiError as error:
        unfit.append(error)
        app.exit()


async def _watch_terminal(leave: Callable[[signal.Signals], None]) -> None:
    """Leave when the terminal is gone and nobody sent SIGHUP: no session of its own, a lost link.

    Textual's input thread reads end-of-file from such a terminal for ever, at full speed.
    """
    poll = select.poll()
    poll.register(sys.__stdin__ or 0, 0)  # no events asked for: only a hangup is told
    while True:
        if any(told & select.POLLHUP for _, told in poll.poll(0)):
            leave(signal.SIGHUP)
            return
        await asyncio.sleep(TERMINAL_SECONDS)
