"""Dialogs: their answers, their keys, and that they fit the smallest terminal."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.forecast import Forecast, ForecastTask
from cc4tui.domain.plan import Batch, Diagnostic, Offer, Plan, PlanTaskState, Severity, Task
from cc4tui.domain.run import RunRecord, TaskRunRecord, TaskRunState
from cc4tui.errors import UsageError
from cc4tui.ports import PlanSummary, RunOptions, TrustQuestion
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.dialogs.difference import APPLY, HOLD, DifferenceDialog
from cc4tui.screens.dialogs.form import Cycle, TextField
from cc4tui.screens.dialogs.frame import MAX_ROWS, Box, Dialog, pressable
from cc4tui.screens.dialogs.keys import KeysDialog
from cc4tui.screens.dialogs.new_plan import NewPlan, NewPlanDialog, path_for
from cc4tui.screens.dialogs.pick_plan import PickPlanDialog
from cc4tui.screens.dialogs.quit import QuitDialog
from cc4tui.screens.dialogs.reading import ReadingDialog
from cc4tui.screens.dialogs.run import RunDialog, Selection, parts
from cc4tui.screens.dialogs.trust import TrustDialog
from cc4tui.screens.planning.held_edits import EditRow, HeldEdit, edit_rows
from cc4tui.screens.themes import DARK
from cc4tui.screens.verbs import TABLE
from cc4tui.screens.widgets.row_list import RowList
from cc4tui.screens.widgets.text_pane import TextPane


AGENTS = [AgentSpec("claude", "claude"), AgentSpec("codex", "codex")]
Make = Callable[[], Dialog[Any]]


class DialogApp(App[None]):
    """Shows one dialog and keeps its answer."""

    def __init__(self, dialog: Dialog[Any]) -> None:
        super().__init__()
        self.dialog = dialog
        self.answers: list[Any] = []

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.register_theme(DARK)
        self.theme = DARK.name
        self.push_screen(self.dialog, self.answers.append)

    action_press = CommandCenterApp.action_press  # type: ignore[assignment]


async def answer(dialog: Dialog[Any], *keys: str) -> Any:
    """What the dialog answers when these keys are pressed."""
    app = DialogApp(dialog)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        assert len(app.answers) == 1, "the dialog is still open"
        return app.answers[0]


def task(task_id: str, state: PlanTaskState = PlanTaskState.TODO, **values: Any) -> Task:
    return Task(task_id, f"Do {task_id}", state, 1, 2, **values)


FIRST = Batch("1", "First", 1, (task("1.1", PlanTaskState.DONE), task("1.2")))
PLAN = Plan("plans/a.md", "A", "cc4", (FIRST, Batch("2", "Second", 9, (task("2.1"),))))
HERE = Selection(PLAN, FIRST, FIRST.tasks[1])


async def unfit(options: RunOptions) -> Forecast:
    raise UsageError(LONG)


async def foretell(options: RunOptions) -> Forecast:
    tasks = tuple(ForecastTask(f"1.{n}", "x", "claude", n) for n in range(3))
    return Forecast("plans/a.md", options.workers or 4, tasks, seconds=(700.0, 1500.0))


def run_dialog(
    selection: Selection = HERE, agents: Sequence[AgentSpec] = AGENTS, **values: Any
) -> RunDialog:
    return RunDialog(selection, agents, values.pop("foretell", foretell), **values)


# --- size ------------------------------------------------------------------------------------

LONG = "a rather long text that says something " * 12
MANY_LINES = [((f"{n} {LONG}", "text"),) for n in range(60)]
MANY_PLANS = [PlanSummary(f"plans/{n}.md", LONG, "cc4", 9, 2, 0) for n in range(60)]


def many_runs() -> list[RunRecord]:
    from datetime import UTC, datetime

    from cc4tui.domain.run import RunStatus

    now = datetime(2026, 11, 21, tzinfo=UTC)
    first = RunRecord(
        "r-1", LONG, LONG, RunStatus.RUNNING, "b", "br", "main", 4, "worktree", "claude", now
    )
    return [replace(first, id=f"r-{n}") for n in range(30)]


BIGGEST: dict[str, Make] = {
    "choice": lambda: ChoiceDialog(LONG, MANY_LINES, [Choice("y", LONG, LONG)] * 3),
    "trust": lambda: TrustDialog(TrustQuestion("k", tuple([LONG] * 40))),
    "quit": lambda: QuitDialog(many_runs()),
    "pick": lambda: PickPlanDialog(LONG, MANY_PLANS),
    "reading": lambda: ReadingDialog(LONG, MANY_LINES),
    "keys": lambda: KeysDialog([(scope, verb) for scope in TABLE for verb in TABLE[scope]]),
    "run": lambda: run_dialog(
        Selection(
            replace(
                PLAN,
                path=LONG,
                diagnostics=(Diagnostic("E01", Severity.ERROR, 1, 1, LONG),),
                offers=(Offer("table", 1, FIRST),),
            ),
            replace(FIRST, title=LONG),
            replace(FIRST.tasks[1], title=LONG, run=("make",)),
            tuple(task(f"9.{n}") for n in range(60)),
        ),
        foretell=unfit,
    ),
    "difference": lambda: DifferenceDialog(
        LONG,
        HeldEdit("r-1", tuple(map(str, range(60))), ("x",), (), LONG),
        [EditRow(str(n), LONG, "added", LONG) for n in range(60)],
    ),
    "new plan": NewPlanDialog,
}


@pytest.mark.parametrize("name", list(BIGGEST))
async def test_no_dialog_is_taller_than_its_place(name: str) -> None:
    app = DialogApp(BIGGEST[name]())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        box = app.screen.query_one(Box).region
        assert box.height <= MAX_ROWS
        assert box.width <= 80
        assert box.x >= 0
        assert box.y >= 0
        for widget in app.screen.query_one(Box).walk_children(Widget):
            if widget.display and widget.region.height:
                assert box.contains_region(widget.region), widget


@pytest.mark.parametrize("name", list(BIGGEST))
async def test_escape_leaves_every_dialog_without_an_answer(name: str) -> None:
    assert await answer(BIGGEST[name](), "escape") is None


# --- choices ---------------------------------------------------------------------------------

CHOICES = [Choice("n", "No"), Choice("y", "Yes"), Choice("a", "Always")]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["y"], "y"),
        (["enter"], "n"),
        (["down", "enter"], "y"),
        (["end", "enter"], "a"),
        (["z", "a"], "a"),
    ],
)
async def test_choices_are_made_by_key_or_cursor(keys: list[str], expected: str) -> None:
    assert await answer(ChoiceDialog("Title", [], CHOICES), *keys) == expected


async def test_choices_are_made_by_double_click() -> None:
    app = DialogApp(ChoiceDialog("Title", [(("why", "text"),)], CHOICES))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click(app.screen.query_one(RowList), offset=(4, 1), times=2)
        await pilot.pause()
    assert app.answers == ["y"]


async def test_the_safe_answer_is_under_the_cursor() -> None:
    assert await answer(TrustDialog(TrustQuestion("k", ("make",))), "enter") == "n"
    assert await answer(QuitDialog(many_runs()[:1]), "enter") == "n"
    assert await answer(DifferenceDialog("p", EDIT, []), "enter") == HOLD


async def test_every_command_can_be_read_whole_before_it_is_trusted() -> None:
    commands = ("x" * 300, "first\nsecond")
    app = DialogApp(TrustDialog(TrustQuestion("k", commands)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        lines = app.screen.query_one(TextPane).text.splitlines()
    assert f" $ {'x' * 300}" in lines
    assert lines[-2:] == [" $ first", " … second"]


async def test_hidden_characters_in_a_command_are_told() -> None:
    app = DialogApp(TrustDialog(TrustQuestion("k", ("make \u202eevil", "make"))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        text = app.screen.query_one(TextPane).text
    assert text.count("hidden characters") == 1


# --- an edited plan --------------------------------------------------------------------------

EDIT = HeldEdit("r-1", ("1.3",), ("1.1", "1.2"), ())


async def test_an_edit_is_applied_by_its_own_key() -> None:
    assert await answer(DifferenceDialog("p", EDIT, []), "a") == APPLY
    assert await answer(DifferenceDialog("p", EDIT, []), "down", "enter") == APPLY


def test_what_an_edit_does_to_each_task() -> None:
    edit = HeldEdit("r-1", ("1.9",), ("1.1", "1.2", "1.3"), ("1.4", "1.5"))
    states = {
        "1.1": TaskRunState.PENDING,
        "1.2": TaskRunState.VERIFYING,
        "1.3": TaskRunState.NO_CHANGE,
        "1.4": TaskRunState.READY,
        "1.5": TaskRunState.RUNNING,
    }
    records = {
        one: TaskRunRecord("r-1", one, 0, f"Old {one}", "1", state) for one, state in states.items()
    }
    rows = edit_rows(edit, PLAN, records)
    assert [(row.task, row.effect) for row in rows] == [
        ("1.2", "goes on with its old text; another try gets the new one"),
        ("1.5", "goes on to its end"),
        ("1.1", "gets its new text"),
        ("1.3", "is no change already: stays as it is"),
        ("1.4", "is cancelled"),
        ("1.9", "joins the run"),
    ]
    assert [row.title for row in rows[:3]] == ["Do 1.2", "Old 1.5", "Do 1.1"]
    assert edit.counts == "1 added, 3 changed, 2 removed"


# --- a new plan ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Rate limits", "plans/rate-limits.md"),
        ("  Über: die  Größe! ", "plans/uber-die-grosse.md"),
        ("../../etc/passwd", "plans/etc-passwd.md"),
        ("日本語", "plans/plan.md"),
        ("x" * 99, f"plans/{'x' * 60}.md"),
    ],
)
def test_a_file_is_named_after_the_title(title: str, path: str) -> None:
    assert path_for(title) == path


async def test_a_new_plan_has_a_title_and_its_own_file() -> None:
    assert await answer(NewPlanDialog(), *"Hi you", "enter") == NewPlan("Hi you", "plans/hi-you.md")
    keys = (*"Hi", "down", *"docs/x.md", "enter")
    assert await answer(NewPlanDialog(), *keys) == NewPlan("Hi", "docs/x.md")


async def test_a_plan_without_a_title_is_not_written() -> None:
    app = DialogApp(NewPlanDialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == []
        assert "It needs a title." in app.screen.query_one(TextPane).text


# --- which plan ------------------------------------------------------------------------------

PLANS = [PlanSummary(f"plans/{n}.md", "", "cc4", 9, 2, 0) for n in "abc"]


async def test_the_plan_under_the_cursor_is_picked() -> None:
    assert await answer(PickPlanDialog("x", PLANS), "down", "enter") == "plans/b.md"
    assert await answer(PickPlanDialog("x", PLANS, "plans/c.md"), "enter") == "plans/c.md"
    assert await answer(PickPlanDialog("x", PLANS, "plans/gone.md"), "enter") == "plans/a.md"


# --- run -------------------------------------------------------------------------------------


async def remarks_after(dialog: RunDialog, *keys: str) -> str:
    app = DialogApp(dialog)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        for _ in range(100):
            text = app.screen.query_one(TextPane).text
            if not text.startswith(" …") and "…" not in text.splitlines()[0]:
                break
            await pilot.pause(0.02)
        return " ".join(text.split())


async def test_how_the_run_would_go_is_told_and_follows_the_fields() -> None:
    told = await remarks_after(run_dialog())
    assert told.startswith("3 tasks in 3 waves with 4 workers, 12 to 25 min")
    told = await remarks_after(run_dialog(), "down", "down", "down", "right", "right")
    assert told.startswith("3 tasks in 3 waves with 2 workers")
    assert (await remarks_after(run_dialog(workers=6))).startswith("3 tasks in 3 waves with 6")


async def test_why_it_could_not_run_is_told_before_it_is_started() -> None:
    assert (await remarks_after(run_dialog(foretell=unfit))).startswith("a rather long text")


def test_what_can_be_run_the_likeliest_first() -> None:
    marked = replace(HERE, marked=FIRST.tasks)
    assert [part.label for part in parts(marked)] == [
        "2 marked: 1.1 1.2",
        "whole plan, 2 of 3 tasks left",
        "batch 1 First, 1 of 2 tasks left",
        "task 1.2 Do 1.2",
    ]
    assert [part.label for part in parts(Selection(PLAN))] == ["whole plan, 2 of 3 tasks left"]
    offered = replace(HERE, offered=True)
    assert [part.label for part in parts(offered)] == ["whole plan, 2 of 3 tasks left"]


async def test_untouched_it_leaves_everything_to_the_configuration() -> None:
    assert await answer(run_dialog(), "enter") == RunOptions()


async def test_every_field_is_answered() -> None:
    keys = ["right", "down", "left", "down", *"opus", "down", "right", "right"]
    keys += ["down", "left", "down", "left", "down", "space", "enter"]
    assert await answer(run_dialog(), *keys) == RunOptions(
        agent="codex",
        model="opus",
        workers=2,
        mode="local",
        land="none",
        batches=("1",),
        keep_going=True,
    )


async def test_marked_tasks_are_run() -> None:
    chosen = await answer(run_dialog(replace(HERE, marked=FIRST.tasks)), "enter")
    assert chosen == RunOptions(tasks=("1.1", "1.2"))


async def test_enter_in_the_text_field_starts_too() -> None:
    chosen = await answer(run_dialog(), "down", "down", *"opus", "enter")
    assert chosen == RunOptions(model="opus")


async def test_what_is_only_offered_is_accepted_by_starting() -> None:
    offers = replace(PLAN, batches=(), offers=(Offer("table", 1, FIRST),))
    chosen = await answer(run_dialog(Selection(offers)), "enter")
    assert chosen == RunOptions(accept_offers=True)
    on_offer = replace(HERE, offered=True)
    assert (await answer(run_dialog(on_offer), "enter")).accept_offers


async def test_without_agents_it_still_opens() -> None:
    assert await answer(run_dialog(agents=[]), "enter") == RunOptions()


async def test_a_click_changes_a_value() -> None:
    app = DialogApp(run_dialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        dialog = app.dialog
        assert isinstance(dialog, RunDialog)
        await pilot.click(dialog.agent, offset=(20, 0))
        assert dialog.agent.value == "claude"
        assert dialog.agent.has_focus
        await pilot.click(dialog.agent, offset=(11, 0))
        assert dialog.agent.value is None


# --- fields ----------------------------------------------------------------------------------


async def test_a_cycle_goes_round() -> None:
    class CycleApp(App[None]):
        def compose(self) -> Any:
            yield Cycle("x", [(1, "one"), (2, "two"), (3, "three")])

        def on_mount(self) -> None:
            self.register_theme(DARK)
            self.theme = DARK.name

    app = CycleApp()
    async with app.run_test(size=(40, 3)) as pilot:
        cycle: Cycle[int] = app.query_one(Cycle)
        cycle.focus()
        await pilot.pause()
        await pilot.press("left")
        assert cycle.value == 3
        await pilot.press("right", "space")
        assert cycle.value == 2
        assert "two" in cycle.render_line(0).text


async def test_fields_show_where_the_focus_is() -> None:
    app = DialogApp(run_dialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        dialog = app.dialog
        assert isinstance(dialog, RunDialog)
        assert dialog.part.render_line(0).text.startswith("▌run")
        await pilot.press("down", "down")
        assert dialog.part.render_line(0).text.startswith(" run")
        assert isinstance(pilot, Pilot)
        assert dialog.query_one(TextField).has_focus_within


@pytest.mark.parametrize(
    ("hint", "found"),
    [
        ("Enter starts · Esc", {"Enter starts": "enter", "Esc": "escape"}),
        ("↑ ↓ field · ← → value", {"↑": "up", "↓ field": "down", "←": "left", "→ value": "right"}),
        ("A marks all · Space marks", {"A marks all": "A", "Space marks": "space"}),
        ("no keys here", {}),
    ],
)
def test_every_key_of_a_hint_can_be_clicked(hint: str, found: dict[str, str]) -> None:
    shown = pressable(hint)
    clicks = {
        shown.plain[span.start : span.end]: span.style.meta["@click"]
        for span in shown.spans
        if not isinstance(span.style, str) and span.style.meta
    }
    assert shown.plain == hint
    assert clicks == {text: f"app.press({key!r})" for text, key in found.items()}


async def click_on(pilot: Pilot[None], words: str) -> None:
    """Click where these words stand."""
    rows = [strip.text for strip in pilot.app.screen._compositor.render_strips()]
    y = next(y for y, row in enumerate(rows) if words in row)
    await pilot.click(offset=(rows[y].index(words), y))
    await pilot.pause()


async def test_a_run_is_started_with_the_mouse_alone() -> None:
    app = DialogApp(run_dialog())
    async with app.run_test(size=(80, 24)) as pilot:
        await click_on(pilot, "as configured: claude")
        await click_on(pilot, "→ value")
        await click_on(pilot, "Enter starts")
        assert [answer.agent for answer in app.answers] == ["codex"]


async def test_every_dialog_is_left_with_the_mouse() -> None:
    app = DialogApp(ChoiceDialog("Sure?", [], [Choice("y", "Yes")]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await click_on(pilot, "Esc")
        assert app.answers == [None]
