"""`cc4tui report`: what a run did, to paste into a message or a pull request."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cc4tui.cli.output import counted, dollars, duration, moment, note, say
from cc4tui.cli.runs import totals
from cc4tui.cli.session import Session, examples, pass_session
from cc4tui.cli.wording import counts_text
from cc4tui.domain.run import RunRecord, TaskRunRecord, TaskRunState
from cc4tui.domain.text import clean_line
from cc4tui.errors import UnfitError, UsageError
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


@click.command(
    epilog=examples(
        "cc4tui report r-7f3",
        "cc4tui report r-7f3 > report.md",
        "cc4tui report r-7f3 --html report.html",
    )
)
@click.argument("run", required=False)
@click.option(
    "--html",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write one HTML page with timeline, differences and logs instead.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE even if it is no report.")
@pass_session
def report(session: Session, run: str | None, file: Path | None, force: bool) -> None:
    """Print what a run did, as Markdown (default: the newest run)."""
    if file is not None:
        _expect_ours(file, force)

    async def work(center: "Runtime") -> tuple[RunView, str]:
        record = await center.find_run(run)
        view = await center.run_view(record.id)
        return view, "" if file is None else await _page(center, view)

    view, page = session.run(work)
    if file is None:
        for line in lines(view):
            say(line)
    else:
        _write(file, page)
        note(f"wrote the report of run {view.run.id} to {clean_line(str(file))}")


async def _page(center: "Runtime", view: RunView) -> str:
    from cc4tui.cli.report_facts import gather
    from cc4tui.cli.report_html import page

    return page(await gather(center, view))


def _expect_ours(file: Path, force: bool) -> None:
    """Raise UsageError when writing there would take away what this command did not make."""
    from cc4tui.cli.report_html import MARK
    from cc4tui.services.git.files import read_regular

    name = clean_line(str(file))
    if file.is_dir():
        raise UsageError(f"{name} is a folder; name a file to write the report to")
    if not os.path.lexists(file) or force:
        return
    mark = MARK.encode()
    if read_regular(file, len(mark)) != mark:
        raise UsageError(
            f"{name} exists and is no report of cc4tui; name another file, or overwrite it with"
            " --force"
        )


def _write(file: Path, page: str) -> None:
    from cc4tui.services.git.files import write_atomic

    try:
        write_atomic(file, page.encode())
    except OSError as error:
        raise UnfitError(
            f"cannot write {clean_line(str(file))}: {error.strerror}; name another file"
        ) from None


def lines(view: RunView) -> Iterator[str]:
    """The report."""
    run = view.run
    yield f"# Run {run.id}: {clean_line(run.plan)}"
    yield ""
    yield f"- Status: {run.status.value.replace('_', ' ')}"
    yield f"- Tasks: {counts_text(view.counts())}"
    yield f"- Started: {moment(run.started)}, {_took(run)}"
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


def _took(run: RunRecord) -> str:
    if run.finished is None:
        return "not finished"
    return f"took {duration((run.finished - run.started).total_seconds())}"


def _usage(view: RunView) -> str:
    spent = totals(view)
    tokens = "unknown" if spent.usage.total is None else f"{spent.usage.total:,}"
    return f"{tokens}, cost {dollars(spent.cost_usd, spent.cost_estimated)}"


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
