"""Asks for trust in commands that a repository or a plan brings along."""

import sys
from typing import TYPE_CHECKING

from cc4tui.cli.output import note
from cc4tui.domain.text import clean_line
from cc4tui.errors import UnfitError
from cc4tui.ports import TrustQuestion


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime


async def consent(
    center: "Runtime", question: TrustQuestion | None, *, yes: bool, plan: str = ""
) -> None:
    """Make sure that the person says yes to commands of others before a run may start them.

    Args:
        center: Remembers the answer.
        question: What is asked; None needs no answer.
        yes: The person said it on the command line.
        plan: The plan that the commands belong to, for the way out.

    Raises:
        UnfitError: nobody said yes.
    """
    if question is None:
        return
    if not yes:
        _ask(question, plan)
    await center.trust(question)


def _ask(question: TrustQuestion, plan: str) -> None:
    """Ask on a terminal; without one, say how to answer."""
    show_commands(question.commands)
    command = clean_line(f"cc4tui trust {plan}".rstrip())
    way_out = f"look at the commands above, then run `{command}` or add --yes"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UnfitError(f"this repository is not trusted yet: {way_out}")
    import click

    if not click.confirm("Trust them?", default=False, err=True):
        raise UnfitError(f"not trusted, so nothing was started; {way_out}")


def show_commands(commands: tuple[str, ...]) -> None:
    """The commands that trust is asked for, one a line, nothing hidden in them."""
    note("cc4tui would run these commands of the repository and the plan as you:")
    for command in commands:
        note(f"  {clean_line(command, 2000)}")
