"""Saved work in the Memory tab: how it is drawn, looked at and brought back."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from textual.app import App

from cc4tui.ports import CommandCenter, SavedWork
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.glyphs import sign
from cc4tui.screens.guard import tell
from cc4tui.screens.lines import Line, cell
from cc4tui.screens.times import ago
from cc4tui.screens.widgets.row_list import Row


BRANCH, WORKTREE = "b", "w"
"""Answers that restore."""
_FILES_SHOWN = 12
_DIFF_INKS = {"+": "good", "-": "bad", "@": "link", "d": "title"}
_DIFF_LINES = 5000
"""Of a diff in the reading dialog; `cc4tui saved show` has all."""

EMPTY: tuple[Line, ...] = (
    (("Nothing had to be saved here.", "title"),),
    (),
    (("Work that no branch holds is kept for good and listed here: of attempts", "muted"),),
    (("that were cut, cancelled or replaced. Enter shows it, b brings it back.", "muted"),),
)


def draw_saved(work: SavedWork, width: int, now: datetime) -> Row:
    """One line: the task, why, how many files, when."""
    left: Line = (
        (f"{sign('◇', 'o')} ", "accent"),
        cell(work.task, 10, "title"),
        (f"  {work.subject}", "text"),
    )
    count = len(work.files)
    right: list[tuple[str, str]] = [(f"{count} file{'' if count == 1 else 's'}", "muted")]
    if width >= 90:
        right.insert(0, (f"{work.run}  try {work.attempt}   ", "muted"))
    right += [("  ", ""), cell(ago(work.date, now), 9, "muted", end=True)]
    return Row(left, tuple(right))


def saved_lines(work: SavedWork, now: datetime) -> Iterator[Line]:
    """What it is."""
    yield ((work.subject, "title"),)
    yield (("task     ", "muted"), (work.task, "text"), (f", try {work.attempt}", "muted"))
    yield (("run      ", "muted"), (work.run, "text"))
    yield (("saved    ", "muted"), (ago(work.date, now), "text"))
    yield (("ref      ", "muted"), (f"refs/cc4/saved/{work.name}", "text"))
    yield ()
    for path in work.files[:_FILES_SHOWN]:
        yield ((f"  {path}", "text"),)
    if len(work.files) > _FILES_SHOWN:
        yield ((f"  and {len(work.files) - _FILES_SHOWN} more", "muted"),)
    yield ()
    yield (
        ("Enter", "key"),
        (" shows what it changes, ", "muted"),
        ("b", "key"),
        (" brings it back.", "muted"),
    )


async def read_saved(app: App[None], center: CommandCenter, work: SavedWork) -> None:
    """Show what it changes."""
    from cc4tui.screens.dialogs.reading import ReadingDialog

    diff = await center.saved_diff(work.name)
    app.push_screen(ReadingDialog(f"{work.task}: {work.subject}", _diff_lines(diff)))


async def restore_saved(app: App[None], center: CommandCenter, work: SavedWork) -> None:
    """Ask how to bring it back, and do it; nothing that exists is overwritten."""
    folder = _folder(center.repository.root, work)
    choices = (
        Choice(BRANCH, "As a branch", "no file of yours is touched"),
        Choice(WORKTREE, "In a worktree", f"a new folder beside this one: {folder.name}"),
        Choice("n", "Not now", "it stays saved"),
    )
    lines = [((f"{work.task}: {work.subject}", "text"),)]
    answer = await app.push_screen_wait(ChoiceDialog("Bring it back?", lines, choices))
    if answer not in (BRANCH, WORKTREE):
        return
    worktree = folder if answer == WORKTREE else None
    branch = await center.restore_saved(work.name, worktree=worktree)
    where = f", checked out in {folder}" if worktree is not None else ""
    tell(app, f"Restored as the branch {branch}{where}.")


def _folder(root: Path, work: SavedWork) -> Path:
    return root.parent / f"{root.name}-{work.name.replace('/', '-')}"


def _diff_lines(diff: str) -> Iterator[Line]:
    if not diff.strip():
        yield (("It changes nothing.", "muted"),)
        return
    lines = diff.splitlines()
    for line in lines[:_DIFF_LINES]:
        yield ((line, _DIFF_INKS.get(line[:1], "text")),)
    if len(lines) > _DIFF_LINES:
        yield ((f"and {len(lines) - _DIFF_LINES} lines more: cc4tui saved show", "muted"),)
