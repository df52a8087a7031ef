"""Numbers as they are shown: never more exact than they are, unknown ones as `?`."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cc4tui.domain.usage import TokenUsage
from cc4tui.screens.execution.model import AttemptView, Heard, TaskView
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line
from cc4tui.screens.looks import PARKED_LOOK, TASK_RUN_LOOKS, Look
from cc4tui.screens.times import duration


_BLOCKS, _PLAIN_BLOCKS = "▁▂▃▄▅▆▇█", ".:-=+*%#"
NEAR = 0.25
"""Share of a limit from which the time that is left is told."""

SILENT = 60.0
"""Seconds without a word after which it is told."""


def look_of(task: TaskView, now: datetime) -> Look:
    """How a task's state is shown: a ready one whose agent is limited is parked."""
    return TASK_RUN_LOOKS[task.state] if task.waits_until(now) is None else PARKED_LOOK


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


def cost(usd: float | None, *, estimated: bool = False) -> str:
    """`$0.41`; `$?` when nobody knows; `<$0.01` for next to nothing; `~$0.41` by the price list."""
    if usd is None:
        return "$?"
    told = "<$0.01" if 0 < usd < 0.005 else f"${usd:.2f}"
    return f"~{told}" if estimated else told


def growth(steps: Sequence[tuple[float, float]], end: float, cells: int) -> str:
    """How fast something grew, as small bars: one cell for each equal share of the time.

    Args:
        steps: Seconds since the begin and how much there was then, the oldest first.
        end: Seconds until now.
        cells: Width; empty without any growth.
    """
    if end <= 0 or cells < 1:
        return ""
    shares = [0.0] * cells
    before = 0.0
    for at, total in steps:
        shares[min(int(at / end * cells), cells - 1)] += total - before
        before = total
    most = max(shares)
    if most <= 0:
        return ""
    bars = sign(_BLOCKS, _PLAIN_BLOCKS)
    return "".join(bars[1 + int(share / most * 6) if share > 0 else 0] for share in shares)


def _countdown(task: TaskView, now: datetime, heard: Heard) -> Line:
    """How long a try that is near one of its limits still has, and which limit that is."""
    attempt = task.attempt
    if attempt is None or attempt.finished is not None or not task.is_active or task.asks:
        return ()
    near = [
        (limit - (now - since).total_seconds(), why)
        for limit, since, why in _limits(attempt, heard)
        if limit - (now - since).total_seconds() <= limit * NEAR
    ]
    if not near:
        return ()
    left, why = min(near)
    return ((f"  {why}stops in {duration(max(left, 0))}", "wait"),)


def _rests(task: TaskView, now: datetime, heard: Heard) -> Line:
    """What an agent does that is at work and says nothing: it waits for its model, or is silent."""
    attempt = task.attempt
    if attempt is None or attempt.finished is not None or not task.is_active or task.asks:
        return ()
    if heard.tries_again is not None and heard.tries_again > now:
        left = (heard.tries_again - now).total_seconds()
        return ((f"  tries again in {duration(left)}", "wait"),)
    since = heard.last if heard.finished is None else None
    silent = (now - since).total_seconds() if since is not None else 0.0
    return ((f"  silent for {duration(silent)}", "muted"),) if silent >= SILENT else ()


def _limits(attempt: AttemptView, heard: Heard) -> Iterator[tuple[float, datetime, str]]:
    """Limits that run now: their seconds, since when, and what to call them."""
    if attempt.started is None:
        return
    if attempt.timeout is not None:
        yield attempt.timeout, attempt.started, ""
    if attempt.first_output is not None and not heard.anything:
        yield attempt.first_output, attempt.started, "no output, "
    since = heard.last if heard.anything else attempt.started
    if attempt.silence is not None and since is not None:
        yield attempt.silence, since, "silent, "
    if attempt.after_result is not None and heard.finished is not None:
        yield attempt.after_result, heard.finished, "finished, "


def meters(
    task: TaskView,
    now: datetime,
    heard: Heard | None = None,
    changed: tuple[int, int] | None = None,
) -> Iterator[tuple[int, Line]]:
    """Numbers of a task, each with its rank: 1 matters most; what was never told is left out.

    Args:
        task: Whose numbers.
        now: For the time it takes so far.
        heard: What was seen of its output; None when nobody looks.
        changed: Lines that came and went.
    """
    if task.attempts:
        near = _countdown(task, now, heard or Heard(anything=True))
        if near:
            yield 2, near
        elif rests := _rests(task, now, heard or Heard(anything=True)):
            yield 2, rests
        yield 1, ((f"  {duration(task.seconds(now))}", "text"),)
    if task.usage.total is not None or task.cost_usd is not None:
        price = cost(task.cost_usd, estimated=task.cost_estimated)
        yield 3, ((f"  {tokens(task.usage)} {price}", "muted"),)
    if changed is not None:
        added, gone = changed
        yield 5, ((f"  +{added}", "good"), (f" {sign('−', '-')}{gone}", "bad"))
