"""Starts go first, and nobody waits for ever."""

import asyncio

import pytest

from cc4tui.services.pipeline import precedence
from cc4tui.services.pipeline.precedence import Precedence


async def test_what_goes_on_behind_waits_for_starts() -> None:
    order, told = Precedence(), []

    async def save() -> None:
        async with order.behind():
            told.append("saved")

    with order.taken():
        task = asyncio.create_task(save())
        await asyncio.sleep(2 * precedence.BREATH)
        told.append("started")
    await task
    assert told == ["started", "saved"]


async def test_nobody_waits_for_a_start_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "PATIENCE", 0.02)
    order = Precedence()
    async with asyncio.timeout(20):
        with order.taken():
            for _ in range(20):  # more than there are turns
                await order.turn().__aenter__()
                await order.behind().__aenter__()
