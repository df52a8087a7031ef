"""Numbers as they are shown: never more exact than they are, unknown ones as `?`."""

from datetime import datetime

from cc4tui.domain.usage import TokenUsage
from cc4tui.screens.execution.model import TaskView
from cc4tui.screens.lines import Line
from cc4tui.screens.times import duration


NEAR = 0.25
"""Share of a limit from which the time that is left is told."""


def tokens(usage: TokenUsage) -> str:
    """`950`, `34k`, `1.2M`; `?` when no agent told."""
    total = usage.total
    if total is None:
        return "?"
    if total < 1000:
        return str(total)
    if total < 999_500:
        return f"{total / 1000:.0f}k"
    return f"{total / 1_000_000:.1f}M"


def cost(usd: float | None) -> str:
    """`$0.41`; `?` when no agent told; `<$0.01` for next to nothing."""
    if usd is None:
        return "$?"
    return "<$0.01" if 0 < usd < 0.005 else f"${usd:.2f}"


def _countdown(task: TaskView, now: datetime) -> Line:
    """How long a try that is near its limit still has."""
    attempt = task.attempt
    if attempt is None or attempt.timeout is None or attempt.finished is not None:
        return ()
    left = attempt.timeout - attempt.seconds(now)
    if not task.is_active or left > attempt.timeout * NEAR:
        return ()
    return ((f"  stops in {duration(max(left, 0))}", "wait"),)


def meters(task: TaskView, now: datetime) -> Line:
    """Elapsed time, tokens and cost of a task; what was never reported is left out."""
    line: list[tuple[str, str]] = []
    if task.attempts:
        line += _countdown(task, now)
        line.append((f"  {duration(task.seconds(now))}", "text"))
    if task.usage.total is not None or task.cost_usd is not None:
        line.append((f"  {tokens(task.usage)} {cost(task.cost_usd)}", "muted"))
    return tuple(line)
