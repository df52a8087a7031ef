"""What an agent asks, and the answers to that."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from cc4tui.ports import CommandCenter, Decision, OpenRequest
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.dialogs.requests import ONE, Chosen, RequestsDialog
from cc4tui.screens.lines import Line
from cc4tui.screens.widgets.typed import CleanInput


LOOK, DENY, ALLOW, RUN, REPOSITORY, WORDS, SEVERAL = "l", "d", "a", "r", "R", "w", "s"
SEVERAL_KEYS = (
    (ALLOW, "allow"),
    (RUN, "allow in this run"),
    (REPOSITORY, "allow in this repository"),
    (DENY, "deny"),
)
_ALWAYS = {ALLOW: "", RUN: "run", REPOSITORY: "repository"}
MOST_CHOICES = 5

Show = Callable[[Dialog[Any]], Awaitable[Any]]


class RequestDialog(ChoiceDialog):
    """Shows one request whole; answers with a key of `decision`.

    Args:
        request: What is asked.
        more: How many wait behind it.
    """

    DEFAULT_CSS = """
    RequestDialog TextPane { max-height: 8; }
    """

    def __init__(self, request: OpenRequest, more: int) -> None:
        choices = [*(_answers(request) if request.kind == "question" else _permissions(request))]
        if more:
            choices.append(Choice(SEVERAL, f"See all {more + 1}", "answer several at once"))
        behind = f" · {more} more behind it" if more else ""
        super().__init__(f"{request.task} waits for you{behind}", _lines(request), choices)


class WordsDialog(Dialog[str]):
    """A line of text for the agent.

    Args:
        title: What it answers.
    """

    AUTO_FOCUS: ClassVar[str] = "CleanInput"

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """A field in its frame."""
        with Box(self._title, "Enter sends · Esc leaves"):
            yield CleanInput()

    @on(CleanInput.Submitted)
    def _sent(self, event: CleanInput.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())


def decision(request: OpenRequest, key: str, words: str = "") -> Decision:
    """What the person chose."""
    if key.isdigit():
        return Decision(request.name, allow=True, text=request.choices[int(key) - 1])
    if key == WORDS:
        question = request.kind == "question"
        return Decision(request.name, allow=question, text=words)
    return Decision(request.name, allow=key != DENY, always=_ALWAYS.get(key, ""))


async def answer_waiting(show: Show, center: CommandCenter) -> OpenRequest | None:
    """Ask the person about one request after the other; the one they want to look at, if any.

    Args:
        show: Shows a dialog and gives its answer.
        center: Whose agents ask.
    """
    wanted = ""
    while waiting := await center.open_requests():
        request = next((one for one in waiting if one.name == wanted), waiting[0])
        key = await show(RequestDialog(request, len(waiting) - 1))
        if key is None or key == LOOK:
            return request if key == LOOK else None
        if key == SEVERAL:
            chosen: Chosen | None = await show(RequestsDialog(waiting, SEVERAL_KEYS))
            wanted = chosen.requests[0].name if chosen and chosen.key == ONE else ""
            if chosen is not None and not wanted:
                told = await _answer_all(center, chosen)
                if told is None or not await _answered(center, told):
                    return None
            continue
        words = await show(WordsDialog(f"Tell {request.task}")) if key == WORDS else ""
        if words is None:
            continue
        await center.answer(request.run, decision(request, key, words))
        if not await _answered(center, request):
            return None
    return None


async def _answered(center: CommandCenter, request: OpenRequest) -> bool:
    """False when its run goes on in another process, which answers in a moment."""
    return all(one.name != request.name for one in await center.open_requests(request.run))


async def _answer_all(center: CommandCenter, chosen: Chosen) -> OpenRequest | None:
    """The same answer for all; a question can only be left without one. The last that got it."""
    last: OpenRequest | None = None
    for one in chosen.requests:
        open_now = await center.open_requests(one.run)  # a rule may have answered it just now
        fits = one.kind != "question" or chosen.key == DENY
        if fits and any(one.name == other.name for other in open_now):
            lasting = bool(one.rule) and chosen.key in (RUN, REPOSITORY)
            key = chosen.key if lasting or chosen.key == DENY else ALLOW
            await center.answer(one.run, decision(one, key))
            last = one
    return last


def _permissions(request: OpenRequest) -> Iterator[Choice]:
    yield Choice(ALLOW, "Allow", "this once")
    if request.rule:
        yield Choice(RUN, "Allow in this run", f"always: {request.rule}")
        yield Choice(REPOSITORY, "Allow in this repository", "in later runs too")
    yield Choice(DENY, "Deny", "the agent goes on without it")
    yield Choice(WORDS, "Deny and say why", "the agent reads it")
    yield Choice(LOOK, "Look at the agent first", "it waits")


def _answers(request: OpenRequest) -> Iterator[Choice]:
    for number, choice in enumerate(request.choices[:MOST_CHOICES], 1):
        yield Choice(f"{number}", choice)
    yield Choice(WORDS, "Answer in words", "")
    yield Choice(DENY, "Do not answer", "the agent decides by itself")
    yield Choice(LOOK, "Look at the agent first", "it waits")


def _lines(request: OpenRequest) -> Iterator[Line]:
    yield ((request.summary, "title"),)
    if request.details:
        yield ()
    for line in request.details.splitlines():
        yield ((line, "text"),)
