"""A landing that waits because tasks may have planted something: shown whole, then decided."""

from collections.abc import Iterator

from textual.widget import Widget

from cc4tui.ports import CommandCenter
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.execution.model import Quarantined, RunModel
from cc4tui.screens.guard import tell
from cc4tui.screens.lines import Line
from cc4tui.screens.messages import RunChosen


LAND, ACCEPT, REJECT = "l", "y", "x"
"""Answers that change something."""
_SHOWN = 4
"""Changes that the resting screen lists; the dialog has all."""


async def judge(node: Widget, center: CommandCenter, model: RunModel) -> None:
    """Show what changed and do what the person decides.

    Args:
        node: Whose app shows the dialog.
        center: Does it.
        model: The run; nothing happens when none of its landings waits.
    """
    if model.quarantine is None:
        return
    run, branch = model.run.id, model.run.branch
    choices = (
        Choice("n", "Leave it", "the landing waits, nothing changes"),
        Choice(LAND, "I have undone it", "look again, and land if that is so"),
        Choice(ACCEPT, "Accept and land", "all of the above is meant to stay"),
        Choice(REJECT, "Reject the run", f"it ends; what merged stays on {branch}"),
    )
    dialog = ChoiceDialog("Landing waits for you", _all(model.quarantine), choices)
    answer = await node.app.push_screen_wait(dialog)
    if answer in (LAND, ACCEPT):
        await center.resume(run, accept_changes=answer == ACCEPT)
        tell(node.app, "The run goes on to its landing.")
    elif answer == REJECT:
        await center.cancel_run(run)
        node.post_message(RunChosen(run))
        tell(node.app, f"The run is given up; what merged stays on {branch}.")


def quarantine_lines(found: Quarantined) -> Iterator[Line]:
    """The short form, for the screen of a run that has ended."""
    yield ((f"Landing waits: {_when(found)}", "alarm"),)
    for change in found.changes[:_SHOWN]:
        yield ((f"  {change}", "text"),)
    if len(found.changes) > _SHOWN:
        yield ((f"  and {len(found.changes) - _SHOWN} more", "muted"),)
    yield (("a", "key"), (" shows all of it; then accept or reject", "muted"))
    yield ()


def _all(found: Quarantined) -> Iterator[Line]:
    when = _when(found)
    yield ((f"{when[0].upper()}{when[1:]}:", "text"),)
    yield ()
    for change in found.changes or (found.reason,):
        yield ((f"  {change}", "title"),)
    yield ()
    yield (("git would run or follow these. An agent may have planted them.", "muted"),)


def _when(found: Quarantined) -> str:
    tasks = ", ".join(found.tasks) or "its tasks"
    return f"what this repository executes changed while {tasks} ran"
