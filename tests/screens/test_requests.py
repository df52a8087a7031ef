"""What agents ask: one key away from everywhere, and answered with one more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from cc4tui.ports import Decision, OpenRequest
from cc4tui.screens.dialogs.frame import MAX_ROWS, Box
from cc4tui.screens.dialogs.request import RequestDialog, WordsDialog
from cc4tui.screens.dialogs.requests import RequestsDialog
from cc4tui.screens.options import Tab


PERMISSION = OpenRequest(
    run="r-9",
    task="1.1",
    attempt=1,
    name="3f1a",
    kind="permission",
    tool="Bash",
    summary="Bash git push",
    details="command: git push\ndescription: publish",
    choices=(),
    rule="Bash: git push",
    since=None,
)
QUESTION = replace(
    PERMISSION,
    name="77aa",
    kind="question",
    summary="Which database?",
    details="",
    choices=("PostgreSQL", "SQLite"),
    rule="",
)


@pytest.fixture
def asked(open_app: Any, center: Any, until: Any) -> Any:
    """Opens the app while these requests wait, and presses the key that leads to them."""

    @asynccontextmanager
    async def start(*requests: OpenRequest) -> AsyncIterator[Any]:
        center.requests = list(requests)
        async with open_app(tab=Tab.IDEAS) as pilot:
            await pilot.press("exclamation_mark")
            await until(pilot, lambda: isinstance(pilot.app.screen, RequestDialog))
            yield pilot

    return start


def answers(center: Any) -> list[Decision]:
    return [call[2] for call in center.calls if call[0] == "answer"]


@pytest.mark.parametrize(
    ("request_", "keys", "decision"),
    [
        (PERMISSION, ["a"], Decision("3f1a", allow=True)),
        (PERMISSION, ["enter"], Decision("3f1a", allow=True)),
        (PERMISSION, ["r"], Decision("3f1a", allow=True, always="run")),
        (PERMISSION, ["R"], Decision("3f1a", allow=True, always="repository")),
        (PERMISSION, ["d"], Decision("3f1a", allow=False)),
        (PERMISSION, ["w", "n", "o", "enter"], Decision("3f1a", allow=False, text="no")),
        (QUESTION, ["2"], Decision("77aa", allow=True, text="SQLite")),
        (QUESTION, ["w", "x", "enter"], Decision("77aa", allow=True, text="x")),
        (QUESTION, ["d"], Decision("77aa", allow=False)),
    ],
)
async def test_answers(
    asked: Any, center: Any, until: Any, request_: Any, keys: list[str], decision: Decision
) -> None:
    async with asked(request_) as pilot:
        for key in keys:
            await pilot.press(key)
            if key == "w":
                await until(pilot, lambda: isinstance(pilot.app.screen, WordsDialog))
        await until(pilot, lambda: answers(center) == [decision])
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_one_after_the_other_the_oldest_first(asked: Any, center: Any, until: Any) -> None:
    async with asked(PERMISSION, QUESTION) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: len(answers(center)) == 1)
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestDialog))
        await pilot.press("1")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
    assert [decision.request for decision in answers(center)] == ["3f1a", "77aa"]


async def test_leaving_answers_nothing(asked: Any, center: Any, until: Any) -> None:
    async with asked(PERMISSION) as pilot:
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
    assert answers(center) == []


async def test_what_cannot_be_a_rule_is_not_offered_as_one(asked: Any) -> None:
    async with asked(replace(PERMISSION, rule="")) as pilot:
        assert [choice.key for choice in pilot.app.screen.choices] == ["a", "d", "w", "l"]


async def test_several_get_the_same_answer_at_once(asked: Any, center: Any, until: Any) -> None:
    other = replace(PERMISSION, name="5c5c", task="1.2", rule="")
    third = replace(PERMISSION, name="9d9d", task="1.3")
    async with asked(PERMISSION, QUESTION, other, third) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestsDialog))
        await pilot.press("space", "space", "space", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestDialog))  # what is left
        assert answers(center) == [
            Decision("3f1a", allow=True, always="run"),
            Decision("5c5c", allow=True),  # cannot be made a rule
        ]
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestsDialog))
        await pilot.press("A", "d")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
    assert answers(center)[2:] == [Decision("77aa", allow=False), Decision("9d9d", allow=False)]


async def test_one_of_several_is_looked_at_whole(asked: Any, center: Any, until: Any) -> None:
    async with asked(PERMISSION, QUESTION) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestsDialog))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestDialog))
        await pilot.press("2")
        await until(pilot, lambda: len(answers(center)) == 1)
    assert answers(center) == [Decision("77aa", allow=True, text="SQLite")]


@pytest.mark.parametrize("choices", [(), ("a", "b", "c", "d", "e", "f")])
async def test_it_fits_the_smallest_terminal(
    open_app: Any, center: Any, until: Any, choices: tuple[str, ...], screen_text: Any
) -> None:
    kind = "question" if choices else "permission"
    details = "\n".join(f"line {number}: \x1b[31m[red]" for number in range(50))
    center.requests = [replace(PERMISSION, kind=kind, choices=choices, details=details)]
    async with open_app(tab=Tab.IDEAS, size=(80, 24)) as pilot:
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestDialog))
        await pilot.pause()
        assert pilot.app.screen.query_one(Box).size.height <= MAX_ROWS
        shown = screen_text(pilot)
        assert "Look at the agent first" in shown
        assert "\x1b" not in shown
