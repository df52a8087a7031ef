"""`requests`, `answer`, `tell`: words between a person and the agents of a run, from any shell."""

from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import print_json, say
from cc4tui.cli.session import Session, examples, pass_session
from cc4tui.domain.run import RunStatus
from cc4tui.domain.text import clean, clean_line
from cc4tui.errors import ExitCode, NotFoundError
from cc4tui.ports import Decision, OpenRequest


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime


@click.command(epilog=examples("cc4tui requests", "cc4tui requests r-7f3 --json"))
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects.")
@pass_session
def requests(session: Session, run: str | None, as_json: bool) -> None:
    """List what agents wait for an answer to.

    Oldest first, of one run or of all that go on.
    """

    async def work(center: "Runtime") -> list[OpenRequest]:
        return await center.open_requests(None if run is None else (await center.find_run(run)).id)

    found = session.run(work)
    if as_json:
        print_json([_as_json(one) for one in found])
        return
    for one in found:
        say(f"{one.name}  {one.run} {clean_line(one.task)}  {_sentence(one)}")
    if not found:
        say("no agent waits for an answer")


@click.command(
    epilog=examples(
        "cc4tui answer 3f1a allow",
        "cc4tui answer 3f1a allow --always repository",
        'cc4tui answer 3f1a allow --always run --rule "Bash: git *"',
        'cc4tui answer 3f1a deny --text "use the other branch"',
        'cc4tui answer 3f1a allow --text "PostgreSQL"',
    )
)
@click.argument("request")
@click.argument("decision", type=click.Choice(["allow", "deny"]))
@click.option("--text", default="", help="Why not, for the agent; or the answer to its question.")
@click.option(
    "--always", type=click.Choice(["run", "repository"]), default=None, help="Make it a rule."
)
@click.option("--rule", default="", help='Another rule than the narrowest, as "Bash: git *".')
@pass_session
def answer(
    session: Session, request: str, decision: str, text: str, always: str | None, rule: str
) -> None:
    """Allow or deny what an agent asks, or answer its question.

    REQUEST is a name from `cc4tui requests`, or `oldest`.
    """

    async def work(center: "Runtime") -> OpenRequest:
        waiting = await center.open_requests()
        found = next((one for one in waiting if request in (one.name, "oldest")), None)
        if found is None:
            raise NotFoundError(
                f'no request "{clean_line(request)}" waits; `cc4tui requests` lists those that do'
            )
        made = Decision(
            found.name, decision == "allow", text, always or ("run" if rule else ""), rule
        )
        await center.answer(found.run, made)
        return found

    found = session.run(work)
    say(f"{'allowed' if decision == 'allow' else 'denied'}: {_sentence(found)}")


@click.command(
    epilog=examples(
        'cc4tui tell r-7f3 2.1 "the tests live in spec/"',
        'cc4tui tell r-7f3 2.1 "stop that, fix the parser first" --interrupt',
    )
)
@click.argument("run")
@click.argument("task")
@click.argument("text")
@click.option("--interrupt", is_flag=True, help="End what it is doing now.")
@pass_session
def tell(session: Session, run: str, task: str, text: str, interrupt: bool) -> int:
    """Hand a message to the agent of a task.

    At once if the agent listens while it works (claude, acp), else when its attempt has ended. A
    task that ended without success goes on from where it was left, in the same session if it can.
    """
    from cc4tui.cli.conduct import Reporter, conduct
    from cc4tui.cli.consent import consent

    async def work(center: "Runtime") -> int:
        view = await center.run_view((await center.find_run(run)).id)
        if view.run.status is RunStatus.RUNNING:
            await center.tell_agent(view.run.id, task, text, interrupt=interrupt)
            say(f"told task {clean_line(task)} of run {view.run.id}")
            return ExitCode.OK
        await consent(center, center.config_question(), yes=False)

        async def begin() -> str:
            await center.tell_agent(view.run.id, task, text)
            return view.run.id

        return await conduct(center, begin, Reporter(as_json=False, with_output=False))

    return session.run(work)


def _sentence(one: OpenRequest) -> str:
    if one.kind == "question":
        choices = f" ({' / '.join(one.choices)})" if one.choices else ""
        return clean_line(f"asks: {one.summary}{choices}")
    return clean_line(f"wants: {one.summary}")


def _as_json(one: OpenRequest) -> dict[str, Any]:
    return {
        "request": one.name,
        "run": one.run,
        "task": one.task,
        "attempt": one.attempt,
        "kind": one.kind,
        "tool": one.tool,
        "summary": clean_line(one.summary),
        "details": clean(one.details),
        "choices": list(one.choices),
        "rule": one.rule,
        "since": one.since.isoformat() if one.since else None,
    }
