"""The question before agents are stopped by quitting."""

from collections.abc import Iterator, Sequence

from cc4tui.domain.run import RunRecord
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.glyphs import RUN_LOOKS
from cc4tui.screens.lines import Line


STOP = "s"
"""The answer that ends the agents, then quits."""
KEEP = "w"
"""The answer that quits and leaves the agents working."""


class QuitDialog(ChoiceDialog):
    """Names what is running and asks; answers STOP or KEEP to quit.

    Args:
        runs: Runs that this program works on.
    """

    def __init__(self, runs: Sequence[RunRecord]) -> None:
        choices = (
            Choice("n", "Stay", "nothing changes"),
            Choice(KEEP, "Keep them working", "quit; the next start goes on with them"),
            Choice(STOP, "Stop and save", "agents end, what they did is kept, then quit"),
        )
        super().__init__("Agents are running", _lines(runs), choices)


def _lines(runs: Sequence[RunRecord]) -> Iterator[Line]:
    for run in runs:
        look = RUN_LOOKS[run.status]
        yield ((f"{look.sign} ", look.ink), (f"{run.id}  ", "title"), (run.plan, "text"))
    yield ()
    yield (("Nothing is lost: `cc4tui resume` goes on where a stopped run was.", "muted"),)
    yield (("Kept agents go on; checks and merges wait for the next start.", "muted"),)
