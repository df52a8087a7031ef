"""What the app may be told when it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from cc4tui.ports import RunOptions


class Tab(StrEnum):
    """The tabs, in the order of their keys 1 to 4."""

    IDEAS = "ideas"
    PLANS = "plans"
    EXECUTION = "execution"
    MEMORY = "memory"

    @property
    def title(self) -> str:  # type: ignore[override]
        """What the tab is called on the screen."""
        return self.value.capitalize()


class Notify(StrEnum):
    """How a person who looks elsewhere is called."""

    OFF = "off"
    BELL = "bell"
    DESKTOP = "desktop"


Clock = Callable[[], datetime]
"""Tells the time, with its zone; tests hand in one that stands still."""


def system_clock() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StartOptions:
    """Where the app begins."""

    tab: Tab | None = None
    """First tab; None = Execution with a run, else Plans."""
    run: str | None = None
    """Run to show."""
    plan: str | None = None
    """Plan to start at once, with `run_options`; the person is asked for trust first."""
    run_options: RunOptions | None = None
    theme: str = "cc4-dark"
    notify: Notify = Notify.BELL
    clock: Clock = system_clock

    @property
    def first_tab(self) -> Tab:
        """The tab that is shown first."""
        if self.tab is not None:
            return self.tab
        return Tab.EXECUTION if self.run or self.plan else Tab.PLANS
