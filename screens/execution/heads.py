"""The headings of a run and of its panes, as lines of spans."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cc4tui.domain.run import ACTIVE_STATES, DONE_STATES, TaskRunState
from cc4tui.screens.execution.model import RETRYABLE_STATES, Heard, Parked, RunModel, TaskView
from cc4tui.screens.execution.numbers import cost, growth, look_of, meters, tokens
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, Span, cleaned, fit, spread, width_of, wrap
from cc4tui.screens.looks import RUN_LOOKS, TASK_RUN_LOOKS
from cc4tui.screens.planning.forecast_rows import between
from cc4tui.screens.times import duration


_WIDE = 100
"""Cells from which a run's line tells more."""
BAR_CELLS = 12
"""Of the small bars that tell how tokens and cost grew."""
STARTING = "starting"
"""What an agent does of which nothing was heard yet."""
_REASON_ROWS = 4
"""Rows for the reason of a run's end, which may hold the command that finishes it."""
_TOLD_FIRST = (
    TaskRunState.FAILED,
    TaskRunState.NO_CHANGE,
    TaskRunState.CANCELLED,
    TaskRunState.BLOCKED,
    TaskRunState.RUNNING,
    TaskRunState.VERIFYING,
    TaskRunState.REVIEWING,
    TaskRunState.MERGING,
    TaskRunState.READY,
    TaskRunState.PENDING,
    TaskRunState.MERGED,
    TaskRunState.LANDED,
    TaskRunState.SKIPPED,
)
"""Counts in this order: problems, what runs, what waits, what is done."""


def run_lines(
    model: RunModel,
    now: datetime,
    width: int,
    left: tuple[float, float] | None = None,
    *,
    as_of: bool = False,
) -> list[Line]:
    """Two lines about the run, and a few more with the reason when there is one to tell.

    Args:
        model: The run.
        now: For the time it takes so far.
        width: Cells of a line.
        left: Seconds that it still takes, between the first and the second; None = not known.
        as_of: Whether `now` is a moment of its past that a person went back to.
    """
    what, long = _what(model), _how_long(model, now, width, left)
    named = (*what, *cleaned(((f"  {model.run.id}", "muted"),)))
    first = spread(named if width_of(named) + width_of(long) < width else what, long, width)
    spent = _spent(model, now, width)
    room = width - width_of(spent) - 1
    counts = next((line for line in _counts(model) if width_of(line) <= room), ())
    more = _then(model, now, width) if as_of else _why(model, now, width)
    return [first, spread(counts, spent, width), *more]


def _what(model: RunModel) -> Line:
    run = model.run
    look = RUN_LOOKS[run.status]
    total = len(model.tasks)
    return cleaned(
        (
            (f" {look.sign} {look.word}  ", look.ink),
            *progress_bar(model, 20),
            (f"  {model.done}/{total}", "title"),
            (f"  {run.plan}", "text"),
        )
    )


def _how_long(model: RunModel, now: datetime, width: int, left: tuple[float, float] | None) -> Line:
    run = model.run
    time: Span = (f"{duration(model.seconds(now))} ", "text")
    if not model.is_over:
        busy: Span = (f"{model.busy} of {run.workers} workers  ", "muted")
        if left is None:
            return (busy, time)
        words = f"{between(*left)} left  " if left[1] >= 1 else "nearly done  "
        return ((words, "text"), busy, time) if width >= _WIDE else ((words, "text"), time)
    if model.efficiency is None or width < _WIDE:
        return (time,)
    return ((f"efficiency {model.efficiency:.2f}  ", "muted"), time)


def _counts(model: RunModel) -> Iterator[Line]:
    """The counts by state; for narrow lines with fewer words, the last ones left out first."""
    found = [(TASK_RUN_LOOKS[s], n) for s in _TOLD_FIRST if (n := model.counts.get(s, 0))]
    for words in range(len(found), -1, -1):
        line: list[Span] = [(" ", "")]
        for place, (look, count) in enumerate(found):
            word = f"{look.word}  " if place < words else " "
            line += [(f"{look.sign} {count} ", look.ink), (word, "muted")]
        yield tuple(line)


