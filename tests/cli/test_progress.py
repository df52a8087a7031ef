"""Every event as a line for people: short, clean, and only where it matters."""

import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui import events
from cc4tui.cli.output import counted, duration, iso, print_json, say, table
from cc4tui.cli.progress import Narrator
from cc4tui.cli.runs import row
from cc4tui.cli.wording import counts_text, limit_text
from cc4tui.domain.run import TaskRunRecord, TaskRunState
from cc4tui.events import Event


WHEN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
HOSTILE = "x\x1b]52;c;AAAA\x07\x1b[2J\x9b6n\u202e[@click=app.quit]y[/]\nz\x00"


@pytest.fixture
def narrate() -> Callable[[Event], list[str]]:
    def run(*told: Event) -> list[str]:
        lines: list[str] = []
        narrator = Narrator(lines.append)
        narrator.learn({"1.1": "Config loader"})
        for event in told:
            narrator.tell(event)
        return [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in lines]

    return run


def task(kind: type[Event], **values: Any) -> Event:
    return kind(run="r-1", task="1.1", attempt=1, seq=1, ts=WHEN, **values)


def test_a_run_from_its_start_to_its_end(narrate: Callable[..., list[str]]) -> None:
    started = events.RunStarted(
        run="r-1", plan="p.md", base="0123456789abcdef", branch="cc4/r-1/merged", target="main",
        workers=4, mode="worktree", agent="claude",
        tasks=[{"id": "2.1", "title": "Cache"}], ts=WHEN, seq=1,
    )  # fmt: skip
    merged = events.TaskMerged(run="r-1", task="2.1", commit="c" * 40, merged_as="d" * 40, ts=WHEN)
    finished = events.RunFinished(
        run="r-1", status="partly_failed", counts={"failed": 1, "landed": 2}, target="main",
        landed=True, reason="", seconds=75.2, efficiency=0.913, ts=WHEN,
    )  # fmt: skip
    assert narrate(started, merged, finished) == [
        (
            "run r-1 of p.md: 1 task, 4 workers, agent claude, worktree mode,"
            " from 0123456789, lands on main"
        ),
        "merged    2.1 Cache: dddddddddd",
        "run r-1 partly failed after 1:15: 2 landed, 1 failed on main, efficiency 0.91",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (task(events.TaskReady), None),
        (task(events.TaskLanded, target="main"), None),
        (task(events.TaskStateChanged, state="merging"), None),
        (task(events.TaskCommitted, commit="c", branch="b"), None),
        (task(events.TaskVerified, passed=True), None),
        (
            task(
                events.TaskVerified,
                passed=False,
                commands=[{"command": "a", "exit_code": 0}, {"command": "b", "exit_code": 2}],
            ),
            "checks    1.1 Config loader: `b` ended with 2",
        ),
        (
            task(events.TaskFailed, reason_code="timeout", reason="took too long"),
            "failed    1.1 Config loader: took too long (timeout)",
        ),
        (
            task(events.TaskBlocked, by="1.0", reason=""),
            "blocked   1.1 Config loader: by 1.0",
        ),
        (
            task(events.TaskSkipped, reason="done in abc"),
            "skipped   1.1 Config loader: done in abc",
        ),
        (
            task(events.TaskCancelled, reason="asked for"),
            "cancelled 1.1 Config loader: asked for",
        ),
        (
            task(events.TaskNoChange, reason="nothing changed"),
            "no change 1.1 Config loader: nothing changed",
        ),
        (
            task(events.MergeConflict, files=["a.py"], with_tasks=["1.2"]),
            "conflict  1.1 Config loader: a.py (with 1.2)",
        ),
        (
            task(
                events.AttemptFinished,
                outcome="timed_out",
                reason_code="timeout",
                reason="60 s",
                exit_code=None,
                retry_in=5.0,
            ),
            "retrying  1.1 Config loader: timed out: 60 s; again in 5.0 s",
        ),
        (
            task(
                events.AttemptFinished,
                outcome="failed",
                reason_code="agent",
                reason="no",
                exit_code=1,
            ),
            None,
        ),
        (
            task(
                events.AttemptFinished,
                outcome="failed",
                reason_code="quota",
                reason="no",
                exit_code=1,
                retry_in=90.0,
            ),
            None,
        ),
        (
            task(events.TaskParked, agent="claude", reason="hit it", until="soon"),
            "parked    1.1 Config loader: hit it; claude goes on at soon",
        ),
        (
            events.RunPaused(run="r-1", reason="quota", until="15:40"),
            "paused: quota until 15:40",
        ),
        (
            events.SetupStarted(
                run="r-1",
                task="1.1",
                worktree="/w",
                commands=[{"command": "uv sync"}, {"command": "make"}],
            ),
            "sets up   1.1 Config loader: uv sync; make",
        ),
        (
            events.BudgetWarned(run="r-1", task="1.1", reason="nearly used up"),
            "budget    1.1 Config loader: nearly used up",
        ),
        (events.RunResumed(run="r-1", reason="continued"), "resumed: continued"),
        (
            events.PlanChanged(run="r", added=["1.9"], changed=[], removed=["1.2"], applied=True),
            "plan edited: 1.9 added; 1.2 removed",
        ),
        (
            events.PlanChanged(
                run="r", added=[], changed=["1.1"], removed=[], applied=False, reason="a cycle"
            ),
            "plan edited: 1.1 changed; held back: a cycle",
        ),
        (
            events.RunRecovered(run="r-1", done=3, adopted=1, retried=2),
            "recovered: 3 done, 1 adopted, 2 to retry",
        ),
    ],
)
def test_lines(narrate: Callable[..., list[str]], event: Event, line: str | None) -> None:
    assert narrate(event) == ([] if line is None else [line])


