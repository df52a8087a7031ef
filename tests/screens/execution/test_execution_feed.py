"""What agents say and do, as lines."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from cc4tui.domain import agent as a
from cc4tui.domain.text import clean
from cc4tui.screens.execution.feed import Feed, read_call
from cc4tui.screens.execution.pane import PATIENCE, AgentPane
from cc4tui.screens.widgets.ansi import Pen, read_line


class Reader:
    """Hands out prepared portions."""

    def __init__(self, *portions: Sequence[a.AgentEvent]) -> None:
        self.portions = list(portions)

    async def read(self) -> list[a.AgentEvent]:
        return list(self.portions.pop(0)) if self.portions else []


def lines_of(*events: a.AgentEvent) -> list[str]:
    feed = Feed(Reader())
    feed.take(events)
    return clean(feed.source.read(0, 10**6).decode()).splitlines()


def pen_of(event: a.AgentEvent) -> Pen:
    feed = Feed(Reader())
    feed.take([event])
    spans, _ = read_line(feed.source.read(0, 10**6).decode().splitlines()[0])
    return spans[-1][1]


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (a.TextSaid("one\ntwo"), ["one", "two"]),
        (a.StderrSaid("warning"), ["warning"]),
        (a.ThinkingSaid("  first\nsecond\n"), ["first", "second"]),
        (a.ToolCalled("1", "Edit", {}, "Edit api/limits.py"), ["▸ Edit api/limits.py"]),
        (a.ToolCalled("1", "Bash"), ["▸ Bash "]),
        (a.ToolReturned("1", True, "3 passed"), ["  └ 3 passed"]),
        (a.ToolReturned("1", True, "3 passed\nmore\n\nand more"), ["  └ 3 passed … +2 lines"]),
        (a.ToolReturned("1", True, ""), []),
        (a.ToolReturned("1", False, ""), ["  ✗ failed"]),
        (
            a.ToolReturned("1", False, "a\nb\nc\nd\ne\nf"),
            ["  ✗ a", "    b", "    c", "    d", "    … +2 lines"],
        ),
        (a.SessionStarted("abc", "sonnet"), ["session abc with sonnet"]),
        (a.BackingOff(12.4, "overloaded"), ["↻ waits for 12 s: overloaded"]),
        (a.BackingOff(0, "overloaded"), ["↻ waits: overloaded"]),
        (a.LimitReached("5 hours", None), ["⏸ limit: 5 hours"]),
        (a.LimitReached("5 hours", 1e300), ["⏸ limit: 5 hours"]),
        (a.ProblemMet("401"), ["✗ 401"]),
        (
            a.TodosChanged((a.Todo("x", True), a.Todo("y", False, True))),
            ["☑ 1 of 2 steps done  now: y", "  ☑ x", "  ▶ y"],
        ),
        (a.FileChanged("a.py"), []),
        (a.AgentFinished(True), []),
        (a.UsageReported(a.TokenUsage()), []),
    ],
)
def test_an_event_as_lines(event: a.AgentEvent, lines: list[str]) -> None:
    assert lines_of(event) == lines


def test_reasoning_is_dim_and_errors_are_red() -> None:
    assert pen_of(a.ThinkingSaid("hm")).has(2)
    assert pen_of(a.StderrSaid("boom")).ink == 1
    assert pen_of(a.ToolReturned("1", True, "ok")).has(2)
    assert pen_of(a.TextSaid("plain")) == Pen()


def test_an_agents_colour_does_not_run_into_what_follows() -> None:
    feed = Feed(Reader())
    feed.take([a.TextSaid("\x1b[31mred without end"), a.ToolCalled("1", "Bash", {}, "Bash ls")])
    rows = feed.source.read(0, 1000).decode().splitlines()
    _, pen = read_line(rows[0])
    spans, _ = read_line(rows[1], pen)
    assert spans[-1] == (" ls", Pen())


def test_text_keeps_progress_for_the_view_to_fold() -> None:
    feed = Feed(Reader())
    feed.take([a.TextSaid("10%\r20%\r30%")])
    assert b"\r" in feed.source.read(0, 100)


async def test_pulling_takes_everything_in_order_and_knows_the_last_action() -> None:
    call: Any = a.ToolCalled("1", "Read", {}, "Read a.py\nand more")
    feed = Feed(Reader([a.TextSaid("first")], [call], []))
    assert await feed.pull()
    assert feed.last_action == "▸ Read a.py⏎and more"
    assert not await feed.pull()
    assert clean(feed.source.read(0, 100).decode()) == "first\n▸ Read a.py⏎and more\n"


async def test_a_flood_leaves_time_for_others() -> None:
    feed = Feed(Reader(*[[a.TextSaid(str(n))] for n in range(100)]))
    await feed.pull()
    assert feed.source.size() < 100
    while await feed.pull():
        pass
    assert feed.source.read(0, 10**6).decode().split() == [str(n) for n in range(100)]


EDIT: dict[str, Any] = {"file_path": "/w/a.py", "old_string": "a\nb\nc", "new_string": "a\nB\nc"}


@pytest.mark.parametrize(
    ("name", "arguments", "lines"),
    [
        ("Edit", EDIT, ["  a", "− b", "+ B", "  c"]),
        ("edit", {"oldString": "x", "newString": "y"}, ["− x", "+ y"]),
        (
            "MultiEdit",
            {"edits": [{"old_string": "x", "new_string": ""}, "what?", {"new_string": "y"}]},
            ["− x", "+ y"],
        ),
        ("Write", {"content": "a\n" * 12}, [*["+ a"] * 8, "… +4 lines"]),
        ("Bash", {"command": "x", "content": "y"}, []),
        ("Edit", {"old_string": 3, "new_string": None}, []),
        ("Edit", {"old_str": "x" * 900, "new_str": "\x1b]52;c;x\x07y"}, [f"− {'x' * 399}…", "+ y"]),
    ],
)  # fmt: skip
def test_an_edit_is_shown_as_a_small_diff(
    name: str, arguments: dict[str, Any], lines: list[str]
) -> None:
    head, *diff = lines_of(a.ToolCalled("1", name, arguments, f"{name} a.py"))
    assert head == f"▸ {name} a.py"
    assert [line.removeprefix("  ") for line in diff] == lines


def test_a_large_edit_is_not_compared_line_by_line() -> None:
    old, new = ("\n".join(f"{side}{n}" for n in range(5000)) for side in "ab")
    diff = lines_of(a.ToolCalled("1", "Edit", {"old_string": old, "new_string": new}, "Edit a"))
    assert diff[-1] == "  … +9992 lines"


def test_the_agents_list_is_whole_only_where_it_is_another_one() -> None:
    feed = Feed(Reader())
    one, two = a.Todo("x", False, True), a.Todo("y", False)
    feed.take([a.TodosChanged((one, two))])
    before = feed.source.size()
    feed.take([a.TodosChanged((a.Todo("x", True), a.Todo("y", False, True)))])
    news = clean(feed.source.read(before, 1000).decode()).splitlines()
    assert news == ["☑ 1 of 2 steps done  now: y"]
    assert [todo.done for todo in feed.todos] == [True, False]


CALLS = [
    a.TextSaid("first"),
    a.ToolCalled("1", "Bash", {"command": "ls"}, "Bash ls"),
    a.ToolCalled("2", "Read", {}, "Read a.py"),
    a.ToolReturned("1", True, "b.py\nc.py"),
    a.TextSaid("between"),
    a.ToolCalled("1", "Bash", {"command": "pwd"}, "Bash pwd"),
]


async def test_every_line_of_a_call_and_of_its_result_leads_to_it() -> None:
    feed = Feed(Reader())
    feed.take(CALLS[:3])
    feed.take(CALLS[3:])
    found, offset = [], 0
    for line in feed.source.read(0, 10**6).decode().splitlines(keepends=True):
        found.append((clean(line).strip(), feed.calls.at(offset), feed.calls.before(offset)))
        offset += len(line.encode())
    assert found == [
        ("first", None, None),
        ("▸ Bash ls", 0, 0),
        ("▸ Read a.py", 1, 1),
        ("└ b.py … +1 line", 0, 0),
        ("between", None, 0),
        ("▸ Bash pwd", 2, 2),
    ]


async def test_a_result_is_read_again_when_somebody_asks() -> None:
    assert await read_call(Reader(CALLS[:2], CALLS[2:]), 0) == (CALLS[1], CALLS[3])
    assert await read_call(Reader(CALLS), 1) == (CALLS[2], None)
    assert await read_call(Reader(CALLS), 2) == (CALLS[5], None)
    assert await read_call(Reader(CALLS), 3) is None


class Asked:
    """In place of a feed: counts how often it was asked for news."""

    def __init__(self) -> None:
        self.times = 0
        self.is_new = False

    def has_news(self) -> bool:
        self.times += 1
        return self.is_new


def test_an_agent_that_has_long_been_silent_is_looked_at_every_third_time(
    empty_center: Any,
) -> None:
    pane, asked = AgentPane(empty_center, lambda: datetime.now(UTC)), Asked()
    pane.feed = asked  # type: ignore[assignment]
    assert not any(pane.has_news() for _ in range(PATIENCE))
    assert asked.times == PATIENCE
    assert not any(pane.has_news() for _ in range(300))
    assert asked.times == PATIENCE + 100
    asked.is_new = True
    assert any(pane.has_news() for _ in range(3))
    assert all(pane.has_news() for _ in range(5))
    asked.is_new, asked.times = False, 0
    assert not any(pane.has_news() for _ in range(PATIENCE))
    assert asked.times == PATIENCE
