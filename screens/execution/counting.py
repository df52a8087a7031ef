"""Counts the lines that tasks changed: git is asked when something has happened, and seldom."""

import asyncio
import logging
import time
from collections.abc import Callable

from cc4tui.errors import Cc4tuiError
from cc4tui.ports import CommandCenter


_log = logging.getLogger(__name__)

AGAIN_SECONDS = 10.0
"""After which what an agent wrote may have changed its lines enough to count again."""
REST_SECONDS = 1.0
"""Between two counts of whatever tasks, at least."""
TIMES = 10
"""Times as long as a count took, until the next one: counting is a tenth of the time at most."""


class LineCounter:
    """Knows the lines of the tasks that are shown.

    Args:
        center: Counts.
        told: Called when there is another count.
    """

    def __init__(self, center: CommandCenter, told: Callable[[str], None]) -> None:
        self._center = center
        self._told = told
        self._run = ""
        self._counts: dict[str, tuple[int, int]] = {}
        self._known: dict[str, object] = {}
        """What was seen of a task when it was last asked for."""
        self._when: dict[str, float] = {}
        self._due: dict[str, None] = {}
        self._news = asyncio.Event()
        self._rest = REST_SECONDS

    def lines(self, task: str) -> tuple[int, int] | None:
        """Lines that came and went; None when that is not known."""
        return self._counts.get(task)

    def look(self, run: str, task: str, state: object) -> None:
        """A task is shown; it is counted when its state is another one than before."""
        if run != self._run:
            self._run = run
            for known in (self._counts, self._known, self._when, self._due):
                known.clear()
        if self._known.get(task) != state:
            self._known[task] = state
            self._ask(task)

    def wrote(self, task: str) -> None:
        """Its agent said something: it may have changed files."""
        if time.monotonic() - self._when.get(task, 0.0) >= AGAIN_SECONDS:
            self._ask(task)

    def _ask(self, task: str) -> None:
        self._due[task] = None
        self._news.set()

    async def work(self) -> None:
        """Count what is due, one after the other, until cancelled."""
        while True:
            await self._news.wait()
            if not self._due:
                self._news.clear()
                continue
            task, run = next(iter(self._due)), self._run
            del self._due[task]
            begin = time.monotonic()
            found = await self._count(run, task)
            now = self._when[task] = time.monotonic()
            if run == self._run and found != self._counts.get(task):
                if found is None:
                    del self._counts[task]
                else:
                    self._counts[task] = found
                self._told(task)
            await asyncio.sleep(max(self._rest, TIMES * (now - begin)))

    async def _count(self, run: str, task: str) -> tuple[int, int] | None:
        try:
            return await self._center.task_lines(run, task)
        except Cc4tuiError as error:  # `d` tells it to whoever wants to know
            _log.info("the lines of %s cannot be counted: %s", task, error)
            return None
