"""What people told tasks while no agent listened: it waits here for their next attempt."""

from collections.abc import Sequence

from cc4tui.events import AttemptStarted, MessageSent, TaskAdded
from cc4tui.ports import Journal


class Mailbox:
    """The messages of one run that no agent has got yet."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[str]] = {}

    async def read(self, journal: Journal, run: str) -> None:
        """Find out from the events what an earlier process still had to hand over."""
        waiting: dict[str, list[tuple[int, str]]] = {}
        after = 0
        while events := await journal.events(run, after):
            after = events[-1].seq
            for event in events:
                task = event.task or ""
                if isinstance(event, MessageSent) and not event.live:
                    waiting.setdefault(task, []).append((event.attempt or 0, event.text))
                elif isinstance(event, AttemptStarted) and task in waiting:
                    number = event.attempt or 0
                    waiting[task] = [one for one in waiting[task] if one[0] >= number]
                elif isinstance(event, TaskAdded):
                    waiting.pop(event.of, None)  # it is the new task's now
        self._waiting = {task: [text for _, text in rows] for task, rows in waiting.items()}

    def put(self, task: str, text: str) -> None:
        """Keep a message."""
        self._waiting.setdefault(task, []).append(text)

    def of(self, task: str) -> tuple[str, ...]:
        """What waits for the task, oldest first."""
        return tuple(self._waiting.get(task, ()))

    def delivered(self, task: str, messages: Sequence[str]) -> None:
        """An agent has started with these."""
        self._waiting[task] = self._waiting.get(task, [])[len(messages) :]

    def take(self, task: str) -> str:
        """What waits for the task, as one text that is another's business now."""
        return "\n\n".join(self._waiting.pop(task, ()))
