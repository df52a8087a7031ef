"""The question what becomes of an edit of the plan while its run goes on."""

from collections.abc import Iterator, Sequence

from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.glyphs import sign
from cc4tui.screens.lines import Line, cell
from cc4tui.screens.planning.held_edits import EditRow, HeldEdit


APPLY, HOLD = "a", "h"
"""The answers."""


class DifferenceDialog(ChoiceDialog):
    """Tells what was added, changed and removed; answers APPLY, or HOLD, or None.

    Args:
        plan: Path of the plan.
        edit: What waits.
        rows: What taking it over would do to each task.
    """

    def __init__(self, plan: str, edit: HeldEdit, rows: Sequence[EditRow]) -> None:
        choices = (
            Choice(HOLD, "Hold", "the run goes on as it is; D asks again"),
            Choice(APPLY, "Apply", "the run goes by the plan as it is now"),
        )
        super().__init__(f"{plan} was edited during {edit.run}", _lines(edit, rows), choices)
        self.run = edit.run


_LOOKS = {"added": ("+", "+", "good"), "changed": ("~", "~", "wait"), "removed": ("−", "-", "bad")}


def _lines(edit: HeldEdit, rows: Sequence[EditRow]) -> Iterator[Line]:
    if edit.reason:
        yield ((f"It could not be applied: {edit.reason}", "bad"),)
        yield ()
    yield ((edit.counts, "title"),)
    for row in rows:
        glyph, ascii_glyph, ink = _LOOKS[row.kind]
        yield (
            (f"{sign(glyph, ascii_glyph)} ", ink),
            cell(row.kind, 8, ink),
            (f"{row.task} ", "muted"),
            (f"{row.title}  ", "text"),
            (row.effect, "muted"),
        )
