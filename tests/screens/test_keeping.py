"""Storing what was written in the line for notes."""

from typing import Any

import pytest

from cc4tui.domain.notes import IdeaStatus
from cc4tui.errors import NotFoundError
from cc4tui.screens.keeping import keep, lesson_as_typed
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
    assert (idea.text, idea.tags, idea.priority) == ("limit uploads", (), None)
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


@pytest.mark.parametrize(
    ("before", "typed", "after"),
    [
        (("one", ""), "two #db", ("two", "", ("db",))),
        (("one", ""), "Head\nbody", ("body", "Head", ())),
        (("one", "Head"), "one", ("one", "", ())),
        (("one\n  two", ""), "one\n  three", ("one\n  three", "", ())),
    ],
)
async def test_an_edited_lesson(
    center: Any, before: tuple[str, str], typed: str, after: tuple[str, str, tuple[str, ...]]
) -> None:
    lesson = await center.notebook.add_lesson(*before, tags=["old"])
    step = await keep(center, Note.EDIT_LESSON, typed, lesson.id)
    edited = await center.notebook.lesson(lesson.id)
    assert (edited.text, edited.title, edited.tags) == after
    await step.undo()
    assert await center.notebook.lesson(lesson.id) == lesson


@pytest.mark.parametrize("title", ["", "Head"])
async def test_a_lesson_that_is_edited_without_a_change_stays_as_it_is(
    center: Any, title: str
) -> None:
    text = "run this:\n\n    make schema\n\nthen the tests" if title else "one\n  two"
    lesson = await center.notebook.add_lesson(text, title, tags=["db"])
    await keep(center, Note.EDIT_LESSON, lesson_as_typed(lesson), lesson.id)
    assert await center.notebook.lesson(lesson.id) == lesson
