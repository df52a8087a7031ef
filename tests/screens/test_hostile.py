"""Data from others stays data: no escape reaches the terminal, nothing in it can be clicked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.segment import Segment
from textual.pilot import Pilot

from cc4tui.domain.plan import Batch, Diagnostic, FileRef, Plan, PlanTaskState, Severity, Step, Task
from cc4tui.domain.text import UNSAFE
from cc4tui.ports import RepositoryInfo, TrustQuestion
from cc4tui.screens.dialogs.run import RunDialog
from cc4tui.screens.messages import RunProgressed
from cc4tui.screens.options import Tab


EVIL = (
    "[@click=app.quit]x[/] a [/] b [red]r "
    "\x1b]52;c;aGVsbG8=\x07\x1b]0;owned\x07\x1b[6n\x1bP+q544e\x1b\\\x9b6n\x9d0;t\x9c"
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\\u202eevil\u2066\x00\x08\x7f\U000e0041"
)
"""Markup with an action, broken markup, clipboard, title, queries, C1, a link, bidi, tags."""


def evil_plan() -> Plan:
    """A plan with hostile text in every field that is shown."""
    task = Task(
        EVIL,
        EVIL,
        PlanTaskState.TODO,
        3,
        4,
        EVIL,
        body=f"{EVIL}\n{EVIL}",
        goal=EVIL,
        steps=(Step(EVIL, False, 5),),
        files=(FileRef(EVIL, None, EVIL),),
        depends_on=(EVIL,),
        needs=(EVIL,),
        acceptance=(EVIL,),
        verify=(EVIL,),
        run=(EVIL,),
        agent=EVIL,
        model=EVIL,
        priority=EVIL,
        labels=(EVIL,),
    )
    batch = Batch(EVIL, EVIL, 2, (task,), goal=EVIL, depends_on=(EVIL,), acceptance=(EVIL,))
    problem = Diagnostic(EVIL, Severity.ERROR, 1, 1, EVIL, EVIL)
    return Plan(EVIL, EVIL, EVIL, (batch,), diagnostics=(problem,))


@pytest.fixture
async def evil_center(empty_center: Any, make_run: Any) -> Any:
    """A repository in which everything is called EVIL."""
    center = empty_center
    center.repository = RepositoryInfo(EVIL, center.repository.root, EVIL)
    center.all_plans[EVIL] = evil_plan()
    await center.notebook.add_idea(f"{EVIL}\n{EVIL}", [EVIL], EVIL)
    await center.notebook.update_idea(1, plan=EVIL, task=EVIL)
    await center.notebook.add_lesson(EVIL, EVIL, EVIL, [EVIL])
    run = make_run(EVIL, EVIL, agent=EVIL, reason=EVIL, target=EVIL, mode=EVIL)
    await center.journal.create_run(run, [])
    center.all_agents = [replace(agent, name=EVIL) for agent in center.all_agents]
    center.question = TrustQuestion(EVIL, (EVIL, EVIL))
    return center


def drawn(pilot: Pilot[None]) -> Iterator[Segment]:
    for strip in pilot.app.screen._compositor.render_strips():
        yield from strip


def assert_harmless(pilot: Pilot[None]) -> str:
    text = ""
    for segment in drawn(pilot):
        assert UNSAFE.search(segment.text) is None, repr(segment.text)
        assert "\n" not in segment.text
        if segment.style is not None:
            assert "@click" not in segment.style.meta
            assert segment.style.link is None
        text += segment.text
    return text


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
@pytest.mark.parametrize("tab", list(Tab))
async def test_every_tab(
    open_app: Any, evil_center: Any, make_run: Any, tab: Tab, size: tuple[int, int]
) -> None:
    async with open_app(on=evil_center, tab=tab, size=size) as pilot:
        await pilot.pause()
        pilot.app.post_message(RunProgressed(make_run(EVIL, EVIL), {}, busy=1))
        await pilot.pause()
        text = assert_harmless(pilot)
        if tab is not Tab.EXECUTION:
            assert "[@click=app.quit]x[/]" in text
        for y in range(0, size[1], 4):
            await pilot.click(offset=(12, y))
        assert not pilot.app._exit


@pytest.mark.parametrize(
    ("tab", "keys"),
    [
        (Tab.IDEAS, ["e"]),
        (Tab.IDEAS, ["p"]),
        (Tab.PLANS, ["r"]),
        (Tab.PLANS, ["enter"]),
        (Tab.PLANS, ["home", "down", "enter"]),
        (Tab.MEMORY, ["enter"]),
        (Tab.MEMORY, ["right"]),
        (Tab.PLANS, ["q"]),
        (Tab.PLANS, ["r", "enter"]),
    ],
)
async def test_every_dialog(
    open_app: Any, evil_center: Any, until: Any, tab: Tab, keys: list[str]
) -> None:
    async with open_app(on=evil_center, tab=tab, size=(80, 24)) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        assert "@click=app.quit]x" in assert_harmless(pilot)


async def test_notifications(open_app: Any, evil_center: Any, until: Any, toasts: Any) -> None:
    from cc4tui.errors import PlanError

    async with open_app(on=evil_center, tab=Tab.PLANS) as pilot:
        evil_center.question = None
        evil_center.failure = PlanError(EVIL)
        await pilot.pause()
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunDialog))
        await pilot.press("enter")
        await until(pilot, lambda: toasts(pilot))
        await pilot.pause()
        assert "[@click=app.quit]x[/]" in assert_harmless(pilot)


async def test_what_is_typed_into_a_filter_is_harmless(open_app: Any, evil_center: Any) -> None:
    from textual.events import Paste

    async with open_app(on=evil_center, tab=Tab.PLANS) as pilot:
        await pilot.pause()
        await pilot.press("slash")
        assert pilot.app.focused is not None
        pilot.app.focused.post_message(Paste(EVIL))
        await pilot.pause()
        assert "[@click=app.quit]x[/] a [/] b [red]r" in assert_harmless(pilot)
