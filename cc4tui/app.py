"""Puts the screens on a runtime: the only module that knows both."""

import asyncio
import contextlib
import faulthandler
import gc
import select
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.runtime import Runtime


if TYPE_CHECKING:
    from cc4tui.screens.app import CommandCenterApp


NOTICE_SECONDS = 60.0
"""How long it is shown what the person must know of the state."""
TERMINAL_SECONDS = 1.0
"""How often it is looked whether the terminal is still there."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    gc.disable()  # imports make no garbage; `_make_ready` has it looked for again
    # Git answers meanwhile; whoever imports a module that is being imported waits for it.
    Thread(target=import_module, args=("cc4tui.screens.app",)).start()
    return asyncio.run(_run(start, plan))


async def _run(start: Path, plan: str | None) -> int:
    def tell(sentence: str) -> None:
        text = clean_line(sentence, 1000)
        app.notify(text, severity="warning", timeout=NOTICE_SECONDS, markup=False)

    async with Runtime.open(start, tell=tell) as runtime:
        from cc4tui.screens.app import CommandCenterApp
        from cc4tui.screens.options import Notify, StartOptions

        notify = Notify(runtime.config.app.notify)
        app = CommandCenterApp(runtime, StartOptions(plan=plan, notify=notify))
        unfit: list[Cc4tuiError] = []
        with Leaving(runtime, app).listening() as leaving, _crashes_told(runtime):
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(_watch_terminal(leaving.leave)),
                    group.create_task(_make_ready(runtime, app, unfit)),
                ]
                await app.run_async()
                for task in beside:
                    task.cancel()
            await leaving.finish()
        if unfit:
            raise unfit[0]
    if leaving.received:
        return 128 + leaving.received
    return app.return_code or 0


class Leaving:
    """Every way out of the app: the first signal closes it, and what it ran is stopped and saved;
    a further one gives agents no time to end by themselves, but their work is saved all the same.
    """

    def __init__(self, runtime: Runtime, app: "CommandCenterApp") -> None:
        self._runtime = runtime
        self._app = app
        self._closed = False
        self._hurry = asyncio.Event()
        self.received: signal.Signals | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator["Leaving"]:
        """Answer signals, until the block is left."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.leave, number)
        try:
            yield self
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    def leave(self, number: signal.Signals) -> None:
        """A signal came, or the terminal went."""
        if self._closed or self.received is not None:
            self._hurry.set()
        if not self._closed:
            self.received = self.received or number
            self._app.exit()

    async def finish(self) -> None:
        """Stop what still runs, once the terminal is the person's again."""
        self._closed = True
        run = self._runtime.active_run
        if run is None:
            return
        _say(f"stopping run {run}: agents end and their work is saved; Ctrl-C: give them no time")
        why = self.received.name if self.received else "cc4tui was closed"
        async with asyncio.TaskGroup() as group:
            hurrying = group.create_task(self._stop_at_once(why))
            await self._runtime.stop(why)
            hurrying.cancel()
        _say(f"stopped run {run}; continue it with: cc4tui resume {run}")

    async def _stop_at_once(self, why: str) -> None:
        await self._hurry.wait()
        _say("stopping at once: agents get no time to end by themselves")
        await self._runtime.stop(why, at_once=True)


def _say(sentence: str) -> None:
    """To whoever still listens: the terminal may be gone."""
    with contextlib.suppress(OSError, ValueError):
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def _crashes_told(runtime: Runtime) -> Iterator[None]:
    """Have the interpreter write down where it was when it breaks without a word."""
    path = runtime.paths.folder / "crashes.log"
    with path.open("a") as file:
        path.chmod(0o600)
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()


async def _make_ready(runtime: Runtime, app: "CommandCenterApp", unfit: list[Cc4tuiError]) -> None:
    """Open the database and import the rest behind the first frame; leave when that fails."""
    await app.painted.wait()
    gc.enable()  # the app keeps what is there by now from being looked at
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
