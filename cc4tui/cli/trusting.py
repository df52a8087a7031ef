"""`cc4tui trust`: the person's yes to commands that others wrote."""

from typing import TYPE_CHECKING

import click

from cc4tui.cli.consent import show_commands
from cc4tui.cli.output import counted, print_json, say
from cc4tui.cli.place import find_place
from cc4tui.cli.session import Session, examples, json_option, named_plan, pass_session
from cc4tui.errors import PlanError
from cc4tui.ports import RunOptions, TrustQuestion


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime


@click.command(
    epilog=examples("cc4tui trust", "cc4tui trust plans/api.md", "cc4tui trust --revoke")
)
@click.argument("plans", metavar="[PLAN]...", nargs=-1)
@click.option("--revoke", is_flag=True, help="Forget every yes for this repository.")
@json_option
@pass_session
def trust(session: Session, plans: tuple[str, ...], revoke: bool, as_json: bool) -> None:
    """Say yes to the commands of cc4tui.toml and of the plans (default: all of the repository).

    The commands are shown. When one of them changes, the next run asks again.
    """
    if revoke:
        forgotten = find_place(session.start).trust.revoke()
        if as_json:
            print_json({"forgotten": forgotten})
        else:
            say(f"forgot {counted(forgotten, 'answer')}; the next run asks again")
        return

    async def work(center: "Runtime") -> list[str]:
        named = [named_plan(center, plan) for plan in plans]
        return await trust_plans(center, named) if named else await trust_all(center)

    accepted = session.run(work)
    if as_json:
        print_json({"trusted": accepted})
    elif accepted:
        say(f"trusted {counted(len(accepted), 'command')} of this repository")
    else:
        say("nothing to trust: no command that was not accepted before")


async def trust_plans(center: "Runtime", plans: list[str]) -> list[str]:
    """Accept the commands of the configuration and of these plans; returns those that are new.

    Raises:
        PlanError: a plan cannot be read.
    """
    accepted: list[str] = []
    for plan in plans:
        question = await center.trust_question(plan, RunOptions())
        accepted += await _accept(center, question)
    return accepted


async def trust_all(center: "Runtime") -> list[str]:
    """Accept the commands of the configuration and of every plan that can be read."""
    accepted = await _accept(center, center.config_question())
    for summary in await center.plans():
        try:
            accepted += await trust_plans(center, [summary.path])
        except PlanError:
            continue  # a plan that cannot be read cannot be run either
    return accepted


async def _accept(center: "Runtime", question: TrustQuestion | None) -> list[str]:
    if question is None:
        return []
    show_commands(question.commands)
    await center.trust(question)
    return list(question.commands)