def _spent(model: RunModel, now: datetime, width: int) -> Line:
    if not any(task.attempts for task in model.tasks.values()):
        return ()
    known = cost(model.cost_usd, estimated=model.cost_estimated)
    more = " + ?" if model.cost_usd is not None and model.has_unknown_cost else ""
    used, paid = _bars(model, now) if width >= _WIDE else ("", "")
    return (
        (f"{tokens(model.usage)} tokens", "muted"),
        (f" {used}" if used and model.usage.total else "", "link"),
        (f"  {known}{more} ", "muted"),
        (f"{paid} " if paid and model.cost_usd else "", "key"),
    )


def _bars(model: RunModel, now: datetime) -> tuple[str, str]:
    """How tokens and cost grew since the begin of the run."""
    start, end = model.run.started, model.seconds(now)
    times = [max((step.at - start).total_seconds(), 0.0) for step in model.spent]
    used = [float(step.tokens) for step in model.spent]
    paid = [step.cost_usd for step in model.spent]
    told = (list(zip(times, grown, strict=True)) for grown in (used, paid))
    used_bars, paid_bars = (growth(steps, end, BAR_CELLS) for steps in told)
    return used_bars, paid_bars


def _then(model: RunModel, when: datetime, width: int) -> Iterator[Line]:
    """Which moment is shown, and the way back."""
    at = f"{when.astimezone():%H:%M:%S}"
    words = f" {sign('◀', '<')} as of {at}, {duration(model.seconds(when))} after its begin "
    many = width >= _WIDE
    tip = f" {model.run.branch} at {model.tip[:9]}" if model.tip else ""
    keys: Line = (
        (" [ ] earlier, later " if many else "", "muted"),
        (" End returns to now ", "wait"),
    )
    yield spread(cleaned(((words, "alarm"), (tip, "muted"))), cleaned(keys), width)


def _why(model: RunModel, now: datetime, width: int) -> Iterator[Line]:
    if model.held:
        text, ink = f"{sign('⏸', '=')} paused: nothing new is started; P goes on", "wait"
    elif model.paused:
        text, ink = f"{sign('⏸', '=')} no new task starts: {model.paused}", "wait"
    elif limits := list(model.limits(now)):
        told = "; ".join(_limit(parked, count, now) for parked, count in limits)
        text, ink = f"{sign('⏸', '=')} {told}", "wait"
    elif model.run.reason:
        text, ink = model.run.reason, "muted"
    elif model.touched:
        text, ink = model.touched, "wait"
    elif model.recovered and not model.is_over:
        text, ink = f"{sign('↻', '~')} recovered: {model.recovered}", "muted"
    else:
        return
    rows = wrap(cleaned(((" ", ""), (text, ink))), width, indent=1)
    if len(rows) > _REASON_ROWS:
        rows[_REASON_ROWS - 1 :] = [(*rows[_REASON_ROWS - 1], ("… " * width, ink))]
    yield from (fit(row, width) for row in rows)


def _limit(parked: Parked, count: int, now: datetime) -> str:
    until = parked.until.astimezone(now.tzinfo)
    when = f"{until:%H:%M}" if until.date() == now.date() else f"{until:%d %b %H:%M}"
    left = duration((parked.until - now).total_seconds())
    tasks = "1 task waits" if count == 1 else f"{count} tasks wait"
    return f"{parked.agent} is limited until {when} (in {left}), {tasks}: {parked.reason}"


