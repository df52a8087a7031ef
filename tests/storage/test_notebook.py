"""Ideas and lessons: written, changed, hidden, brought back, by any process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.notes import IdeaStatus
from cc4tui.errors import NotFoundError
from cc4tui.events import TaskReady
from cc4tui.ports import Write
from cc4tui.storage.store import SqlStore, open_store


async def test_an_idea_comes_back_as_it_was(store: SqlStore, path: Path):
    before = datetime.now(UTC)
    idea = await store.add_idea("[@click=app.quit]x[/] “ü”\nsecond line", ["ui", "ü"], "high")
    assert before <= idea.created <= datetime.now(UTC)
    assert (idea.text, idea.tags) == ("[@click=app.quit]x[/] “ü”\nsecond line", ("ui", "ü"))
    assert (idea.priority, idea.status) == ("high", IdeaStatus.INBOX)
    await store.close()

    again = await open_store(path)
    assert await again.idea(idea.id) == idea
    assert await again.ideas() == [idea]
    await again.close()


async def test_ideas_are_newest_first(store: SqlStore):
    ideas = [await store.add_idea(f"idea {n}") for n in range(5)]
    assert await store.ideas() == ideas[::-1]


async def test_only_what_is_given_is_changed(store: SqlStore):
    idea = await store.add_idea("before", ["a"], "low")
    other = await store.add_idea("other")
    changed = await store.update_idea(idea.id, text="after", tags=())
    assert changed == replace(idea, text="after", tags=())
    planned = await store.update_idea(
        idea.id, status=IdeaStatus.PLANNED, plan="plans/a.md", task="1.4", priority="high"
    )
    assert planned == replace(
        changed, status=IdeaStatus.PLANNED, plan="plans/a.md", task="1.4", priority="high"
    )
    assert await store.update_idea(idea.id) == planned
    assert await store.ideas() == [other, planned]


async def test_what_is_empty_is_taken_away(store: SqlStore):
    idea = await store.add_idea("x", priority="low")
    await store.update_idea(idea.id, plan="plans/a.md", task="1.4")
    assert await store.update_idea(idea.id, priority="", plan="", task="") == replace(
        idea, priority=None
    )


async def test_a_lesson_is_edited_and_found_by_its_new_words(store: SqlStore):
    lesson = await store.add_lesson("use --no-track", "git", "r1/t1", ["git"])
    edited = await store.update_lesson(lesson.id, text="use --detach", tags=["tree"])
    assert edited == replace(lesson, text="use --detach", tags=("tree",))
    assert await store.lesson(lesson.id) == edited
    assert await store.search_lessons("detach") == await store.search_lessons("tree") == [edited]
    assert await store.search_lessons("track") == []
    assert await store.update_lesson(lesson.id, title="") == replace(edited, title="")


async def test_a_deleted_idea_can_be_brought_back(store: SqlStore):
    idea = await store.add_idea("keep me", ["x"])
    await store.delete_idea(idea.id)
    assert await store.ideas() == []
    assert await store.idea(idea.id) is None
    assert await store.restore_idea(idea.id) == idea
    assert await store.ideas() == [idea]
    assert await store.restore_idea(idea.id) == idea


async def test_a_deleted_lesson_can_be_brought_back(store: SqlStore):
    lesson = await store.add_lesson("use --no-track", "git", "r1/t1", ["git"])
    await store.delete_lesson(lesson.id)
    assert await store.lessons() == []
    assert await store.search_lessons("track") == []
    assert await store.restore_lesson(lesson.id) == lesson
    assert await store.lessons() == await store.search_lessons("track") == [lesson]


async def test_numbers_are_not_given_twice(store: SqlStore):
    first = await store.add_idea("one")
    await store.delete_idea(first.id)
    assert (await store.add_idea("two")).id != first.id


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda s: s.update_idea(7, text="x"), "idea 7"),
        (lambda s: s.update_idea(7), "idea 7"),
        (lambda s: s.delete_idea(7), "idea 7"),
        (lambda s: s.restore_idea(7), "idea 7"),
        (lambda s: s.delete_lesson(7), "lesson 7"),
        (lambda s: s.restore_lesson(7), "lesson 7"),
        (lambda s: s.update_lesson(7, text="x"), "lesson 7"),
        (lambda s: s.delete_lesson(2**63), f"lesson {2**63}"),
        (lambda s: s.update_idea(-(2**70), text="x"), f"idea -{2**70}"),
    ],
)
async def test_what_is_not_there_is_named(
    store: SqlStore, call: Callable[[SqlStore], Awaitable[Any]], what: str
):
    with pytest.raises(NotFoundError, match=f"^There is no {what}$"):
        await call(store)


async def test_a_number_that_no_row_can_have_is_just_not_there(store: SqlStore):
    assert await store.idea(2**63) is None
    assert await store.lesson(-(2**63) - 1) is None


async def test_what_is_deleted_is_not_there(store: SqlStore):
    idea = await store.add_idea("x")
    lesson = await store.add_lesson("x")
    await store.delete_idea(idea.id)
    await store.delete_lesson(lesson.id)
    with pytest.raises(NotFoundError):
        await store.delete_idea(idea.id)
    with pytest.raises(NotFoundError):
        await store.update_idea(idea.id, text="y")
    with pytest.raises(NotFoundError):
        await store.delete_lesson(lesson.id)


async def test_text_that_no_database_takes_is_made_visible(store: SqlStore):
    idea = await store.add_idea("a\0b\udcffc", ["\udcff"])
    assert idea.text == "a\u2400b\\udcffc"
    assert idea.tags == ("\udcff",)
    assert await store.ideas() == [idea]


async def test_lessons_are_newest_first_and_limited(store: SqlStore):
    lessons = [await store.add_lesson(f"lesson {n}") for n in range(5)]
    assert (lessons[0].source, lessons[0].title) == ("person", "")
    assert await store.lessons() == lessons[::-1]
    assert await store.lessons(limit=2) == lessons[:2:-1]


NOTER = """
import asyncio, sys
from pathlib import Path
from cc4tui.storage.store import open_store

async def main():
    store = await open_store(Path(sys.argv[1]))
    for n in range(25):
        await store.add_idea(f"{sys.argv[2]} {n}")
        await store.add_lesson(f"{sys.argv[2]} {n}")
    await store.close()

asyncio.run(main())
"""


@pytest.mark.integration
async def test_other_processes_write_while_a_run_goes_on(
    store: SqlStore, path: Path, new_run: Any, child: Any
):
    await store.create_run(*new_run())
    writers = [child(NOTER, path, who) for who in ("a", "b")]
    count = 0
    while any(process.poll() is None for process in writers):
        await store.commit(Write("r1", events=(TaskReady(run="r1"),), durable=count % 10 == 0))
        count += 1
    assert [process.returncode for process in writers] == [0, 0]

    expected = {f"{who} {n}" for who in "ab" for n in range(25)}
    assert {idea.text for idea in await store.ideas()} == expected
    assert {lesson.text for lesson in await store.lessons()} == expected
    seqs = [event.seq for event in await store.events("r1", limit=count + 1)]
    assert seqs == list(range(1, count + 1))


@pytest.mark.integration
async def test_a_fresh_database_may_be_opened_by_many_at_once(path: Path, child: Any):
    writers = [child(NOTER, path, who) for who in "abc"]
    for process in writers:
        assert await asyncio.to_thread(process.wait, 50) == 0
    store = await open_store(path)
    assert len(await store.ideas()) == len(await store.lessons()) == 75
    assert len(await store.search_lessons("a")) == 25
    await store.close()
