"""What a task changed: the tree of its files beside the lines, while it works and afterwards."""

import asyncio
import time
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from cc4tui.ports import Against, CommandCenter, TaskChanges
from cc4tui.screens.execution.diff_text import read_diff
from cc4tui.screens.execution.diff_tree import TreeRow, draw_tree_row, tree_rows
from cc4tui.screens.execution.diff_view import DiffView
from cc4tui.screens.execution.model import TaskView
from cc4tui.screens.execution.pane import PaneHead
from cc4tui.screens.glyphs import sign
from cc4tui.screens.guard import attempt
from cc4tui.screens.lines import Line, cleaned, spread
from cc4tui.screens.options import Clock
from cc4tui.screens.widgets.row_list import RowList


WIDE = 100
"""Cells from which the tree stands beside the lines, else above."""
TREE_ROWS = 5
"""Of a tree above the lines, at most."""
LOOK_SECONDS = 4.0
"""Between two looks at the files of an agent at work, at least."""
_REST = 20
"""Times as long as a look took, until the next one."""


class DiffPane(Vertical):
    """Shows what a task changed, whole; that of an agent at work is kept up to date.

    Args:
        center: Compares.
        clock: For when an agent's files were looked at.
    """

    DEFAULT_CSS = """
    DiffPane { display: none; height: 1fr; background: $background; }
    DiffPane.-open { display: block; }
    DiffPane > PaneHead { height: 2; }
    DiffPane > .body { height: 1fr; layout: vertical; }
    DiffPane.-wide > .body { layout: horizontal; }
    DiffPane RowList { height: 5; border-bottom: solid $border-blurred; }
    DiffPane.-wide RowList {
        width: 34; height: 1fr; border-bottom: none; border-right: solid $border-blurred;
    }
    DiffPane.-one RowList { display: none; }
    """

    def __init__(self, center: CommandCenter, clock: Clock) -> None:
        super().__init__()
        self.task_id = ""
        """Whose diff is shown."""
        self.head = PaneHead(self._head_lines)
        self.head.is_active = True
        self.view = DiffView()
        self.files: RowList[TreeRow] = RowList(
            draw_tree_row, key=lambda row: row.path, widget_id="diff-files"
        )
        self.clock = clock
        self._center = center
        self._run_id = ""
        self._shown: TaskView | None = None
        self._told: TaskChanges | None = None
        self._looked: datetime | None = None
        """When the files of an agent at work were read."""
        self._rest_until = 0.0
        """When they may be read again; by the monotonic clock."""

    def compose(self) -> ComposeResult:
        """The heading above the tree and the lines."""
        yield self.head
        with Container(classes="body"):
            yield self.files
            yield self.view

    @property
    def is_open(self) -> bool:
        """Whether a diff is shown."""
        return self.has_class("-open")

    async def open(self, run_id: str, task: TaskView) -> None:
        """Read and show the diff of a task, from its begin."""
        await self._read(run_id, task, None)
        self.add_class("-open")
        self.view.focus()

    async def compare_with_other(self) -> None:
        """Compare with the integration branch instead of the begin of the work, or back."""
        if self._told is not None and self._shown is not None:
            merged = self._told.against is Against.MERGED
            other = Against.START if merged else Against.MERGED
            await self._read(self._run_id, self._shown, other)

    async def _read(
        self, run_id: str, task: TaskView, against: Against | None, *, again: bool = False
    ) -> None:
        begin, before = time.monotonic(), self._told
        told = await self._center.task_changes(run_id, task.id, against)
        changed = before is None or told.text != before.text or not again
        diff = await asyncio.to_thread(read_diff, told.text) if changed else self.view.diff
        if again and (not self.is_open or self._told is not before):
            return
        self._run_id, self._shown, self.task_id = run_id, task, task.id
        self._told, self._looked = told, self.clock()
        if changed:
            self.view.empty = (("This task changed nothing.", "muted"),)
            self.view.show(diff, keep_place=again)
            self.set_class(len(diff.files) < 2, "-one")
            rows = tree_rows(diff.files)
            self.files.set_items(rows)
            self.files.styles.height = None if self.has_class("-wide") else self._tree_height()
            self._follow_view()
        self.head.update()
        self._rest_until = time.monotonic() + max(LOOK_SECONDS, _REST * (time.monotonic() - begin))

    def tick(self) -> None:
        """A second passed: look again at the files of an agent at work, now and then."""
        task = self._shown
        if task is None or self._told is None or not self.is_open or not self._told.live:
            return
        if time.monotonic() >= self._rest_until:
            self._rest_until = float("inf")
            work = self._read(self._run_id, task, self._told.against, again=True)
            attempt(self, work, group="look", latest=True)

    @property
    def place(self) -> tuple[str, int] | None:
        """The file that is read, and the line at its top; None where there is none any more."""
        file = self.view.diff.files[self.view.file] if self.view.file >= 0 else None
        return None if file is None or file.status == "D" else (file.path, self.view.line)

    def close(self) -> None:
        """Hide it."""
        self.remove_class("-open")
        self.view.stop_search()

    # --- files ------------------------------------------------------------------------------

    def _tree_height(self) -> int:
        return min(len(self.files.items), TREE_ROWS) + 1

    def on_resize(self, event: events.Resize) -> None:
        """The tree beside the lines, or above them."""
        wide = event.size.width >= WIDE
        self.set_class(wide, "-wide")
        self.files.styles.height = None if wide else self._tree_height()

    @on(RowList.Moved)
    def _row_moved(self, message: RowList.Moved) -> None:
        message.stop()
        row = self.files.current
        if row is not None and self.files.has_focus:
            self.view.go_to_file(row.file)

    @on(RowList.Chosen)
    def _row_chosen(self, message: RowList.Chosen) -> None:
        message.stop()
        if self.files.current is not None:
            self.view.go_to_file(self.files.current.file)
            self.view.focus()

    def on_diff_view_moved(self) -> None:
        """The tree shows which file is read."""
        self._follow_view()
        self.head.update()
        self.refresh_bindings()

    def _follow_view(self) -> None:
        files, at = self.view.diff.files, self.view.file
        if not self.files.has_focus and 0 <= at < len(files):
            self.files.select(files[at].path)

    # --- words ------------------------------------------------------------------------------

    def _head_lines(self, width: int, _height: int) -> list[Line]:
        if self._shown is None or self._told is None:
            return []
        search = self.view.search
        right = search.told if search is not None else self._place()
        return [
            spread(cleaned(self._title(self._shown)), (), width),
            spread(cleaned(self._compared(self._told)), cleaned(((f"{right} ", "muted"),)), width),
        ]

    def _title(self, task: TaskView) -> Line:
        diff = self.view.diff
        files = f"{len(diff.files)} file{'' if len(diff.files) == 1 else 's'}"
        left: Line = ((f"  {sign('±', '+-')} diff  ", "run"), (f"{task.id} ", "muted"))
        sums: Line = ((f"  +{diff.added}", "good"), (f" {sign('−', '-')}{diff.removed}", "bad"))
        return (*left, (task.title, "title"), *sums, (f"  {files}", "muted"))

    def _compared(self, told: TaskChanges) -> Line:
        if not told.commit:
            return ()
        words = "where it began" if told.against is Against.START else "the integration branch"
        if told.commit.endswith("^1"):
            words = f"{words} before its merge"
        line: Line = ((f"    against {words}", "muted"), (f" {told.commit[:9]}", "muted"))
        if told.live and self._looked is not None:
            now = f"{self._looked.astimezone():%H:%M:%S}"
            line = (*line, (f"  its files at {now}, it works on", "wait"))
        return line

    def _place(self) -> str:
        files, at = self.view.diff.files, self.view.file
        return f"file {at + 1} of {len(files)}" if len(files) > 1 and at >= 0 else ""