def progress_bar(model: RunModel, width: int) -> Line:
    """A line in four shades and shapes: done, worked on, not done for good, waiting."""
    counts = model.counts
    total = max(len(model.tasks), 1)
    done = sum(counts.get(state, 0) for state in DONE_STATES)
    active = sum(counts.get(state, 0) for state in ACTIVE_STATES)
    wrong = sum(counts.get(state, 0) for state in RETRYABLE_STATES)
    ends = [width * n // total for n in (done, done + active, done + active + wrong)]
    looks = (("━", "=", "good"), ("╍", "~", "run"), ("×", "x", "bad"), ("─", "-", "faint"))
    line: list[Span] = []
    at = 0
    for end, (glyph, plain, ink) in zip((*ends, width), looks, strict=True):
        if end > at:
            line.append((sign(glyph, plain) * (end - at), ink))
        at = end
    return tuple(line)


def pane_lines(
    task: TaskView,
    now: datetime,
    width: int,
    *,
    number: int = 0,
    pinned: bool = False,
    doing: str = "",
    tall: bool = True,
    heard: Heard | None = None,
    changed: tuple[int, int] | None = None,
) -> list[Line]:
    """What stands above an agent's output: one line, two where there is room.

    Where they are narrow, what matters least is left out first.

    Args:
        task: Whose pane it is.
        now: For the time it takes so far.
        width: Cells of a line.
        number: Digit that goes to the pane with alt; 0 = none.
        pinned: Whether the pane stays.
        doing: What the agent did last.
        tall: Whether there is room for two lines.
        heard: What was seen of its output, for its limits.
        changed: Lines that came and went; None when that is not known.
    """
    look = look_of(task, now)
    digit = str(number) if 0 < number < 10 else " "
    left: list[Span] = [
        (digit, "muted"),
        (sign("•", "*") if pinned else " ", "alarm"),
        (f"{look.sign} {look.word}  ", look.ink),
        (f"{task.id} ", "muted"),
        (task.title, "title"),
    ]
    silent = heard is not None and not heard.anything
    said = _said(task, doing or (STARTING if silent and task.state is TaskRunState.RUNNING else ""))
    if task.told:
        left += [(f"  {waiting_words(task)}", "wait")]
    if not tall and said[0]:
        left += [("  ", ""), said]
    who, numbers = list(_who(task)), list(meters(task, now, heard, changed))
    first = numbers if tall else [*who, *numbers]
    lines = [_beside(cleaned(left), first, width)]
    if tall:
        lines.append(_beside(cleaned((("    ", ""), said)), who, width))
    return lines


def _beside(left: Line, groups: Sequence[tuple[int, Line]], width: int) -> Line:
    """`left`, and at the right end as many groups as leave it room, the least important last."""
    needed = min(width_of(left), max(width * 3 // 5, 12))
    kept = list(groups)
    while kept and needed + 2 + sum(width_of(cleaned(line)) for _, line in kept) > width:
        kept.remove(max(kept, key=lambda group: group[0]))
    right = [span for _, line in kept for span in line]
    return spread(left, (*cleaned(right), (" ", "")), width)


def _who(task: TaskView) -> Iterator[tuple[int, Line]]:
    """Which try of which agent with which model; the first one of them matters most."""
    attempt = task.attempt
    if attempt is None:
        return
    if attempt.number > 1:
        yield 4, ((f"  try {attempt.number}", "wait"),)
    yield 6, ((f"  {attempt.agent}", "muted"),)
    if attempt.model:
        yield 7, ((f" {attempt.model}", "muted"),)


def waiting_words(task: TaskView) -> str:
    """How many messages wait for the task's next try."""
    count = len(task.told)
    return f"{sign('✉', '@')} {count} message{'' if count == 1 else 's'} waiting"


def _said(task: TaskView, doing: str) -> Span:
    """Why it ended, or else what happens with it now."""
    if task.is_active:
        return (task.note or doing, "wait" if task.note else "muted")
    look = TASK_RUN_LOOKS[task.state]
    if task.reason:
        return task.reason, look.ink
    return task.note or doing, "muted"
