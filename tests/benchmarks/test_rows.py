"""A list of a hundred thousand rows: shown and scrolled for the price of what is seen."""

import time
from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.widgets import OptionList

from cc4tui.screens.widgets.row_list import Row, RowList


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROWS = 100_000
STEPS = 40


class Lists(App[None]):
    """An empty list of ours and one of Textual's."""

    def __init__(self) -> None:
        super().__init__()
        self.ours: RowList[int] = RowList(
            lambda item, width: Row(((f"row {item}", "text"),), ((f"#{item}", "muted"),)),
            key=lambda item: item,
        )
        self.theirs = OptionList()

    def compose(self) -> ComposeResult:
        yield self.ours
        yield self.theirs


async def test_a_hundred_thousand_rows(measured: Callable[..., None]) -> None:
    app = Lists()
    items = list(range(ROWS))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        begun = time.process_time()
        app.ours.set_items(items)
        await pilot.pause()
        shown = time.process_time() - begun
        app.ours.focus()
        await pilot.pause()
        steps = []
        for _ in range(STEPS):
            begun = time.process_time()
            await pilot.press("pagedown")
            await pilot.pause()
            steps.append(time.process_time() - begun)
        share = ROWS // 20
        begun = time.process_time()
        app.theirs.add_options([f"row {item}" for item in range(share)])
        await pilot.pause()
        theirs = (time.process_time() - begun) * ROWS / share
    step = sorted(steps)[STEPS // 2]
    measured("100k rows, CPU ms to show them", shown * 1000, "<= 50",
             f"an OptionList takes {theirs / shown:,.0f} times as long")  # fmt: skip
    measured("100k rows, CPU ms for a page down", step * 1000, "<= 20")
    assert theirs / shown >= 10
    assert step <= 0.1
