"""A forecast as rows of a list: waves, tasks that share files, what is left out, problems."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from cc4tui.domain.forecast import Forecast, ForecastTask, LeftOut
from cc4tui.domain.plan import Diagnostic, Severity
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, Span, cell
from cc4tui.screens.widgets.row_list import Row


MATRIX = 24
"""Tasks that the matrix of shared files has at most; it says how many more there are."""
_ID = 9
"""Cells for an id, at most."""


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """A row; which of the last fields is set depends on what it tells."""

    key: str
    heading: str = ""
    note: str = ""
    task: ForecastTask | None = None
    left_out: LeftOut | None = None
    clash: "Clash | None" = None
    columns: tuple[str, ...] = ()
    """The head of the matrix: ids of the tasks."""
    problem: Diagnostic | None = None
    sentence: str = ""

    @property
    def task_id(self) -> str | None:
        """The task that it is about."""
        found = self.task or self.left_out or self.clash
        return found.id if found is not None else None


@dataclass(frozen=True, slots=True)
class Clash:
    """A row of the matrix: a task, and with which others it shares files."""

    id: str
    shared: tuple[bool, ...]
    files: tuple[str, ...]


def forecast_rows(told: Forecast) -> Iterator[ForecastRow]:
    """Everything that a forecast tells, what stands in the way first."""
    for at, sentence in enumerate(told.unfit):
        yield ForecastRow(f"unfit{at}", sentence=sentence)
    yield from _problem_rows(told.problems)
    yield from _matrix_rows(told)
    wave = -1
    counts = _wave_sizes(told.tasks)
    for task in told.tasks:
        if task.wave != wave:
            wave = task.wave
            count = counts[wave]
            note = f"{count} tasks at once" if count > 1 else "1 task"
            yield ForecastRow(f"wave{wave}", f"Wave {wave + 1}", note)
        yield ForecastRow(f"={task.id}", task=task)
    if told.left_out:
        yield ForecastRow("left", "Not run", f"{len(told.left_out)}")
        for one in told.left_out:
            yield ForecastRow(f"-{one.id}", left_out=one)


def _wave_sizes(tasks: Sequence[ForecastTask]) -> dict[int, int]:
    out: dict[int, int] = {}
    for task in tasks:
        out[task.wave] = out.get(task.wave, 0) + 1
    return out


def _problem_rows(problems: Sequence[Diagnostic]) -> Iterator[ForecastRow]:
    if not problems:
        return
    errors = sum(one.severity is Severity.ERROR for one in problems)
    note = f"{errors} must be gone before it runs" if errors else "none of them blocks a run"
    yield ForecastRow("problems", "Problems", note)
    ordered = sorted(problems, key=lambda one: (one.severity is not Severity.ERROR, one.line))
    for at, problem in enumerate(ordered):
        yield ForecastRow(f"!{at}", problem=problem)


def _matrix_rows(told: Forecast) -> Iterator[ForecastRow]:
    files: dict[str, list[str]] = {}
    for overlap in told.overlaps:
        for task in overlap.tasks:
            files.setdefault(task, []).append(overlap.path)
    if not files:
        return
    order = [task.id for task in told.tasks if task.id in files]
    shown = order[:MATRIX]
    more = f", {len(order) - len(shown)} more" if len(order) > len(shown) else ""
    yield ForecastRow("same", "Same files", f"never at the same time{more}", columns=tuple(shown))
    with_path = {overlap.path: set(overlap.tasks) for overlap in told.overlaps}
    for task in shown:
        shared = set().union(*(with_path[path] for path in files[task])) - {task}
        row = tuple(other in shared for other in shown)
        clash = Clash(task, row, tuple(files[task]))
        yield ForecastRow(f"#{task}", clash=clash, columns=tuple(shown))


def draw_forecast_row(row: ForecastRow, width: int) -> Row:
    """One line of the forecast."""
    if row.problem is not None:
        return _draw_problem(row.problem)
    if row.task is not None:
        return _draw_task(row.task, width)
    if row.left_out is not None:
        one = row.left_out
        left: Line = (("  ", ""), (f"{one.id}  ", "muted"), (one.title, "muted"))
        return Row(left, ((one.reason, "muted"),))
    if row.columns:
        return _draw_matrix(row, width)
    if row.sentence:
        return Row(((f"{sign('✗', 'x')} ", "bad"), (row.sentence, "bad")))
    return Row(((f"{row.heading}  ", "heading"), (row.note, "muted")))


def _draw_task(task: ForecastTask, width: int) -> Row:
    left: Line = (("  ", ""), (f"{task.id}  ", "muted"), (task.title, "text"))
    right: list[tuple[str, str]] = []
    if task.held_by is not None:
        names = task.files[0] if task.files else "a file"
        more = f" +{len(task.files) - 1}" if len(task.files) > 1 else ""
        right.append((f"after {task.held_by}: both name {names}{more}", "wait"))
    elif width >= 64:
        right.append((task.agent, "muted"))
    return Row(left, tuple(right))


def _draw_problem(problem: Diagnostic) -> Row:
    error = problem.severity is Severity.ERROR
    ink = "bad" if error else "wait"
    glyph = sign("✗", "x") if error else sign("▲", "!")
    left: Line = (("  ", ""), (f"{glyph} {problem.code} ", ink), (problem.message, "text"))
    return Row(left, ((f"line {problem.line}", "muted"),))


def _draw_matrix(row: ForecastRow, width: int) -> Row:
    """The head of the matrix, or a task with a mark for each other one that it never runs beside.

    Columns that do not fit are left out.
    """
    longest = max(map(cell_len, row.columns))
    begin, each = max(min(longest, _ID) + 4, 12), min(longest, _ID) + 1
    columns = row.columns[: max((width - begin) // each, 1)]
    clash = row.clash
    if clash is None:
        ids = tuple(cell(one, each, "muted", end=True) for one in columns)
        return Row((cell(row.heading, begin, "heading"), *ids), ((row.note, "muted"),))
    marks = tuple(_mark(clash, at, one, each) for at, one in enumerate(columns))
    left: Line = (("  ", ""), cell(clash.id, begin - 2, "text"), *marks)
    more = f" +{len(clash.files) - 1}" if len(clash.files) > 1 else ""
    return Row(left, ((f"  {clash.files[0]}{more}", "muted"),))


def _mark(clash: Clash, at: int, other: str, width: int) -> Span:
    if other == clash.id:
        return cell(sign("╲", "\\"), width, "faint", end=True)
    text, ink = (sign("■", "#"), "wait") if clash.shared[at] else (sign("·", "."), "faint")
    return cell(text, width, ink, end=True)


def summary(told: Forecast) -> Iterator[Line]:
    """What a person wants to know first, in two lines."""
    if not told.tasks:
        yield (
            (("Nothing would run: the problems below are in the way.", "bad"),)
            if (told.problems or told.unfit)
            else (("Nothing would run: all of it is done.", "muted"),)
        )
        return
    yield (
        (f"{told.workers} {'worker' if told.workers == 1 else 'workers'}", "title"),
        ("  + -", "key"),
        (f"   {len(told.tasks)} tasks in {told.waves} waves", "text"),
    )
    yield tuple(time_spans(told))
    held = len(told.held)
    if told.cut:
        yield (("Too many tasks name the same files for all of the order to be told.", "wait"),)
    elif held:
        what = "task waits" if held == 1 else "tasks wait"
        yield ((f"{held} {what} only because another one names the same file", "wait"),)
    else:
        yield (("No task has to wait for a file of another one.", "muted"),)


def in_short(told: Forecast) -> Line:
    """A forecast on one line, for the dialog that starts the run."""
    if told.unfit:
        return ((told.unfit[0], "bad"),)
    if not told.tasks:
        return (("Nothing would run.", "wait"),)
    tasks, waves, held = len(told.tasks), told.waves, len(told.held)
    line: list[Span] = [
        (f"{tasks} {'task' if tasks == 1 else 'tasks'}", "title"),
        (f" in {waves} {'wave' if waves == 1 else 'waves'}", "text"),
        (f" with {told.workers} {'worker' if told.workers == 1 else 'workers'}, ", "text"),
        *time_spans(told, sources=False),
    ]
    if held:
        line.append((f"; {held} held up by a file of another one", "wait"))
    return tuple(line)


def time_spans(told: Forecast, *, sources: bool = True) -> Iterator[Span]:
    """How long it takes: a range from past runs, or why nobody can know."""
    if told.seconds is None:
        yield "time ?", "wait"
        if told.unknown_agents:
            names = ", ".join(told.unknown_agents)
            yield f"  too few finished tasks of {names} to know", "muted"
        return
    yield between(*told.seconds), "title" if sources else "text"
    if sources:
        yield f"  (from {told.samples} finished tasks)", "muted"


def between(low: float, high: float) -> str:
    """A time that nobody knows exactly: `40 s`, `12 to 25 min`, `50 min to 1.5 h`."""
    (first, unit), (last, other) = _rough(low), _rough(high)
    if (first, unit) == (last, other):
        return f"{first} {unit}"
    return f"{first} to {last} {unit}" if unit == other else f"{first} {unit} to {last} {other}"


def _rough(seconds: float) -> tuple[str, str]:
    if seconds < 90:
        return str(max(round(seconds / 5) * 5, 5)), "s"
    if seconds < 5400:
        return str(round(seconds / 60)), "min"
    return f"{seconds / 3600:.1f}", "h"
