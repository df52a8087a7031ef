"""What agents of a run wait for, from its events; and answers on their way between processes."""

from collections.abc import Mapping
from typing import Any

from cc4tui.domain.agent import Answer
from cc4tui.events import AttemptFinished, RequestAnswered, RequestOpened
from cc4tui.ports import Decision, Journal, OpenRequest


async def open_requests(journal: Journal, run: str) -> list[OpenRequest]:
    """Requests without an answer whose attempt has not ended, oldest first."""
    found: dict[str, OpenRequest] = {}
    after = 0
    while events := await journal.events(run, after):
        after = events[-1].seq
        for event in events:
            match event:
                case RequestOpened():
                    found[event.request] = _request(event)
                case RequestAnswered():
                    found.pop(event.request, None)
                case AttemptFinished():
                    ended = event.task, event.attempt
                    found = {
                        name: one for name, one in found.items() if (one.task, one.attempt) != ended
                    }
    return list(found.values())


def to_data(decision: Decision) -> dict[str, Any]:
    """A decision as the table of requests holds it."""
    return {
        "request": decision.request,
        "allow": decision.allow,
        "text": decision.text,
        "always": decision.always,
        "rule": decision.rule,
    }


def from_data(data: Mapping[str, Any]) -> Decision:
    """The decision of another process, perhaps of another version: what is odd counts as no."""
    return Decision(
        request=str(data.get("request", "")),
        allow=data.get("allow") is True,
        text=str(data.get("text", "")),
        always=str(data.get("always", "")),
        rule=str(data.get("rule", "")),
    )


def answer_of(decision: Decision) -> Answer:
    """What the agent gets to know of it."""
    return Answer(decision.allow, decision.text)


def _request(event: RequestOpened) -> OpenRequest:
    return OpenRequest(
        run=event.run,
        task=event.task or "",
        attempt=event.attempt or 0,
        name=event.request,
        kind=event.kind,
        tool=event.tool,
        summary=event.summary,
        details=event.details,
        choices=tuple(event.choices),
        rule=event.rule,
        since=event.ts,
    )
