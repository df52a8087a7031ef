"""Edits of a plan that wait for a person while its run goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cc4tui.domain.plan import Plan
from cc4tui.domain.run import FINAL_STATES, TaskRunRecord, TaskRunState
from cc4tui.events import PlanChanged, RunFinished
from cc4tui.ports import CommandCenter
from cc4tui.screens.guard import tell


if TYPE_CHECKING:
    from cc4tui.screens.app import CommandCenterApp
    from cc4tui.screens.dialogs.difference import DifferenceDialog


@dataclass(frozen=True, slots=True)
class HeldEdit:
    """The newest difference between a run and its plan file that was not taken over."""

    run: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    reason: str = ""
    """Why it could not be taken over, after somebody wanted it."""

    @property
    def is_empty(self) -> bool:
        """Whether plan and run agree again."""
        return not (self.added or self.changed or self.removed)

    @property
    def counts(self) -> str:
        """`2 added, 1 changed`."""
        kinds = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return ", ".join(f"{len(ids)} {kind}" for kind, ids in kinds if ids)


@dataclass(frozen=True, slots=True)
class EditRow:
    """A task that an edit is about, and what taking it over would do."""

    task: str
    title: str
    kind: str
    """``added``, ``changed`` or ``removed``."""
    effect: str


class HeldEdits:
    """Follows what runs tell of edits, and asks what becomes of them.

    Args:
        app: Asks, and tells on its status line how many wait.
        center: Where events come from, and who takes an edit over.
    """

    def __init__(self, app: "CommandCenterApp", center: CommandCenter) -> None:
        self._app = app
        self._center = center
        self._edits: dict[str, HeldEdit] = {}
        self._asking: DifferenceDialog | None = None

    @property
    def waiting(self) -> int:
        """Edits that wait."""
        return len(self._edits)

    async def follow(self) -> None:
        """Listen until the app ends."""
        async for event in self._center.subscribe():
            if isinstance(event, RunFinished):
                self._set(event.run, None)
            elif isinstance(event, PlanChanged):
                self._changed(event)

    def _changed(self, event: PlanChanged) -> None:
        edit = HeldEdit(
            event.run,
            tuple(event.added),
            tuple(event.changed),
            tuple(event.removed),
            event.reason,
        )
        if event.applied or edit.is_empty:
            self._set(event.run, None)
            if not edit.is_empty:
                tell(self._app, f"Run {event.run} goes by the edited plan now: {edit.counts}.")
            return
        if event.run != self._center.active_run:
            why = f": {event.reason}" if event.reason else ""
            tell(self._app, f"Run {event.run} of another process holds an edit of its plan{why}.")
            return
        self._set(event.run, edit)
        if self._app.is_calm:
            self._app.action_show_edit()
        else:
            tell(self._app, f"The plan of run {event.run} was edited: {edit.counts}. D shows it.")

    def _set(self, run: str, edit: HeldEdit | None) -> None:
        """What a question on the screen is about may be over; then it goes."""
        self._edits.pop(run, None)
        if edit is not None:
            self._edits[run] = edit
        self._app.show_waiting_edits(len(self._edits))
        if self._asking is not None and self._asking.is_current and self._asking.run == run:
            self._asking.dismiss(None)

    async def ask(self) -> None:
        """Ask about the edit that waits longest."""
        if not self._edits:
            tell(self._app, "No edit of a plan waits.")
            return
        edit = next(iter(self._edits.values()))
        view = await self._center.run_view(edit.run)
        plan = await self._center.read_plan(view.run.plan)
        rows = edit_rows(edit, plan, {task.task: task for task in view.tasks})
        if self._edits.get(edit.run) is not edit:
            return
        from cc4tui.screens.dialogs.difference import APPLY, DifferenceDialog

        self._asking = DifferenceDialog(view.run.plan, edit, rows)
        answer = await self._app.push_screen_wait(self._asking)
        self._asking = None
        if answer == APPLY:
            await self._center.apply_plan_edit(edit.run)


def edit_rows(edit: HeldEdit, plan: Plan, records: Mapping[str, TaskRunRecord]) -> list[EditRow]:
    """What an edit means for each task, those that are being worked on first.

    Args:
        edit: The difference.
        plan: The file as it is now.
        records: What the run holds, by task.
    """
    rows: list[EditRow] = []
    titles = {task.id: task.title for task in plan.tasks()}
    for kind, ids in (("changed", edit.changed), ("removed", edit.removed), ("added", edit.added)):
        for task in ids:
            record = records.get(task)
            title = titles.get(task) or (record.title if record is not None else "")
            rows.append(EditRow(task, title, kind, _effect(kind, record)))
    return sorted(rows, key=lambda row: not _is_under_way(records.get(row.task)))


def _effect(kind: str, record: TaskRunRecord | None) -> str:
    if kind == "added" or record is None:
        return "joins the run"
    if record.state in FINAL_STATES:
        return f"is {record.state.value.replace('_', ' ')} already: stays as it is"
    if _is_under_way(record):
        return (
            "goes on with its old text; another try gets the new one"
            if kind == "changed"
            else "goes on to its end"
        )
    return "gets its new text" if kind == "changed" else "is cancelled"


def _is_under_way(record: TaskRunRecord | None) -> bool:
    idle = (*FINAL_STATES, TaskRunState.PENDING, TaskRunState.READY)
    return record is not None and record.state not in idle
