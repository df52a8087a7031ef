"""Who looks elsewhere is called, who looks is not, and nobody is called twice for the same."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual import events

from cc4tui.domain.run import RunStatus
from cc4tui.screens.attention import Attention, sequence
from cc4tui.screens.options import Notify


@pytest.fixture
def called() -> list[str]:
    return []


def test_more_than_before_is_worth_a_call(called: list[str], clock: Any) -> None:
    looks = False
    attention = Attention(called.append, lambda: looks, clock())
    for what, count in (("requests", 1), ("requests", 1), ("edits", 1), ("edits", 0)):
        attention.waits(what, count)
    assert called == ["1 thing waits for you", "2 things wait for you"]
    attention.waits("requests", 0)
    looks = True
    attention.waits("requests", 3)
    looks = False
    attention.waits("requests", 3)  # seen already
    assert len(called) == 2


def test_the_end_of_a_run_that_was_seen_running(
    called: list[str], make_run: Any, clock: Any
) -> None:
    attention = Attention(called.append, lambda: False, clock() + timedelta(seconds=1))
    run = make_run("r-1", "plan.md")
    over = replace(run, status=RunStatus.PARTLY_FAILED, finished=clock())
    attention.run_moved(replace(over, id="r-0"), 3, 3)  # an old one that is looked at
    for now in (run, run, over, over):
        attention.run_moved(now, 2, 3)
    assert called == ["plan.md: partly failed, 2 of 3 tasks done"]


def test_the_end_of_a_run_that_was_over_before_it_was_seen(
    called: list[str], make_run: Any, clock: Any
) -> None:
    attention = Attention(called.append, lambda: False, clock())
    run = make_run("r-1", "plan.md", status=RunStatus.SUCCEEDED, finished=clock())
    attention.run_moved(run, 1, 1)
    attention.run_moved(run, 1, 1)
    assert called == ["plan.md: succeeded, 1 of 1 tasks done"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b]99;;a, b\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;cc4tui;a, b\x1b\\"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\x1b]777;notify;cc4tui;a, b\x1b\\"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "\x1b]9;a, b\x07"),
        ({"TERM": "tmux-256color"}, "\x07\x1bPtmux;\x1b\x1b]9;a, b\x07\x1b\\"),
        ({"TERM": "linux"}, "\x07"),
        ({}, "\x07"),
    ],
)
def test_each_terminal_gets_what_it_takes(environment: dict[str, str], expected: str) -> None:
    assert sequence("a; b\x1b]0;x\x07", Notify.DESKTOP, environment).replace("]0,x", "") == expected
    assert sequence("a", Notify.BELL, environment) == "\x07"


async def test_the_app_calls_only_who_does_not_look(
    open_app: Any, center: Any, make_run: Any, until: Any, called: list[str]
) -> None:
    run = make_run("r-9", "plans/api.md")
    await center.journal.create_run(run, [])
    async with open_app() as pilot:
        await until(pilot, lambda: pilot.app.attention)
        pilot.app.attention._call = called.append
        pilot.app.show_waiting_edits(1)
        assert called == []
        pilot.app.post_message(events.AppBlur())
        await until(pilot, lambda: not pilot.app.app_focus)
        pilot.app.show_waiting_edits(2)
        assert called == ["2 things wait for you"]
