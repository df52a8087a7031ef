"""A terminal that goes on whether it is shown or not."""

import asyncio
import time
from collections.abc import Callable

from cc4tui.ports import Terminal
from cc4tui.screens.terminal.emulator import Emulator


LEAST, MOST = 256, 4096
"""Bytes that are taken at once: a millisecond of work if they are text, twenty if line ends."""
TURN, REST = 0.004, 3
"""Seconds of work after which the app has its turn, and for how many times as long at least."""
FASTEST, SLOWEST = 1 / 30, 1 / 10
"""Seconds between two looks at what changed, by what the last one cost; what comes after silence is
shown at once."""


class TerminalSession:
    """One program at its terminal; see `cc4tui.ports.Terminal`.

    Args:
        terminal: The program.
        run: The run whose task it was opened for.
        task: That task.
    """

    def __init__(self, terminal: Terminal, run: str, task: str) -> None:
        self.terminal = terminal
        self.run = run
        self.task = task
        self.emulator = Emulator(terminal.write, terminal.resize)
        self.watcher: Callable[[], None] | None = None
        """Told of every change while somebody looks."""
        self.over = False
        """Whether the program is gone and what it changed is saved."""
        self.told = ""
        """What became of what it changed."""
        self._due: asyncio.TimerHandle | None = None
        self._shown = self._delay = 0.0

    async def work(self) -> None:
        """Take what the program writes until it has ended.

        A program that writes more than is taken waits, as it would for any terminal.
        """
        spent, bite = 0.0, LEAST
        while data := await self.terminal.read(bite):
            begin = time.thread_time()
            self.emulator.feed(data)
            self._changed()
            took = time.thread_time() - begin
            spent += took
            bite = min(max(int(len(data) * TURN / max(took, 1e-6)), LEAST), MOST)
            rest = REST * spent if spent > TURN else 0.0
            spent = 0.0 if rest else spent
            await asyncio.sleep(rest)
        self.told = await self.terminal.ended()
        self.over = True
        self._changed()

    def _changed(self) -> None:
        """Tell whoever looks, now or when it is time again."""
        if self.watcher is not None and self._due is None:
            loop = asyncio.get_running_loop()
            now = loop.time()
            when = max(self._shown + self._delay, now)
            self._due = loop.call_at(when, self._tell, when)

    def _tell(self, when: float) -> None:
        self._due, self._shown = None, asyncio.get_running_loop().time()
        self._delay = min(max(FASTEST, 2 * (self._shown - when)), SLOWEST)
        if self.watcher is not None:
            self.watcher()
