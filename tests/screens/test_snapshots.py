"""Stories in pictures: what a person sees on every tab, at three sizes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.command import CommandList
from textual.pilot import Pilot
from textual.widgets import TextArea

from cc4tui.domain.plan import Diagnostic, FileRef, Severity
from cc4tui.domain.run import TaskRunState
from cc4tui.events import PlanChanged
from cc4tui.ports import TrustQuestion
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.dialogs.choice import ChoiceDialog
from cc4tui.screens.options import StartOptions, Tab
from cc4tui.screens.widgets.row_list import RowList
from cc4tui.screens.widgets.status_bar import StatusBar


SIZES = [
    pytest.param((80, 24), id="80x24"),
    pytest.param((120, 36), id="120x36"),
    pytest.param((200, 50), id="200x50"),
]
Story = Callable[..., None]


def _at_work(app: CommandCenterApp) -> bool:
    """Whether something that a key has begun is not done yet."""
    groups = ("view", "forecast", "arrange")
    return any(worker.group in groups and not worker.is_finished for worker in app.workers)


@pytest.fixture
def story(
    snap_compare: Any,
    fill: Callable[[], Any],
    empty_center: Any,
    clock: Any,
    until: Any,
    request: pytest.FixtureRequest,
) -> Story:
    """Plays a story without a terminal and compares the last picture."""

    def play(
        tab: Tab,
        size: tuple[int, int],
        *keys: str,
        empty: bool = False,
        theme: str = "cc4-dark",
        prepare: Callable[[Any], None] | None = None,
        act: Callable[[Pilot[None]], Any] | None = None,
    ) -> None:
        center = empty_center if empty else asyncio.run(fill())
        if prepare is not None:
            prepare(center)
        app = CommandCenterApp(center, StartOptions(tab=tab, clock=clock, theme=theme))
        app.title = request.node.name

        async def before(pilot: Pilot[None]) -> None:
            if not empty and tab is not Tab.EXECUTION:
                await until(pilot, lambda: any(rows.items for rows in app.query(RowList)))
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                await until(pilot, lambda: not _at_work(app))
            if act is not None:
                await act(pilot)
            await pilot.pause()

        assert snap_compare(app, terminal_size=size, run_before=before)

    return play


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", [Tab.IDEAS, Tab.PLANS, Tab.MEMORY])
def test_every_tab_at_every_size(story: Story, tab: Tab, size: tuple[int, int]) -> None:
    story(tab, size)


@pytest.mark.parametrize("tab", list(Tab))
def test_every_empty_tab_teaches(story: Story, tab: Tab) -> None:
    story(tab, (80, 24), empty=True)


@pytest.mark.parametrize("size", SIZES)
def test_the_selected_task_stands_beside_the_tree_where_there_is_room(
    story: Story, size: tuple[int, int]
) -> None:
    story(Tab.PLANS, size, "down", "down")


def test_a_thought_is_typed_above_whatever_is_shown(story: Story) -> None:
    async def write(pilot: Pilot[None]) -> None:
        pilot.app.query_one(TextArea).load_text("rate-limit the download too #api !high")
        await pilot.pause()

    story(Tab.PLANS, (80, 24), "i", act=write)


def test_ideas_are_marked_and_filtered(story: Story) -> None:
    story(Tab.IDEAS, (80, 24), "space", "slash", "u", "p")


def test_past_runs_are_listed(story: Story) -> None:
    story(Tab.MEMORY, (120, 36), "right", "down")


def test_the_run_dialog(story: Story) -> None:
    story(Tab.PLANS, (80, 24), "space", "r", "right", "down")


def test_commands_are_shown_before_they_are_trusted(story: Story, until: Any) -> None:
    def distrust(center: Any) -> None:
        commands = ("make install", "curl https://example.org/x.sh | sh\nrm -rf build # [b]x[/]")
        center.question = TrustQuestion("k", commands)

    async def shown(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))

    story(Tab.PLANS, (80, 24), "r", "enter", prepare=distrust, act=shown)


def test_a_task_whole(story: Story) -> None:
    story(Tab.PLANS, (80, 24), "down", "down", "enter")


def test_the_plan_an_idea_goes_into(story: Story) -> None:
    story(Tab.IDEAS, (80, 24), "p")


def test_the_keys_of_a_screen(story: Story) -> None:
    story(Tab.IDEAS, (80, 24), "question_mark")


def test_the_palette(story: Story, until: Any) -> None:
    async def listed(pilot: Pilot[None]) -> None:
        palette = pilot.app.screen
        commands = palette.query_one(CommandList)
        await until(pilot, lambda: commands.option_count and not any(
            worker.is_running for worker in pilot.app.workers if worker.node is palette
        ))  # fmt: skip

    story(Tab.PLANS, (120, 36), "ctrl+p", act=listed)


def test_quitting_asks_while_agents_run(story: Story, make_run: Any, until: Any) -> None:
    def run(center: Any) -> None:
        asyncio.run(center.journal.create_run(make_run("r-9", "plans/api.md"), []))

    async def shown(pilot: Pilot[None]) -> None:
        bar = pilot.app.screen_stack[0].query_one(StatusBar)
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await until(pilot, lambda: bar.progress is not None)

    story(Tab.PLANS, (80, 24), "q", prepare=run, act=shown)


@pytest.mark.parametrize("size", SIZES)
def test_the_tree_is_live_during_a_run(story: Story, make_run: Any, size: tuple[int, int]) -> None:
    states = {
        "1.1": TaskRunState.LANDED,
        "1.2": TaskRunState.MERGED,
        "1.3": TaskRunState.VERIFYING,
        "2.1": TaskRunState.RUNNING,
        "2.2": TaskRunState.BLOCKED,
        "2.3": TaskRunState.FAILED,
    }

    def run(center: Any) -> None:
        rows = [replace(row, run="r-9") for row in center.journal.all_tasks["r-8"]]
        rows = [replace(row, state=states[row.task], agent="claude") for row in rows]
        asyncio.run(center.journal.create_run(make_run("r-9", "plans/api.md"), rows))

    story(Tab.PLANS, size, prepare=run)


def clash(center: Any) -> None:
    """Tasks that could run at the same time name the same files, and one has a past."""
    plan = center.all_plans["plans/api.md"]
    first, second = plan.batches
    shared = (FileRef("api/app.py"), FileRef("api/limits.py"))
    page = replace(second.tasks[1], waits_for=("1.3",), files=shared[:1])
    tasks = (replace(second.tasks[0], waits_for=("1.3",), files=shared), page, second.tasks[2])
    batches = (first, replace(second, tasks=tasks))
    center.all_plans["plans/api.md"] = replace(plan, batches=batches)


@pytest.mark.parametrize("size", SIZES)
def test_the_graph_shows_who_waits_for_whom(story: Story, size: tuple[int, int]) -> None:
    story(Tab.PLANS, size, "g", "right")


def test_the_graph_in_small_boxes_with_light_colours(story: Story) -> None:
    story(Tab.PLANS, (80, 24), "g", "z", "space", prepare=clash, theme="cc4-light")


def test_the_graph_without_unicode(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC4TUI_ASCII", "1")
    story(Tab.PLANS, (80, 24), "g")


@pytest.mark.parametrize("size", SIZES)
def test_the_forecast_tells_how_a_run_would_go(story: Story, size: tuple[int, int]) -> None:
    story(Tab.PLANS, size, "f", prepare=clash)


@pytest.mark.parametrize("size", SIZES)
def test_problems_stand_beside_the_text(story: Story, size: tuple[int, int]) -> None:
    def break_it(center: Any) -> None:
        plan = center.all_plans["plans/api.md"]
        error = Diagnostic(
            "E04", Severity.ERROR, 35, 7, 'unknown dependency "2.9"', "the nearest is 2.1"
        )
        center.all_plans["plans/api.md"] = replace(plan, diagnostics=(*plan.diagnostics, error))

    story(Tab.PLANS, size, "w", prepare=break_it)


def test_a_new_plan_is_begun(story: Story) -> None:
    story(Tab.PLANS, (80, 24), "n", "R", "a", "t", "e")


@pytest.mark.parametrize("size", SIZES)
def test_an_edit_during_a_run_asks_what_becomes_of_it(
    story: Story, make_run: Any, until: Any, monkeypatch: Any, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("cc4tui.screens.app.CALM_SECONDS", -1.0)
    edit = PlanChanged(run="r-9", added=["2.3"], changed=["1.3"], removed=["2.2"], applied=False)

    def run(center: Any) -> None:
        rows = [replace(row, run="r-9") for row in center.journal.all_tasks["r-8"]]
        rows = [row for row in rows if row.task != "2.3"]
        asyncio.run(center.journal.create_run(make_run("r-9", "plans/api.md"), rows))
        center.set_task("r-9", "1.3", state=TaskRunState.RUNNING)

    async def happen(pilot: Pilot[None]) -> None:
        center: Any = pilot.app.center  # type: ignore[attr-defined]
        await until(pilot, lambda: len(center._subscribers) == 2)
        center.publish(edit)
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))

    story(Tab.PLANS, size, prepare=run, act=happen)


@pytest.mark.parametrize("theme", ["cc4-light", "cc4-terminal"])
@pytest.mark.parametrize("tab", [Tab.IDEAS, Tab.PLANS])
def test_other_colours(story: Story, tab: Tab, theme: str) -> None:
    story(tab, (120, 36), theme=theme)


def test_a_terminal_without_unicode(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC4TUI_ASCII", "1")
    story(Tab.PLANS, (80, 24), "space")


def test_wide_characters_and_long_titles(story: Story) -> None:
    def fill(center: Any) -> None:
        center.notebook.age = timedelta(minutes=1)
        asyncio.run(center.notebook.add_idea("日本語のタイトル " * 12, ["とても長い"], "urgent"))
        asyncio.run(center.notebook.add_idea("word " * 40, ["a", "b", "c", "d", "e", "f"]))

    story(Tab.IDEAS, (80, 24), prepare=fill)


@pytest.mark.parametrize(
    ("tab", "keys"),
    [
        pytest.param(Tab.IDEAS, [], id="ideas"),
        pytest.param(Tab.IDEAS, ["p"], id="idea-to-plan"),
        pytest.param(Tab.PLANS, [], id="tree"),
        pytest.param(Tab.PLANS, ["down", "down", "enter"], id="task"),
        pytest.param(Tab.PLANS, ["g", "right"], id="graph"),
        pytest.param(Tab.PLANS, ["f"], id="forecast"),
        pytest.param(Tab.PLANS, ["w"], id="problems"),
        pytest.param(Tab.PLANS, ["r"], id="run"),
        pytest.param(Tab.MEMORY, [], id="lessons"),
        pytest.param(Tab.MEMORY, ["enter"], id="lesson"),
        pytest.param(Tab.MEMORY, ["right"], id="past-runs"),
        pytest.param(Tab.MEMORY, ["right", "right"], id="saved-work"),
    ],
)
async def test_a_view_in_all_sizes_and_themes(
    fill: Any, open_app: Any, until: Any, looks: Any, tab: Tab, keys: list[str]
) -> None:
    center = await fill()
    clash(center)
    async with open_app(center, tab=tab) as pilot:
        app = pilot.app
        await until(pilot, lambda: any(rows.items for rows in app.query(RowList)))
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
            await until(pilot, lambda: not _at_work(app))
        await looks(pilot)
