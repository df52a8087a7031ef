"""What a person says to agents from the Execution tab: messages, forks, retries, skips."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cc4tui import events as e
from cc4tui.domain.run import TaskRunState
from cc4tui.ports import MessageWay, Retry
from cc4tui.screens.dialogs.again import RetryDialog
from cc4tui.screens.dialogs.choice import ChoiceDialog
from cc4tui.screens.dialogs.frame import MAX_ROWS, Box
from cc4tui.screens.dialogs.message import MessageDialog
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab


Settle = Callable[..., Any]


@pytest.fixture
def run(empty_center: Any, stage: Callable[..., Any]) -> Any:
    """An agent at work, and a task that waits."""
    told = stage(empty_center, {"1.1": "Settings model", "1.2": "Redis client"})
    told.center = empty_center
    told.start("1.1")
    return told


@pytest.fixture
def watch(open_app: Any, run: Any, settle: Settle) -> Any:
    """Opens the app on the run, with the cursor in the list of its tasks."""

    @asynccontextmanager
    async def opened(place: str = "home", size: tuple[int, int] = (120, 36)) -> Any:
        async with open_app(run.center, tab=Tab.EXECUTION, size=size) as pilot:
            await settle(pilot, lambda: pilot.app.query_one(ExecutionTab).model is not None)
            await settle(pilot, lambda: pilot.app.query_one(ExecutionTab).tasks.items)
            await pilot.press("T", place)
            yield pilot

    return opened


def said(run: Any, name: str) -> list[tuple[Any, ...]]:
    return [call[1:] for call in run.center.calls if call[0] == name]


@pytest.mark.parametrize(
    ("key", "way", "more", "text", "interrupt"),
    [
        ("m", MessageWay.LIVE, [], "do b", False),
        ("m", MessageWay.LIVE, ["ctrl+j", "x"], "do b\nx", False),
        ("m", MessageWay.LIVE, ["tab", "right"], "do b", True),
        ("M", MessageWay.LIVE, [], "do b", True),
        ("M", MessageWay.QUEUED, [], "do b", True),
    ],
)
async def test_a_running_agent_is_told_something(
    watch: Any, run: Any, settle: Settle, screen_text: Any,
    key: str, way: MessageWay, more: list[str], text: str, interrupt: bool,
) -> None:  # fmt: skip
    run.center.way = way
    async with watch() as pilot:
        await pilot.press(key)
        await settle(pilot, lambda: isinstance(pilot.app.screen, MessageDialog))
        await pilot.press("enter")  # there is nothing to send yet
        await pilot.press(*"do", "space", "b", *more)
        shown = " ".join(screen_text(pilot).replace("│", " ").split())
        assert way.sentence[:30].lower() in shown.lower()
        await pilot.press("enter")
        await settle(pilot, lambda: said(run, "tell_agent"))
        assert said(run, "tell_agent") == [("r-7f3", "1.1", text, interrupt)]


async def test_a_task_that_has_ended_offers_no_moment_and_leaving_sends_nothing(
    watch: Any, run: Any, settle: Settle
) -> None:
    run.center.way = MessageWay.RESUMED
    run.add(e.TaskFailed, "1.1", reason_code="agent", reason="boom")
    async with watch() as pilot:
        await pilot.press("m")
        await settle(pilot, lambda: isinstance(pilot.app.screen, MessageDialog))
        assert pilot.app.screen.when is None
        await pilot.press("x", "escape")
        await settle(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await pilot.press("f")
        await settle(pilot, lambda: isinstance(pilot.app.screen, MessageDialog))
        await pilot.press("y", "enter")
        await settle(pilot, lambda: said(run, "fork_attempt"))
    assert said(run, "tell_agent") == []
    assert said(run, "fork_attempt") == [("r-7f3", "1.1", "y", 1)]


async def test_a_task_is_tried_again_by_another_agent_with_a_hint(
    watch: Any, run: Any, settle: Settle
) -> None:
    run.add(e.TaskFailed, "1.1", reason_code="agent", reason="boom")
    async with watch() as pilot:
        await pilot.press("R")
        await settle(pilot, lambda: isinstance(pilot.app.screen, RetryDialog))
        await pilot.press("right", "down", "o", "3", "down", *"mind", "enter")
        await settle(pilot, lambda: said(run, "retry_task"))
    assert said(run, "retry_task") == [("r-7f3", "1.1", Retry("codex", "o3", "mind"))]


async def test_a_task_is_passed_over_after_a_yes(
    watch: Any, run: Any, settle: Settle, screen_text: Any
) -> None:
    run.add(e.TaskFailed, "1.1", reason_code="agent", reason="boom")
    async with watch() as pilot:
        await pilot.press("K")
        await settle(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press("s")
        await settle(pilot, lambda: said(run, "skip_task"))
        run.add(e.TaskSkipped, "1.1", reason="skipped by a person")
        tab = pilot.app.query_one(ExecutionTab)
        await settle(pilot, lambda: tab.model.tasks["1.1"].state is TaskRunState.SKIPPED)
    assert said(run, "skip_task") == [("r-7f3", "1.1", "")]


async def test_messages_that_wait_and_tasks_that_joined_are_seen(
    watch: Any, run: Any, settle: Settle, screen_text: Any
) -> None:
    async with watch() as pilot:
        run.add(e.MessageSent, "1.1", attempt=1, text="mind the gap", live=False)
        run.add(e.MessageSent, "1.1", attempt=1, text="heard", live=True)
        run.add(
            e.TaskAdded, "1.2+1", title="more of it", batch="1", of="1.2", kind="fork", text="more"
        )
        await settle(pilot, lambda: "1 message waiting" in screen_text(pilot))
        await settle(pilot, lambda: "1.2+1 more of it" in screen_text(pilot))
        run.start("1.1", attempt=2)
        await settle(pilot, lambda: "message waiting" not in screen_text(pilot))


@pytest.mark.parametrize("key", ["m", "R"])
async def test_they_fit_the_smallest_terminal(
    watch: Any, run: Any, settle: Settle, key: str
) -> None:
    reason = "a long reason, told in many words " * 30
    run.add(e.TaskFailed, "1.1", reason_code="agent", reason=reason)
    async with watch(size=(80, 24)) as pilot:
        await pilot.press(key)
        await settle(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.pause()
        box = pilot.app.screen.query_one(Box)
        assert box.size.height <= MAX_ROWS
        inside = [child.region for child in box.children if child.display]
        assert all(box.region.contains_region(region) for region in inside)
