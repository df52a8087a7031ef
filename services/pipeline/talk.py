"""The conversation with one running agent: what it is told, and what it asks."""

from collections import deque
from collections.abc import Callable

from cc4tui.domain.agent import Answer, Asked, AskWithdrawn
from cc4tui.ports import Conversation, Process
from cc4tui.services.pipeline.desk import Desk


class Talk:
    """Carries words between people and one agent.

    Everything that is to be said waits until `go_on`: in between, the agent's output may be being
    decoded in a thread, and the stream is no place for two.

    Args:
        stream: The agent's side.
        process: Its standard input.
        desk: Where its requests go.
        about: Task, attempt and policy, for the desk.
        adopted: It was started by an earlier process, which has said what comes first.
    """

    def __init__(
        self,
        stream: Conversation,
        process: Process,
        desk: Desk,
        about: tuple[str, int, str],
        *,
        adopted: bool = False,
    ) -> None:
        self._stream = stream
        self._process = process
        self._desk = desk
        self._task, self._attempt, self._policy = about
        self._due: deque[Callable[[], None]] = deque()
        self._closed = False
        self._unsaid: list[str] = []
        self._open: set[str] = set()
        if adopted:
            stream.outgoing()

    @property
    def survives(self) -> bool:
        """Whether the agent can go on without us."""
        return self._stream.survives

    @property
    def waits_for_person(self) -> bool:
        """Whether something it asked has no answer yet."""
        return bool(self._open)

    @property
    def closed(self) -> bool:
        """Nothing more can be said to it."""
        return self._closed

    def say(self, text: str) -> None:
        """A message of a person."""
        self._unsaid.append(text)
        self._due.append(self._say_next)

    @property
    def unsaid(self) -> tuple[str, ...]:
        """Messages that did not reach it: it ended before."""
        return tuple(self._unsaid)

    def _say_next(self) -> None:
        self._stream.say(self._unsaid.pop(0))

    def interrupt(self) -> None:
        """End what it is doing now."""
        self._due.append(self._stream.interrupt)

    def answer(self, ref: str, answer: Answer) -> None:
        """What was decided about its request."""
        self._open.discard(ref)
        self._due.append(lambda: self._stream.answer(ref, answer))

    def go_on(self) -> None:
        """Say what is due. Nothing may be decoding its output meanwhile."""
        while self._due:
            self._due.popleft()()
        if data := self._stream.outgoing():
            self._process.send(data)
        if self._stream.over and not self._closed:
            self._closed = True
            self._process.close_stdin()

    def leave(self) -> None:
        """The agent is to end by itself once its work is done."""
        self.go_on()
        self._closed = True
        self._process.close_stdin()

    async def hear(self, event: Asked | AskWithdrawn) -> None:
        """It asks, or no longer does."""
        if isinstance(event, AskWithdrawn):
            self._open.discard(event.ref)
            await self._desk.withdraw(self._task, self._attempt, event.ref)
            return
        self._open.add(event.ref)
        await self._desk.ask(self._task, self._attempt, self._policy, event, self.answer)
