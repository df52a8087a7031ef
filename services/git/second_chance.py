"""One more try for a step that may be repeated: a git that was killed must not cost a whole run."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cc4tui.errors import GitError, UnfitError


log = logging.getLogger(__name__)
T = TypeVar("T")


async def second_chance(step: Callable[[], Awaitable[T]]) -> T:
    """The result of `step`, which is tried again once if git failed in it.

    Only for steps that are done already if they were done before: reading, compare-and-swap,
    making something under a new name, removing. A sound refusal just comes twice.

    Raises:
        GitError: git failed again.
        UnfitError: as `step` raises it.
    """
    try:
        return await step()
    except (GitError, UnfitError) as error:
        if not isinstance(error, GitError) and not isinstance(error.__cause__, GitError):
            raise
        log.warning("trying again: %s", error)
        return await step()
