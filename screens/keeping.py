"""Stores what was written in the line for notes."""

from cc4tui.domain.notes import Idea, IdeaStatus, Lesson
from cc4tui.ports import CommandCenter
from cc4tui.screens.messages import Note, Undoable
from cc4tui.screens.shorthand import Draft, parse, unparse


async def keep(center: CommandCenter, kind: Note, text: str, subject: int | None) -> Undoable:
    """Store a note.

    Args:
        center: Whose notebook.
        kind: What was written.
        text: As typed, shorthand included.
        subject: Id of the idea or lesson that was edited.

    Returns:
        What undoing it takes; its label says what was done.
    """
    if kind is Note.LESSON:
        return await _keep_lesson(center, text)
    if kind is Note.EDIT_LESSON and subject is not None:
        return await _keep_edited_lesson(center, text, subject)
    draft = parse(text, await center.plans() if "@" in text else ())
    if kind is Note.EDIT and subject is not None:
        return await _keep_edit(center, draft, subject)
    return await _keep_idea(center, draft)


async def _keep_idea(center: CommandCenter, draft: Draft) -> Undoable:
    notebook = center.notebook
    idea = await notebook.add_idea(draft.text, draft.tags, draft.priority)
    if draft.plan:
        await notebook.update_idea(idea.id, plan=draft.plan)

    async def undo() -> None:
        await notebook.delete_idea(idea.id)

    return Undoable("idea kept", undo)


async def _keep_edit(center: CommandCenter, draft: Draft, subject: int) -> Undoable:
    notebook = center.notebook
    before = await notebook.idea(subject)
    await notebook.update_idea(
        subject,
        text=draft.text,
        tags=draft.tags,
        priority=draft.priority or "",
        plan=_new_plan(before, draft),
    )

    async def undo() -> None:
        if before is not None:
            await notebook.update_idea(
                subject,
                text=before.text,
                tags=before.tags,
                priority=before.priority or "",
                plan=before.plan or "",
            )

    return Undoable("idea edited", undo)


def _new_plan(before: Idea | None, draft: Draft) -> str | None:
    """A task that an idea became stays where it is, whatever the text says."""
    if before is not None and before.status is not IdeaStatus.INBOX:
        return None
    return draft.plan or ""


async def _keep_lesson(center: CommandCenter, text: str) -> Undoable:
    notebook = center.notebook
    title, body, tags = _parse_lesson(text)
    lesson = await notebook.add_lesson(body, title, tags=tags)

    async def undo() -> None:
        await notebook.delete_lesson(lesson.id)

    return Undoable("lesson kept", undo)


async def _keep_edited_lesson(center: CommandCenter, text: str, subject: int) -> Undoable:
    notebook = center.notebook
    before = await notebook.lesson(subject)
    title, body, tags = _parse_lesson(text)
    if before is not None and not before.title and "\n" in before.text:
        title, body = "", "\n".join(filter(None, (title, body)))
    await notebook.update_lesson(subject, text=body, title=title, tags=tags)

    async def undo() -> None:
        if before is not None:
            await notebook.update_lesson(
                subject, text=before.text, title=before.title, tags=before.tags
            )

    return Undoable("lesson edited", undo)


def _parse_lesson(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Title, text and tags; of several lines the first is the title."""
    draft = parse(text)
    title, _, body = draft.text.partition("\n")
    if not body.strip():
        title, body = "", draft.text
    return title.strip(), body.strip("\n"), draft.tags


def lesson_as_typed(lesson: Lesson) -> str:
    """The lesson as a person would have typed it, to be edited."""
    text = f"{lesson.title}\n{lesson.text}" if lesson.title else lesson.text
    return unparse(Draft(text, lesson.tags))
