"""What the readers of JSON plans share: lines, validation, one task from one record."""

import json
from bisect import bisect_right
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cc4tui.domain.plan import PlanTaskState, Step
from cc4tui.services.plans import values
from cc4tui.services.plans.draft import BatchDraft, PlanDraft, TaskDraft
from cc4tui.services.plans.marks import STATUS_WORDS
from cc4tui.services.plans.paths import title_files


class Record(BaseModel):
    """Base of foreign records: what is not known is ignored, numbers may stand for text."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


R = TypeVar("R", bound=Record)


def _text(value: Any) -> Any:
    """A value as text; of a record what it says."""
    if isinstance(value, dict):
        said = (value.get(key) for key in _SAYING)
        return next((str(one) for one in said if isinstance(one, str | int)), json.dumps(value))
    return json.dumps(value) if isinstance(value, int | float) else value


def _texts(value: Any) -> list[Any]:
    found = value if isinstance(value, list) else [value]
    return [text for one in found if (text := _text(one))]


_SAYING = ("text", "description", "title", "criterion", "name", "id", "taskId", "depends_on_id")

Text = Annotated[str | None, BeforeValidator(_text)]
"""What other programs write in many ways: text, a number, a record with a text in it."""
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
"""One or several of them."""
Flag = Annotated[bool, BeforeValidator(lambda value: str(value).casefold() in ("true", "yes", "1"))]


class Lines:
    """Line numbers of characters in a text."""

    def __init__(self, text: str) -> None:
        self.starts = [0]
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    def of(self, offset: int) -> int:
        """Line, from 0, of a character."""
        return bisect_right(self.starts, offset) - 1


def validate(model: type[R], value: Any, line: int, plan: PlanDraft) -> R | None:
    """A record as its model; what does not fit is said (E09) and left out."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "record"
        plan.error("E09", line, f"{where}: {first['msg']}", "see the format's documentation")
        return None


def state_of(status: str) -> PlanTaskState:
    """State by a status word; one that is not known is not done."""
    word = status.strip().casefold().replace("_", "-").replace(" ", "-")
    return STATUS_WORDS.get(word, PlanTaskState.TODO)


def add_task(
    plan: PlanDraft, batch: BatchDraft, task_id: str, title: str, lines: tuple[int, int]
) -> TaskDraft:
    """Put a task into the plan and its batch."""
    task = TaskDraft(task_id, title.strip(), lines[0], lines[1] + 1, batch)
    task.files = title_files(task.title)
    plan.order.append(task)
    batch.tasks.append(task)
    return task


def set_priority(task: TaskDraft, value: str | None) -> None:
    """Take over a priority where it is one."""
    if value:
        try:
            task.options["priority"] = values.priority(value)
        except ValueError:
            return  # a word of another tool


def step(text: str, status: str, line: int) -> Step:
    """A sub-task as a step."""
    return Step(text.strip(), state_of(status) is PlanTaskState.DONE, line + 1)


def paragraphs(**parts: str | None) -> str:
    """A body from named texts, in the order given; empty ones are left out."""
    shown = [
        text.strip() if name == "description" else f"{name.replace('_', ' ')}:\n{text.strip()}"
        for name, text in parts.items()
        if text and text.strip()
    ]
    return "\n\n".join(shown)
