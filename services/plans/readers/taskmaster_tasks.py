"""The tasks of one Task Master tag. Apart, because importing pydantic is dear."""

from pydantic import AliasChoices, Field

from cc4tui.services.plans.draft import MAX_TASKS, BatchDraft, PlanDraft
from cc4tui.services.plans.jsontext import Placed
from cc4tui.services.plans.readers.records import (
    Lines,
    Record,
    Text,
    Texts,
    add_task,
    paragraphs,
    set_priority,
    state_of,
    step,
    validate,
)
from cc4tui.services.plans.readers.taskmaster import qualified


class Subtask(Record):
    """A part of a task."""

    title: Text = Field(None, validation_alias=AliasChoices("title", "name"))
    status: Text = None


class MasterTask(Record):
    """A task as Task Master writes it; ids are numbers or text."""

    id: str
    title: Text = Field(None, validation_alias=AliasChoices("title", "name"))
    description: Text = None
    status: Text = None
    dependencies: Texts = ()
    priority: Text = None
    details: Text = Field(
        None, validation_alias=AliasChoices("details", "implementationGuide", "notes")
    )
    testStrategy: Text = Field(
        None, validation_alias=AliasChoices("testStrategy", "verificationCriteria")
    )
    criteria: Texts = Field(
        (), validation_alias=AliasChoices("acceptanceCriteria", "acceptance_criteria")
    )
    subtasks: list[Subtask] | None = None


def read_tag(
    text: str, tasks: list[Placed], batch: BatchDraft, plan: PlanDraft, several: bool
) -> None:
    """Read the tasks of one tag into a batch."""
    lines = Lines(text)
    for placed in tasks:
        line = lines.of(placed.start)
        if len(plan.order) >= MAX_TASKS:
            plan.too_many(line)
            return
        record = validate(MasterTask, placed.value, line, plan)
        if record is None:
            continue
        task_id = qualified(batch.id, record.id, several=several)
        task = add_task(plan, batch, task_id, record.title or "", (line, lines.of(placed.end)))
        task.state = state_of(record.status or "pending")
        task.depends = [qualified(batch.id, d, several=several) for d in record.dependencies]
        task.steps = [step(s.title or "", s.status or "", line) for s in record.subtasks or ()]
        task.acceptance = list(record.criteria)
        task.body = paragraphs(
            description=record.description,
            Details=record.details,
            Test_strategy=record.testStrategy,
        )
        set_priority(task, record.priority)
