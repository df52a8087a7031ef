"""What the backends of all agent command lines share: find the program, start it, pass its keys."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from cc4tui.domain.agent import AgentJob, Launch
from cc4tui.domain.agent_spec import POLICIES, AgentSpec
from cc4tui.ports import AgentStream
from cc4tui.services.agents.environment import defaults, job_environment
from cc4tui.services.agents.program import command_line, missing, search_path


class CliBackend(ABC):
    """One process per attempt: the prompt on standard input, JSON lines on standard output."""

    driver: ClassVar[str]
    """Also the program's name, unless the agent's configuration gives a command."""
    package: ClassVar[str]
    """Its npm package."""
    least_version: ClassVar[tuple[int, int, int]]
    """The oldest one that knows the options that are used here."""
    login_hint: ClassVar[str]
    """How to log in, as the end of a sentence."""
    login_question: ClassVar[tuple[str, ...]] = ()
    """Arguments with which it says whether it is logged in, without asking a model."""
    needs_login: ClassVar[bool] = True
    """Whether it cannot work without one."""
    passes: ClassVar[tuple[str, ...]]
    """Variables of the person that it needs."""
    defaults: ClassVar[Mapping[str, str]] = {}
    """Variables it gets when the person has not set them."""
    stdin: ClassVar[str] = "prompt"
    """As `Launch.stdin`; ``pipe`` if its stream is a Conversation."""
    policies: ClassVar[tuple[str, ...]] = POLICIES
    """Those of POLICIES that it can keep."""
    copies_sessions: ClassVar[bool] = False
    """Whether it can go on in a copy of a session."""
    session_in_folder: ClassVar[bool] = False
    """Whether it finds a session only where that began."""
    screen: ClassVar[str]
    """Its argument before the id of a session, to go on in it with a person."""
    interrupt_seconds: ClassVar[float]
    """How long it needs to end its own commands after SIGINT."""

    def __init__(self, person: Mapping[str, str] = os.environ) -> None:
        self._person = person

    def check(self, spec: AgentSpec) -> str | None:
        """Whether the program is installed, and can do what is asked of it."""
        if spec.policy not in self.policies:
            return (
                f'the agent {spec.name} cannot work with policy "{spec.policy}" without a screen;'
                f" choose one of: {', '.join(self.policies)}"
            )
        program = spec.command[0] if spec.command else self.driver
        gone = missing(program, search_path(spec, self._person), self.install)
        if gone is not None or not self.is_plain(spec):
            return gone
        return self.refuses(spec)

    @property
    def install(self) -> str:
        """How to get it, as the end of a sentence."""
        return f"install it with: npm install -g {self.package}"

    def is_plain(self, spec: AgentSpec) -> bool:
        """Whether it is the program itself that is started, and no wrapper around it."""
        return not spec.command or (
            len(spec.command) == 1 and Path(spec.command[0]).name == self.driver
        )

    def refuses(self, spec: AgentSpec) -> str | None:
        """Why it would refuse to work as it is configured here."""
        return None

    def login(self, spec: AgentSpec) -> str | None:
        """The variable or file that it is probably logged in by; None = there is no sign."""
        return None

    def says_logged_out(self, answer: str) -> bool:
        """Whether its answer to `login_question` means that it is not logged in."""
        return "not logged in" in answer.lower()

    def launch(self, spec: AgentSpec, job: AgentJob) -> Launch:
        """A call that needs nobody to answer."""
        return Launch(
            argv=(*command_line(spec, self._person, self.driver), *self.options(spec, job)),
            env=job_environment(job) | defaults(spec, self._person, self.defaults),
            stdin=self.stdin,
            passes=(*self.passes, *self.more_passes()),
            interrupt_seconds=self.interrupt_seconds,
        )

    def on_screen(self, spec: AgentSpec, session: str) -> Launch:
        """A call at a terminal; the person answers, so it may do no more than it asks for."""
        command = command_line(spec, self._person, self.driver)
        return Launch(
            argv=(*command, self.screen, session),
            env=defaults(spec, self._person, self.defaults),
            passes=(*self.passes, *self.more_passes()),
            interrupt_seconds=self.interrupt_seconds,
        )

    def more_passes(self) -> tuple[str, ...]:
        """Variables that only the person's own configuration of the program names."""
        return ()

    @abstractmethod
    def options(self, spec: AgentSpec, job: AgentJob) -> list[str]:
        """Arguments after the program, those of the configuration included."""

    @abstractmethod
    def stream(self, spec: AgentSpec, job: AgentJob) -> AgentStream:
        """A decoder of its JSON lines."""
