"""How a run of the plan would go, before it is started."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cc4tui.domain.forecast import Forecast
from cc4tui.screens.bindings import bindings
from cc4tui.screens.ink import ink
from cc4tui.screens.lines import Line, cleaned, fit, strip_of
from cc4tui.screens.planning.forecast_rows import (
    ForecastRow,
    draw_forecast_row,
    forecast_rows,
    summary,
)
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.row_list import RowList


MOST_WORKERS = 64


class WorkersWanted(Message):
    """The forecast is wanted for another number of workers."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.workers = workers


class _Rows(RowList[ForecastRow]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.FORECAST)

    at_once = 1

    def action_workers(self, by: int) -> None:
        """Forecast with more or fewer workers."""
        wanted = min(max(self.at_once + by, 1), MOST_WORKERS)
        if wanted != self.at_once:
            self.at_once = wanted
            self.post_message(WorkersWanted(wanted))


class _Summary(Widget):
    DEFAULT_CSS = """
    _Summary { height: 4; padding: 0 2; }
    """
    told: Forecast | None = None

    def render_line(self, y: int) -> Strip:
        lines: list[Line] = [(("Working it out …", "muted"),)]
        if self.told is not None:
            lines = list(summary(self.told))
        line = lines[y] if y < len(lines) else ()
        width = self.size.width
        return strip_of(fit(cleaned(line), width), width, ink(self.app), self.rich_style)


class ForecastView(Vertical):
    """Summary, clashes, waves; `+` and `-` change how many work at once."""

    DEFAULT_CSS = """
    ForecastView { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = _Rows(draw_forecast_row, key=lambda row: row.key, widget_id="forecast")
        self._summary = _Summary()
        self.told: Forecast | None = None
        """What is shown."""
        self.wanted: int | None = None
        """Workers that the person asked for; None = as the plan and the configuration say."""

    def compose(self) -> ComposeResult:
        """The summary stays while the rest scrolls."""
        yield self._summary
        yield self.rows

    def show(self, told: Forecast | None, task: str | None = None) -> None:
        """Show a forecast, the cursor on a task; None while it is being worked out."""
        if told is None or self.told is None or told.plan != self.told.plan:
            self.rows.set_items([])
            self.wanted = None
        self.told = self._summary.told = told
        self._summary.refresh()
        if told is not None:
            self.rows.at_once = told.workers
            self.rows.set_items(list(forecast_rows(told)))
            if task is not None:
                self.rows.select(f"={task}")

    @property
    def task_id(self) -> str | None:
        """The task under the cursor."""
        row = self.rows.current
        return row.task_id if row is not None else None
