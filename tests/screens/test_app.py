"""The shell: tabs, status line, help, palette, themes, and the ways out."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import OptionList

from cc4tui.domain.plan import Plan
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.ports import Instance, RunOptions
from cc4tui.screens import app as app_module
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.dialogs.keys import KeysDialog
from cc4tui.screens.dialogs.quit import QuitDialog
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.ideas import IdeasTab
from cc4tui.screens.messages import RunProgressed, RunRequested, Undoable
from cc4tui.screens.options import StartOptions, Tab
from cc4tui.screens.undo import UndoStack
from cc4tui.screens.verbs import TABLE, Scope, find, verbs
from cc4tui.screens.widgets.key_bar import KeyBar
from cc4tui.screens.widgets.notice import Notice
from cc4tui.screens.widgets.others_line import OthersLine
from cc4tui.screens.widgets.row_list import RowList
from cc4tui.screens.widgets.status_bar import StatusBar
from cc4tui.screens.widgets.text_pane import TextPane


OTHER = Instance(4711, datetime(2026, 11, 21, 10, 0, tzinfo=UTC), "cc4tui run plan.md")


def in_front(pilot: Pilot[None], kind: type[Any]) -> bool:
    return isinstance(pilot.app.screen, kind)


def top_line(pilot: Pilot[None]) -> str:
    return pilot.app.query_one(StatusBar).render_line(0).text


def bottom_line(pilot: Pilot[None]) -> str:
    return pilot.app.query_one(KeyBar).render_line(0).text


async def test_digits_change_the_tab(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        for key, tab in zip("2341", (*list(Tab)[1:], Tab.IDEAS), strict=True):
            await pilot.press(key)
            await until(pilot, lambda tab=tab: pilot.app.tab is tab)
            visible = [child for child in pilot.app.query_one("#body").children if child.display]
            assert len(visible) == 1
            assert type(visible[0]).__name__.lower() == f"{tab}tab"


async def test_tabs_keep_their_focus_and_place(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        rows = pilot.app.query_one(IdeasTab).rows
        await until(pilot, lambda: rows.items)
        await pilot.press("down", "2")
        await until(pilot, lambda: pilot.app.tab is Tab.PLANS)
        await pilot.press("1")
        await until(pilot, lambda: rows.has_focus)
        assert rows.cursor == 1


async def test_tabs_are_made_when_they_are_first_shown(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await until(pilot, lambda: pilot.app.query(ExecutionTab))
        assert not pilot.app.query(IdeasTab)
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.query(IdeasTab))


async def test_a_click_on_a_tab_shows_it(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        at = top_line(pilot).index("4 Memory")
        await pilot.click(StatusBar, offset=(at + 2, 0))
        await until(pilot, lambda: pilot.app.tab is Tab.MEMORY)


@pytest.mark.parametrize(
    ("width", "parts"),
    [
        (200, ["cc4tui", "shop", "⎇ main", "1 Ideas", "r-9", "1/3", "● 2/4", "1 ✗", "⚑ 3"]),
        (120, ["cc4tui", "shop", "⎇ main", "4 Memory", "r-9", "⚑ 3"]),
        (80, ["shop", "⎇ main", "1 Ideas", "4 Memory", "● 2/4", "⚑ 3"]),
        (50, ["1", "2 Plans", "4", "⚑ 3"]),
        (20, ["2 Plans"]),
    ],
)
async def test_the_status_line_says_what_there_is_room_for(
    open_app: Any, empty_center: Any, make_run: Any, width: int, parts: list[str]
) -> None:
    async with open_app(empty_center, tab=Tab.PLANS, size=(width, 24)) as pilot:
        states = {
            "1": TaskRunState.LANDED,
            "2": TaskRunState.FAILED,
            "3": TaskRunState.RUNNING,
        }
        run = make_run("r-9", "plans/api.md")
        pilot.app.post_message(RunProgressed(run, states, busy=2, waiting=3))
        await pilot.pause()
        line = top_line(pilot)
        assert len(line) == width
        for part in parts:
            assert part in line


async def test_a_finished_run_tells_how_it_ended(
    open_app: Any, empty_center: Any, make_run: Any
) -> None:
    async with open_app(empty_center) as pilot:
        run = make_run("r-9", "plans/api.md", status=RunStatus.PARTLY_FAILED)
        pilot.app.post_message(RunProgressed(run, {}))
        await pilot.pause()
        assert "✗ partly failed" in top_line(pilot)


@pytest.mark.parametrize("folder", ["Downloads", "."])
async def test_a_picture_is_saved_whether_there_are_downloads_or_not(
    open_app: Any, until: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    home = tmp_path / "home"
    (home / folder).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.delenv("XDG_DOWNLOAD_DIR", raising=False)
    async with open_app() as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: list((home / folder).glob("*.svg")))
        [picture] = (home / folder).glob("*.svg")
        told = pilot.app._notifications
        await until(pilot, lambda: any("Saved screenshot" in it.message for it in told))
        assert picture.read_text().rstrip().endswith("</svg>")


async def test_a_detached_head_is_said(open_app: Any, center: Any) -> None:
    center.repository = center.repository._replace(branch=None, name="[bold]x[/]\x1b[6n")
    async with open_app() as pilot:
        assert "[bold]x[/]" in top_line(pilot)
        assert "detached" in top_line(pilot)


async def test_the_footer_follows_the_focus(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        await until(pilot, lambda: "p to plan" in bottom_line(pilot))
        assert bottom_line(pilot).rstrip().endswith("q quit")
        await pilot.press("i")
        await until(pilot, lambda: "ctrl+j new line" in bottom_line(pilot))
        assert "p to plan" not in bottom_line(pilot)
        assert " q quit" not in bottom_line(pilot)
        assert "ctrl+q quit" in bottom_line(pilot)
        await pilot.press("escape", "2")
        await until(pilot, lambda: "r run…" in bottom_line(pilot))


async def test_while_filtering_the_footer_tells_how_it_ends(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        await until(pilot, lambda: pilot.app.focused is not None)
        await pilot.press("slash")
        await until(pilot, lambda: "Enter to the list" in bottom_line(pilot))
        assert "Esc clear" in bottom_line(pilot)
        assert "/ filter" not in bottom_line(pilot)


async def test_a_click_on_the_footer_does_what_the_key_does(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await until(pilot, lambda: "i idea" in bottom_line(pilot))
        at = bottom_line(pilot).index("i idea")
        await pilot.click(KeyBar, offset=(at, 0))
        await until(pilot, lambda: pilot.app.query("NoteLine"))


@pytest.mark.parametrize("width", [20, 40, 80, 120])
async def test_the_footer_never_exceeds_the_width(open_app: Any, width: int) -> None:
    async with open_app(tab=Tab.IDEAS, size=(width, 24)) as pilot:
        assert pilot.app.query_one(KeyBar).render_line(0).cell_length == width


async def test_help_shows_the_keys_of_this_screen_first(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.PLANS, size=(80, 24)) as pilot:
        await until(pilot, lambda: pilot.app.focused is not None)
        await pilot.press("question_mark")
        await until(pilot, lambda: in_front(pilot, KeysDialog))
        text = pilot.app.screen.query_one(TextPane).text
        assert text.startswith("Plans\n")
        for scope in (Scope.PLANS, Scope.EVERYWHERE, Scope.LISTS):
            for verb in verbs(scope):
                assert verb.help in text
        assert "Turn the idea" not in text
        await pilot.press("escape")
        await until(pilot, lambda: not in_front(pilot, KeysDialog))


async def test_the_palette_offers_every_action(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: in_front(pilot, CommandPalette))
        options = pilot.app.screen.query_one(OptionList)
        always = {(scope, verb) for scope, row in TABLE.items() for verb in row if verb.palette}
        here = {find(it.binding.id) for it in pilot.app.screen_stack[0].active_bindings.values()}
        assert {verb.action for _, verb in filter(None, here)} >= {"mark", "page_down", "back"}
        await until(pilot, lambda: options.option_count == len(always | (here - {None})))


async def test_the_palette_does_what_a_key_does_only_here(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        rows = pilot.app.query_one(RowList)
        await until(pilot, lambda: rows.items)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: in_front(pilot, CommandPalette))
        await pilot.press(*"mark the row")
        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: len(rows.marked) == 1)


async def test_the_palette_goes_to_the_verbs_tab(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: in_front(pilot, CommandPalette))
        await pilot.press(*"memory: write down")
        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.query("NoteLine"))
        assert pilot.app.tab is Tab.MEMORY


async def test_themes_go_round(open_app: Any) -> None:
    async with open_app() as pilot:
        seen = [pilot.app.theme]
        for _ in range(3):
            await pilot.press("f2")
            await pilot.pause()
            seen.append(pilot.app.theme)
        assert seen == ["cc4-dark", "cc4-light", "cc4-terminal", "cc4-dark"]


async def test_themes_of_textual_work_too(open_app: Any) -> None:
    async with open_app(theme="nord") as pilot:
        assert "Plans" in top_line(pilot)


@pytest.mark.parametrize("size", [(1, 1), (12, 5), (30, 8), (300, 90)])
async def test_no_terminal_is_too_small_or_too_large(
    open_app: Any, until: Any, size: tuple[int, int]
) -> None:
    async with open_app(tab=Tab.PLANS, size=size) as pilot:
        for key, tab in zip("1342", (Tab.IDEAS, Tab.EXECUTION, Tab.MEMORY, Tab.PLANS), strict=True):
            await pilot.press(key)
            await until(pilot, lambda tab=tab: pilot.app.tab is tab)
        for keys in (("i", "a", "escape"), ("r", "escape"), ("question_mark", "escape")):
            for key in keys:
                await pilot.press(key)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_nothing_waits(open_app: Any, until: Any, toasts: Any) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: toasts(pilot) == ["Nothing waits for you."])


async def test_what_waits_is_one_key_or_click_away(
    open_app: Any, empty_center: Any, until: Any, make_run: Any
) -> None:
    async with open_app(empty_center, tab=Tab.IDEAS) as pilot:
        run = make_run("r-9", "plans/api.md")
        pilot.app.post_message(RunProgressed(run, {}, waiting=1))
        await pilot.pause()
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: pilot.app.tab is Tab.EXECUTION)
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.tab is Tab.IDEAS)
        await pilot.click(StatusBar, offset=(top_line(pilot).index("⚑"), 0))
        await until(pilot, lambda: pilot.app.tab is Tab.EXECUTION)


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_with_nothing_running_the_way_out_is_one_key(
    open_app: Any, until: Any, key: str
) -> None:
    async with open_app() as pilot:
        await pilot.press(key)
        await until(pilot, lambda: not pilot.app.is_running or pilot.app._exit)
        assert pilot.app.return_code == 0


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_with_agents_running_it_asks(
    open_app: Any, center: Any, until: Any, make_run: Any, screen_text: Any, key: str
) -> None:
    run = make_run("r-9", "plans/api.md", owner={"pid": os.getpid()})
    await center.journal.create_run(run, [])
    async with open_app(tab=Tab.PLANS, size=(80, 24)) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: in_front(pilot, QuitDialog))
        await until(pilot, lambda: "r-9  plans/api.md" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: not in_front(pilot, QuitDialog))
        assert not pilot.app._exit
        await pilot.press(key)
        await until(pilot, lambda: in_front(pilot, QuitDialog))
        await pilot.press("s")
        await until(pilot, lambda: pilot.app._exit)


async def test_another_processs_run_does_not_hold_anybody(
    open_app: Any, center: Any, until: Any, make_run: Any
) -> None:
    await center.journal.create_run(make_run("r-9", "plans/api.md"), [])
    center.other = OTHER
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)


async def test_agents_can_be_kept_working_when_the_app_is_left(
    open_app: Any, center: Any, until: Any, make_run: Any
) -> None:
    await center.journal.create_run(make_run("r-9", "plans/api.md"), [])
    async with open_app(tab=Tab.PLANS) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuitDialog))
        await pilot.press("w")
        await until(pilot, lambda: pilot.app._exit)
    assert ("leave", "quit") in center.calls


async def test_a_second_app_only_watches_and_says_whom(
    open_app: Any, center: Any, until: Any
) -> None:
    center.other = OTHER
    async with open_app(tab=Tab.PLANS) as pilot:
        line = pilot.app.query_one(OthersLine)
        await until(pilot, lambda: line.display)
        drawn = "".join(segment.text for segment in line.render_line(0))
        assert "only watching  process 4711 works here since " in drawn
        assert "runs start here (`cc4tui run plan.md`)" in drawn
        pilot.app.post_message(RunRequested("plans/api.md", RunOptions()))
        await until(pilot, lambda: pilot.app._notifications)
        assert "only watches" in next(n.message for n in pilot.app._notifications)
        assert not [call for call in center.calls if call[0] == "start_run"]
        center.other = None
        await until(pilot, lambda: not line.display)


async def test_ctrl_c_copies_what_is_selected(open_app: Any, until: Any, center: Any) -> None:
    from textual.geometry import Offset
    from textual.selection import Selection

    async with open_app(tab=Tab.IDEAS) as pilot:
        pane = pilot.app.query_one(IdeasTab).pane
        await until(pilot, lambda: "rate-limit" in pane.text)
        pilot.app.screen.selections = {pane: Selection(Offset(0, 0), Offset(10, 0))}
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert pilot.app.clipboard == "rate-limit"
        assert not pilot.app._exit


async def test_the_app_can_begin_with_a_run(open_app: Any, until: Any) -> None:
    async with open_app(run="r-7") as pilot:
        await until(pilot, lambda: pilot.app.tab is Tab.EXECUTION)
        execution = pilot.app.query_one(ExecutionTab)
        await until(pilot, lambda: execution.model and execution.model.run.id == "r-7")


async def test_the_app_can_begin_by_starting_a_plan(open_app: Any, center: Any, until: Any) -> None:
    options = RunOptions(agent="rehearsal", workers=2)
    async with open_app(plan="plans/api.md", run_options=options) as pilot:
        held = replace(options, hold_edits=True)
        await until(pilot, lambda: center.calls == [("start_run", "plans/api.md", held)])
        assert pilot.app.tab is Tab.EXECUTION


async def test_an_unexpected_error_is_told_and_logged(
    open_app: Any,
    center: Any,
    until: Any,
    toasts: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> list[Any]:
        raise ZeroDivisionError("division by [red]zero[/]")

    monkeypatch.setattr(center.notebook, "ideas", broken)
    async with open_app(tab=Tab.IDEAS) as pilot:
        await until(pilot, lambda: toasts(pilot))
        assert toasts(pilot) == ["Unexpected ZeroDivisionError: division by [red]zero[/]"]
        assert "A screen's work failed" in caplog.text


def test_where_the_app_begins() -> None:
    assert StartOptions().first_tab is Tab.PLANS
    assert StartOptions(run="r-1").first_tab is Tab.EXECUTION
    assert StartOptions(plan="a.md").first_tab is Tab.EXECUTION
    assert StartOptions(tab=Tab.IDEAS, run="r-1").first_tab is Tab.IDEAS
    assert [tab.title for tab in Tab] == ["Ideas", "Plans", "Execution", "Memory"]
    assert StartOptions().clock().tzinfo is not None


async def test_undo_forgets_the_oldest_steps_and_keeps_what_failed() -> None:
    done: list[int] = []

    def step(n: int) -> Undoable:
        async def undo() -> None:
            if n == 3 and not done:
                done.append(-3)
                raise NotImplementedError
            done.append(n)

        return Undoable(f"step {n}", undo)

    stack = UndoStack(size=2)
    for n in (1, 2, 3):
        stack.push(step(n))
    with pytest.raises(NotImplementedError):
        await stack.undo()
    assert [await stack.undo(), await stack.undo(), await stack.undo()] == [
        "step 3",
        "step 2",
        None,
    ]
    assert done == [-3, 3, 2]


def test_the_app_needs_nothing_but_the_port(center: Any) -> None:
    app = CommandCenterApp(center)
    assert app.center is center


def type_at_once(pilot: Any, *keys: str) -> None:
    """Put keys into the app's queue, none waiting for what the one before it does."""
    for key in keys:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))


