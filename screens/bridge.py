"""Between the bus and the screens: folds events into a run model, one message per frame at most."""

import asyncio
from collections.abc import Callable

from textual.message import Message

from cc4tui.errors import Cc4tuiError
from cc4tui.events import AgentOutput, Event, PlanChanged, RunFinished, RunStarted
from cc4tui.ports import CommandCenter
from cc4tui.screens.execution.fold import fold, settle
from cc4tui.screens.execution.model import RunModel


FRAME = 1 / 20
"""Seconds between two messages, at least."""
FRAME_PER_TASK = 20e-6
"""Seconds that a frame of a large run is longer, for each of its tasks."""
TRUTH_SECONDS = 5.0
"""Silence of a running run after which its records are asked: a process that died tells nothing."""
_PAGE = 1000
_LOOK_BACK = 20
"""Newest runs that are looked at to say whether something is to be checked."""


class RunBridge:
    """Keeps the model of one run: the one that is shown.

    Args:
        center: Where runs and events come from.
        post: Takes the messages; a widget's `post_message`.
    """

    class Moved(Message, bubble=False):
        """The shown run is another one, or it moved on."""

        def __init__(self, model: RunModel) -> None:
            super().__init__()
            self.model = model

    class Failed(Message, bubble=False):
        """A run cannot be shown; the sentence says why."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    class Checking(Message, bubble=False):
        """What a dead process left is being put right; no state of a run is certain yet."""

    class Checked(Message, bubble=False):
        """From now on states are certain; the sentence says what was done, if anything."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    def __init__(self, center: CommandCenter, post: Callable[[Message], object]) -> None:
        self._center = center
        self._post = post
        self._model: RunModel | None = None
        self._wanted: str | None = None
        """Run to show instead of the present one."""
        self._pending: list[Event] = []
        self._news = asyncio.Event()

    def show(self, run_id: str) -> None:
        """Show another run, or read this one again."""
        self._wanted = run_id
        self._news.set()

    async def work(self) -> None:
        """Listen and tell, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._tell())

    async def _listen(self) -> None:
        async for event in self._center.subscribe():
            if isinstance(event, AgentOutput):
                continue
            if isinstance(event, RunStarted) and self._is_free_for(event.run):
                self._wanted = event.run
            self._pending.append(event)
            self._news.set()

    def _is_free_for(self, run_id: str) -> bool:
        """Whether a run that starts is shown at once: nothing else goes on here."""
        if self._model is None or self._model.is_over:
            return self._wanted is None
        return self._model.run.id == run_id

    async def _check(self) -> None:
        """Show nothing of a run before it is certain what became of those that were cut off."""
        newest = await self._center.journal.runs(_LOOK_BACK)
        if any(run.finished is None and run.id != self._center.active_run for run in newest):
            self._post(self.Checking())
        sentence = ""
        try:
            sentence = await self._center.reconcile()
        except Cc4tuiError as error:
            self._post(self.Failed(str(error)))
        self._post(self.Checked(sentence))

    async def _tell(self) -> None:
        await self._check()
        while True:
            try:
                await asyncio.wait_for(self._news.wait(), TRUTH_SECONDS)
            except TimeoutError:
                if self._model is None or self._model.is_over:
                    continue
                self._wanted = self._wanted or self._model.run.id
            self._news.clear()
            try:
                await self._frame()
            except Cc4tuiError as error:
                self._post(self.Failed(str(error)))
            tasks = len(self._model.tasks) if self._model is not None else 0
            await asyncio.sleep(max(FRAME, tasks * FRAME_PER_TASK))

    async def _frame(self) -> None:
        if self._wanted is not None:
            run_id, self._wanted = self._wanted, None
            await self._load(run_id)
        elif self._model is not None:
            await self._advance(self._model)

    async def _load(self, run_id: str) -> None:
        """Read a run from the journal; what comes meanwhile waits and is folded in afterwards."""
        same = self._model is not None and self._model.run.id == run_id
        model = await self._read_events(run_id, self._model if same else None)
        view = await self._center.run_view(run_id)
        attempts = await self._center.journal.attempts(run_id)
        self._publish(fold(settle(model, view, attempts), self._take()))

    async def _advance(self, model: RunModel) -> None:
        events = self._take()
        mine = [event for event in events if event.run == model.run.id]
        stored = [event.seq for event in mine if event.seq > model.seq]
        if stored and min(stored) > model.seq + 1:
            missed = await self._read_events(model.run.id, model)
            assert missed is not None
            model = missed
        if any(isinstance(event, RunFinished | PlanChanged) for event in mine):
            self.show(model.run.id)  # the records tell how it ended, and of tasks that joined
        if mine:
            self._publish(fold(model, mine))

    async def _read_events(self, run_id: str, model: RunModel | None) -> RunModel | None:
        after = 0 if model is None else model.seq
        while events := await self._center.journal.events(run_id, after, _PAGE):
            model = fold(model, events)
            after = events[-1].seq
        return model

    def _take(self) -> list[Event]:
        events, self._pending = self._pending, []
        return events

    def _publish(self, model: RunModel | None) -> None:
        if model is not None:
            self._model = model
            self._post(self.Moved(model))
