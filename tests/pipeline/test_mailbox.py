"""Messages that wait for an agent survive the program that took them."""

from dataclasses import replace

from cc4tui.events import AttemptStarted, Event, MessageSent, TaskAdded
from cc4tui.services.pipeline.mailbox import Mailbox


class Told:
    """A journal of these events."""

    def __init__(self, *events: Event) -> None:
        self.rows = [replace(event, seq=number) for number, event in enumerate(events, 1)]

    async def events(self, run: str, after: int = 0, limit: int = 1) -> list[Event]:
        return self.rows[after : after + limit]


def said(text: str, attempt: int | None, *, live: bool = False) -> MessageSent:
    return MessageSent(run="r", task="1.1", attempt=attempt, text=text, live=live)


def started(attempt: int, task: str = "1.1") -> AttemptStarted:
    return AttemptStarted(
        run="r", task=task, attempt=attempt, agent="a", model=None, worktree="", pid=1, folder=""
    )


async def waiting(*events: Event) -> tuple[str, ...]:
    box, journal = Mailbox(), Told(*events)
    await box.read(journal, "r")  # type: ignore[arg-type]
    return box.of("1.1")


async def test_what_no_attempt_has_started_with_still_waits() -> None:
    first, heard = said("first", None), said("heard", 1, live=True)
    assert await waiting(first) == ("first",)
    assert await waiting(first, started(1), heard) == ()
    assert await waiting(started(1), said("later", 1), started(1, "1.2")) == ("later",)
    assert await waiting(started(1), said("later", 1), started(2)) == ()
    assert await waiting(said("in between", 1), started(1)) == ("in between",)
    added = TaskAdded(run="r", task="1.1+1", title="t", batch="1", of="1.1", kind="k", text="late")
    assert await waiting(started(1), said("late", 1), added) == ()


async def test_what_comes_while_an_attempt_is_being_started_is_not_lost() -> None:
    box = Mailbox()
    box.put("1.1", "first")
    given = box.of("1.1")
    box.put("1.1", "second")
    box.delivered("1.1", given)
    assert box.of("1.1") == ("second",)
    assert (box.take("1.1"), box.of("1.1")) == ("second", ())