async def test_a_key_waits_for_the_tab_that_is_being_made(
    open_app: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()
    mount = ExecutionTab.on_mount

    async def slowly(tab: ExecutionTab) -> None:
        begun.set()
        await gate.wait()
        mount(tab)

    monkeypatch.setattr(ExecutionTab, "on_mount", slowly)
    monkeypatch.setattr(app_module, "FIRST_FRAME_SECONDS", 3600.0)  # it begins when told to
    async with open_app(tab=Tab.PLANS) as pilot:
        pilot.app.call_next(pilot.app._begin)
        await begun.wait()
        type_at_once(pilot, "3", "T")
        gate.set()
        await until(pilot, lambda: pilot.app.tab is Tab.EXECUTION)
        tab = pilot.app.query_one(ExecutionTab)
        await until(pilot, lambda: tab.tasks.has_focus)


async def test_the_focus_never_leaves_the_tab_that_is_shown(
    open_app: Any, until: Any, empty_center: Any
) -> None:
    async with open_app(on=empty_center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        assert tab.resting.has_focus  # the list of tasks is not displayed
        for keys in ("2", "3", "1"), ("4", "2", "4", "1", "3"):
            type_at_once(pilot, *keys)
            await until(pilot, lambda keys=keys: pilot.app.tab is list(Tab)[int(keys[-1]) - 1])
            await pilot.pause()
            shown = pilot.app._tabs[pilot.app.tab]
            assert shown in pilot.app.focused.ancestors_with_self
        pilot.app.screen.set_focus(None)
        assert tab.resting.has_focus


async def test_the_focus_goes_to_the_list_as_soon_as_a_run_is_shown(
    open_app: Any, until: Any, center: Any
) -> None:
    async with open_app(tab=Tab.EXECUTION) as pilot:
        await until(pilot, lambda: pilot.app.query_one(ExecutionTab).tasks.has_focus)


async def test_the_first_run_says_what_worktrees_are_not(
    open_app: Any, empty_center: Any, until: Any, screen_text: Any
) -> None:
    """Said with the first run of a repository, and never again; nothing lies below it."""
    empty_center.all_plans["p.md"] = Plan("p.md", "P", "cc4", ())
    async with open_app(on=empty_center, size=(80, 24)) as pilot:
        pilot.app.post_message(RunRequested("p.md", RunOptions()))
        await until(pilot, lambda: "no security boundary" in screen_text(pilot))
        notice = pilot.app.query_one(Notice)
        assert notice.region.bottom == pilot.app.query_one("#body").region.y
        await pilot.click(notice)
        await until(pilot, lambda: not pilot.app.query(Notice))
        pilot.app.post_message(RunRequested("p.md", RunOptions()))
        await until(pilot, lambda: len(empty_center.journal.all_runs) == 2)
        await pilot.pause()
        assert not pilot.app.query(Notice)


async def test_a_notice_goes_away_by_itself(open_app: Any, until: Any) -> None:
    async with open_app() as pilot:
        notice = Notice("[b]x[/]", 0.05)
        await pilot.app.screen.mount(notice)
        await until(pilot, lambda: not pilot.app.query(Notice))
        assert str(notice.content) == "[b]x[/]"


async def test_a_thought_is_kept_with_the_mouse(
    open_app: Any, center: Any, until: Any, screen_text: Any
) -> None:
    async with open_app(tab=Tab.PLANS, size=(80, 24)) as pilot:
        count = len(center.notebook.all_ideas)
        await pilot.press("i", *"thought")
        await until(pilot, lambda: "thought" in screen_text(pilot))
        rows = screen_text(pilot).splitlines()
        y = next(y for y, row in enumerate(rows) if "Enter keeps" in row)
        await pilot.click(offset=(rows[y].index("keeps"), y))
        await until(pilot, lambda: len(center.notebook.all_ideas) == count + 1)
