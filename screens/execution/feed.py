"""What an agent said and did, as lines of a log: tool calls folded, reasoning dimmed."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cc4tui.domain import agent as a
from cc4tui.domain.text import clean, clean_line
from cc4tui.ports import OutputNote, OutputReader, OutputSize
from cc4tui.screens.execution.edits import edit_lines
from cc4tui.screens.glyphs import sign
from cc4tui.screens.widgets.log_source import MemorySource


_RESET = "\x1b[0m"
_DIM, _RED, _YELLOW, _CYAN, _BOLD = (
    "\x1b[0;2m",
    "\x1b[0;31m",
    "\x1b[0;33m",
    "\x1b[0;36m",
    "\x1b[0;1m",
)
_ACTIONS = (a.ToolCalled, a.BackingOff, a.LimitReached, a.ProblemMet)
"""What a pane's heading tells of."""
_WORDS = (a.TextSaid, a.StderrSaid)
_FAILURE_LINES = 4
"""Lines that are shown of a tool's failure; of a success it is one."""
_PIECES_PER_PULL = 8
"""Reads of the agent's files in one turn, 256 KiB each, so that a flood leaves time for keys."""


Mark = tuple[int, datetime | None]
"""Offset in a text, and when the text before it was said."""


def when_said(marks: Sequence[Mark], offset: int) -> datetime | None:
    """When the text at an offset was said; None when that is not known."""
    at = bisect_right(marks, offset, key=lambda mark: mark[0])
    return marks[at][1] if at < len(marks) else None


class Calls:
    """Where the tool calls of a log stand: a place in it leads to its call.

    A call's number is its place among all calls of the attempt: agents use an id twice.
    """

    def __init__(self) -> None:
        self.count = 0
        self._open: dict[str, int] = {}
        """Numbers of calls whose result has not come."""
        self._places: list[tuple[int, int, int]] = []
        """Begin, end and number of what tells of a call, or of its result."""

    def note(self, event: a.ToolCalled | a.ToolReturned, begin: int, end: int) -> None:
        """What stands between these offsets tells of the call."""
        if isinstance(event, a.ToolCalled):
            number: int | None = self.count
            self._open[event.call], self.count = self.count, self.count + 1
        else:
            number = self._open.pop(event.call, None)
        if number is not None and begin < end:
            self._places.append((begin, end, number))

    def at(self, offset: int) -> int | None:
        """The call of which is told there."""
        begin, end, number = self._before(offset)
        return number if begin <= offset < end else None

    def before(self, offset: int) -> int | None:
        """The call of which is told there, or last before."""
        begin, _, number = self._before(offset)
        return number if begin >= 0 else None

    def _before(self, offset: int) -> tuple[int, int, int]:
        at = bisect_right(self._places, offset, key=lambda place: place[0])
        return self._places[at - 1] if at else (-1, -1, -1)


Call = tuple[a.ToolCalled, a.ToolReturned | None]
"""A tool call, and its result if there is one yet."""


async def read_call(reader: OutputReader, number: int) -> Call | None:
    """A call of an attempt and its result; nothing is kept of results, so it is read again.

    Args:
        reader: From the begin of the attempt's output.
        number: Place of the call among all calls.
    """
    found: a.ToolCalled | None = None
    seen = -1
    while events := await reader.read():
        for event in events:
            if found is None and isinstance(event, a.ToolCalled):
                seen += 1
                found = event if seen == number else None
            elif isinstance(event, a.ToolReturned) and found and event.call == found.call:
                return found, event
    return None if found is None else (found, None)


class Feed:
    """Turns one attempt's events into the text of a log view.

    Text goes in as the agent wrote it, colours and all: the log view takes out what is not text.

    Args:
        reader: Decodes the attempt's output.
        until: Nothing after that is read; None = all, and what comes.
        notes: When the agent had written how much, to know when it said what; None = nobody asks.
    """

    def __init__(
        self,
        reader: OutputReader,
        until: OutputSize | None = None,
        notes: Sequence[OutputNote] | None = None,
    ) -> None:
        self.marks: list[Mark] | None = None if notes is None else []
        """When the text was said; None where nobody asked for that."""
        self._notes = deque(notes or ())
        self._until = until
        self._is_past = not notes
        """Whether what is read now was said nobody knows when."""
        self.source = MemorySource()
        self.last_action = ""
        """What the agent did last, in one line; of one that only writes, its last line."""
        self._acts = False
        """Whether it tells what it does."""
        self.calls = Calls()
        """Where the tool calls stand in the text."""
        self.todos: tuple[a.Todo, ...] = ()
        """The list that the agent keeps for itself."""
        self.finished = False
        """Whether the agent said that it is finished."""
        self.waits = 0.0
        """Seconds that it said it waits for its model, when it has said nothing since."""
        self._reader = reader

    def has_news(self) -> bool:
        """Whether a pull might find something."""
        return self._is_past or bool(self._notes) or self._reader.has_news()

    async def pull(self) -> bool:
        """Take what came since the last call; True when there was something."""
        for piece in range(_PIECES_PER_PULL):
            if self._notes:
                self._reader.reach(self._notes[0][1])
            events = await self._reader.read()
            if events:
                self.take(events)
                self._mark()
            elif self._notes:
                self._notes.popleft()
                if not self._notes:
                    self._reader.reach(self._until)
            else:
                self._is_past = False
                return piece > 0
        return True

    def _mark(self) -> None:
        """Note when the newest text was said."""
        if self.marks is not None:
            when = self._notes[0][0] if self._notes else None
            now = None if self._is_past else datetime.now(UTC)
            self.marks.append((self.source.size(), when or now))

    def take(self, events: Sequence[a.AgentEvent]) -> None:
        """Append these events."""
        lines: list[str] = []
        said = (e for e in reversed(events) if not isinstance(e, a.StderrSaid | a.UsageReported))
        if (newest := next(said, None)) is not None:
            self.waits = newest.seconds if isinstance(newest, a.BackingOff) else 0.0
        for event in events:
            if isinstance(event, a.TextSaid):
                lines.append(event.text)
                continue
            self.finished = self.finished or isinstance(event, a.AgentFinished)
            written = list(self._write(event))
            if isinstance(event, a.ToolCalled | a.ToolReturned):
                self._append(lines)
                lines, begin = [], self.source.size()
                self._append(written)
                self.calls.note(event, begin, self.source.size())
            else:
                lines += written
            if isinstance(event, _ACTIONS) and written:
                self._acts = True
                self.last_action = clean_line(written[0].strip(), 200)
        if not self._acts:
            words = (last_line(it.text) for it in reversed(events) if isinstance(it, _WORDS))
            self.last_action = next(filter(None, words), self.last_action)
        self._append(lines)

    def _append(self, lines: Sequence[str]) -> None:
        if lines:
            self.source.append("\n".join(lines) + "\n")

    def _write(self, event: a.AgentEvent) -> Iterable[str]:
        if isinstance(event, a.TodosChanged):
            before, self.todos = self.todos, event.todos
            return _todos(
                event, whole=[it.text for it in before] != [it.text for it in event.todos]
            )
        write = _WRITERS.get(type(event))
        return () if write is None else write(event)


