"""`cc4tui plan check` and `plan list`: what is read out of a file, and what is wrong with it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import counted, note, print_json, say, table
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.domain.plan import Batch, Plan, PlanTaskState, Task
from cc4tui.domain.text import clean_line
from cc4tui.errors import ExitCode, PlanError
from cc4tui.ports import PlanSummary


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime

STANDARD_INPUT = "-"


@click.group(epilog=examples("cc4tui plan check plans/api.md", "cc4tui plan list"))
def plan() -> None:
    """Look at plans without running them."""


@plan.command(
    epilog=examples(
        "cc4tui plan check plans/api.md",
        "cc4tui plan check tasks.md --explain",
        "cc4tui plan check - --json < tasks.md",
    )
)
@click.argument("plan_file", metavar="PLAN", type=click.Path())
@click.option("--explain", is_flag=True, help="Say which dialect was read, and why.")
@click.option("--dialect", metavar="D", help="Read it as this dialect.")
@click.option(
    "--granularity",
    type=click.Choice(["auto", "leaf", "group"]),
    help="Which checkboxes are tasks. [default: as the plan says, else auto]",
)
@json_option
def check(
    plan_file: str, explain: bool, dialect: str | None, granularity: str | None, as_json: bool
) -> int:
    """Read a plan ("-": standard input) and report its tasks and problems. Needs no repository."""
    from cc4tui.services.plans.reading import read_plan

    read = read_plan(_bytes(plan_file), plan_file, dialect=dialect, granularity=granularity)
    if as_json:
        print_json(plan_json(read) | ({"why": list(read.why)} if explain else {}))
    else:
        _show(read, explain=explain)
    return ExitCode.USAGE if read.errors else ExitCode.OK


def _bytes(plan_file: str) -> bytes:
    """What the file holds, up to one byte more than a plan may have: it may be a device."""
    from cc4tui.services.plans.reading import MAX_BYTES

    if plan_file == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with Path(plan_file).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PlanError(f"{clean_line(plan_file)} cannot be read: {error.strerror}") from None


def _show(read: Plan, *, explain: bool) -> None:
    counts = count(read)
    say(clean_line(f"{read.path}: {read.title or '(no title)'}"))
    say(
        f"{read.dialect}: {counted(counts['tasks'], 'task')}, {counts['done']} done,"
        f" {counts['batches']} batch{'' if counts['batches'] == 1 else 'es'}"
    )
    for line in read.why if explain else ():
        say(f"  because {clean_line(line)}")
    for batch in read.batches:
        if batch.tasks:
            say()
            say(clean_line(f"{batch.id}  {batch.title}".strip() or "(no batch)"))
        for task in batch.tasks:
            named = f"{clean_line(task.id, 40)} {clean_line(task.title, 100)}"
            say(f"  {_box(task)} {named}{_after(task)}")
    for offer in read.offers:
        maybe = counted(len(offer.batch.tasks), "task")
        say()
        say(f"line {offer.line}: a {offer.kind} of perhaps {maybe}; run it with --accept-offers")
    if read.diagnostics:
        say()
    for diagnostic in read.diagnostics:
        say(f"{diagnostic.severity.value}: {clean_line(diagnostic.render(read.path))}")


def _box(task: Task) -> str:
    marks = {
        PlanTaskState.DONE: "x",
        PlanTaskState.IN_PROGRESS: "~",
        PlanTaskState.CANCELLED: "-",
        PlanTaskState.BLOCKED: "!",
    }
    return f"[{marks.get(task.state, ' ')}]"


def _after(task: Task) -> str:
    return clean_line(f"  (after {', '.join(task.depends_on)})") if task.depends_on else ""


@plan.command("list", epilog=examples("cc4tui plan list", "cc4tui plan list --json"))
@json_option
@pass_session
def list_plans(session: Session, as_json: bool) -> None:
    """List the plans of this repository, most recently changed first."""

    async def work(center: "Runtime") -> list[PlanSummary]:
        return await center.plans()

    found = session.run(work)
    if as_json:
        print_json([_summary_json(summary) for summary in found])
    elif not found:
        note("no plan found; write one as plans/NAME.md, see `cc4tui plan check --help`")
    else:
        table(
            ((p.path, f"{p.done}/{p.tasks}", p.dialect, p.errors or "-", p.title) for p in found),
            ("PLAN", "DONE", "DIALECT", "ERRORS", "TITLE"),
        )


def _summary_json(summary: PlanSummary) -> dict[str, Any]:
    names = ("path", "title", "dialect", "tasks", "done", "errors", "offers")
    return {name: getattr(summary, name) for name in names}


def count(read: Plan) -> dict[str, int]:
    """Tasks, those done, and the batches that hold any."""
    tasks = list(read.tasks())
    return {
        "batches": sum(1 for batch in read.batches if batch.tasks),
        "tasks": len(tasks),
        "done": sum(1 for task in tasks if task.state is PlanTaskState.DONE),
    }


def plan_json(read: Plan) -> dict[str, Any]:
    """A plan as `plan check --json` prints it."""
    return {
        "path": read.path,
        "dialect": read.dialect,
        "title": read.title,
        "goal": read.goal,
        "batches": [_batch_json(batch) for batch in read.batches],
        "counts": count(read),
        "offers": [
            {"kind": offer.kind, "line": offer.line, "tasks": len(offer.batch.tasks)}
            for offer in read.offers
        ],
        "diagnostics": [
            {
                "code": d.code,
                "severity": d.severity.value,
                "line": d.line,
                "col": d.col,
                "message": d.message,
                "hint": d.hint,
            }
            for d in read.diagnostics
        ],
    }


def _batch_json(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "title": batch.title,
        "goal": batch.goal,
        "depends_on": list(batch.depends_on),
        "acceptance": list(batch.acceptance),
        "line": batch.line,
        "tasks": [_task_json(task) for task in batch.tasks],
    }


def _task_json(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.title,
        "state": task.state.value,
        "line": task.line,
        "goal": task.goal,
        "depends_on": list(task.depends_on),
        "waits_for": list(task.waits_for),
        "files": [
            {"path": f.path, "op": f.op.value if f.op else None, "lines": f.lines}
            for f in task.files
        ],
        "acceptance": list(task.acceptance),
        "verify": list(task.verify),
        "run": list(task.run),
        "steps": len(task.steps),
        "agent": task.agent,
        "labels": list(task.labels),
        "optional": task.optional,
        "parallel": task.parallel,
    }
