"""The Memory tab: lessons and past runs."""

from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from cc4tui.domain.notes import Lesson
from cc4tui.domain.run import RunRecord
from cc4tui.errors import NotFoundError
from cc4tui.screens.dialogs.reading import ReadingDialog
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.memory import MemoryTab
from cc4tui.screens.options import Tab
from cc4tui.screens.widgets.note_line import NoteLine
from cc4tui.screens.widgets.row_list import RowList


def tab_of(pilot: Pilot[None]) -> MemoryTab:
    return pilot.app.query_one(MemoryTab)


def shown(pilot: Pilot[None]) -> list[str]:
    items: list[Lesson | RunRecord] = tab_of(pilot).rows.shown
    return [item.id if isinstance(item, RunRecord) else item.title for item in items]


@pytest.fixture
def memory(open_app: Any, until: Any) -> Any:
    """Opens the app on the Memory tab with its list loaded."""

    @asynccontextmanager
    async def opened(**options: Any) -> Any:
        async with open_app(tab=Tab.MEMORY, **options) as pilot:
            await until(pilot, lambda: tab_of(pilot).rows.items)
            yield pilot

    return opened


async def test_lessons_come_newest_first(memory: Any, hostile: str) -> None:
    async with memory() as pilot:
        assert shown(pilot) == [hostile, "", "Schema first"]


async def test_a_lesson_is_written_with_title_and_tags(
    memory: Any, center: Any, until: Any
) -> None:
    async with memory() as pilot:
        await pilot.press("a")
        line = pilot.app.query_one(NoteLine)
        line.query_one("TextArea").load_text("Clear the cache\nor the old page stays #web")
        await pilot.press("enter")
        await until(pilot, lambda: shown(pilot)[0] == "Clear the cache")
        lesson = center.notebook.all_lessons[4]
        assert lesson.text == "or the old page stays"
        assert lesson.tags == ("web",)
        assert line.is_open
        await pilot.press("escape", "u")
        await until(pilot, lambda: len(shown(pilot)) == 3)


async def test_search_finds_words_of_the_text_as_they_are_typed(memory: Any, until: Any) -> None:
    async with memory() as pilot:
        await pilot.press("slash", *"tables")
        await until(pilot, lambda: shown(pilot) == ["Schema first"])
        await pilot.press("escape")
        await until(pilot, lambda: len(shown(pilot)) == 3)


async def test_a_search_that_finds_nothing_says_so(
    memory: Any, until: Any, screen_text: Any
) -> None:
    async with memory() as pilot:
        await pilot.press("slash", *"zzz")
        await until(pilot, lambda: "No lesson holds these words." in screen_text(pilot))


async def test_forgetting_can_be_undone(memory: Any, center: Any, until: Any, toasts: Any) -> None:
    async with memory() as pilot:
        await pilot.press("space", "x")
        await until(pilot, lambda: len(shown(pilot)) == 2)
        assert center.notebook.hidden_lessons == {3}
        assert toasts(pilot) == ["Lesson forgotten. u undoes it."]
        await pilot.press("u")
        await until(pilot, lambda: len(shown(pilot)) == 3)


async def test_enter_reads_the_lesson(memory: Any, until: Any, screen_text: Any) -> None:
    async with memory(size=(80, 24)) as pilot:
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReadingDialog))
        assert "or the tests see the old tables." in screen_text(pilot)


async def test_the_line_of_keys_follows_the_kind_of_what_is_selected(
    memory: Any, screen_text: Any
) -> None:
    def keys() -> str:
        return screen_text(pilot).splitlines()[-1]

    async with memory() as pilot:
        assert " e edit " in keys()
        await pilot.press("right")
        assert " e edit " not in keys()
        await pilot.press("left")
        assert " e edit " in keys()


async def test_past_runs_newest_first_open_in_execution(memory: Any, until: Any) -> None:
    async with memory() as pilot:
        await pilot.press("right")
        await until(pilot, lambda: shown(pilot) == ["r-8", "r-7"])
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.tab is Tab.EXECUTION)
        execution = pilot.app.query_one(ExecutionTab)
        await until(pilot, lambda: execution.model and execution.model.run.id == "r-7")


async def test_a_double_click_opens_too(memory: Any, until: Any) -> None:
    async with memory() as pilot:
        await pilot.press("right")
        await until(pilot, lambda: shown(pilot) == ["r-8", "r-7"])
        rows = tab_of(pilot).query_one(RowList)
        await pilot.click(rows, offset=(6, 0), times=2)
        await until(pilot, lambda: pilot.app.tab is Tab.EXECUTION)


async def test_runs_are_filtered(memory: Any, until: Any) -> None:
    async with memory() as pilot:
        await pilot.press("right", "slash", *"failed")
        await until(pilot, lambda: shown(pilot) == ["r-8"])


async def test_runs_are_not_deleted(memory: Any, until: Any, toasts: Any) -> None:
    async with memory() as pilot:
        await pilot.press("right")
        await until(pilot, lambda: shown(pilot) == ["r-8", "r-7"])
        await pilot.press("x")
        await until(pilot, lambda: toasts(pilot))
        assert "Runs are history" in toasts(pilot)[0]
        assert shown(pilot) == ["r-8", "r-7"]


async def test_what_is_told_of_a_run(memory: Any, until: Any) -> None:
    async with memory() as pilot:
        await pilot.press("right")
        await until(pilot, lambda: "r-8" in tab_of(pilot).pane.text)
        text = tab_of(pilot).pane.text
        assert "✗ r-8  failed" in text
        assert "took     12:00" in text
        assert "lands on main" in text


async def test_a_lesson_that_is_gone_is_told(
    memory: Any, center: Any, until: Any, toasts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(lesson: int) -> None:
        raise NotFoundError("There is no lesson 3.")

    async with memory() as pilot:
        monkeypatch.setattr(center.notebook, "delete_lesson", gone)
        await pilot.press("x")
        await until(pilot, lambda: toasts(pilot) == ["There is no lesson 3."])


async def test_an_empty_memory_teaches(
    open_app: Any, empty_center: Any, until: Any, screen_text: Any
) -> None:
    async with open_app(on=empty_center, tab=Tab.MEMORY, size=(80, 24)) as pilot:
        await until(pilot, lambda: "Nothing was learned yet." in screen_text(pilot))
        await pilot.press("right")
        await until(pilot, lambda: "Nothing has run here yet." in screen_text(pilot))
        await pilot.press("x", "enter")


async def test_a_lesson_is_edited_and_undone(
    memory: Any, center: Any, until: Any, toasts: Any
) -> None:
    async with memory() as pilot:
        await until(pilot, lambda: shown(pilot))
        lesson = tab_of(pilot).rows.current
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.focused, TextArea))
        await pilot.press(*" now", "enter")
        await until(pilot, lambda: toasts(pilot) == ["Lesson edited."])
        edited = center.notebook.all_lessons[lesson.id]
        assert edited.text == f"{lesson.text} now"
        await until(pilot, lambda: tab_of(pilot).rows.current == edited)
        assert tab_of(pilot).rows.has_focus
        await pilot.press("u")
        await until(pilot, lambda: tab_of(pilot).rows.current == lesson)


async def test_a_run_is_not_edited(memory: Any, until: Any) -> None:
    async with memory() as pilot:
        await pilot.press("right")
        await until(pilot, lambda: shown(pilot) == ["r-8", "r-7"])
        await pilot.press("e")
        await pilot.pause()
        assert tab_of(pilot).rows.has_focus
