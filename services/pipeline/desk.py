"""Where the requests of a run's agents lie until somebody, or a rule, has answered them."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cc4tui.domain.agent import Answer, Asked
from cc4tui.events import RequestAnswered, RequestOpened
from cc4tui.services.agents.redaction import Redactor
from cc4tui.services.pipeline.recorder import Recorder
from cc4tui.services.pipeline.rules import RuleBook, rule_for


READ_ONLY = "this agent may look at everything but change nothing"
NOBODY = "nobody is here to ask; decide yourself and go on"


@dataclass(frozen=True, slots=True)
class _Open:
    """A request that waits."""

    task: str
    attempt: int
    asked: Asked
    answer: Callable[[str, Answer], None]


class Desk:
    """The requests of one run.

    Args:
        run: Its id.
        recorder: Stores and tells what is asked and answered.
        books: Rules that answer by themselves: those of the run, then those of the repository.
        redactor: Masks secrets in what is asked.
    """

    def __init__(
        self, run: str, recorder: Recorder, books: Sequence[RuleBook], redactor: Redactor
    ) -> None:
        self._run = run
        self._recorder = recorder
        self._books = books
        self._redactor = redactor
        self._open: dict[str, _Open] = {}

    async def ask(
        self,
        task: str,
        attempt: int,
        policy: str,
        asked: Asked,
        answer: Callable[[str, Answer], None],
    ) -> None:
        """Answer by the agent's policy or a rule; else keep it for a person.

        Args:
            answer: Takes the agent's own id of the request, and the answer.
        """
        decided = self._by_policy(policy, asked) or self._by_rule(asked)
        if decided is not None:
            answer(asked.ref, decided)
            return
        request = self._unused_name()
        self._open[request] = _Open(task, attempt, asked, answer)
        event = RequestOpened(
            run=self._run,
            task=task,
            attempt=attempt,
            request=request,
            kind=asked.kind,
            tool=asked.tool,
            summary=self._redactor.text(asked.summary),
            details=self._redactor.text(_details(asked)),
            choices=[self._redactor.text(choice) for choice in asked.choices],
            rule=rule_for(asked),
        )
        await self._recorder.write(events=[event])

    async def answer(
        self, request: str, answer: Answer, *, always: str = "", rule: str = ""
    ) -> None:
        """What a person decided.

        Args:
            request: Its name; one that does not wait any more is passed over.
            answer: Yes or no.
            always: ``run`` or ``repository`` makes a rule of a yes.
            rule: That rule; empty = the narrowest that fits.
        """
        found = self._open.pop(request, None)
        if found is None:
            return
        made = (rule or rule_for(found.asked)) if always and answer.allow else ""
        if made:
            self._books[0 if always == "run" else 1].add(made)
        await self._settled(request, found, answer, "person")
        if made:
            await self._answer_like()

    async def withdraw(self, task: str, attempt: int, ref: str) -> None:
        """The agent no longer waits for it."""
        for request, found in list(self._open.items()):
            if (found.task, found.attempt, found.asked.ref) == (task, attempt, ref):
                del self._open[request]
                await self._tell(request, found, "withdrawn", "agent")

    async def forget(self, task: str, attempt: int) -> None:
        """The attempt has ended: nobody waits any more."""
        for request, found in list(self._open.items()):
            if (found.task, found.attempt) == (task, attempt):
                del self._open[request]
                await self._tell(request, found, "withdrawn", "agent")

    def _by_policy(self, policy: str, asked: Asked) -> Answer | None:
        question = asked.kind == "question"
        match policy:
            case "yolo":
                return Answer(not question, NOBODY if question else "")
            case "read-only" if question:
                return Answer(False, NOBODY)
            case "read-only":
                return Answer(not asked.changes, READ_ONLY if asked.changes else "")
            case "accept-edits" if asked.edits and not question:
                return Answer(True)
        return None

    def _by_rule(self, asked: Asked) -> Answer | None:
        if asked.kind == "question":
            return None
        return Answer(True) if any(book.allows(asked) for book in self._books) else None

    async def _answer_like(self) -> None:
        """A new rule answers what waits already."""
        for request, found in list(self._open.items()):
            if (decided := self._by_rule(found.asked)) is not None:
                del self._open[request]
                await self._settled(request, found, decided, "rule")

    async def _settled(self, request: str, found: _Open, answer: Answer, by: str) -> None:
        """Told first, so that it is stored before the agent acts on it."""
        word = "allowed" if answer.allow else "denied"
        if found.asked.kind == "question" and answer.allow:
            word = "answered"
        await self._tell(request, found, word, by)
        found.answer(found.asked.ref, answer)

    async def _tell(self, request: str, found: _Open, decision: str, by: str) -> None:
        event = RequestAnswered(
            run=self._run,
            task=found.task,
            attempt=found.attempt,
            request=request,
            decision=decision,
            by=by,
        )
        await self._recorder.write(events=[event])

    def _unused_name(self) -> str:
        while (name := secrets.token_hex(2)) in self._open:
            pass
        return name


def _details(asked: Asked) -> str:
    """Everything that the agent says about it, a line per argument."""
    return "\n".join(f"{key}: {value}" for key, value in asked.arguments.items())[:8000]
