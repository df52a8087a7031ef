"""The lines above the panes: how the run is doing."""

from textual.strip import Strip

from cc4tui.screens.execution.heads import run_lines
from cc4tui.screens.execution.model import RunModel
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, strip_of
from cc4tui.screens.options import Clock
from cc4tui.screens.widgets.covered import Kept


class RunHead(Kept):
    """Two lines of the run; up to four more when there is a reason to tell.

    Args:
        clock: For the time it takes so far.
    """

    DEFAULT_CSS = """
    RunHead { height: 2; background: $background; }
    """
    ALLOW_SELECT = False

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self._model: RunModel | None = None
        self.as_of = False
        """Whether the clock shows a moment that a person went back to."""
        self._left: tuple[float, float] | None = None
        self._lines: list[Line] = []

    def show(self, model: RunModel | None) -> None:
        """Tell of this run."""
        self._model = model
        self.tick()

    def show_left(self, left: tuple[float, float] | None) -> None:
        """Tell how long the run still takes, in seconds; None = nobody knows."""
        self._left = left
        self.tick()

    def tick(self) -> None:
        """Draw anew where a second, or the run, changed something."""
        width = self.size.width
        if not width:
            return
        model = self._model
        lines = [] if model is None else self._make(model, width)
        if len(lines) != len(self._lines):
            self.styles.height = max(len(lines), 2)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def _make(self, model: RunModel, width: int) -> list[Line]:
        left = None if self.as_of else self._left
        return run_lines(model, self.clock(), width, left, as_of=self.as_of)

    def on_resize(self) -> None:
        """Fit the width."""
        self.tick()

    def render_line(self, y: int) -> Strip:
        """Draw one of the lines."""
        line = self._lines[y] if y < len(self._lines) else ()
        return strip_of(line, self.size.width, ink(self.app), self.base)
