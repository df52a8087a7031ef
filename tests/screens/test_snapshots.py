"""Stories in pictures: what a person sees on every tab, each view in three sizes and two themes."""

import asyncio
from collections.abc import Callable, Sequence
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
from cc4tui.ports import OpenRequest, TrustQuestion
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.dialogs.choice import ChoiceDialog
from cc4tui.screens.options import StartOptions, Tab
from cc4tui.screens.widgets.row_list import RowList
from cc4tui.screens.widgets.status_bar import StatusBar


Story = Callable[..., None]
THEMES = ("cc4-dark", "cc4-light")


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


@pytest.mark.parametrize("tab", list(Tab))
def test_every_empty_tab_teaches(story: Story, tab: Tab) -> None:
    story(tab, (80, 24), empty=True)


def test_ideas_are_marked_and_filtered(story: Story) -> None:
    story(Tab.IDEAS, (80, 24), "space", "slash", "u", "p")


def test_a_run_of_what_is_marked(story: Story) -> None:
    story(Tab.PLANS, (80, 24), "space", "r", "right", "down")


def test_the_graph_in_small_boxes(story: Story) -> None:
    story(Tab.PLANS, (80, 24), "g", "z", "space", prepare=clash)


@pytest.mark.parametrize(
    ("tab", "keys"),
    [
        pytest.param(Tab.PLANS, ["space"], id="tree"),
        pytest.param(Tab.PLANS, ["g"], id="graph"),
    ],
)
def test_a_terminal_without_unicode(
    story: Story, monkeypatch: pytest.MonkeyPatch, tab: Tab, keys: list[str]
) -> None:
    monkeypatch.setenv("CC4TUI_ASCII", "1")
    story(tab, (80, 24), *keys)


@pytest.mark.parametrize("tab", [Tab.IDEAS, Tab.PLANS])
def test_the_terminals_own_colours(story: Story, tab: Tab) -> None:
    story(tab, (120, 36), theme="cc4-terminal")


def test_wide_characters_and_long_titles(story: Story) -> None:
    def fill(center: Any) -> None:
        center.notebook.age = timedelta(minutes=1)
        asyncio.run(center.notebook.add_idea("日本語のタイトル " * 12, ["とても長い"], "urgent"))
        asyncio.run(center.notebook.add_idea("word " * 40, ["a", "b", "c", "d", "e", "f"]))

    story(Tab.IDEAS, (80, 24), prepare=fill)


# --- every view in each size and each theme -------------------------------------------------------


def clash(center: Any) -> None:
    """Tasks that could run at the same time name the same files; the plan has a problem."""
    plan = center.all_plans["plans/api.md"]
    first, second = plan.batches
    shared = (FileRef("api/app.py"), FileRef("api/limits.py"))
    page = replace(second.tasks[1], waits_for=("1.3",), files=shared[:1])
    tasks = (replace(second.tasks[0], waits_for=("1.3",), files=shared), page, second.tasks[2])
    batches = (first, replace(second, tasks=tasks))
    center.all_plans["plans/api.md"] = replace(plan, batches=batches)


def break_it(center: Any) -> None:
    """The plan has an error."""
    plan = center.all_plans["plans/api.md"]
    error = Diagnostic(
        "E04", Severity.ERROR, 35, 7, 'unknown dependency "2.9"', "the nearest is 2.1"
    )
    center.all_plans["plans/api.md"] = replace(plan, diagnostics=(*plan.diagnostics, error))


@pytest.fixture
def view(fill: Any, open_app: Any, until: Any, looks: Any, screen_text: Any) -> Any:
    """Opens a view by keys, waits until it shows what is expected, and compares its pictures."""

    async def compare(
        tab: Tab,
        *keys: str,
        prepare: Callable[[Any], Any] = clash,
        act: Callable[[Pilot[None]], Any] | None = None,
        words: str = "",
        themes: Sequence[str] = THEMES,
    ) -> None:
        center = await fill()
        prepare(center)
        async with open_app(center, tab=tab, theme=themes[0]) as pilot:
            app = pilot.app
            await until(pilot, lambda: any(rows.items for rows in app.query(RowList)))
            for key in keys:
                await pilot.press(key)
                await until(pilot, lambda: not _at_work(app))
            if act is not None:
                await act(pilot)
            await until(pilot, lambda: words in screen_text(pilot))
            await looks(pilot, themes)

    return compare


