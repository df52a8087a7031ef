"""The Ideas tab: thoughts that were caught, until they are tasks of a plan."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.binding import BindingType

from cc4tui.domain.notes import Idea, IdeaStatus
from cc4tui.ports import CommandCenter
from cc4tui.screens.bindings import bindings
from cc4tui.screens.guard import attempt, tell
from cc4tui.screens.idea_rows import EMPTY, draw_idea, idea_lines, idea_text
from cc4tui.screens.lines import Line
from cc4tui.screens.list_tab import ListTab
from cc4tui.screens.messages import Note, NotebookChanged, NoteRequested, Undoable
from cc4tui.screens.options import Clock
from cc4tui.screens.shorthand import Draft, unparse
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.row_list import RowList


ALL = "all"


class IdeasTab(ListTab[Idea]):
    """Inbox, planned and done ideas.

    Args:
        center: Holds the notebook and the plans.
        clock: For how long ago an idea was caught.
    """

    VIEWS = (*(status.value for status in IdeaStatus), ALL)
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.IDEAS)

    def __init__(self, center: CommandCenter, clock: Clock) -> None:
        rows: RowList[Idea] = RowList(
            lambda idea, width: draw_idea(idea, width, clock()),
            key=lambda idea: idea.id,
            text=idea_text,
            marks=True,
        )
        super().__init__(rows, "text, #tag, plan")
        self.center = center
        self._clock = clock
        self._ideas: Sequence[Idea] = ()

    def reload(self) -> None:
        """Read the ideas again."""
        attempt(self, self._load(), group="ideas", latest=True)

    async def _load(self) -> None:
        self._ideas = await self.center.notebook.ideas()
        self.show_view()

    def on_notebook_changed(self, message: NotebookChanged) -> None:
        """Ideas were written elsewhere in the app."""
        self.reload()

    def show_view(self) -> None:
        """Show the ideas of the view."""
        view = self.views.shown
        counts = dict.fromkeys(self.VIEWS, 0) | {ALL: len(self._ideas)}
        for idea in self._ideas:
            counts[idea.status.value] += 1
        self.views.set_counts(counts)
        self.rows.set_empty(EMPTY[view])
        self.rows.set_items([i for i in self._ideas if view in (ALL, i.status.value)])

    def details(self, item: Idea) -> Iterable[Line]:
        """The idea whole."""
        return idea_lines(item, self._clock())

    # --- verbs ------------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_edit()

    def action_edit(self) -> None:
        """Edit the idea in the capture line."""
        idea = self.rows.current
        if idea is not None:
            draft = Draft(idea.text, idea.tags, idea.priority or None, idea.plan)
            self.post_message(NoteRequested(Note.EDIT, unparse(draft), idea.id))

    def action_delete(self) -> None:
        """Delete the ideas; `u` brings them back."""
        ideas = self.rows.targets
        self.rows.take_out(ideas)
        attempt(self.app, self._delete(ideas), group="ideas-write")

    async def _delete(self, ideas: Sequence[Idea]) -> None:
        notebook = self.center.notebook
        try:
            for idea in ideas:
                await notebook.delete_idea(idea.id)
        finally:
            self.reload()

        async def undo() -> None:
            for idea in ideas:
                await notebook.restore_idea(idea.id)

        self._done(ideas, "deleted", undo)

    def action_toggle_done(self) -> None:
        """Call the ideas done; those that are done go back into the inbox."""
        ideas = self.rows.targets
        if self.views.shown != ALL:
            self.rows.take_out(ideas)
        attempt(self.app, self._toggle_done(ideas), group="ideas-write")

    async def _toggle_done(self, ideas: Sequence[Idea]) -> None:
        notebook = self.center.notebook
        try:
            for idea in ideas:
                back = idea.status is IdeaStatus.DONE
                status = IdeaStatus.INBOX if back else IdeaStatus.DONE
                await notebook.update_idea(idea.id, status=status)
        finally:
            self.reload()

        async def undo() -> None:
            for idea in ideas:
                await notebook.update_idea(idea.id, status=idea.status)

        self._done(ideas, "moved", undo)

    def action_promote(self) -> None:
        """Ask for a plan and write the ideas into it as tasks."""
        attempt(self.app, self._promote(self.rows.targets), group="ideas-write")

    async def _promote(self, ideas: Sequence[Idea]) -> None:
        from cc4tui.screens.dialogs.pick_plan import PickPlanDialog

        if not ideas:
            return
        plans = await self.center.plans()
        if not plans:
            tell(self.app, "There is no plan yet: write one into plans/, then promote.", "warning")
            return
        subject = ideas[0].text if len(ideas) == 1 else f"{len(ideas)} ideas"
        plan = await self.app.push_screen_wait(PickPlanDialog(subject, plans, ideas[0].plan))
        if plan is None:
            return
        try:
            tasks = [await self.center.promote_idea(idea.id, plan) for idea in ideas]
        finally:
            self.reload()

        async def undo() -> None:
            for idea in reversed(ideas):
                await self.center.restore_plan(plan)
                await self.center.notebook.update_idea(
                    idea.id, status=idea.status, plan=idea.plan or "", task=idea.task or ""
                )

        self._done(ideas, f"promoted: now {_tasks(tasks)} of {plan}", undo)

    def _done(self, ideas: Sequence[Idea], what: str, undo: Any) -> None:
        """Tell what was done, remember how to undo it, and show it."""
        if not ideas:
            return
        subject = "Idea" if len(ideas) == 1 else f"{len(ideas)} ideas"
        self.rows.clear_marks()
        self.post_message(Undoable(f"{subject.lower()} {what.partition(':')[0]}", undo))
        tell(self.app, f"{subject} {what}. u undoes it.")


def _tasks(ids: Sequence[str]) -> str:
    return f"task {ids[0]}" if len(ids) == 1 else f"tasks {', '.join(ids)}"
