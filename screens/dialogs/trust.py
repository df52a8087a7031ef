"""The question before commands by someone else are run."""

from collections.abc import Iterator

from cc4tui.domain.text import clean
from cc4tui.ports import TrustQuestion
from cc4tui.screens.dialogs.choice import Choice, ChoiceDialog
from cc4tui.screens.lines import Line


YES = "y"
"""The answer that trusts."""


class TrustDialog(ChoiceDialog):
    """Shows every command whole and asks; answers YES to trust.

    Args:
        question: What is to be trusted.
    """

    def __init__(self, question: TrustQuestion) -> None:
        choices = (
            Choice("n", "No", "nothing is started"),
            Choice(YES, "Yes, run them", "asked again only when they change"),
        )
        super().__init__("Do you trust these commands?", _lines(question), choices)


def _lines(question: TrustQuestion) -> Iterator[Line]:
    yield (("The plan or cc4tui.toml of this repository runs them on your machine:", "muted"),)
    yield ()
    for command in question.commands:
        for at, line in enumerate(command.splitlines() or [""]):
            yield ((" $ " if at == 0 else " … ", "muted"), (line, "text"))
        if clean(command) != command:
            yield ((" ! this command holds hidden characters", "bad"),)
