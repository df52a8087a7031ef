"""Saved work in the Memory tab: listed, looked at, brought back; never deleted."""

from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui.ports import SavedWork
from cc4tui.screens.dialogs.choice import ChoiceDialog
from cc4tui.screens.dialogs.reading import ReadingDialog
from cc4tui.screens.memory import MemoryTab
from cc4tui.screens.options import Tab


HOSTILE = "evil \x1b]52;c;aGk=\x07 [@click=app.quit]x[/] a [/] b"


@pytest.fixture
def saved(center: Any, open_app: Any, until: Any, clock: Any) -> Any:
    """Opens the app on the saved work."""
    center.all_saved = [
        SavedWork(
            f"r-7f3/2-1-ab/{n}/1",
            "r-7f3",
            "2.1",
            n,
            "c" * 40,
            clock() - timedelta(hours=n),
            f"Work left in worktree {n}" if n < 3 else HOSTILE,
            tuple(f"src/file{k}.py" for k in range(n * 7)),
        )
        for n in (1, 2, 3)
    ]

    @asynccontextmanager
    async def opened(**options: Any) -> Any:
        async with open_app(tab=Tab.MEMORY, **options) as pilot:
            tab = pilot.app.query_one(MemoryTab)
            await until(pilot, lambda: tab.rows.items)
            await pilot.press("left")
            await until(pilot, lambda: len(tab.rows.shown) == 3)
            yield pilot

    return opened


def told(pilot: Pilot[None]) -> str:
    return " ".join(str(toast.message) for toast in pilot.app._notifications)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_it_is_listed_with_task_why_files_and_age(
    saved: Any, screen_text: Any, until: Any, size: tuple[int, int]
) -> None:
    async with saved(size=size) as pilot:
        await until(pilot, lambda: "saved work 3" in screen_text(pilot))
        text = screen_text(pilot)
        assert "Work left in worktree 1" in text
        assert "7 files" in text
        assert "[@click=app.quit]x[/] a [/] b" in text or size[0] < 100
        assert "\x1b" not in text


async def test_it_is_searched_by_file_and_task(saved: Any, until: Any) -> None:
    async with saved() as pilot:
        await pilot.press("slash", *"file20")
        tab = pilot.app.query_one(MemoryTab)
        await until(pilot, lambda: [work.attempt for work in tab.rows.shown] == [3])


async def test_enter_shows_what_it_changes(
    saved: Any, center: Any, until: Any, screen_text: Any
) -> None:
    center.diffs["saved", "r-7f3/2-1-ab/1/1"] = "diff --git a/x b/x\n@@ -1 +1 @@\n-old\n+[/] new\n"
    async with saved() as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReadingDialog))
        await until(pilot, lambda: "+[/] new" in screen_text(pilot))


@pytest.mark.parametrize(("key", "folder"), [("b", None), ("w", "shop-r-7f3-2-1-ab-1-1")])
async def test_it_is_brought_back(
    saved: Any, center: Any, until: Any, key: str, folder: str | None
) -> None:
    worktree = Path("/home/ann") / folder if folder else None
    async with saved(size=(120, 36)) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await pilot.press(key)
        call = ("restore_saved", "r-7f3/2-1-ab/1/1", None, worktree)
        await until(pilot, lambda: call in center.calls)
        await until(pilot, lambda: "Restored as the branch saved/r-7f3" in told(pilot))


async def test_it_cannot_be_deleted(saved: Any, center: Any, until: Any) -> None:
    async with saved(size=(120, 36)) as pilot:
        await pilot.press("x")
        await until(pilot, lambda: "Saved work stays for good" in told(pilot))
        assert len(center.all_saved) == 3


async def test_nothing_saved_teaches_what_it_is(
    open_app: Any, until: Any, screen_text: Any
) -> None:
    async with open_app(tab=Tab.MEMORY) as pilot:
        tab = pilot.app.query_one(MemoryTab)
        await until(pilot, lambda: tab.rows.items)
        await pilot.press("left")
        await until(pilot, lambda: "Nothing had to be saved here." in screen_text(pilot))