def last_line(text: str) -> str:
    """The last line that is not empty; of one that was drawn over, what was drawn last."""
    for line in reversed(text[-2000:].splitlines()):
        if found := clean_line(line.rstrip("\r").rpartition("\r")[2].strip(), 200):
            return found
    return ""


def _stderr(event: a.StderrSaid) -> Iterable[str]:
    yield f"{_RED}{event.text}{_RESET}"


def _thinking(event: a.ThinkingSaid) -> Iterable[str]:
    for line in clean(event.text).strip().splitlines():
        yield f"{_DIM}\x1b[3m{line}{_RESET}"


def _tool(event: a.ToolCalled) -> Iterable[str]:
    name, _, about = clean_line(event.summary or event.name, 400).partition(" ")
    yield f"{_CYAN}{sign('▸', '>')} {_BOLD}{name}{_RESET} {about}"
    yield from edit_lines(event)


def _result(event: a.ToolReturned) -> Iterable[str]:
    lines = [line for line in clean(event.text).splitlines() if line.strip()]
    if event.ok:
        if lines:
            yield f"  {_DIM}{sign('└', '-')} {lines[0]}{_more(len(lines) - 1)}{_RESET}"
        return
    first, *rest = lines or ["failed"]
    yield f"  {_RED}{sign('✗', 'x')} {first}{_RESET}"
    for line in rest[: _FAILURE_LINES - 1]:
        yield f"    {_RED}{line}{_RESET}"
    if len(rest) >= _FAILURE_LINES:
        yield f"   {_DIM}{_more(len(rest) - _FAILURE_LINES + 1)}{_RESET}"


def _more(lines: int) -> str:
    return f" {sign('…', '...')} +{lines} line{'' if lines == 1 else 's'}" if lines > 0 else ""


def todo_mark(todo: a.Todo) -> str:
    """Done, at it, or to do."""
    if todo.done:
        return sign("☑", "x")
    return sign("▶", ">") if todo.active else sign("☐", "-")


def _todos(event: a.TodosChanged, *, whole: bool) -> Iterable[str]:
    done = sum(todo.done for todo in event.todos)
    now = next((todo.text for todo in event.todos if todo.active), "")
    doing = f"  now: {clean_line(now, 200)}" if now else ""
    yield f"{_DIM}{sign('☑', '+')} {done} of {len(event.todos)} steps done{doing}{_RESET}"
    for todo in event.todos if whole else ():
        yield f"  {_DIM}{todo_mark(todo)} {clean_line(todo.text, 400)}{_RESET}"


def _session(event: a.SessionStarted) -> Iterable[str]:
    model = f" with {clean_line(event.model, 80)}" if event.model else ""
    yield f"{_DIM}session {clean_line(event.session, 80)}{model}{_RESET}"


def _backing_off(event: a.BackingOff) -> Iterable[str]:
    wait = f" for {event.seconds:.0f} s" if event.seconds else ""
    yield f"{_YELLOW}{sign('↻', '~')} waits{wait}: {clean_line(event.reason, 400)}{_RESET}"


def _limit(event: a.LimitReached) -> Iterable[str]:
    until = "" if event.until is None else _clock_time(event.until)
    yield f"{_YELLOW}{sign('⏸', '=')} limit{until}: {clean_line(event.reason, 400)}{_RESET}"


def _clock_time(stamp: float) -> str:
    try:
        return f" until {datetime.fromtimestamp(stamp).astimezone():%H:%M}"
    except (ValueError, OverflowError, OSError):  # an agent may report anything
        return ""


def _problem(event: a.ProblemMet) -> Iterable[str]:
    yield f"{_RED}{sign('✗', 'x')} {clean_line(event.reason, 800)}{_RESET}"


_WRITERS: dict[type[a.AgentEvent], Callable[[Any], Iterable[str]]] = {
    a.StderrSaid: _stderr,
    a.ThinkingSaid: _thinking,
    a.ToolCalled: _tool,
    a.ToolReturned: _result,
    a.SessionStarted: _session,
    a.BackingOff: _backing_off,
    a.LimitReached: _limit,
    a.ProblemMet: _problem,
    a.LoginNeeded: _problem,
    a.ContextExhausted: _problem,
}
