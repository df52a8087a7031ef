"""`cc4tui runs`, `status`, `cancel` and `retry`: what runs did, and a word to one that goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import (
    columns,
    counted,
    duration,
    iso,
    json_text,
    moment,
    note,
    print_json,
    say,
    table,
)
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.cli.wording import counts_text, limit_text
from cc4tui.domain.run import DONE_STATES, RunStatus, TaskRunRecord
from cc4tui.domain.text import clean_line
from cc4tui.domain.usage import Spent
from cc4tui.errors import UsageError


if TYPE_CHECKING:
    from cc4tui.ports import RunView
    from cc4tui.runtime import Runtime


@click.command(epilog=examples("cc4tui runs", "cc4tui runs --json | jq '.[0].run'"))
@json_option
@pass_session
def runs(session: Session, as_json: bool) -> None:
    """List the runs of this repository, newest first."""

    async def work(center: Runtime) -> list[RunView]:
        return [await center.run_view(run.id) for run in await center.journal.runs()]

    views = session.run(work)
    if as_json:
        print_json([run_json(view) for view in views])
    elif not views:
        note("no run yet; start one with: cc4tui run PLAN")
    else:
        table(
            (
                (v.run.id, v.run.status.value, moment(v.run.started), v.run.plan, _counts(v))
                for v in views
            ),
            ("RUN", "STATUS", "STARTED", "PLAN", "TASKS"),
        )


@click.command(
    epilog=examples("cc4tui status", "cc4tui status r-7f3 --json", "cc4tui status --watch")
)
@click.argument("run", required=False)
@click.option("--watch", is_flag=True, help="Show it again whenever it changes, until it ends.")
@json_option
@pass_session
def status(session: Session, run: str | None, watch: bool, as_json: bool) -> None:
    """Show a run and its tasks (default: the newest)."""

    async def work(center: Runtime) -> None:
        record = await center.find_run(run)
        lines = _json_line if as_json else status_lines
        if watch:
            from cc4tui.cli.watching import watch as watching

            await watching(partial(center.run_view, record.id), lines, in_place=not as_json)
        else:
            say("\n".join(lines(await center.run_view(record.id))))

    session.run(work)


def _expect_unfinished(view: RunView, task: str) -> None:
    """Raise UsageError when the task is done: doing it twice would be over-execution."""
    for known in view.tasks:
        if known.task == task and known.state in DONE_STATES:
            raise UsageError(
                f"task {clean_line(task)} of run {view.run.id} is {known.state.value};"
                " there is nothing to retry (`cc4tui run PLAN --redo` starts afresh)"
            )


def _json_line(view: RunView) -> list[str]:
    return [json_text(status_json(view))]


def status_lines(view: RunView) -> list[str]:
    """A run and its tasks, for people."""
    head = ("STATE", "TASK", "TITLE", "AGENT", "TIME", "WHY")
    return [*header(view), *columns((row(task) for task in view.tasks), head)]


def header(view: RunView) -> list[str]:
    """The run itself, in a few lines."""
    run = view.run
    lines = [
        clean_line(f"run {run.id}  {run.status.value}  {run.plan}"),
        clean_line(f"{counted(len(view.tasks), 'task')}: {_counts(view)}"),
        clean_line(
            f"started {moment(run.started)}, agent {run.agent}, {run.branch} -> {run.target}"
        ),
    ]
    if run.reason:
        lines.append(clean_line(run.reason))
    if run.status is RunStatus.INTERRUPTED:
        lines.append(f"continue it with: cc4tui resume {run.id}")
    return lines


def row(task: TaskRunRecord) -> tuple[str, ...]:
    code = f" ({task.reason_code.value})" if task.reason_code else ""
    tries = f", try {task.attempts}" if task.attempts > 1 else ""
    return (
        task.state.value,
        clean_line(task.task, 24),
        clean_line(task.title, 48),
        clean_line(task.agent, 16),
        duration(task.seconds),
        f"{_waits(task)}{clean_line(task.reason, 160)}{code}{tries}".lstrip(" ,") or "-",
    )


def _waits(task: TaskRunRecord) -> str:
    waits = task.until is not None and task.until > datetime.now(UTC)
    return f"{limit_text(task.agent, task.until)}; " if waits and task.until else ""


def _counts(view: RunView) -> str:
    return counts_text(view.counts())


def run_json(view: RunView) -> dict[str, Any]:
    """A run without its tasks, as `runs --json` prints it."""
    run = view.run
    return {
        "run": run.id,
        "plan": run.plan,
        "status": run.status.value,
        "base": run.base,
        "branch": run.branch,
        "target": run.target,
        "workers": run.workers,
        "mode": run.mode,
        "agent": run.agent,
        "started": iso(run.started),
        "finished": iso(run.finished),
        "reason": run.reason,
        "counts": view.counts(),
    }


def status_json(view: RunView) -> dict[str, Any]:
    """A run as `status --json` prints it."""
    spent = totals(view)
    return run_json(view) | {
        "usage": spent.usage.to_dict(),
        "cost_usd": spent.cost_usd,
        "cost_estimated": spent.cost_estimated,
        "tasks": [_task_json(task) for task in view.tasks],
    }


def totals(view: RunView) -> Spent:
    """Tokens and money of all tasks."""
    return sum((Spent(one.usage, one.cost_usd, one.cost_estimated) for one in view.tasks), Spent())


def _task_json(task: TaskRunRecord) -> dict[str, Any]:
    return {
        "id": task.task,
        "title": task.title,
        "batch": task.batch,
        "state": task.state.value,
        "reason_code": task.reason_code.value if task.reason_code else None,
        "reason": task.reason,
        "attempts": task.attempts,
        "agent": task.agent,
        "commit": task.commit,
        "merged_as": task.merged_as,
        "branch": task.branch,
        "waits_for": list(task.waits_for),
        "until": iso(task.until),
        "seconds": task.seconds,
        "usage": task.usage.to_dict(),
        "cost_usd": task.cost_usd,
        "cost_estimated": task.cost_estimated,
    }


@click.command(epilog=examples("cc4tui cancel r-7f3", "cc4tui cancel r-7f3 2.1"))
@click.argument("run")
@click.argument("task", required=False)
@pass_session
def cancel(session: Session, run: str, task: str | None) -> None:
    """Cancel a run, or one task of it; works from any shell. What merged stays."""

    async def work(center: Runtime) -> str:
        record = await center.find_run(run)
        if task is None:
            await center.cancel_run(record.id)
            return f"run {record.id}"
        await center.cancel_task(record.id, task)
        return f"task {clean_line(task)} of run {record.id}"

    say(f"cancelled {session.run(work)}")


@click.command(
    epilog=examples(
        "cc4tui retry r-7f3 2.1",
        "cc4tui retry r-7f3 2.1 --agent codex",
        'cc4tui retry r-7f3 2.1 --model opus --hint "the tests need a database: make db"',
    )
)
@click.argument("run")
@click.argument("task")
@click.option("--agent", default="", metavar="NAME", help="Another agent, from now on.")
@click.option("--model", default="", metavar="M", help="Another model, from now on.")
@click.option("--hint", default="", metavar="TEXT", help="Added to its prompt, from now on.")
@pass_session
def retry(session: Session, run: str, task: str, agent: str, model: str, hint: str) -> int:
    """Try a task again that ended without success.

    While its run goes on, in the process that works on it; else the run is continued here.
    """

    from cc4tui.cli.talking import ask_run
    from cc4tui.ports import Retry

    async def work(center: Runtime, run_id: str) -> str:
        _expect_unfinished(await center.run_view(run_id), task)
        await center.retry_task(run_id, task, Retry(agent, model, hint))
        return f"asked for another attempt at task {clean_line(task)} of run {run_id}"

    return ask_run(session, run, work)


@click.command(
    epilog=examples("cc4tui skip r-7f3 2.1", 'cc4tui skip r-7f3 2.1 --reason "done by hand"')
)
@click.argument("run")
@click.argument("task")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who look later.")
@pass_session
def skip(session: Session, run: str, task: str, reason: str) -> int:
    """Pass over a task that nobody works on: what waits for it may start."""

    from cc4tui.cli.talking import ask_run

    async def work(center: Runtime, run_id: str) -> str:
        await center.skip_task(run_id, task, reason)
        return f"asked for task {clean_line(task)} of run {run_id} to be skipped"

    return ask_run(session, run, work)