@pytest.mark.parametrize(
    ("tab", "keys"),
    [
        pytest.param(Tab.IDEAS, [], id="ideas"),
        pytest.param(Tab.IDEAS, ["p"], id="idea-to-plan"),
        pytest.param(Tab.IDEAS, ["question_mark"], id="keys"),
        pytest.param(Tab.PLANS, [], id="plans"),
        pytest.param(Tab.PLANS, ["down", "down"], id="tree"),
        pytest.param(Tab.PLANS, ["down", "down", "enter"], id="task"),
        pytest.param(Tab.PLANS, ["g", "right"], id="graph"),
        pytest.param(Tab.PLANS, ["f"], id="forecast"),
        pytest.param(Tab.PLANS, ["r"], id="run"),
        pytest.param(Tab.PLANS, ["n", "R", "a", "t", "e"], id="new-plan"),
        pytest.param(Tab.MEMORY, [], id="lessons"),
        pytest.param(Tab.MEMORY, ["enter"], id="lesson"),
        pytest.param(Tab.MEMORY, ["right"], id="past-runs"),
        pytest.param(Tab.MEMORY, ["right", "right"], id="saved-work"),
    ],
)
async def test_a_view_in_all_sizes_and_themes(view: Any, tab: Tab, keys: list[str]) -> None:
    await view(tab, *keys)


async def test_problems_in_all_sizes_and_themes(view: Any) -> None:
    await view(Tab.PLANS, "w", prepare=break_it, words="unknown dependency")


async def test_a_thought_in_all_sizes_and_themes(view: Any) -> None:
    async def write(pilot: Pilot[None]) -> None:
        pilot.app.query_one(TextArea).load_text("rate-limit the download too #api !high")

    await view(Tab.PLANS, "i", act=write)


async def test_the_palette_in_all_sizes_and_themes(view: Any, until: Any) -> None:
    """Textual's own palette keeps the colours with which it was opened."""

    async def listed(pilot: Pilot[None]) -> None:
        palette = pilot.app.screen
        commands = palette.query_one(CommandList)
        await until(pilot, lambda: commands.option_count and not any(
            worker.is_running for worker in pilot.app.workers if worker.node is palette
        ))  # fmt: skip

    for theme in THEMES:
        await view(Tab.PLANS, "ctrl+p", act=listed, themes=[theme])


async def test_the_question_of_trust_in_all_sizes_and_themes(view: Any, until: Any) -> None:
    def distrust(center: Any) -> None:
        commands = ("make install", "curl https://example.org/x.sh | sh\nrm -rf build # [b]x[/]")
        center.question = TrustQuestion("k", commands)

    async def shown(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))

    await view(Tab.PLANS, "r", "enter", prepare=distrust, act=shown)


@pytest.fixture
def during_a_run(make_run: Any) -> Callable[[Any], None]:
    """A run that is at work, with a task in each state."""
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
        center.journal.all_runs["r-9"] = make_run("r-9", "plans/api.md")
        center.journal.all_tasks["r-9"] = rows

    return run


async def test_the_tree_of_a_run_in_all_sizes_and_themes(view: Any, during_a_run: Any) -> None:
    await view(Tab.PLANS, prepare=during_a_run, words="verifying")


async def test_quitting_during_a_run_in_all_sizes_and_themes(
    view: Any, during_a_run: Any, until: Any
) -> None:
    async def shown(pilot: Pilot[None]) -> None:
        bar = pilot.app.screen_stack[0].query_one(StatusBar)
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await until(pilot, lambda: bar.progress is not None)

    await view(Tab.PLANS, "q", prepare=during_a_run, act=shown)


async def test_an_edit_during_a_run_in_all_sizes_and_themes(
    view: Any, during_a_run: Any, until: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("cc4tui.screens.app.CALM_SECONDS", -1.0)
    edit = PlanChanged(run="r-9", added=["2.3"], changed=["1.3"], removed=["2.2"], applied=False)

    def run(center: Any) -> None:
        during_a_run(center)
        rows = center.journal.all_tasks["r-9"]
        center.journal.all_tasks["r-9"] = [row for row in rows if row.task != "2.3"]

    async def happen(pilot: Pilot[None]) -> None:
        center: Any = pilot.app.center  # type: ignore[attr-defined]
        await until(pilot, lambda: len(center._subscribers) == 2)
        center.publish(edit)
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))

    await view(Tab.PLANS, prepare=run, act=happen)


@pytest.mark.parametrize(("several", "words"), [(False, "git push"), (True, "2 requests")])
async def test_what_agents_ask_in_all_sizes_and_themes(
    view: Any, until: Any, several: bool, words: str
) -> None:
    about = (
        "Bash",
        "Bash git push",
        "command: git push\ndescription: publish",
        (),
        "Bash: git push",
    )
    one = OpenRequest("r-9", "1.1", 1, "3f1a", "permission", *about, since=None)

    def ask(center: Any) -> None:
        two = replace(one, name="77aa", task="2.1", kind="question", summary="Which database?")
        center.requests = [one, replace(two, details="", choices=("PostgreSQL", "SQLite"), rule="")]

    keys = ["exclamation_mark", "s"] if several else ["exclamation_mark"]
    await view(Tab.PLANS, *keys, prepare=ask, words=words)
