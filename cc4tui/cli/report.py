"""`cc4tui report`: what a run did, to paste into a message or a pull request."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cc4tui.cli.output import counted, duration, moment, say
from cc4tui.cli.progress import counts_text
from cc4tui.cli.runs import totals
from cc4tui.cli.session import Session, examples, pass_session
from cc4tui.domain.run import TaskRunRecord, TaskRunState
from cc4tui.domain.text import clean_line
from cc4tui.ports import RunView


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime

_SECTIONS = (
    ("Landed", (TaskRunState.LANDED,)),
    ("Merged, not landed", (TaskRunState.MERGED,)),
    ("Not done", (
        TaskRunState.FAILED, TaskRunState.NO_CHANGE, TaskRunState.BLOCKED, TaskRunState.CANCELLED,
    )),
    ("Not finished", (
        TaskRunState.PENDING, TaskRunState.READY, TaskRunState.RUNNING, TaskRunState.VERIFYING,
        TaskRunState.REVIEWING, TaskRunState.MERGING,
    )),
    ("Done before this run", (TaskRunState.SKIPPED,)),
)  # fmt: skip


@click.command(epilog=examples("cc4tui report r-7f3", "cc4tui report r-7f3 > report.md"))
@click.argument("run", required=False)
@pass_session
def report(session: Session, run: str | None) -> None:
    """Print what a run did, as Markdown (default: the newest run)."""

    async def work(center: "Runtime") -> RunView:
        record = await center.find_run(run)
        return await center.run_view(record.id)

    for line in lines(session.run(work)):
        say(line)


def lines(view: RunView) -> Iterator[str]:
    """The report."""
    run = view.run
    yield f"# Run {run.id}: {clean_line(run.plan)}"
    yield ""
    yield f"- Status: {run.status.value.replace('_', ' ')}"
    yield f"- Tasks: {counts_text(view.counts())}"
    yield f"- Started: {moment(run.started)}, took {duration(_took(view))}"
    yield clean_line(f"- Agent: {run.agent}, {counted(run.workers, 'worker')}, {run.mode} mode")
    yield clean_line(f"- From {run.base[:10]}, branch {run.branch}, target {run.target}")
    yield f"- Tokens: {_usage(view)}"
    if run.reason:
        yield f"- {clean_line(run.reason)}"
    for title, states in _SECTIONS:
        tasks = [task for task in view.tasks if task.state in states]
        if tasks:
            yield ""
            yield f"## {title}"
            yield ""
            yield from map(_item, tasks)


def _took(view: RunView) -> float | None:
    if view.run.finished is None:
        return None
    return (view.run.finished - view.run.started).total_seconds()


def _usage(view: RunView) -> str:
    usage, cost = totals(view)
    tokens = "unknown" if usage.total is None else f"{usage.total:,}"
    return f"{tokens}, cost {'unknown' if cost is None else f'${cost:.2f}'}"


def _item(task: TaskRunRecord) -> str:
    facts = [task.state.value.replace("_", " ")]
    if task.reason_code:
        facts[0] += f" ({task.reason_code.value})"
    if task.reason:
        facts.append(task.reason)
    if task.merged_as:
        facts.append(task.merged_as[:10])
    elif task.branch and task.commit:
        facts.append(f"its work is on {task.branch}")
    if task.seconds is not None:
        facts.append(duration(task.seconds))
    return clean_line(f"- {task.task} {task.title}: {'; '.join(facts)}", 1000)
