"""`cc4tui run` and `resume`: a run without the app."""

from collections.abc import Awaitable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.conduct import Reporter, conduct
from cc4tui.cli.consent import consent
from cc4tui.cli.output import counted, note, print_json, say
from cc4tui.cli.session import Decorated, Session, examples, json_option, named_plan, pass_session
from cc4tui.domain.run import NO_BOUNDARY
from cc4tui.domain.text import clean_line
from cc4tui.ports import RunOptions


if TYPE_CHECKING:
    from cc4tui.domain.forecast import DryRunTask
    from cc4tui.runtime import Runtime


def _budget(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    from cc4tui.services.plans.values import budget

    try:
        return given if given is None or budget(given) else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _choice_options(command: Decorated) -> Decorated:
    """Which part of the plan is run."""
    for option in reversed(
        (
            click.option("--batch", "batches", multiple=True, metavar="SPEC",
                         help='1, 1-3 or "Phase 2"; may be repeated.'),
            click.option("--task", "tasks", multiple=True, metavar="ID", help="May be repeated."),
            click.option("--base", metavar="REV", help="Commit to start from. [default: HEAD]"),
            click.option("--new", is_flag=True, help="Do not continue this plan's unfinished run."),
            click.option("--redo", is_flag=True, help="Run tasks again that are done already."),
            click.option("--accept-offers", is_flag=True,
                         help="Run what may be tasks but is not certain (see plan check)."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def _agent_options(command: Decorated) -> Decorated:
    """Who does the work, and with which limits."""
    for option in reversed(
        (
            click.option("--agent", metavar="NAME", help="A configured agent (cc4tui config)."),
            click.option("--agent-command", metavar='"CMD ARGS"',
                         help="Any program as the agent; gets the prompt on standard input."),
            click.option("--model", metavar="M", help="The agent's model."),
            click.option("--workers", type=click.IntRange(1, 256), metavar="N",
                         help="Agents at once. [default: configuration, else 4]"),
            click.option("--retries", type=click.IntRange(0, 100), metavar="N",
                         help="Further attempts after a failed one."),
            click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S",
                         help="Seconds for one attempt."),
            click.option("--budget", metavar="AMOUNT", callback=_budget,
                         help="What the whole run may use: tokens (2m) or dollars ($20)."),
            click.option("--ignore-limits", is_flag=True,
                         help="Try agents at once that an earlier run found limited."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def _result_options(command: Decorated) -> Decorated:
    """What happens with the result."""
    for option in reversed(
        (
            click.option("--mode", metavar="worktree|local",
                         help="local: one task at a time, for debugging."),
            click.option("--land", type=click.Choice(["merge", "none"]),
                         help="none: leave the result on the run's own branch."),
            click.option("--land-when", type=click.Choice(["any", "all"]), default="any",
                         show_default=True, help="all: land only if every task succeeded."),
            click.option("--verify", multiple=True, metavar="CMD",
                         help="A check after every task, on top of the plan's own; repeatable."),
            click.option("--keep-going", is_flag=True,
                         help="After a failure block only the tasks that depend on it."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def _output_options(command: Decorated) -> Decorated:
    option = click.option("--with-output", is_flag=True, help="Tell what the agents say, too.")
    return json_option(option(command))


_detach = click.option(
    "--detach",
    is_flag=True,
    help="Agents work on when this program ends or dies; `cc4tui resume` attaches to them again.",
)
_yes = click.option("--yes", is_flag=True, help="Trust the repository's and the plan's commands.")


@click.command(
    epilog=examples(
        "cc4tui run plans/api.md",
        "cc4tui run plans/api.md --batch 1-2 --workers 6 --agent claude",
        'cc4tui run plan.md --agent-command "python my_agent.py" --verify "pytest -q"',
        "cc4tui run plan.md --dry-run",
        "cc4tui run plan.md --json --yes | jq .event",
    )
)
@click.argument("plan", type=click.Path())
@_choice_options
@_agent_options
@_result_options
@click.option("--dry-run", is_flag=True, help="Only show what would run, in which order, and why.")
@_detach
@_yes
@_output_options
@pass_session
def run(session: Session, /, plan: str, **given: Any) -> int:
    """Run a plan. Continues the unfinished run of this plan if there is one."""
    options = run_options(given)
    as_json: bool = given["as_json"]

    async def work(center: "Runtime") -> int:
        path = named_plan(center, plan)
        if given["dry_run"]:
            show_waves(await center.dry_run(path, options), as_json=as_json)
            return 0
        question = await center.trust_question(path, options)
        await consent(center, question, yes=given["yes"], plan=path)
        told: bool = given["with_output"]
        detach: bool = given["detach"]

        async def begin() -> str:
            is_first = not await center.journal.runs(1)
            started = await center.start_run(path, options, with_output=told, detach=detach)
            if is_first:
                note(NO_BOUNDARY)
            return started

        reporter = Reporter(as_json=as_json, with_output=told)
        return await conduct(center, begin, reporter, detach=detach)

    return session.run(work)


@click.command(epilog=examples("cc4tui resume", "cc4tui resume r-7f3 --json"))
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option(
    "--accept-changes",
    is_flag=True,
    help="Land although tasks may have changed what the repository executes.",
)
@_detach
@_yes
@_output_options
@pass_session
def resume(
    session: Session,
    run_id: str | None,
    accept_changes: bool,
    detach: bool,
    yes: bool,
    as_json: bool,
    with_output: bool,
) -> int:
    """Continue an unfinished run (default: the newest)."""

    async def work(center: "Runtime") -> int:
        record = await center.find_run(run_id)
        await consent(center, center.config_question(), yes=yes)

        def begin() -> Awaitable[str]:
            return center.resume(
                record.id, accept_changes=accept_changes, with_output=with_output, detach=detach
            )

        reporter = Reporter(as_json=as_json, with_output=with_output)
        return await conduct(center, begin, reporter, detach=detach)

    return session.run(work)


def run_options(given: dict[str, Any]) -> RunOptions:
    """The command line's flags as RunOptions; flags that are something else are left out."""
    names = {item.name for item in fields(RunOptions)}
    return RunOptions(**{key: value for key, value in given.items() if key in names})


def show_waves(waves: "list[list[DryRunTask]]", *, as_json: bool) -> None:
    """What would run: tasks of one wave may run at once."""
    if as_json:
        print_json([[_dry_task(task) for task in wave] for wave in waves])
        return
    for number, wave in enumerate(waves, 1):
        name = f"wave {number}" if wave[0].runs else "not run"
        say(f"{name}, {counted(len(wave), 'task')}:")
        for task in wave:
            say(f"  {clean_line(task.id, 40)} {clean_line(task.title, 80)}{_why(task)}")


def _why(task: "DryRunTask") -> str:
    parts = [f"after {', '.join(task.waits_for)}"] if task.waits_for else []
    if task.reason:
        parts.append(task.reason)
    return clean_line(f"  ({'; '.join(parts)})", 300) if parts else ""


def _dry_task(task: "DryRunTask") -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.title,
        "waits_for": list(task.waits_for),
        "reason": task.reason,
    }
