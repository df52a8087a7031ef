"""The stories of a ``prd.json``. Apart, because importing pydantic is dear."""

import re

from pydantic import AliasChoices, Field

from cc4tui.domain.plan import PlanTaskState, Step
from cc4tui.services.plans.draft import MAX_TASKS, BatchDraft, PlanDraft, TaskDraft
from cc4tui.services.plans.jsontext import Placed, elements
from cc4tui.services.plans.paths import title_files
from cc4tui.services.plans.readers.ralph import FLAGS
from cc4tui.services.plans.readers.records import (
    Flag,
    Lines,
    Record,
    Text,
    Texts,
    add_task,
    paragraphs,
    set_priority,
    state_of,
    validate,
)


_RANK = re.compile(r"[Pp]?(\d+(?:\.\d+)?)")
_WORDS = {"critical": 0.0, "highest": 0.0, "high": 1.0, "medium": 2.0, "low": 3.0, "lowest": 4.0}


class Story(Record):
    """A story; loops differ in what they call its parts."""

    id: Text = None
    title: Text = Field(None, validation_alias=AliasChoices("title", "name"))
    description: Text = Field(
        None, validation_alias=AliasChoices("description", "story", "scope", "details")
    )
    criteria: Texts = Field(
        (),
        validation_alias=AliasChoices(
            "acceptanceCriteria", "acceptance_criteria", "acceptance", "criteria"
        ),
    )
    steps: Texts = ()
    dependencies: Texts = Field(
        (), validation_alias=AliasChoices("dependencies", "dependsOn", "depends_on")
    )
    priority: Text = None
    passes: Flag = Field(False, validation_alias=AliasChoices(*FLAGS))
    status: Text = None
    notes: Text = None


def read_stories(text: str, stories: Placed, plan: PlanDraft) -> None:
    """Read all stories, in the order of their priority."""
    lines = Lines(text)
    batch = BatchDraft("", "", lines.of(stories.start), prefix="t")
    found: list[tuple[float, int, Story, tuple[int, int]]] = []
    for index, placed in enumerate(elements(text, stories)):
        line = lines.of(placed.start)
        if len(found) >= MAX_TASKS:
            plan.too_many(line)
            break
        story = validate(Story, placed.value, line, plan)
        if story is not None:
            found.append((_rank(story.priority), index, story, (line, lines.of(placed.end))))
    for _, index, story, where in sorted(found, key=lambda entry: entry[:2]):
        _fill(add_task(plan, batch, story.id or "", story.title or "", where), story, index)
    if batch.tasks:
        plan.batches.append(batch)


def _fill(task: TaskDraft, story: Story, index: int) -> None:
    if not task.id:
        task.id, task.id_is_made = f"t-{index + 1}", True
    if not task.title:
        task.title = (story.description or "").strip().partition("\n")[0]
        task.files = title_files(task.title)
    done = story.passes or (story.status is not None and state_of(story.status).value == "done")
    task.state = PlanTaskState.DONE if done else state_of(story.status or "")
    task.acceptance = list(story.criteria)
    task.steps = [Step(one, done, task.line + 1) for one in story.steps]
    task.depends = list(story.dependencies)
    task.strict = False  # loops go by priority; a name of something else is no mistake
    task.body = paragraphs(description=story.description, Notes=story.notes)
    set_priority(task, story.priority if _WORDS.get(_word(story.priority)) is not None else None)


def _word(priority: str | None) -> str:
    return (priority or "").strip().casefold()


def _rank(priority: str | None) -> float:
    number = _RANK.match(_word(priority))
    if number is not None:
        return float(number[1])
    return _WORDS.get(_word(priority), float("inf"))
