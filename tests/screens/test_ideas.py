"""The Ideas tab: catch, edit, mark, delete, undo, promote."""

from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui.domain.notes import IdeaStatus
from cc4tui.errors import UsageError
from cc4tui.screens.dialogs.pick_plan import PickPlanDialog
from cc4tui.screens.ideas import IdeasTab
from cc4tui.screens.options import Tab
from cc4tui.screens.widgets.note_line import NoteLine


def tab_of(pilot: Pilot[None]) -> IdeasTab:
    return pilot.app.query_one(IdeasTab)


def texts(pilot: Pilot[None]) -> list[str]:
    return [idea.text for idea in tab_of(pilot).rows.shown]


@pytest.fixture
def ideas(open_app: Any, until: Any) -> Any:
    """Opens the app on the Ideas tab with its list loaded."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def opened(**options: Any) -> Any:
        async with open_app(tab=Tab.IDEAS, **options) as pilot:
            await until(pilot, lambda: tab_of(pilot).rows.items)
            yield pilot

    return opened


async def test_the_inbox_shows_newest_first(ideas: Any, hostile: str) -> None:
    async with ideas() as pilot:
        assert texts(pilot) == [
            "rate-limit the upload endpoint",
            hostile,
            "flaky test in worker",
        ]
        assert tab_of(pilot).rows.has_focus


async def test_views_show_other_ideas(ideas: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("right")
        await until(pilot, lambda: texts(pilot) == ["dark theme for the report"])
        await pilot.press("right")
        await until(pilot, lambda: texts(pilot) == [])
        await pilot.press("right")
        await until(pilot, lambda: len(texts(pilot)) == 4)
        await pilot.press("left", "left", "left")
        await until(pilot, lambda: len(texts(pilot)) == 3)


async def test_views_work_with_the_mouse(ideas: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.click("ViewBar", offset=(13, 0))
        await until(pilot, lambda: texts(pilot) == ["dark theme for the report"])


async def test_a_thought_is_kept_and_the_next_one_typed_at_once(
    ideas: Any, center: Any, until: Any
) -> None:
    async with ideas() as pilot:
        await pilot.press("i")
        await pilot.press(*"one", "enter", *"two", "enter")
        await until(pilot, lambda: texts(pilot)[:2] == ["two", "one"])
        line = pilot.app.query_one(NoteLine)
        assert line.is_open
        assert line.text == ""
        await pilot.press("escape")
        await until(pilot, lambda: tab_of(pilot).rows.has_focus)
        assert not line.is_open


async def test_shorthand_is_understood(ideas: Any, center: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("i")
        pilot.app.query_one(NoteLine).query_one("TextArea").load_text("limit it #api !high @report")
        await pilot.press("enter")
        await until(pilot, lambda: texts(pilot)[0] == "limit it")
        idea = center.notebook.all_ideas[5]
        assert idea.tags == ("api",)
        assert idea.priority == "high"
        assert idea.plan == "docs/plans/report.md"
        assert idea.status is IdeaStatus.INBOX


async def test_ctrl_j_adds_a_line(ideas: Any, center: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("i", *"one", "ctrl+j", *"two", "enter")
        await until(pilot, lambda: 5 in center.notebook.all_ideas)
        assert center.notebook.all_ideas[5].text == "one\ntwo"


async def test_escape_keeps_nothing(ideas: Any, center: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("i", *"nothing", "escape")
        await pilot.pause()
        assert 5 not in center.notebook.all_ideas
        await pilot.press("i")
        assert pilot.app.query_one(NoteLine).text == ""


async def test_an_empty_line_is_no_idea(ideas: Any, center: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("i", "space", "enter")
        await pilot.pause()
        assert 5 not in center.notebook.all_ideas
        assert not pilot.app.query_one(NoteLine).is_open


@pytest.mark.parametrize("tab", [Tab.PLANS, Tab.MEMORY])
async def test_ideas_are_caught_from_other_tabs(
    open_app: Any, center: Any, until: Any, tab: Tab
) -> None:
    async with open_app(tab=tab) as pilot:
        await until(pilot, lambda: pilot.app.focused is not None)
        before = pilot.app.focused
        await pilot.press("i", *"2 birds", "enter", "escape")
        await until(pilot, lambda: 5 in center.notebook.all_ideas)
        assert center.notebook.all_ideas[5].text == "2 birds"
        assert pilot.app.tab is tab
        await until(pilot, lambda: pilot.app.focused is before)


async def test_what_is_pasted_is_cleaned(ideas: Any, center: Any, until: Any) -> None:
    from textual.events import Paste

    async with ideas() as pilot:
        await pilot.press("i")
        pilot.app.focused.post_message(Paste("a\x1b[6nb\nc\x9b1m"))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: 5 in center.notebook.all_ideas)
        assert center.notebook.all_ideas[5].text == "ab\nc"


async def test_edit_begins_with_what_was_typed(ideas: Any, center: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("e")
        line = pilot.app.query_one(NoteLine)
        assert line.text == "rate-limit the upload endpoint #api !high"
        await pilot.press(*" now", "enter")
        await until(pilot, lambda: "now" in texts(pilot)[0])
        idea = center.notebook.all_ideas[4]
        assert idea.text == "rate-limit the upload endpoint now"
        assert (idea.tags, idea.priority) == (("api",), "high")
        assert not line.is_open
        await pilot.press("u")
        await until(pilot, lambda: "now" not in texts(pilot)[0])


async def test_deleting_can_be_undone(ideas: Any, center: Any, until: Any, toasts: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("x")
        await until(pilot, lambda: len(texts(pilot)) == 2)
        assert center.notebook.hidden_ideas == {4}
        assert toasts(pilot) == ["Idea deleted. u undoes it."]
        await pilot.press("u")
        await until(pilot, lambda: len(texts(pilot)) == 3)
        assert toasts(pilot)[-1] == "Undone: idea deleted."


async def test_marked_ideas_are_deleted_together(ideas: Any, center: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("space", "space", "x")
        await until(pilot, lambda: texts(pilot) == ["flaky test in worker"])
        assert tab_of(pilot).rows.marked == []
        await pilot.press("u")
        await until(pilot, lambda: len(texts(pilot)) == 3)


async def test_done_and_back(ideas: Any, center: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("d")
        await until(pilot, lambda: len(texts(pilot)) == 2)
        assert center.notebook.all_ideas[4].status is IdeaStatus.DONE
        await pilot.press("u")
        await until(pilot, lambda: len(texts(pilot)) == 3)
        assert center.notebook.all_ideas[4].status is IdeaStatus.INBOX


async def test_undo_goes_back_step_by_step(ideas: Any, until: Any, toasts: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("x")
        await until(pilot, lambda: len(texts(pilot)) == 2)
        await pilot.press("x")
        await until(pilot, lambda: len(texts(pilot)) == 1)
        await pilot.press("u")
        await until(pilot, lambda: len(texts(pilot)) == 2)
        await pilot.press("u")
        await until(pilot, lambda: len(texts(pilot)) == 3)
        await pilot.press("u")
        await until(pilot, lambda: toasts(pilot)[-1] == "There is nothing to undo.")


async def test_an_idea_becomes_a_task(ideas: Any, center: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickPlanDialog))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(texts(pilot)) == 2)
        assert ("promote_idea", 4, "docs/plans/report.md") in center.calls
        assert center.all_plans["docs/plans/report.md"].task("1.4") is not None
        await pilot.press("u")
        await until(pilot, lambda: len(texts(pilot)) == 3)
        assert center.all_plans["docs/plans/report.md"].task("1.4") is None
        idea = center.notebook.all_ideas[4]
        assert (idea.status, idea.plan, idea.task) == (IdeaStatus.INBOX, None, None)


async def test_the_plan_that_was_named_is_offered_first(
    ideas: Any, center: Any, until: Any
) -> None:
    async with ideas() as pilot:
        await center.notebook.update_idea(4, plan="docs/plans/report.md")
        tab_of(pilot).reload()
        await until(pilot, lambda: tab_of(pilot).rows.current.plan)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickPlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: center.calls)
        assert center.calls == [("promote_idea", 4, "docs/plans/report.md")]


async def test_leaving_the_question_promotes_nothing(ideas: Any, center: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickPlanDialog))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, PickPlanDialog))
        assert center.calls == []


async def test_without_a_plan_promoting_says_what_to_do(
    ideas: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with ideas() as pilot:
        center.all_plans.clear()
        await pilot.press("p")
        await until(pilot, lambda: toasts(pilot))
        assert toasts(pilot) == ["There is no plan yet: write one into plans/, then promote."]


async def test_what_goes_wrong_is_told_and_the_idea_stays(
    ideas: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with ideas() as pilot:
        center.failure = UsageError("plans/api.md [bold]changed[/] meanwhile\x1b[6n")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickPlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: toasts(pilot))
        assert toasts(pilot) == ["plans/api.md [bold]changed[/] meanwhile"]
        assert len(texts(pilot)) == 3


async def test_filtering(ideas: Any, until: Any) -> None:
    async with ideas() as pilot:
        await pilot.press("slash", *"#api")
        await until(pilot, lambda: texts(pilot) == ["rate-limit the upload endpoint"])
        await pilot.press("enter")
        await until(pilot, lambda: tab_of(pilot).rows.has_focus)
        assert len(texts(pilot)) == 1
        await pilot.press("slash", "escape")
        await until(pilot, lambda: len(texts(pilot)) == 3)
        assert tab_of(pilot).rows.has_focus


async def test_an_empty_inbox_teaches(open_app: Any, empty_center: Any, screen_text: Any) -> None:
    async with open_app(on=empty_center, tab=Tab.IDEAS, size=(80, 24)) as pilot:
        await pilot.pause()
        text = screen_text(pilot)
        assert "The inbox is empty." in text
        assert "i catches a thought from any tab" in text
        await pilot.press("x", "e", "d", "p", "enter", "space")
        await pilot.pause()
        assert empty_center.calls == []


async def test_ideas_of_another_process_show_when_the_tab_does(
    ideas: Any, center: Any, until: Any
) -> None:
    async with ideas() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: not tab_of(pilot).is_on_screen)
        await center.notebook.add_idea("from a second shell")
        await pilot.press("1")
        await until(pilot, lambda: texts(pilot)[0] == "from a second shell")
