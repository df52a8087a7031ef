"""The files of a diff as a tree, with the lines that came and went. No widget here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cc4tui.screens.execution.diff_text import FileDiff
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line
from cc4tui.screens.widgets.row_list import Row


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A folder, or a file in it."""

    path: str
    """Of a folder with a slash at its end."""
    name: str
    """What is shown of it: below the folder above."""
    depth: int
    file: int
    """Number of the file; of a folder, its first one's."""
    added: int
    removed: int
    status: str = ""
    """Empty for folders."""


def tree_rows(files: Sequence[FileDiff]) -> list[TreeRow]:
    """Folders before what is in them; folders that hold one folder only are one row with it.

    Args:
        files: In the order of `read_diff`.
    """
    return list(_below(files, range(len(files)), "", 0))


def _below(
    files: Sequence[FileDiff], order: Sequence[int], prefix: str, depth: int
) -> Iterator[TreeRow]:
    at = 0
    while at < len(order):
        number = order[at]
        head, slash, _ = files[number].path[len(prefix) :].partition("/")
        if not slash:
            file = files[number]
            yield TreeRow(
                file.path, head, depth, number, file.added, file.removed, status=file.status
            )
            at += 1
            continue
        folder = f"{prefix}{head}/"
        end = at
        while end < len(order) and files[order[end]].path.startswith(folder):
            end += 1
        inside = order[at:end]
        folder = _joined(files, inside, folder)
        added = sum(files[n].added for n in inside)
        removed = sum(files[n].removed for n in inside)
        yield TreeRow(folder, folder[len(prefix) :], depth, inside[0], added, removed)
        yield from _below(files, inside, folder, depth + 1)
        at = end


def _joined(files: Sequence[FileDiff], inside: Sequence[int], folder: str) -> str:
    """The folder with those below it that are all that it holds."""
    while True:
        head, slash, _ = files[inside[0]].path[len(folder) :].partition("/")
        longer = f"{folder}{head}/"
        if not slash or not all(files[n].path.startswith(longer) for n in inside):
            return folder
        folder = longer


def draw_tree_row(row: TreeRow, width: int) -> Row:
    """A row of the tree: what became of the file, its name, its lines."""
    ink = {"A": "good", "D": "bad", "": "muted"}.get(row.status, "run")
    left: Line = (
        ("  " * min(row.depth, 8), ""),
        (f"{row.status} " if row.status else "", ink),
        (row.name, "text" if row.status else "muted"),
    )
    right = tuple(
        span
        for span, count in (
            ((f" +{row.added}", "good"), row.added),
            ((f" {sign('−', '-')}{row.removed}", "bad"), row.removed),
        )
        if count
    )
    return Row(left, right if row.status or width >= 24 else ())
