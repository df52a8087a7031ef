"""Keys that come faster than the screen: none may reach what was in front before."""

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from cc4tui.screens.ideas import IdeasTab
from cc4tui.screens.options import Tab
from cc4tui.screens.plans import PlansTab
from cc4tui.screens.widgets.note_line import NoteLine


NAMES = {"/": "slash", " ": "space"}


def type_at_once(pilot: Pilot[None], *keys: str) -> None:
    """Hand over all keys before the app has seen the first, as a paste into the terminal does.

    Args:
        pilot: Of the app.
        keys: Names of keys in angle brackets, and letters.
    """
    for key in keys:
        if key.startswith("<"):
            pilot.app.post_message(events.Key(key[1:-1], None))
            continue
        for letter in key:
            pilot.app.post_message(events.Key(NAMES.get(letter, letter), letter))


@pytest.mark.parametrize("again", [False, True])
async def test_a_thought_typed_at_once_is_text(
    open_app: Any, center: Any, until: Any, again: bool
) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        await until(pilot, lambda: pilot.app.query_one(IdeasTab).rows.items)
        if again:
            await pilot.press("i", "escape")
            await until(pilot, lambda: pilot.app.query_one(IdeasTab).rows.has_focus)
        type_at_once(pilot, "ixxdq2")
        await until(pilot, lambda: pilot.app.query(NoteLine))
        await until(pilot, lambda: pilot.app.query_one(NoteLine).text == "xxdq2")
        assert center.notebook.hidden_ideas == set()
        assert pilot.app.tab is Tab.IDEAS


async def test_two_thoughts_typed_at_once_are_two_ideas(
    open_app: Any, center: Any, until: Any
) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        await until(pilot, lambda: pilot.app.query_one(IdeasTab).rows.items)
        type_at_once(pilot, "ifirst", "<enter>", "secomd", "<backspace>", "<backspace>", "nd")
        type_at_once(pilot, "<enter>", "third", "<ctrl+j>", "line", "<enter>", "lost", "<escape>")
        await until(pilot, lambda: 7 in center.notebook.all_ideas)
        await until(pilot, lambda: not pilot.app.query_one(NoteLine).is_open)
        kept = [center.notebook.all_ideas[n].text for n in (5, 6, 7)]
        assert kept == ["first", "second", "third\nline"]
        assert 8 not in center.notebook.all_ideas


async def test_deleting_twice_at_once_deletes_two(open_app: Any, center: Any, until: Any) -> None:
    async with open_app(tab=Tab.IDEAS) as pilot:
        rows = pilot.app.query_one(IdeasTab).rows
        await until(pilot, lambda: rows.items)
        type_at_once(pilot, "xx")
        await until(pilot, lambda: center.notebook.hidden_ideas == {4, 3})
        type_at_once(pilot, "u")
        await until(pilot, lambda: center.notebook.hidden_ideas == {4})


async def test_a_filter_typed_at_once_is_text(open_app: Any, until: Any) -> None:
    async with open_app(tab=Tab.PLANS) as pilot:
        tab = pilot.app.query_one(PlansTab)
        await until(pilot, lambda: tab.tree_list.items)
        type_at_once(pilot, "/qr1")
        await until(pilot, lambda: tab.filter_line.text == "qr1")
        assert pilot.app.tab is Tab.PLANS


async def test_keys_after_a_dialog_belong_to_it(open_app: Any, center: Any, until: Any) -> None:
    from cc4tui.screens.dialogs.run import RunDialog

    async with open_app(tab=Tab.PLANS) as pilot:
        await until(pilot, lambda: pilot.app.query_one(PlansTab).tree_list.items)
        await until(pilot, lambda: pilot.app.focused is not None)
        type_at_once(pilot, "rq1i")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunDialog))
        await pilot.pause()
        assert not pilot.app._exit
        assert pilot.app.tab is Tab.PLANS
