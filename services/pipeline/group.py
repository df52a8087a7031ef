"""Task groups that end when one of theirs does not go on, however it stopped."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class StrayCancellationError(Exception):
    """Something that a coroutine waited for was cancelled, and the coroutine was not."""


def add(
    group: asyncio.TaskGroup, work: Callable[[], Coroutine[Any, Any, None]]
) -> asyncio.Task[None]:
    """Have the group run it.

    A task group takes a child that ends with `CancelledError` for one that was meant to end, and
    waits for the others, who may wait for that child: for ever. Here that is a failure like any
    other, so that the group cancels them.
    """
    return group.create_task(_whole(work))


async def _whole(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await work()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise StrayCancellationError("something that it waited for was cancelled") from error
