"""The problems of a plan beside its text."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize

from cc4tui.domain.plan import Diagnostic, Plan, Severity
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line
from cc4tui.screens.planning.source_pane import SourcePane
from cc4tui.screens.widgets.row_list import Row, RowList


BESIDE = 100
"""Columns from which the text stands beside the problems, not below them."""


class ProblemsView(Container):
    """A list of problems; the line of the one under the cursor is lit in the text."""

    DEFAULT_CSS = """
    ProblemsView { height: 1fr; layout: vertical; }
    ProblemsView > RowList { height: auto; max-height: 40%; }
    ProblemsView > SourcePane { border-top: solid $border; }
    ProblemsView.-none > RowList { height: 1fr; max-height: 100%; }
    ProblemsView.-none > SourcePane { display: none; }
    ProblemsView.-beside { layout: horizontal; }
    ProblemsView.-beside > RowList { width: 2fr; height: 1fr; max-height: 100%; }
    ProblemsView.-beside > SourcePane {
        width: 3fr; border-top: none; border-left: solid $border; padding: 0 0 0 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: RowList[Diagnostic] = RowList(
            _draw,
            key=_key,
            empty=NONE,
            widget_id="problems",
        )
        self.source = SourcePane()

    def compose(self) -> ComposeResult:
        """What is wrong, and where."""
        yield self.rows
        yield self.source

    def on_resize(self, event: Resize) -> None:
        """Beside or below."""
        self.set_class(event.size.width >= BESIDE, "-beside")

    def show(self, plan: Plan, text: str) -> None:
        """Show what is wrong with a plan, errors first."""
        self.set_class(not plan.diagnostics, "-none")
        self.source.set_text(text)
        self.rows.set_items(sorted(plan.diagnostics, key=_order))

    def select(self, problem: Diagnostic) -> None:
        """Put the cursor on a problem."""
        self.rows.select(_key(problem))

    @on(RowList.Moved)
    def _moved(self) -> None:
        problem = self.rows.current
        if problem is None:
            self.source.light(0, 1, "muted")
        else:
            ink = "bad" if problem.severity is Severity.ERROR else "wait"
            self.source.light(problem.line, problem.col, ink)


def _key(problem: Diagnostic) -> tuple[str, int, int, str]:
    return (problem.code, problem.line, problem.col, problem.message)


def _order(problem: Diagnostic) -> tuple[bool, int, int]:
    return (problem.severity is not Severity.ERROR, problem.line, problem.col)


def _draw(problem: Diagnostic, _width: int) -> Row:
    error = problem.severity is Severity.ERROR
    glyph = sign("✗", "x") if error else sign("▲", "!")
    ink = "bad" if error else "wait"
    left: Line = ((f"{glyph} {problem.code} ", ink), (problem.message, "text"))
    if problem.hint:
        left = (*left, (f"; {problem.hint}", "muted"))
    return Row(left, ((f"{problem.line}", "muted"),))


NONE: tuple[Line, ...] = (
    (("This plan has no problems.", "title"),),
    (),
    (("cc4tui plan check", "run"), (" tells the same in a shell.", "muted")),
)