def test_a_second_attempt_says_so(narrate: Callable[..., list[str]]) -> None:
    first = events.AttemptStarted(
        run="r", task="1.1", attempt=1, agent="claude", model=None, worktree="w", pid=1, folder="f"
    )
    second = dataclasses.replace(first, attempt=2)
    assert narrate(first, second) == [
        "started   1.1 Config loader: claude",
        "started   1.1 Config loader: claude, attempt 2",
    ]


def hostile(kind: type[Event]) -> Event:
    """The event with hostile text wherever text can be."""
    values: dict[str, Any] = {}
    for item in dataclasses.fields(kind):
        match str(item.type):
            case kind_ if "str" in kind_ and "list" not in kind_ and "dict" not in kind_:
                values[item.name] = HOSTILE
            case kind_ if kind_ == "list[str]":
                values[item.name] = [HOSTILE]
            case _ if item.type is bool:
                values[item.name] = False
            case _:
                continue
    numbers = {"workers": 1, "seconds": 1.0, "efficiency": 1.0, "exit_code": 1, "offset": 0}
    numbers |= {"done": 0, "adopted": 0, "retried": 0, "pid": 1, "retry_in": 1.0, "cost_usd": 1.0}
    numbers |= {"input_tokens": 1, "cached_input_tokens": 1, "output_tokens": 1}
    known = {item.name for item in dataclasses.fields(kind)}
    values |= {key: value for key, value in numbers.items() if key in known}
    values |= {"counts": {}} if "counts" in known else {}
    if "commands" in known:
        values["commands"] = [{"command": HOSTILE, "exit_code": 1}]
    return kind(**values)


KINDS = [kind for kind in Event.__subclasses__() if kind.__module__ == "cc4tui.events"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_event_carries_an_escape_to_the_terminal(kind: type[Event]) -> None:
    lines: list[str] = []
    narrator = Narrator(lines.append)
    narrator.learn({HOSTILE: HOSTILE})
    narrator.tell(hostile(kind))
    for line in lines:
        assert line.isprintable()
        assert "\u202e" not in line


def test_counts_are_in_one_order_and_complete() -> None:
    every = dict.fromkeys((state.value for state in TaskRunState), 1)
    assert set(counts_text(every).replace("1 ", "").split(", ")) == set(every)
    assert counts_text({"failed": 1, "landed": 10, "blocked": 0}) == "10 landed, 1 failed"
    assert counts_text({}) == "no task"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.6, "60 s"), (61, "1:01"),
     (3600, "1:00:00"), (3725, "1:02:05")],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_counted() -> None:
    assert [counted(n, "task") for n in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]


def test_times_are_utc_in_json() -> None:
    assert iso(WHEN) == "2026-11-21T10:00:00.000Z"
    assert iso(None) is None


def test_tables_align_and_clean(capsys: pytest.CaptureFixture[str]) -> None:
    table([("a", "b\x1b[31m", 1), ("long", HOSTILE, 22)], ("X", "Y", "Z"))
    lines = capsys.readouterr().out.splitlines()
    assert len({line.rindex(last) for line, last in zip(lines, ("Z", "1", "22"), strict=True)}) == 1
    assert all(line.isprintable() for line in lines)
    table([], ("X",))
    assert capsys.readouterr().out == ""


@given(st.text())
def test_json_is_one_ascii_line(text: str) -> None:
    written: list[str] = []

    class Sink:
        def write(self, data: str) -> None:
            written.append(data)

        def flush(self) -> None:
            return

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", Sink())
        print_json({"text": text, "when": WHEN, "tuple": ("a",)})
        say("end")
    line = "".join(written).removesuffix("end\n")
    assert line.isascii()
    assert line.count("\n") == 1


def test_a_parked_task_tells_in_status_when_it_goes_on() -> None:
    until = datetime.now(UTC) + timedelta(seconds=125)
    task = TaskRunRecord(
        "r-1", "1.1", 0, "T", "1", TaskRunState.READY, agent="claude", reason="hit it", until=until
    )
    told = row(task)[-1]
    assert told.startswith("claude goes on at ")
    assert re.search(r"\(in 2:0\d\); hit it$", told)
    assert row(dataclasses.replace(task, until=until - timedelta(hours=1)))[-1] == "hit it"


def test_a_limit_of_days_is_told_with_its_date() -> None:
    soon, late = (datetime.now(UTC) + timedelta(hours=hours, seconds=30) for hours in (1, 100))
    assert re.fullmatch(r"a goes on at \d\d:\d\d \(in 1:00:\d\d\)", limit_text("a", soon))
    assert re.fullmatch(
        r"a goes on at \d{4}-\d\d-\d\d .* \(in 100:00:\d\d\)", limit_text("a", late)
    )
