"""How a task is tried again: by whom, and with which hint."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.ports import Retry
from cc4tui.screens.dialogs.form import Cycle, TextField
from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.lines import Line
from cc4tui.screens.widgets.text_pane import TextPane


class RetryDialog(Dialog[Retry]):
    """Enter tries it again as before; fields make it another agent, model, or add a hint.

    Args:
        task: Its id.
        lines: Why it is where it is.
        agents: Those that are configured.
        before: The agent of its last try.
    """

    DEFAULT_CSS = """
    RetryDialog TextPane { max-height: 9; margin-bottom: 1; }
    """
    AUTO_FOCUS: ClassVar[str] = "Cycle"

    def __init__(
        self, task: str, lines: Sequence[Line], agents: Sequence[AgentSpec], before: str
    ) -> None:
        super().__init__()
        self._task_id = task
        self._about = TextPane(lines)
        self._about.can_focus = False
        others = [spec.name for spec in agents if spec.name != before]
        same = f"{before}, as before" if before else "as before"
        self.agent = Cycle("agent", [("", same), *((name, name) for name in others)])
        self.model = TextField("model", "as before, or the agent's own")
        self.hint = TextField("hint", "what it should know this time")

    def compose(self) -> ComposeResult:
        """The reason above the fields."""
        with Box(f"Try {self._task_id} again", "↑ ↓ field · ← → agent · Enter tries · Esc leaves"):
            yield self._about
            yield self.agent
            yield self.model
            yield self.hint

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_choose()

    def action_choose(self) -> None:
        """Answer."""
        self.dismiss(Retry(self.agent.value, self.model.value, self.hint.value))
