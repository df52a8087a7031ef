"""Follows a run of this process to its end: its events out, the person's signals in."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING

from cc4tui.cli.output import OutputClosedError, note, print_json, say
from cc4tui.cli.progress import Narrator
from cc4tui.domain.run import TaskRunState
from cc4tui.errors import ExitCode
from cc4tui.events import AgentOutput, Event
from cc4tui.ports import RunView


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DONE = frozenset({TaskRunState.LANDED, TaskRunState.SKIPPED})


class Reporter:
    """Tells events: JSON lines on standard output, or lines for people."""

    def __init__(self, *, as_json: bool, with_output: bool) -> None:
        self.with_output = with_output
        self._as_json = as_json
        self.narrator = Narrator(note if as_json else say)
        self._closed = False

    def tell(self, event: Event) -> None:
        """Tell one event; once nobody reads any more, the run goes on untold."""
        if self._closed or (isinstance(event, AgentOutput) and not self.with_output):
            return
        try:
            if self._as_json:
                print_json(event.to_dict())
            if not (self._as_json and isinstance(event, AgentOutput)):
                self.narrator.tell(event)
        except OutputClosedError:
            self._closed = True
            note("cc4tui: nobody reads the output any more; the run goes on")


class Stopper:
    """The person's signals: the first stops the run cleanly, a second one gives agents no time.

    Work is saved in either case, and the end of the run is waited for.

    Args:
        detach: Agents are left to work on instead.
    """

    def __init__(self, center: "Runtime", group: asyncio.TaskGroup, *, detach: bool) -> None:
        self._center = center
        self._group = group
        self._detach = detach
        self._begun = False
        self.received: signal.Signals | None = None

    def __enter__(self) -> "Stopper":
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._receive, number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    async def wait(self, run: str) -> None:
        """Wait for the end of the run, which has begun."""
        self._begun = True
        if self.received is not None:
            self._stop(self.received, at_once=False)
        await self._center.wait(run)

    def _receive(self, number: signal.Signals) -> None:
        again = self.received is not None
        self.received = self.received or number
        if self._detach:
            note("detaching: agents work on without this program")
        elif again:
            note("stopping at once: agents get no time to end by themselves")
        else:
            note("stopping: agents end and their work is saved; once more: give them no time")
        if self._begun:
            self._stop(number, at_once=again)

    def _stop(self, number: signal.Signals, *, at_once: bool) -> None:
        if self._detach:
            self._group.create_task(self._center.leave(number.name))
            return
        self._group.create_task(self._center.stop(number.name, at_once=at_once))


async def conduct(
    center: "Runtime",
    begin: Callable[[], Awaitable[str]],
    reporter: Reporter,
    *,
    detach: bool = False,
) -> int:
    """Begin a run, tell its events, stop it on a signal.

    Args:
        center: What the run belongs to.
        begin: Starts or continues the run and returns its id.
        reporter: Gets every event of the run that happens from now on.
        detach: A signal leaves the run's agents working.

    Returns:
        The exit code of docs/cli.md.
    """
    async with asyncio.TaskGroup() as group:
        stream = aiter(center.subscribe())
        first = group.create_task(_next(stream))
        await asyncio.sleep(0)  # lets `first` subscribe before anything can happen
        with Stopper(center, group, detach=detach) as stopper:
            run = await begin()
            view = await center.run_view(run)
            reporter.narrator.learn({task.task: task.title for task in view.tasks})
            follower = Follower(run, reporter)
            following = group.create_task(follower.follow(first, stream))
            await stopper.wait(run)
            following.cancel()
        await follower.catch_up(center)
        view = await center.run_view(run)
    if stopper.received is not None:
        note(f"{'left' if detach else 'stopped'} run {run}; continue it with: cc4tui resume {run}")
        return 128 + stopper.received
    return exit_code(view)


async def _next(stream: AsyncIterator[Event]) -> Event:
    return await anext(stream)


class Follower:
    """Tells a run's events live; what was not told when it ends comes from the journal."""

    def __init__(self, run: str, reporter: Reporter) -> None:
        self._run = run
        self._reporter = reporter
        self._told = 0

    async def follow(self, first: asyncio.Task[Event], rest: AsyncIterator[Event]) -> None:
        """Tell `first` and what follows it, for ever."""
        self._tell(await first)
        async for event in rest:
            self._tell(event)

    async def catch_up(self, center: "Runtime") -> None:
        """Tell what is stored but was not told yet."""
        while events := await center.journal.events(self._run, self._told) if self._told else []:
            for event in events:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        if event.run != self._run or 0 < event.seq <= self._told:
            return
        self._told = max(self._told, event.seq)
        self._reporter.tell(event)


def exit_code(view: RunView) -> ExitCode:
    """0 only if the target holds everything that was asked for."""
    landed = all(task.state in DONE for task in view.tasks)
    return ExitCode.OK if landed else ExitCode.NOT_LANDED
