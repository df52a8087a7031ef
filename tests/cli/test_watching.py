"""`status --watch` on a terminal: drawn in place, with countdowns that run, cut to its size."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cc4tui.cli import watching
from cc4tui.cli.runs import status_lines
from cc4tui.cli.watching import Drawing, watch
from cc4tui.domain.run import ReasonCode, RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.ports import RunView


@pytest.fixture
def parked() -> RunView:
    now = datetime.now(UTC)
    run = RunRecord(
        "r-1", "p.md", "p.md", RunStatus.RUNNING, "0" * 40, "cc4/r-1/merged", "main", 1,
        "worktree", "claude", now,
    )  # fmt: skip
    task = TaskRunRecord(
        "r-1", "1.1", 0, "One", "1", TaskRunState.READY, agent="claude",
        reason="You've hit your limit", reason_code=ReasonCode.QUOTA,
        until=now + timedelta(minutes=10),
    )  # fmt: skip
    return RunView(run, (task,))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[RunView, bool], list[str]]:
    """What is written while a run is looked at until it has ended."""

    def see(view: RunView, terminal: bool) -> list[str]:
        written: list[str] = []
        monkeypatch.setattr(watching, "say", written.append)
        monkeypatch.setattr(watching, "LOOK_SECONDS", 0.02)
        monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
        ended = replace(view, run=replace(view.run, status=RunStatus.CANCELLED))
        looks = 0

        async def look() -> RunView:
            nonlocal looks
            looks += 1
            assert looks < 1000
            return ended if len(written) == 3 or (not terminal and looks == 20) else view

        asyncio.run(watch(look, status_lines, in_place=True))
        return written

    return see


def test_a_countdown_runs_on_a_terminal(shown: Callable, parked: RunView):
    first, *later = shown(parked, True)
    assert "You've hit your limit" in first
    assert "claude goes on at" in first
    times = {text.rpartition("(in ")[2] for text in (first, *later[:-1])}
    assert len(times) == 3
    lines = len(status_lines(parked))
    assert all(text.startswith(f"\x1b[{lines}F\x1b[J") for text in later)
    assert "\x1b[?7l" not in later[-1]  # the last one stays, whole


def test_elsewhere_it_is_told_only_when_something_changed(shown: Callable, parked: RunView):
    first, last = shown(parked, False)
    assert "running" in first
    assert "cancelled" in last
    assert "\x1b" not in first + last


def test_a_drawing_is_cut_to_the_terminal(monkeypatch: pytest.MonkeyPatch):
    written: list[str] = []
    monkeypatch.setattr(watching, "say", written.append)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((80, 6)))
    drawing, lines = Drawing(), [f"line {n}" for n in range(9)]
    drawing.draw(lines)
    drawing.draw(lines)
    drawing.draw(lines, whole=True)
    assert len(written) == 2
    assert "line 3\n... and 5 lines more" in written[0]
    assert "line 4" not in written[0]
    assert written[1] == "\x1b[5F\x1b[J" + "\n".join(lines)
