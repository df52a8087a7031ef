"""Data from others stays data: no escape reaches the terminal, nothing in it can be clicked."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.segment import Segment
from textual.pilot import Pilot

from cc4tui.domain.plan import Batch, Diagnostic, FileRef, Plan, PlanTaskState, Severity, Step, Task
from cc4tui.domain.text import UNSAFE
from cc4tui.ports import RepositoryInfo, SavedWork, TrustQuestion
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.dialogs.reading import ReadingDialog
from cc4tui.screens.dialogs.run import RunDialog
from cc4tui.screens.dialogs.trust import TrustDialog
from cc4tui.screens.guard import tell
from cc4tui.screens.messages import RunProgressed
from cc4tui.screens.options import Tab


NOW = datetime(2026, 11, 21, tzinfo=UTC)

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


OUR_KEYS = re.compile(r"app\.press\('[\w+]+'\)")
"""What a click may do: press a key that a dialog names in its frame."""


def drawn(pilot: Pilot[None]) -> Iterator[Segment]:
    for strip in pilot.app.screen._compositor.render_strips():
        yield from strip


def assert_harmless(pilot: Pilot[None]) -> str:
    text = ""
    for segment in drawn(pilot):
        assert UNSAFE.search(segment.text) is None, repr(segment.text)
        assert "\n" not in segment.text
        if segment.style is not None:
            action = segment.style.meta.get("@click", "app.press('enter')")
            assert OUR_KEYS.fullmatch(action), action
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


MARKUP = (
    *(f"[@click=app.{name}]go[/]" for name in ("quit", "bell", "exit", "help", "undo")),
    "[@click='app.quit']x[/]", "[@click=screen.dismiss]x", "[@click=app.open_url('x')]x[/]",
    "[/]", "[/ ]", "a [/] b", "[/red]", "[//]", "[[/]]", "[]", "[ ]", "[", "]", "[[", "]]", "[[]",
    "[red", "[red]", "[bold red on blue]x[/]", "[/bold]x[bold]", "[link=https://evil]x[/link]",
    "[link='x']y", "[not a tag]", "[0]", "[1:2]", "list[int]", "dict[str, Any]", "x[i][j]",
    "\\[red]", "\\\\[red]", "\\", "[\\]", "$text", "[$primary]x[/]", "[@]", "[@click]", "[@click=]",
    "[@click=()]x[/]", "[#ff0000]x[/]", "[rgb(1,2,3)]x", "[on]", "[on red]", "[reverse]x[/reverse]",
    ":smile:", ":boom:[/]", "[b]x[/i]", "[u][/][/][/]", "[x=y]", "[x='[/]']", "[é]", "[漢字]x[/]",
    "**bold** `code` [a](https://evil)", "<b>&amp;</b>", "%s {0} {x!r} {{}}",
)  # fmt: skip
"""What some markup would take for its own: actions, links, broken and unclosed tags, escapes."""


async def test_no_markup_is_parsed_anywhere(
    open_app: Any, empty_center: Any, make_run: Any, until: Any
) -> None:
    """More than 50 payloads, each in every list, dialog and notification that can show it."""
    assert len(MARKUP) >= 50
    center = empty_center
    tasks = tuple(
        Task(f"1.{n}", text, PlanTaskState.TODO, n, n, "1", body=text, verify=(text,))
        for n, text in enumerate(MARKUP, 1)
    )
    center.all_plans["p.md"] = Plan("p.md", MARKUP[0], "cc4", (Batch("1", MARKUP[0], 1, tasks),))
    for n, text in enumerate(MARKUP):
        await center.notebook.add_idea(text, [], None)
        await center.notebook.add_lesson(text, text, text, [])
        await center.journal.create_run(make_run(f"r-{n}", text, agent=text, reason=text), [])
        center.all_saved.append(
            SavedWork(f"r-{n}/t/1/1", f"r-{n}", text, 1, "c" * 40, NOW, text, (text,))
        )
    seen = ""
    async with open_app(on=center, size=(200, 150)) as pilot:
        for keys in (["1"], ["2"], ["2", "enter"], ["4"], ["right"], ["right"]):
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            await until(pilot, lambda: MARKUP[2] in assert_harmless(pilot))
            seen = assert_harmless(pilot)
            assert (key, [text for text in MARKUP if text not in seen]) == (key, [])
        for text in MARKUP:
            tell(pilot.app, text)
        await pilot.pause()
        assert_harmless(pilot)
        for dialog in _dialogs():
            pilot.app.push_screen(dialog)
            await pilot.pause()
            assert_harmless(pilot)
            await pilot.press("escape")
        assert not pilot.app._exit


def _dialogs() -> Iterator[Any]:
    for text in MARKUP[::6]:
        yield ReadingDialog(text, [((text, "text"),)])
    lines = [((text, "text"),) for text in MARKUP]
    yield ChoiceDialog(MARKUP[0], lines, [Choice("n", MARKUP[6], MARKUP[8])])
    yield TrustDialog(TrustQuestion("k", MARKUP))
