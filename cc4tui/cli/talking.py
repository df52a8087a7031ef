"""`requests`, `answer`, `tell`, `fork`: words between a person and agents, from any shell."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import print_json, say
from cc4tui.cli.session import Session, examples, pass_session
from cc4tui.domain.run import RunStatus
from cc4tui.domain.text import clean, clean_line
from cc4tui.errors import ExitCode, NotFoundError, UsageError
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
        "cc4tui answer 3f1a 77aa deny",
        "cc4tui answer --all allow",
    )
)
@click.argument("names", nargs=-1, metavar="[REQUEST]...")
@click.argument("decision", type=click.Choice(["allow", "deny"]))
@click.option("--all", "every", is_flag=True, help="All that want to do something; no questions.")
@click.option("--text", default="", help="Why not, for the agent; or the answer to its question.")
@click.option(
    "--always", type=click.Choice(["run", "repository"]), default=None, help="Make it a rule."
)
@click.option("--rule", default="", help='Another rule than the narrowest, as "Bash: git *".')
@pass_session
def answer(
    session: Session,
    names: tuple[str, ...],
    decision: str,
    every: bool,
    text: str,
    always: str | None,
    rule: str,
) -> None:
    """Allow or deny what agents ask, or answer their questions.

    REQUEST is a name from `cc4tui requests`, or `oldest`; several get the same answer.
    """
    if every == bool(names):
        raise UsageError("name the requests, or say --all; `cc4tui requests` lists them")

    async def work(center: "Runtime") -> list[OpenRequest]:
        waiting = await center.open_requests()
        chosen = _permissions(waiting) if every else [_named(waiting, name) for name in names]
        scope = always or ("run" if rule else "")
        for one in chosen:
            made = Decision(one.name, decision == "allow", text, scope, rule)
            if any(one.name == still.name for still in await center.open_requests(one.run)):
                await center.answer(one.run, made)  # else a rule has answered it just now
        return chosen

    answered = session.run(work)
    for one in answered:
        say(f"{'allowed' if decision == 'allow' else 'denied'}: {_sentence(one)}")
    if not answered:
        say("no agent waits for leave to do something")


def _permissions(waiting: list[OpenRequest]) -> list[OpenRequest]:
    return [one for one in waiting if one.kind == "permission"]


def _named(waiting: list[OpenRequest], name: str) -> OpenRequest:
    found = next((one for one in waiting if name in (one.name, "oldest")), None)
    if found is None:
        raise NotFoundError(
            f'no request "{clean_line(name)}" waits; `cc4tui requests` lists those that do'
        )
    return found


@click.command(
    epilog=examples(
        'cc4tui tell r-7f3 2.1 "the tests live in spec/"',
        'cc4tui tell r-7f3 2.1 "stop that, fix the parser first" --interrupt',
    )
)
@click.argument("run")
@click.argument("task")
@click.argument("text")
@click.option(
    "--interrupt",
    is_flag=True,
    help="End what it is doing now: its turn, or the agent itself if it does not listen.",
)
@pass_session
def tell(session: Session, run: str, task: str, text: str, interrupt: bool) -> int:
    """Hand a message to the agent of a task.

    At once if the agent listens while it works (claude, acp), else when its attempt has ended. A
    task that ended without success goes on from where it was left, in the same session if it can.
    On one that is done a new task follows up, from what merged.
    """

    async def work(center: "Runtime", run_id: str) -> str:
        way = await center.message_way(run_id, task)
        await center.tell_agent(run_id, task, text, interrupt=interrupt)
        return f"told task {clean_line(task)} of run {run_id}: {way.sentence}"

    return ask_run(session, run, work)


@click.command(
    epilog=examples(
        'cc4tui fork r-7f3 2.1 "do the same with a token bucket"',
        'cc4tui fork r-7f3 2.1 "keep the old API" --attempt 1',
    )
)
@click.argument("run")
@click.argument("task")
@click.argument("text")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="[default: the newest]")
@pass_session
def fork(session: Session, run: str, task: str, text: str, attempt: int | None) -> int:
    """Go on from an attempt with other words, in a new task.

    The new task (2.1+1) begins from the attempt's work (of one at work: from what it has done so
    far), with a copy of its session if it has ended and the agent can copy one (claude, codex,
    opencode, ACP agents that offer it). The attempt, its branch and its session stay as they are.
    """

    async def work(center: "Runtime", run_id: str) -> str:
        await center.fork_attempt(run_id, task, text, attempt)
        return f"asked for a fork of task {clean_line(task)} of run {run_id}"

    return ask_run(session, run, work)


def ask_run(session: Session, run: str, work: "Callable[[Runtime, str], Awaitable[str]]") -> int:
    """Ask something of a run: of the process that works on it, or by continuing it here.

    Args:
        run: As the person named it.
        work: Asks, and gives the sentence that says so.
    """
    from cc4tui.cli.conduct import Reporter, conduct
    from cc4tui.cli.consent import consent

    async def asked(center: "Runtime") -> int:
        view = await center.run_view((await center.find_run(run)).id)
        if view.run.status is RunStatus.RUNNING:
            say(await work(center, view.run.id))
            return ExitCode.OK
        await consent(center, center.config_question(), yes=False)

        async def begin() -> str:
            await work(center, view.run.id)
            return view.run.id

        return await conduct(center, begin, Reporter(as_json=False, with_output=False))

    return session.run(asked)


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
