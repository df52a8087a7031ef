"""Storing what was written in the line for notes."""

from typing import Any

import pytest

from cc4tui.domain.notes import IdeaStatus
from cc4tui.errors import NotFoundError
from cc4tui.screens.keeping import keep
from cc4tui.screens.messages import Note


async def test_an_idea_with_its_shorthand(center: Any) -> None:
    step = await keep(center, Note.IDEA, "limit it #api !low @report", None)
    idea = (await center.notebook.ideas())[0]
    assert (idea.text, idea.tags, idea.priority) == ("limit it", ("api",), "low")
    assert idea.plan == "docs/plans/report.md"
    assert step.label == "idea kept"
    await step.undo()
    assert idea.id not in [it.id for it in await center.notebook.ideas()]


async def test_plans_are_not_read_for_a_note_that_names_none(
    center: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> None:
        raise AssertionError("plans were read")

    monkeypatch.setattr(center, "plans", never)
    await keep(center, Note.IDEA, "limit it #api", None)


async def test_an_edit_sets_all_and_takes_away_what_is_gone(center: Any) -> None:
    step = await keep(center, Note.EDIT, "limit uploads", 4)
    idea = await center.notebook.idea(4)
    assert (idea.text, idea.tags, idea.priority) == ("limit uploads", (), "")
    await step.undo()
    idea = await center.notebook.idea(4)
    assert (idea.text, idea.tags) == ("rate-limit the upload endpoint", ("api",))
    assert idea.priority == "high"


async def test_an_edit_never_moves_an_idea_out_of_its_plan(center: Any) -> None:
    await keep(center, Note.EDIT, "dark theme @plans/api.md", 1)
    idea = await center.notebook.idea(1)
    assert idea.status is IdeaStatus.PLANNED
    assert (idea.plan, idea.task) == ("docs/plans/report.md", "1.1")


async def test_an_idea_that_is_gone_cannot_be_edited(center: Any) -> None:
    with pytest.raises(NotFoundError):
        await keep(center, Note.EDIT, "x", 99)


@pytest.mark.parametrize(
    ("text", "title", "body", "tags"),
    [
        ("set TZ=UTC #test", "", "set TZ=UTC", ("test",)),
        ("Time zones\nset TZ=UTC #test", "Time zones", "set TZ=UTC", ("test",)),
        ("one\n\ntwo\nthree", "one", "two\nthree", ()),
    ],
)
async def test_a_lesson(
    center: Any, text: str, title: str, body: str, tags: tuple[str, ...]
) -> None:
    step = await keep(center, Note.LESSON, text, None)
    lesson = (await center.notebook.lessons())[0]
    assert (lesson.title, lesson.text, lesson.tags) == (title, body, tags)
    await step.undo()
    assert lesson.id not in [it.id for it in await center.notebook.lessons()]
