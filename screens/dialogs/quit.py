"""The question before agents are stopped by quitting."""

from collections.abc import Iterator, Sequence

from cc4tui.domain.run import RunRecord
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.lines import Line
from cc4tui.screens.looks import RUN_LOOKS


STOP = "s"
"""The answer that ends the agents, then quits."""
KEEP = "w"
"""The answer that quits and leaves the agents working."""

_TERMINALS = 5
"""Terminals that are named."""


class QuitDialog(ChoiceDialog):
    """Names what is running and asks; answers STOP or KEEP to quit.

    Args:
        runs: Runs that this program works on.
        terminals: What else goes on: names of programs at terminals, which end with this one.
    """

    def __init__(self, runs: Sequence[RunRecord], terminals: Sequence[str] = ()) -> None:
        stay = Choice("n", "Stay", "nothing changes")
        if runs:
            keep = Choice(KEEP, "Keep them working", "quit; the next start goes on with them")
            stop = Choice(STOP, "Stop and save", "agents end, what they did is kept, then quit")
            super().__init__("Agents are running", _lines(runs, terminals), (stay, keep, stop))
        else:
            stop = Choice(STOP, "End them and quit", "what was changed there is saved")
            super().__init__("Terminals are open", _lines(runs, terminals), (stay, stop))


def _lines(runs: Sequence[RunRecord], terminals: Sequence[str]) -> Iterator[Line]:
    for run in runs:
        look = RUN_LOOKS[run.status]
        yield ((f"{look.sign} ", look.ink), (f"{run.id}  ", "title"), (run.plan, "text"))
    for name in terminals[:_TERMINALS]:
        yield ((f"terminal {name}", "text"),)
    if len(terminals) > _TERMINALS:
        yield ((f"and {len(terminals) - _TERMINALS} more", "muted"),)
    yield ()
    if runs:
        yield (("Nothing is lost: `cc4tui resume` goes on where a stopped run was.", "muted"),)
        yield (("Kept agents go on; checks and merges wait for the next start.", "muted"),)
    if terminals:
        yield (("Programs at terminals end with cc4tui, whatever becomes of agents.", "muted"),)
