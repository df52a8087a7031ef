"""A task's diff, coloured by line."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical

from cc4tui.domain.text import clean
from cc4tui.ports import CommandCenter
from cc4tui.screens.execution.model import TaskView
from cc4tui.screens.execution.pane import PaneHead
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, cleaned, spread
from cc4tui.screens.widgets.log_source import MemorySource
from cc4tui.screens.widgets.log_view import LogView


_LIMIT = 64 * 2**20
"""Bytes of a diff that are kept; what exceeds them is not read by people."""
_BOLD, _CYAN, _GREEN, _RED, _DIM = "\x1b[1m", "\x1b[36m", "\x1b[32m", "\x1b[31m", "\x1b[2m"
_HEADERS = ("index ", "new file", "deleted file", "similarity", "rename ", "old mode", "new mode")


@dataclass(frozen=True, slots=True)
class ColouredDiff:
    """A diff for a log view, with its sums."""

    text: str
    files: int
    added: int
    removed: int


def coloured(diff: str) -> ColouredDiff:
    """Colour a unified diff as git prints it; nothing in it but text stays."""
    sums = {"file": 0, "+": 0, "-": 0}
    text = "\n".join(_coloured_lines(diff, sums))
    return ColouredDiff(text + "\n" if text else "", sums["file"], sums["+"], sums["-"])


def _coloured_lines(diff: str, sums: dict[str, int]) -> Iterator[str]:
    in_hunk = False
    for raw in diff.split("\n"):
        line = clean(raw)
        if line.startswith("diff --git "):
            in_hunk = False
            sums["file"] += 1
            yield f"{_BOLD}{line}\x1b[0m"
        elif line.startswith("@@"):
            in_hunk = True
            yield f"{_CYAN}{line}\x1b[0m"
        elif in_hunk and line[:1] in ("+", "-"):
            sums[line[0]] += 1
            yield f"{_GREEN if line[0] == '+' else _RED}{line}\x1b[0m"
        elif not in_hunk and line.startswith(_HEADERS):
            yield f"{_DIM}{line}\x1b[0m"
        else:
            yield line


class DiffPane(Vertical):
    """Shows what a task changed, whole.

    Args:
        center: Makes the diff.
    """

    DEFAULT_CSS = """
    DiffPane { display: none; height: 1fr; background: $background; }
    DiffPane.-open { display: block; }
    """

    def __init__(self, center: CommandCenter) -> None:
        super().__init__()
        self.task_id = ""
        """Whose diff is shown."""
        self.head = PaneHead(self._head_lines)
        self.head.is_active = True
        self.log_view = LogView(MemorySource())
        self.log_view.set_reading(True)
        self._center = center
        self._heading: Line = ()

    def compose(self) -> ComposeResult:
        """The heading above the diff."""
        yield self.head
        yield self.log_view

    @property
    def is_open(self) -> bool:
        """Whether a diff is shown."""
        return self.has_class("-open")

    async def open(self, run_id: str, task: TaskView) -> None:
        """Read and show the diff of a task, from its begin."""
        diff = await self._center.task_diff(run_id, task.id)
        shown = await asyncio.to_thread(coloured, diff)
        self.task_id, self._heading = task.id, _heading(task, shown)
        source = MemorySource(limit=_LIMIT)
        source.append(shown.text)
        self.add_class("-open")
        self.log_view.set_empty((("This task changed nothing.", "muted"),))
        self.log_view.set_source(source, wrapped=False)
        self.log_view.action_begin()
        self.log_view.focus()
        self.head.update()

    def _head_lines(self, width: int, _height: int) -> list[Line]:
        search = self.log_view.search
        told: Line = ((f"{search.told} ", "muted"),) if search is not None else ()
        return [spread(cleaned(self._heading), cleaned(told), width)]

    def close(self) -> None:
        """Hide it."""
        self.remove_class("-open")
        self.log_view.stop_search()


def _heading(task: TaskView, diff: ColouredDiff) -> Line:
    files = f"{diff.files} file{'' if diff.files == 1 else 's'}"
    left: Line = ((f"  {sign('±', '+-')} diff  ", "run"), (f"{task.id} ", "muted"))
    sums: Line = ((f"  +{diff.added}", "good"), (f" {sign('−', '-')}{diff.removed}", "bad"))
    return (*left, (task.title, "title"), *sums, (f"  {files}", "muted"))
