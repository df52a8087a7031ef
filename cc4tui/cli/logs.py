"""`cc4tui logs` and `diff`: what an agent said, and what it changed."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cc4tui.cli.output import moment, note, say, write_bytes
from cc4tui.cli.session import Session, examples, pass_session
from cc4tui.domain.agent import (
    AgentEvent,
    BackingOff,
    LimitReached,
    ProblemMet,
    SessionStarted,
    StderrSaid,
    TextSaid,
    ThinkingSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.run import AttemptRecord
from cc4tui.domain.text import clean, clean_line
from cc4tui.errors import NotFoundError
from cc4tui.services.agents.output import FileTail


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime

FOLLOW_SECONDS = 0.2


@click.command(
    epilog=examples(
        "cc4tui logs r-7f3 2.1",
        "cc4tui logs r-7f3 2.1 --follow",
        "cc4tui logs r-7f3 2.1 --attempt 1 --raw > out.jsonl",
    )
)
@click.argument("run")
@click.argument("task")
@click.option("--attempt", type=click.IntRange(min=1), help="Default: the newest.")
@click.option("--follow", is_flag=True, help="Go on until the attempt ends.")
@click.option("--raw", is_flag=True, help="The agent's standard output, byte for byte.")
@pass_session
def logs(
    session: Session, run: str, task: str, attempt: int | None, follow: bool, raw: bool
) -> None:
    """Print what an agent said and did."""

    async def work(center: "Runtime") -> None:
        record = await center.find_run(run)
        found = await _attempt(center, record.id, task, attempt)
        reader = _RawReader(center, found) if raw else _EventReader(center, found)
        await _copy(center, found, reader, follow=follow)

    session.run(work)


async def _attempt(center: "Runtime", run: str, task: str, number: int | None) -> AttemptRecord:
    view = await center.run_view(run)
    if task not in {known.task for known in view.tasks}:
        ids = clean_line(", ".join(known.task for known in view.tasks), 300)
        raise NotFoundError(f"run {run} has no task {clean_line(task)!r}; it has: {ids}")
    attempts = await center.journal.attempts(run, task)
    if not attempts:
        raise NotFoundError(f"task {clean_line(task)} of run {run} has not been attempted yet")
    if number is None:
        return attempts[-1]
    for attempt in attempts:
        if attempt.attempt == number:
            return attempt
    raise NotFoundError(
        f"task {clean_line(task)} of run {run} has no attempt {number}; the last is"
        f" {attempts[-1].attempt}"
    )


async def _copy(
    center: "Runtime", attempt: AttemptRecord, reader: "_RawReader | _EventReader", *, follow: bool
) -> None:
    """Write what there is; with `follow` until the attempt has ended and all of it was read."""
    while True:
        ended = not follow or await _ended(center, attempt)
        while await reader.copy():
            pass
        if ended:
            return
        await asyncio.sleep(FOLLOW_SECONDS)


async def _ended(center: "Runtime", attempt: AttemptRecord) -> bool:
    for known in await center.journal.attempts(attempt.run, attempt.task):
        if known.attempt == attempt.attempt:
            return known.finished is not None or known.outcome is not None
    return True


class _EventReader:
    """Decoded output, one cleaned line or more per event."""

    def __init__(self, center: "Runtime", attempt: AttemptRecord) -> None:
        self._reader = center.agent_output(attempt.run, attempt.task, attempt.attempt)

    async def copy(self) -> bool:
        """Write what came; False when nothing did."""
        events = await self._reader.read()
        for event in events:
            text = event_text(event)
            if text:
                say(text)
        return bool(events)


class _RawReader:
    """The bytes of the attempt's file; cleaned only where a terminal would obey them."""

    def __init__(self, center: "Runtime", attempt: AttemptRecord) -> None:
        self._folder = Path(attempt.folder)
        self._tail = FileTail(self._folder / "out")
        self._mask = center.redactor.stream()

    async def copy(self) -> bool:
        """Write the next piece; False when there is none."""
        ended = (self._folder / "ended").exists()  # asked first: nothing comes after it
        read = await asyncio.to_thread(self._tail.read, over=False)
        data = self._mask.feed(read, over=ended and not read)
        if not data:
            return False
        if sys.stdout.isatty():
            say(clean(data.decode("utf-8", "replace")).rstrip("\n"))
        else:
            write_bytes(data)
        return True


def event_text(event: AgentEvent) -> str | None:
    """An event as a person reads it in a log; None for what has no text."""
    match event:
        case TextSaid(text=text) | StderrSaid(text=text):
            return clean(text).rstrip("\n")
        case ThinkingSaid(text=text):
            return _marked("~", text)
        case ToolCalled():
            return f"> {clean_line(event.summary or event.name, 400)}"
        case ToolReturned(text=text):
            return _marked(" " if event.ok else "!", text)
        case BackingOff():
            how_long = f" {event.seconds:.0f} s" if event.seconds else ""
            return f"* waits{how_long}: {clean_line(event.reason)}"
        case LimitReached():
            return f"* limit reached{_until(event)}: {clean_line(event.reason)}"
        case ProblemMet():
            return f"* problem ({event.code.value}): {clean_line(event.reason)}"
        case SessionStarted():
            model = f", model {clean_line(event.model)}" if event.model else ""
            return f"* session {clean_line(event.session)}{model}"
        case _:
            return None


def _until(event: LimitReached) -> str:
    if event.until is None:
        return ""
    return f" until {moment(datetime.fromtimestamp(event.until, UTC))}"


def _marked(mark: str, text: str) -> str | None:
    lines = clean(text).strip("\n").split("\n")
    return "\n".join(f"{mark} {line}".rstrip() for line in lines) if any(lines) else None


@click.command(epilog=examples("cc4tui diff r-7f3 2.1", "cc4tui diff r-7f3 2.1 | git apply"))
@click.argument("run")
@click.argument("task")
@pass_session
def diff(session: Session, run: str, task: str) -> None:
    """Print what a task changed, as a unified diff."""

    async def work(center: "Runtime") -> str:
        record = await center.find_run(run)
        return await center.task_diff(record.id, task, exact=not sys.stdout.isatty())

    text = session.run(work)
    if not text.strip():
        note(f"task {clean_line(task)} changed nothing")
    elif sys.stdout.isatty():
        say(clean(text).rstrip("\n"))
    else:
        write_bytes(text.encode("utf-8", "surrogateescape"))
