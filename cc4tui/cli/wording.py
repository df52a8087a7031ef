"""How counts and limits are told: by what shows a run as it is, and by what tells its events."""

from collections.abc import Mapping
from datetime import UTC, datetime

from cc4tui.cli.output import duration, moment


STATE_ORDER = (
    "landed", "merged", "skipped", "running", "verifying", "reviewing", "merging", "ready",
    "pending", "no_change", "failed", "blocked", "cancelled",
)  # fmt: skip
"""How counts are listed: what is done, what goes on, what went wrong."""


DAY = 86400.0
"""Seconds within which a time of day tells enough."""


def counts_text(counts: Mapping[str, int]) -> str:
    """``10 landed, 1 failed``."""
    known = [f"{counts[state]} {state}" for state in STATE_ORDER if counts.get(state)]
    return ", ".join(known) or "no task"


def limit_text(agent: str, until: datetime | str) -> str:
    """``claude goes on at 15:40 (in 12:04)``; with the date if that is not within a day."""
    try:
        when = datetime.fromisoformat(until) if isinstance(until, str) else until
    except ValueError:
        return f"{agent} goes on at {until}"
    left = max((when - datetime.now(UTC)).total_seconds(), 0.0)
    clock = moment(when) if left > DAY else moment(when)[11:]
    return f"{agent} goes on at {clock} (in {duration(left)})"
