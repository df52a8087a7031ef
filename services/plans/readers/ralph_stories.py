"""The stories of a ``prd.json``. Apart, because importing pydantic is dear."""

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.draft import BatchDraft, PlanDraft
from cc4tui.services.plans.jsontext import Placed, elements
from cc4tui.services.plans.readers.records import Lines, Record, add_task, paragraphs, validate


class Story(Record):
    """A user story; `passes` is its status."""

    id: str
    title: str = ""
    description: str | None = None
    acceptanceCriteria: list[str] | None = None
    priority: float | None = None
    passes: bool = False
    notes: str | None = None


def read_stories(text: str, stories: Placed, plan: PlanDraft) -> None:
    """Read all stories, in the order of their priority."""
    lines = Lines(text)
    batch = BatchDraft("", "", lines.of(stories.start), prefix="t")
    found = []
    for index, placed in enumerate(elements(text, stories)):
        line = lines.of(placed.start)
        story = validate(Story, placed.value, line, plan)
        if story is not None:
            rank = story.priority if story.priority is not None else float("inf")
            found.append((rank, index, story, (line, lines.of(placed.end))))
    for _, _, story, where in sorted(found, key=lambda entry: entry[:2]):
        task = add_task(plan, batch, story.id, story.title, where)
        task.state = PlanTaskState.DONE if story.passes else PlanTaskState.TODO
        task.acceptance = list(story.acceptanceCriteria or ())
        task.body = paragraphs(description=story.description, Notes=story.notes)
    if batch.tasks:
        plan.batches.append(batch)
