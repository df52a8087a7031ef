"""Whatever happens in a run and whatever is pressed, the tab stays whole."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui import events as e
from cc4tui.domain.agent import StderrSaid, TextSaid, ThinkingSaid, ToolCalled, ToolReturned
from cc4tui.domain.run import TRANSITIONS, TaskRunState
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab


pytestmark = pytest.mark.integration

S = TaskRunState
TASKS = {f"{n // 4 + 1}.{n % 4 + 1}": f"Task number {n}" for n in range(12)}
KEYS = [
    *(
        "enter",
        "escape",
        "d",
        "l",
        "w",
        "x",
        "t",
        "T",
        "plus",
        "minus",
        "z",
        "tab",
        "shift+tab",
        "slash",
        "n",
        "N",
        "W",
    ),
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "G", "g", "space"),
    *(
        "alt+1",
        "alt+2",
        "alt+5",
        "left_square_bracket",
        "right_square_bracket",
        "end",
        "s",
        "S",
        "R",
    ),
    *("a", "backspace", "1", "2", "3", "4", "question_mark"),
]
SIZES = [(80, 24), (120, 36), (200, 50), (40, 10), (60, 16)]
SAYINGS: list[Any] = [
    TextSaid("a line of text"),
    TextSaid("\x1b[31mred " * 30),
    TextSaid("one\rtwo\rthree"),
    ThinkingSaid("hm\nhm"),
    ToolCalled("1", "Bash", {}, "Bash make test"),
    ToolReturned("1", False, "a\nb\nc\nd\ne\nf"),
    StderrSaid("漢字 \x1b]0;x\x07"),
]

Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


class Monkey:
    """Does one legal thing after the other, chosen by a seed."""

    def __init__(self, told: Any, seed: int) -> None:
        self.told = told
        self.random = random.Random(seed)
        self.done: list[str] = []

    def happen(self) -> None:
        """Something happens in the run."""
        model = self.told.model
        task = self.random.choice(list(model.tasks.values()))
        state = self.random.choice([*TRANSITIONS[task.state], task.state])
        self.done.append(f"{task.id} {state}")
        number = len(task.attempts) or 1
        if state is S.RUNNING:
            self.told.start(task.id, number + (task.state is S.READY and bool(task.attempts)))
        elif state is S.FAILED:
            self.told.end(task.id, number)
            self.told.add(e.TaskFailed, task.id, reason_code="agent", reason="why " * 20)
        elif state is S.BLOCKED:
            self.told.add(e.TaskBlocked, task.id, by="1.1", reason="")
        else:
            self.told.add(e.TaskStateChanged, task.id, state=state.value, reason="so")
        if task.attempts:
            self.told.use(task.id, self.random.randrange(10**6), None, number)
            said = self.random.choices(SAYINGS, k=self.random.randrange(30))
            self.told.say(task.id, *said, attempt=number)

    async def act(self, pilot: Pilot[None]) -> None:
        """A person does something."""
        choice = self.random.random()
        if choice < 0.8:
            key = self.random.choice(KEYS)
            self.done.append(key)
            await pilot.press(key)
        elif choice < 0.9:
            width, height = self.random.choice(SIZES)
            self.done.append(f"{width}x{height}")
            await pilot.resize_terminal(width, height)
        else:
            width, height = pilot.app.size
            offset = (self.random.randrange(width), self.random.randrange(height))
            self.done.append(f"click {offset}")
            await pilot.click(offset=offset, times=self.random.choice([1, 2]))


def assert_whole(tab: ExecutionTab) -> None:
    """What must hold at any moment."""
    grid = tab.grid
    ids = [pane.task_id for pane in grid.panes]
    assert len(set(ids)) == len(ids)
    assert all(it is None or tab.model is None or it in tab.model.tasks for it in ids)
    assert tab.is_whole == (grid.zoomed is not None or tab.diff.is_open)
    if grid.zoomed is not None:
        assert grid.zoomed.log_view.can_focus
        assert not grid.zoomed.can_focus
    for pane in grid.panes:
        assert pane.can_focus == (pane is not grid.zoomed)
        window = pane.log_view.window
        assert len(window.rows()) <= window.height
    attached = [pane for pane in grid.children if pane.is_attached]
    assert set(grid.panes) <= set(attached)
    assert len(attached) <= len(grid.panes) + 2  # the guest, and one that is being removed


@pytest.mark.parametrize("seed", range(2))
async def test_any_story_and_any_keys(
    open_app: Open, empty_center: Any, stage: Callable[..., Any], seed: int
) -> None:
    told = stage(empty_center, TASKS)
    for task in TASKS:
        empty_center.diffs["r-7f3", task] = "diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b\n" * 30
    monkey = Monkey(told, seed)
    async with open_app(empty_center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        for step in range(40):
            try:
                monkey.happen()
                await monkey.act(pilot)
                if step % 5 == 0:
                    await pilot.pause(0.06)
                assert_whole(tab)
                assert not pilot.app._exit
            except Exception as error:
                error.add_note(f"after {monkey.done[-12:]}")
                raise
        while len(pilot.app.screen_stack) > 1:
            await pilot.press("escape")
        await pilot.press("3")
        await pilot.pause(0.1)
        assert tab.model is not None
        assert tab.model.tasks.keys() == told.model.tasks.keys()
