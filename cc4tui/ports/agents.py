"""What the pipeline needs of an agent's backend."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cc4tui.domain.agent_spec import AgentSpec


if TYPE_CHECKING:
    from cc4tui.domain.agent import AgentEvent, AgentJob, AgentResult, Answer, ExitStatus, Launch


class AgentStream(Protocol):
    """Decodes one attempt's output; never lets a malformed line stop it."""

    needs_output: bool
    """False: `finish` concludes the same without having been fed; a flood need not be decoded."""

    def feed(self, data: bytes) -> "Iterable[AgentEvent]":
        """Decode the next bytes of standard output; lines may be cut anywhere and be megabytes."""

    def finish(self, exit_status: "ExitStatus", stderr_tail: str) -> "AgentResult":
        """Conclude after the last byte. `stderr_tail`: the last 4 KB of standard error."""


@runtime_checkable
class Conversation(Protocol):
    """An AgentStream of an agent that also listens on its standard input while it works.

    It only ever says what is to be written there; who reads the output and who writes the input is
    not its business, so the same holds for an agent that is taken over after a restart.
    """

    survives: bool
    """Whether its agent can go on when nobody talks to it any more."""

    def outgoing(self) -> bytes:
        """What standard input is to get now; asked for at the start and after every `feed`."""

    @property
    def over(self) -> bool:
        """Nothing more will be said to it: standard input is to be closed."""

    def say(self, text: str) -> None:
        """A message of the person, as soon as the agent takes one."""

    def answer(self, ref: str, answer: "Answer") -> None:
        """The answer to what it asked; unknown or withdrawn requests are passed over."""

    def interrupt(self) -> None:
        """End what it is doing now; with a message before or after, it goes on with that."""


class AgentBackend(Protocol):
    """Drives one kind of agent program; holds no state of a task.

    One that can go on in a copy of a session (`AgentJob.copy_session`) has
    `copies_sessions = True`; one that has a screen of its own is also a `ScreenBackend`.
    """

    driver: str

    def check(self, spec: AgentSpec) -> str | None:
        """Why this agent cannot be used here, as a sentence with the way out; None = it can."""

    def launch(self, spec: AgentSpec, job: "AgentJob") -> "Launch":
        """How to start it for this job."""

    def stream(self, spec: AgentSpec, job: "AgentJob") -> AgentStream:
        """A decoder for its output."""


@runtime_checkable
class ScreenBackend(Protocol):
    """An AgentBackend whose agent can go on in a session with a person, on a screen of its own."""

    session_in_folder: bool
    """Whether it finds a session only where that began."""

    def on_screen(self, spec: AgentSpec, session: str) -> "Launch":
        """How to start it for that, at a terminal."""
