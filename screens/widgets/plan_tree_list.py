"""The tree of a plan: virtual rows that fold, whose states are looked up when they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual import events

from cc4tui.screens.widgets.row_list import Row, RowList


if TYPE_CHECKING:
    from cc4tui.domain.plan import Plan, Task
    from cc4tui.domain.run import TaskRunState
    from cc4tui.screens.plan_tree import TreeRow


_SIGN_END, _STEP = 4, 2
"""Where the sign of a batch ends, and how much farther right it stands a level deeper."""


class PlanTreeList(RowList["TreeRow"]):
    """Problems, batches and tasks of one plan.

    The list is there at once, while no plan is read yet; what draws one is imported with it.
    """

    def __init__(self) -> None:
        super().__init__(
            self._draw_row,
            key=lambda row: row.key,
            text=self._row_text,
            marks=True,
            widget_id="tree",
        )
        self._plan: Plan | None = None
        self._states: Mapping[str, TaskRunState] = {}
        self._folded: set[str] = set()
        self._all_rows: Sequence[TreeRow] = ()

    def _draw_row(self, row: TreeRow, width: int) -> Row:
        from cc4tui.screens.plan_rows import draw_tree_row

        assert self._plan is not None
        return draw_tree_row(row, width, self._plan, self._states)

    @staticmethod
    def _row_text(row: TreeRow) -> str:
        from cc4tui.screens.plan_tree import row_text

        return row_text(row)

    def show(self, plan: Plan, states: Mapping[str, TaskRunState]) -> None:
        """Show a plan; of the same plan, folds, marks and cursor stay."""
        from cc4tui.screens.plan_rows import NO_TASKS

        self.set_empty(NO_TASKS)
        if self._plan is None or self._plan.path != plan.path:
            self._folded.clear()
            self.clear_marks()
            self._plan, self._states = plan, states
            self._rebuild()
            self.select(next((f"={t.id}" for t in plan.tasks() if not self._is_done(t)), ""))
        else:
            self._plan, self._states = plan, states
            self._rebuild()

    def _is_done(self, task: Task) -> bool:
        from cc4tui.screens.plan_tree import is_done

        return is_done(task, self._states.get(task.id))

    def show_states(self, states: Mapping[str, TaskRunState]) -> None:
        """Draw other states; the rows stay."""
        self._states = states
        self.refresh()

    def _rebuild(self) -> None:
        from cc4tui.screens.plan_tree import tree_rows

        if self._plan is not None:
            self.set_items(list(tree_rows(self._plan, self._folded)))

    # --- folding ----------------------------------------------------------------------------

    @property
    def fold_keys(self) -> set[str]:
        """Keys of rows that fold others."""
        from cc4tui.screens.plan_tree import fold_keys

        return set() if self._plan is None else fold_keys(self._plan)

    def fold(self) -> None:
        """Fold the batch of the cursor's row, which then has the cursor."""
        head = self._head()
        if head is not None:
            self._folded.add(head.key)
            self.select(head.key)
            self._rebuild()

    def unfold(self) -> None:
        """Show what is below the cursor's row."""
        row = self.current
        if row is not None and row.key in self._folded:
            self._folded.discard(row.key)
            self._rebuild()

    def toggle(self) -> None:
        """Fold or unfold the cursor's batch."""
        row = self.current
        if row is not None and row.key in self._folded:
            self.unfold()
        else:
            self.fold()

    def on_click(self, event: events.Click) -> None:
        """A click on the sign before a batch folds or unfolds it."""
        offset = event.get_content_offset(self)
        at = -1 if offset is None else offset.y + round(self.scroll_y)
        row = self.shown[at] if 0 <= at < len(self.shown) else None
        if offset is None or row is None or row.key not in self.fold_keys:
            return
        if offset.x < _SIGN_END + _STEP * row.depth:
            event.prevent_default()
            self.move_to(at)
            self.toggle()

    def toggle_all(self) -> None:
        """Fold everything, or unfold everything when all is folded."""
        keys = self.fold_keys
        head = self._head()
        self._folded = set() if self._folded >= keys else keys
        if head is not None:
            self.select(head.key)
        self._rebuild()

    def _head(self) -> TreeRow | None:
        """The row that folds the cursor's row away."""
        from cc4tui.screens.plan_tree import Kind

        row = self.current
        if row is None or row.depth == 0:
            return row if row is not None and row.kind is not Kind.TASK else None
        above = self.shown[: self.cursor]
        return next((it for it in reversed(above) if it.depth < row.depth), None)

    # --- marks -----------------------------------------------------------------

    @property
    def marked_tasks(self) -> tuple[Task, ...]:
        """The marked tasks, folded away ones included."""
        if self._plan is None:
            return ()
        return tuple(task for task in self._plan.tasks() if f"={task.id}" in self._marks)

    def action_mark(self) -> None:
        """Mark a task; on a batch, all of its tasks."""
        from cc4tui.screens.plan_tree import Kind

        row = self.current
        if row is None or row.offered or row.problem is not None:
            return
        if row.kind is Kind.BATCH and row.batch is not None:
            keys = {f"={task.id}" for task in row.batch.tasks}
            whole = keys <= self._marks
            self._marks = self._marks - keys if whole else self._marks | keys
            self.refresh()
            self.post_message(self.MarksChanged(self))
        elif row.kind is Kind.TASK:
            super().action_mark()

    def is_marked(self, task_id: str) -> bool:
        """Whether this task is marked."""
        return f"={task_id}" in self._marks

    def mark_task(self, task_id: str) -> None:
        """Mark this task, or take its mark away."""
        self._marks ^= {f"={task_id}"}
        self.refresh()
        self.post_message(self.MarksChanged(self))
