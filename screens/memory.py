"""The Memory tab: what was learned, and every run there was."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType

from cc4tui.domain.notes import Lesson
from cc4tui.domain.run import RunRecord
from cc4tui.ports import CommandCenter, SavedWork
from cc4tui.screens.bindings import bindings
from cc4tui.screens.guard import attempt, tell
from cc4tui.screens.keeping import lesson_as_typed
from cc4tui.screens.lines import Line
from cc4tui.screens.list_tab import ListTab
from cc4tui.screens.memory_rows import (
    EMPTY,
    LESSONS,
    NO_MATCH,
    READING,
    RUNS,
    SAVED,
    draw_lesson,
    draw_run,
    lesson_lines,
    run_lines,
)
from cc4tui.screens.messages import Note, NotebookChanged, NoteRequested, RunChosen, Undoable
from cc4tui.screens.options import Clock
from cc4tui.screens.saved_works import draw_saved, read_saved, restore_saved, saved_lines
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.row_list import Row, RowList


Item = Lesson | RunRecord | SavedWork

RUNS_LIMIT = 500


class MemoryTab(ListTab[Item]):
    """Lessons, searched by full text, past runs, and work that no branch holds.

    Args:
        center: Holds the notebook and the journal.
        clock: For how long ago something was.
    """

    VIEWS = (LESSONS, RUNS, SAVED)
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.MEMORY)

    def __init__(self, center: CommandCenter, clock: Clock) -> None:
        rows: RowList[Item] = RowList(self._draw, key=_key, text=_run_text, marks=True)
        super().__init__(rows, "search all lessons")
        self.center = center
        self._clock = clock
        self._lessons: Sequence[Lesson] = ()
        self._runs: Sequence[RunRecord] = ()
        self._saved: Sequence[SavedWork] | None = None

    def _draw(self, item: Item, width: int) -> Row:
        if isinstance(item, Lesson):
            return draw_lesson(item, width, self._clock())
        if isinstance(item, SavedWork):
            return draw_saved(item, width, self._clock())
        return draw_run(item, width, self._clock())

    def details(self, item: Item) -> Iterable[Line]:
        """The lesson or the run whole."""
        if isinstance(item, Lesson):
            return lesson_lines(item, self._clock())
        if isinstance(item, SavedWork):
            return saved_lines(item, self._clock())
        return run_lines(item, self._clock())

    # --- reading ----------------------------------------------------------------------------

    def reload(self) -> None:
        """Read lessons and runs again."""
        attempt(self, self._load(), group="memory", latest=True)

    async def _load(self) -> None:
        query = self.filter_line.text.strip()
        notebook = self.center.notebook
        if query and self.views.shown == LESSONS:
            self._lessons = await notebook.search_lessons(query)
        else:
            self._lessons = await notebook.lessons()
        self._runs = await self.center.journal.runs(RUNS_LIMIT)
        self._show_loaded()
        if self.views.shown == SAVED:  # asks git for every one of them, so not before it is seen
            self._saved = await self.center.saved()
            self._show_loaded()

    def on_notebook_changed(self, message: NotebookChanged) -> None:
        """Lessons were written elsewhere in the app."""
        self.reload()

    def show_view(self) -> None:
        """Show lessons, runs or saved work."""
        self._show_loaded()
        if self.views.shown == SAVED:
            self.reload()

    def _show_loaded(self) -> None:
        lessons = self.views.shown == LESSONS
        query = self.filter_line.text.strip()
        counts = {LESSONS: len(self._lessons), RUNS: len(self._runs)}
        if self._saved is not None:
            counts[SAVED] = len(self._saved)
        self.views.set_counts(counts)
        unread = self.views.shown == SAVED and self._saved is None
        self.rows.set_empty(
            READING if unread else NO_MATCH if lessons and query else EMPTY[self.views.shown]
        )
        self.rows.filter("" if lessons else query)
        shown: dict[str, Sequence[Item]] = {LESSONS: self._lessons, RUNS: self._runs}
        self.rows.set_items(shown.get(self.views.shown, self._saved or ()))

    def search(self, text: str) -> None:
        """The database finds lessons; runs are few enough to be filtered here."""
        if self.views.shown == LESSONS:
            self.reload()
        else:
            self.rows.filter(text)

    # --- verbs ------------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Read the lesson whole, or open the run."""
        item = self.rows.current
        if isinstance(item, RunRecord):
            self.post_message(RunChosen(item.id))
        elif isinstance(item, SavedWork):
            attempt(self, read_saved(self.app, self.center, item), group="saved")
        elif item is not None:
            from cc4tui.screens.dialogs.reading import ReadingDialog

            title = item.title or "Lesson"
            self.app.push_screen(ReadingDialog(title, lesson_lines(item, self._clock())))

    def action_add(self) -> None:
        """Write down a lesson."""
        self.post_message(NoteRequested(Note.LESSON))

    def action_edit(self) -> None:
        """Edit the lesson in the line for notes. Runs are history."""
        item = self.rows.current
        if isinstance(item, Lesson):
            self.post_message(NoteRequested(Note.EDIT_LESSON, lesson_as_typed(item), item.id))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only lessons can be edited, only saved work brought back."""
        if action == "restore":
            return isinstance(self.rows.current, SavedWork)
        return action != "edit" or isinstance(self.rows.current, Lesson)

    def action_restore(self) -> None:
        """Bring saved work back, as a branch or in a worktree."""
        item = self.rows.current
        if isinstance(item, SavedWork):
            attempt(self.app, restore_saved(self.app, self.center, item), group="saved")

    def action_delete(self) -> None:
        """Forget the lessons; `u` brings them back. Runs are history and stay."""
        lessons = [item for item in self.rows.targets if isinstance(item, Lesson)]
        if lessons:
            self.rows.take_out(lessons)
            attempt(self.app, self._delete(lessons), group="lessons-write")
        elif isinstance(self.rows.current, SavedWork):
            tell(self.app, "Saved work stays for good: nothing else may hold it.")
        elif self.rows.current is not None:
            tell(self.app, "Runs are history: `cc4tui clean` removes what they left behind.")

    async def _delete(self, lessons: Sequence[Lesson]) -> None:
        notebook = self.center.notebook
        try:
            for lesson in lessons:
                await notebook.delete_lesson(lesson.id)
        finally:
            self.reload()

        async def undo() -> None:
            for lesson in lessons:
                await notebook.restore_lesson(lesson.id)

        subject = "lesson" if len(lessons) == 1 else f"{len(lessons)} lessons"
        self.rows.clear_marks()
        self.post_message(Undoable(f"{subject} forgotten", undo))
        tell(self.app, f"{subject.capitalize()} forgotten. u undoes it.")


def _key(item: Item) -> str | int:
    return item.name if isinstance(item, SavedWork) else item.id


def _run_text(item: Item) -> str:
    if isinstance(item, Lesson):
        return f"{item.title} {item.text}"
    if isinstance(item, SavedWork):
        return f"{item.name} {item.task} {item.subject} {' '.join(item.files)}"
    return f"{item.id} {item.plan} {item.agent} {item.status}"
