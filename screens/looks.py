"""How states look: a glyph, a word and a colour each, never a colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from cc4tui.domain.notes import IdeaStatus
from cc4tui.domain.plan import PlanTaskState
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.screens.glyphs import ascii_only


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is shown."""

    glyph: str
    plain: str
    """The glyph of terminals that only have ASCII."""
    word: str
    ink: str
    """Name of its colour, see cc4tui.screens.ink."""

    @property
    def sign(self) -> str:
        """The glyph that this terminal can show."""
        return self.plain if ascii_only() else self.glyph


_S = TaskRunState

TASK_RUN_LOOKS: Mapping[TaskRunState, Look] = {
    _S.PENDING: Look("○", "o", "pending", "muted"),
    _S.READY: Look("◌", ".", "ready", "muted"),
    _S.RUNNING: Look("●", "*", "running", "run"),
    _S.VERIFYING: Look("◆", "V", "verifying", "run"),
    _S.REVIEWING: Look("◈", "R", "reviewing", "wait"),
    _S.MERGING: Look("⇄", "M", "merging", "run"),
    _S.MERGED: Look("◉", "@", "merged", "good"),
    _S.LANDED: Look("✓", "+", "landed", "good"),
    _S.FAILED: Look("✗", "x", "failed", "bad"),
    _S.CANCELLED: Look("■", "#", "cancelled", "wait"),
    _S.SKIPPED: Look("–", "-", "skipped", "muted"),
    _S.BLOCKED: Look("⊘", "/", "blocked", "wait"),
    _S.NO_CHANGE: Look("∅", "0", "no change", "wait"),
}

PARKED_LOOK = Look("⏸", "=", "parked", "wait")
"""Of a ready task whose agent is limited."""

PLAN_TASK_LOOKS: Mapping[PlanTaskState, Look] = {
    PlanTaskState.TODO: Look("○", "o", "to do", "muted"),
    PlanTaskState.IN_PROGRESS: Look("◐", "~", "in progress", "run"),
    PlanTaskState.DONE: Look("✓", "+", "done", "good"),
    PlanTaskState.CANCELLED: Look("■", "#", "cancelled", "muted"),
    PlanTaskState.BLOCKED: Look("⊘", "/", "blocked", "wait"),
}

IDEA_LOOKS: Mapping[IdeaStatus, Look] = {
    IdeaStatus.INBOX: Look("◌", ".", "in the inbox", "muted"),
    IdeaStatus.PLANNED: Look("◐", "~", "planned", "link"),
    IdeaStatus.DONE: Look("✓", "+", "done", "good"),
}

RUN_LOOKS: Mapping[RunStatus, Look] = {
    RunStatus.RUNNING: Look("●", "*", "running", "run"),
    RunStatus.SUCCEEDED: Look("✓", "+", "succeeded", "good"),
    RunStatus.PARTLY_FAILED: Look("✗", "x", "partly failed", "bad"),
    RunStatus.FAILED: Look("✗", "x", "failed", "bad"),
    RunStatus.CANCELLED: Look("■", "#", "cancelled", "wait"),
    RunStatus.INTERRUPTED: Look("‖", "=", "interrupted", "wait"),
}
