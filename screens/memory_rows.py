"""How lessons and past runs are drawn, and what an empty list says."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from cc4tui.domain.notes import Lesson
from cc4tui.domain.run import RunRecord
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, cell
from cc4tui.screens.looks import RUN_LOOKS
from cc4tui.screens.saved_works import EMPTY as NOTHING_SAVED
from cc4tui.screens.times import ago, duration
from cc4tui.screens.widgets.row_list import Row


LESSONS = "lessons"
RUNS = "runs"
SAVED = "saved work"

EMPTY: Mapping[str, tuple[Line, ...]] = {
    SAVED: NOTHING_SAVED,
    LESSONS: (
        (("Nothing was learned yet.", "title"),),
        (),
        (("a", "key"), (" writes down a lesson; / searches all of them as you type.", "muted")),
        (),
        (
            ("For example   ", "muted"),
            ("run `make schema` after a model changes #db", "quote"),
        ),
    ),
    RUNS: (
        (("Nothing has run here yet.", "title"),),
        (),
        (("2", "key"), (" shows the plans, ", "muted"), ("r", "key"), (" runs one.", "muted")),
        (("Every run stays here, to be opened again with its logs and diffs.", "muted"),),
    ),
}
READING: tuple[Line, ...] = ((("Asking git ...", "muted"),),)
NO_MATCH: tuple[Line, ...] = (
    (("No lesson holds these words.", "title"),),
    (),
    (("Esc", "key"), (" takes the search away, ", "muted"), ("a", "key"), (" adds one.", "muted")),
)


def draw_lesson(lesson: Lesson, width: int, now: datetime) -> Row:
    """One line: title or first words, source, tags, age."""
    head = lesson.title or lesson.text.partition("\n")[0]
    left: Line = ((f"{sign('▪', '-')} ", "accent"), (head, "text"))
    if lesson.title:
        left = (*left, (f"  {lesson.text.partition(chr(10))[0]}", "muted"))
    return Row(left, tuple(_lesson_right(lesson, width, now)))


def _lesson_right(lesson: Lesson, width: int, now: datetime) -> Iterator[tuple[str, str]]:
    if width >= 90:
        yield cell("" if lesson.source == "person" else lesson.source, 16, "muted", end=True)
        yield "  ", ""
    yield cell(" ".join(f"#{tag}" for tag in lesson.tags), 12, "tag", end=True)
    yield "  ", ""
    yield cell(ago(lesson.created, now), 9, "muted", end=True)


def lesson_lines(lesson: Lesson, now: datetime) -> Iterator[Line]:
    """The lesson whole."""
    if lesson.title:
        yield ((lesson.title, "title"),)
        yield ()
    for line in lesson.text.splitlines():
        yield ((line, "text"),)
    yield ()
    source = "written by you" if lesson.source == "person" else f"from {lesson.source}"
    tags = "".join(f"  #{tag}" for tag in lesson.tags)
    yield ((f"{source}, {ago(lesson.created, now)}", "muted"), (tags, "tag"))


def draw_run(run: RunRecord, width: int, now: datetime) -> Row:
    """One line: how it ended, what it ran, how long, when."""
    look = RUN_LOOKS[run.status]
    left: Line = (
        (f"{look.sign} ", look.ink),
        cell(run.id, min(max(len(run.id), 6), 24), "title"),
        (f"  {run.plan}", "text"),
    )
    right: list[tuple[str, str]] = [(look.word, look.ink)]
    if run.finished is not None:
        took = duration((run.finished - run.started).total_seconds())
        right.append((f"  {took:>8}", "muted"))
    if width >= 90:
        right.insert(0, (f"{run.agent} × {run.workers}   ", "muted"))
    right += [("  ", ""), cell(ago(run.started, now), 9, "muted", end=True)]
    return Row(left, tuple(right))


def run_lines(run: RunRecord, now: datetime) -> Iterator[Line]:
    """What a run was."""
    look = RUN_LOOKS[run.status]
    yield ((f"{look.sign} {run.id}", "title"), (f"  {look.word}", look.ink))
    if run.reason:
        yield ((run.reason, look.ink),)
    yield (("plan     ", "muted"), (run.plan, "text"))
    yield (
        ("by       ", "muted"),
        (f"{run.agent}, {run.workers} workers, {run.mode}", "text"),
    )
    yield (("started  ", "muted"), (ago(run.started, now), "text"))
    if run.finished is not None:
        took = duration((run.finished - run.started).total_seconds())
        yield (("took     ", "muted"), (took, "text"))
    yield (("lands on ", "muted"), (run.target, "text"))
    yield ()
    yield (("Enter", "key"), (" opens it in Execution: every log and diff is kept.", "muted"))
