"""A landing that waits for a person's judgement is seen, counted, shown whole and decided."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui import events as e
from cc4tui.domain.run import RunStatus
from cc4tui.screens.dialogs.choice import ChoiceDialog
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab


CHANGES = [
    "config core.fsmonitor (local): none -> touch /tmp/x [/] \x1b]52;c;aGk=\x07",
    "hook /home/ann/shop/.git/hooks/post-merge: none -> sha256 0123456789abcdef, executable",
    "objects/info/alternates: none -> sha256 fedcba9876543210",
    "config alias.st (local): none -> [@click=app.quit]!evil",
    ".git: folder -> sha256 0011223344556677",
]


@pytest.fixture
def waits(empty_center: Any, stage: Callable[..., Any]) -> Any:
    """An ended run whose landing waits."""
    told = stage(empty_center, {"1.1": "Plants", "1.2": "Beside"})
    told.center = empty_center
    for task in ("1.1", "1.2"):
        told.start(task)
        told.end(task)
        told.add(e.TaskMerged, task, commit="c", merged_as="m")
    reason = "what this repository executes changed during the run: config core.fsmonitor"
    told.add(e.RunQuarantined, tasks=["1.1", "1.2"], reason=reason, changes=CHANGES)
    told.finish("failed", landed=False, reason=reason)
    return told


def tab_of(pilot: Pilot[None]) -> ExecutionTab:
    return pilot.app.query_one(ExecutionTab)


async def test_it_is_told_with_the_tasks_and_the_difference(
    open_app: Any, waits: Any, settle: Any, screen_text: Any
) -> None:
    async with open_app(waits.center, tab=Tab.PLANS, size=(120, 36)) as pilot:
        await settle(pilot, lambda: "⚑ 1" in screen_text(pilot))
        await pilot.press("3")
        await settle(pilot, lambda: "Landing waits" in screen_text(pilot))
        text = screen_text(pilot)
        assert "what this repository executes changed while 1.1, 1.2 ran" in text
        assert "config core.fsmonitor (local): none -> touch /tmp/x [/]" in text
        assert "and 1 more" in text
        assert "\x1b" not in text


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_the_dialog_shows_all_of_it(
    open_app: Any, waits: Any, settle: Any, screen_text: Any, size: tuple[int, int]
) -> None:
    async with open_app(waits.center, tab=Tab.IDEAS, size=size) as pilot:
        await settle(pilot, lambda: "⚑ 1" in screen_text(pilot))
        await pilot.press("exclamation_mark")
        await settle(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await settle(pilot, lambda: "Reject the run" in screen_text(pilot))
        assert pilot.app.screen.query_one("Box").region.height <= 22
        told = "".join(text for line in pilot.app.screen._lines for text, _ in line)
        for change in ("alias.st", "post-merge", "alternates", ".git: folder"):
            assert change in told
        await pilot.press("escape")
        assert not [call for call in waits.center.calls if call[0] == "resume"]


@pytest.mark.parametrize(
    ("key", "call"),
    [("l", ("resume", "r-7f3", False)), ("y", ("resume", "r-7f3", True)),
     ("x", ("cancel_run", "r-7f3"))],
)  # fmt: skip
async def test_each_answer_is_carried_out(
    open_app: Any, waits: Any, settle: Any, screen_text: Any, key: str, call: tuple[Any, ...]
) -> None:
    async with open_app(waits.center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: tab_of(pilot).model and tab_of(pilot).model.quarantine)
        await pilot.press("a")
        await settle(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press(key)
        await settle(pilot, lambda: call in waits.center.calls)
        if key == "x":
            await settle(pilot, lambda: tab_of(pilot).model.run.status is RunStatus.CANCELLED)
        else:
            waits.add(e.RunResumed, reason="continued")
            waits.add(e.TaskLanded, "1.1", target="main")
        await settle(pilot, lambda: tab_of(pilot).model.quarantine is None)
        await settle(pilot, lambda: "⚑" not in screen_text(pilot))


async def test_a_changed_checkout_is_told(
    open_app: Any, empty_center: Any, stage: Any, settle: Any, screen_text: Any
) -> None:
    run = stage(empty_center, {"1.1": "Works"})
    run.start("1.1")
    reason = "your checkout changed while 1.1 ran: a.txt; if that was not you, an agent wrote"
    run.add(e.CheckoutChanged, tasks=["1.1"], files=["a.txt"], reason=reason)
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        await settle(pilot, lambda: "your checkout changed while 1.1 ran" in screen_text(pilot))
