"""The question into which plan an idea goes."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from cc4tui.ports import PlanSummary
from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.widgets.row_list import Row, RowList
from cc4tui.screens.widgets.text_pane import TextPane


class PickPlanDialog(Dialog[str]):
    """Answers with the path of the plan, or None.

    Args:
        subject: What is promoted, for the title.
        plans: To choose from.
        preferred: Path under the cursor at first.
    """

    DEFAULT_CSS = """
    PickPlanDialog TextPane { max-height: 3; margin-bottom: 1; }
    PickPlanDialog RowList { max-height: 14; }
    """
    AUTO_FOCUS: ClassVar[str] = "RowList"

    def __init__(
        self, subject: str, plans: Sequence[PlanSummary], preferred: str | None = None
    ) -> None:
        super().__init__()
        self._subject = subject
        self._plans = plans
        self._preferred = preferred

    def compose(self) -> ComposeResult:
        """The idea above the plans."""
        with Box("Into which plan?", "Enter adds the task · u undoes it · Esc leaves"):
            yield TextPane([((self._subject, "quote"),)])
            yield RowList(_draw, key=lambda plan: plan.path)

    def on_mount(self) -> None:
        """Fill in the plans."""
        rows = self.query_one(RowList)
        rows.styles.height = min(len(self._plans), 14)
        rows.set_items(self._plans)
        if self._preferred is not None:
            rows.select(self._preferred)

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        plan = event.rows.current
        if plan is not None:
            self.dismiss(plan.path)


def _draw(plan: PlanSummary, _width: int) -> Row:
    left = ((plan.path, "text"), (f"  {plan.title}", "muted"))
    return Row(left, ((f"{plan.done}/{plan.tasks}", "muted"),))
