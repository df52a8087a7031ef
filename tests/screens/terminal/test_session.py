"""How much of a flood a terminal takes at once."""

import asyncio
from collections.abc import Callable

import pytest

from cc4tui.screens.terminal import session as module
from cc4tui.screens.terminal.session import LEAST, MOST, TURN, TerminalSession


Run = Callable[[Callable[[int], float]], list[int]]


class Flood:
    """Implements cc4tui.ports.Terminal: gives as much as is asked for, so many times."""

    title = note = ""

    def __init__(self, reads: int) -> None:
        self.asked: list[int] = []
        self._reads = reads

    async def read(self, limit: int) -> bytes:
        self.asked.append(limit)
        return b"\n" * limit if len(self.asked) <= self._reads else b""

    async def ended(self) -> str:
        return "It changed nothing."

    def write(self, data: bytes) -> None: ...

    def resize(self, columns: int, rows: int) -> None: ...

    def hang_up(self) -> None: ...


@pytest.fixture
def flood(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a session; it gets the seconds of work that the byte of a number costs."""

    def run(cost: Callable[[int], float]) -> list[int]:
        terminal, spent, taken = Flood(40), [0.0], [0]
        watched = TerminalSession(terminal, "r", "1.1")

        def feed(data: bytes) -> None:
            spent[0] += sum(cost(taken[0] + n) for n in range(len(data)))
            taken[0] += len(data)

        monkeypatch.setattr(watched.emulator, "feed", feed)
        monkeypatch.setattr(module.time, "thread_time", lambda: spent[0])
        monkeypatch.setattr(module, "REST", 0)
        asyncio.run(watched.work())
        assert watched.over
        return terminal.asked

    return run


def test_cheap_bytes_are_taken_by_the_page_and_costly_ones_by_the_line(flood: Run) -> None:
    assert flood(lambda n: 1e-9)[-1] == MOST
    dear = flood(lambda n: 8e-6)
    assert dear[0] == LEAST
    assert abs(dear[-1] * 8e-6 - TURN) < 1e-4
    assert flood(lambda n: 1e-3)[-1] == LEAST


def test_a_change_to_costly_bytes_is_noticed_after_one_bite(flood: Run) -> None:
    asked = flood(lambda n: 1e-9 if n < 3 * MOST else 8e-6)
    assert asked.count(MOST) <= 4
    assert max(asked[6:]) * 8e-6 < 1.1 * TURN
