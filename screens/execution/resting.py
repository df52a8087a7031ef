"""What stands where panes would be while no agent works: what this is for, or how it ended."""

from collections.abc import Iterator

from cc4tui.domain.run import RunStatus
from cc4tui.screens.execution.model import RunModel, TaskView
from cc4tui.screens.execution.quarantine import quarantine_lines
from cc4tui.screens.lines import Line
from cc4tui.screens.looks import RUN_LOOKS, TASK_RUN_LOOKS


_PROBLEMS_SHOWN = 8


def resting_lines(model: RunModel | None) -> list[Line]:
    """The lines for a run without panes; without a run, how to begin."""
    if model is None:
        return _TEACHING
    return list(_about(model))


CHECKING: list[Line] = [
    (),
    (("checking", "title"), ("  what the last cc4tui left here", "text")),
    (),
    (("Agents that work on are taken over; what others had written is saved.", "muted"),),
]
"""While no state of an unfinished run is certain."""

_TEACHING: list[Line] = [
    (),
    (("Here you watch agents work: one pane each, live.", "title"),),
    (),
    (
        ("No run yet. ", "text"),
        ("2", "key"),
        (" shows the plans, ", "text"),
        ("r", "key"),
        (" there starts one. Or in a shell:", "text"),
    ),
    (),
    (("    cc4tui run plans/example.md --workers 4", "run"),),
    (),
    (("A run that another terminal started shows up here by itself.", "muted"),),
]


def _about(model: RunModel) -> Iterator[Line]:
    look = RUN_LOOKS[model.run.status]
    yield ()
    yield ((f"{look.sign} {look.word}", look.ink), (f"  {_summary(model)}", "text"))
    yield ()
    if model.quarantine is not None:
        yield from quarantine_lines(model.quarantine)
    problems = list(model.problems())
    for task in problems[:_PROBLEMS_SHOWN]:
        yield from _problem(task)
    if len(problems) > _PROBLEMS_SHOWN:
        yield ((f"and {len(problems) - _PROBLEMS_SHOWN} more: w goes through them", "muted"),)
    if problems:
        yield ()
    yield from _way_on(model, bool(problems))


def _summary(model: RunModel) -> str:
    target = model.run.target
    match model.run.status:
        case RunStatus.RUNNING:
            return "the first agents are about to start"
        case RunStatus.INTERRUPTED:
            return "its process ended before it did; nothing is lost"
        case RunStatus.SUCCEEDED:
            return f"{model.done} of {len(model.tasks)} tasks are on {target}"
        case _:
            return f"{model.done} of {len(model.tasks)} tasks are done"


def _problem(task: TaskView) -> Iterator[Line]:
    look = TASK_RUN_LOOKS[task.state]
    why = f"  {task.reason or task.note}" if task.reason or task.note else ""
    yield (
        (f"{look.sign} {look.word}  ", look.ink),
        (f"{task.id} ", "muted"),
        (task.title, "text"),
        (why, "muted"),
    )


def _way_on(model: RunModel, problems: bool) -> Iterator[Line]:
    if model.run.status is RunStatus.INTERRUPTED:
        yield (
            ("r", "key"),
            (f" on {model.run.plan} in Plans goes on where it was.", "text"),
        )
        yield (("In a shell: ", "text"), (f"cc4tui resume {model.run.id}", "run"))
    elif not model.tasks or model.run.status is RunStatus.RUNNING:
        return
    line: list[tuple[str, str]] = [
        ("On a task: ", "text"),
        ("Enter", "key"),
        (" its log  ", "text"),
        ("d", "key"),
        (" what it changed  ", "text"),
    ]
    if problems:
        line += [("R", "key"), (" try it again", "text")]
    yield tuple(line)
