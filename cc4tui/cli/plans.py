"""`cc4tui plan`: what is read out of a file, what is wrong with it, and how to write it anew."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import counted, note, print_json, say, table, write_bytes
from cc4tui.cli.session import Decorated, Session, examples, json_option, pass_session
from cc4tui.domain.plan import Plan, PlanTaskState, Task
from cc4tui.domain.text import clean_line
from cc4tui.errors import ExitCode, PlanError, UnfitError, UsageError


if TYPE_CHECKING:
    from cc4tui.ports import PlanSummary
    from cc4tui.runtime import Runtime

STANDARD_INPUT = "-"
LONGEST_LINE = 20_000
"""Characters of a line of a graph: it may name many tasks."""


def how_to_read(command: Decorated) -> Decorated:
    """`--dialect` and `--granularity`, the same everywhere."""
    command = click.option(
        "--granularity",
        type=click.Choice(["auto", "leaf", "group"]),
        help="Which checkboxes are tasks. [default: as the plan says, else auto]",
    )(command)
    return click.option("--dialect", metavar="D", help="Read it as this dialect.")(command)


@click.group(
    epilog=examples(
        "cc4tui plan new plans/api.md",
        "cc4tui plan check plans/api.md",
        "cc4tui plan graph plans/api.md --format mermaid",
        "cc4tui plan list",
    )
)
def plan() -> None:
    """Look at plans without running them; write them anew."""


@plan.command(
    epilog=examples(
        "cc4tui plan check plans/api.md",
        "cc4tui plan check tasks.md --explain",
        "cc4tui plan check - --json < tasks.md",
    )
)
@click.argument("plan_file", metavar="PLAN", type=click.Path())
@click.option("--explain", is_flag=True, help="Say which dialect was read, and why.")
@how_to_read
@json_option
def check(
    plan_file: str, explain: bool, dialect: str | None, granularity: str | None, as_json: bool
) -> int:
    """Read a plan ("-": standard input) and report its tasks and problems. Needs no repository."""
    from cc4tui.services.plans.report import plan_to_json

    _, read = _read(plan_file, dialect, granularity)
    read = _with_known_agents(read)
    if as_json:
        print_json(plan_to_json(read) | ({"why": list(read.why)} if explain else {}))
    else:
        _show(read, explain=explain)
    return ExitCode.USAGE if read.errors else ExitCode.OK


def _with_known_agents(read: Plan) -> Plan:
    """With errors for agents that are not configured here; most plans name none."""
    from cc4tui.services.plans.agents import named, with_known_agents

    if not any(named(read)):
        return read
    from cc4tui.cli.place import find_place
    from cc4tui.config import load_config

    try:
        root = find_place(Path.cwd()).root
    except UnfitError:
        root = None
    return with_known_agents(read, tuple(load_config(root).full.agents))


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


def _read(
    plan_file: str, dialect: str | None, granularity: str | None, *, accept_offers: bool = False
) -> tuple[bytes, Plan]:
    from cc4tui.services.plans.reading import read_plan

    data = _bytes(plan_file)
    plan_ = read_plan(
        data, plan_file, dialect=dialect, granularity=granularity, accept_offers=accept_offers
    )
    return data, plan_


def _show(read: Plan, *, explain: bool) -> None:
    """All in one go: a plan may have thousands of lines."""
    say("\n".join(_shown(read, explain=explain)))


def _shown(read: Plan, *, explain: bool) -> Iterator[str]:
    from cc4tui.services.plans.report import count

    counts = count(read)
    yield clean_line(f"{read.path}: {read.title or '(no title)'}")
    yield (
        f"{read.dialect}: {counted(counts['tasks'], 'task')}, {counts['done']} done,"
        f" {counts['batches']} batch{'' if counts['batches'] == 1 else 'es'}"
    )
    for line in read.why if explain else ():
        yield f"  because {clean_line(line)}"
    for batch in read.batches:
        if batch.tasks:
            yield ""
            yield clean_line(f"{batch.id}  {batch.title}".strip() or "(no batch)")
        for task in batch.tasks:
            named = f"{clean_line(task.id, 40)} {clean_line(task.title, 100)}"
            yield f"  {_box(task)} {named}{_after(task)}"
    for offer in read.offers:
        maybe = counted(len(offer.batch.tasks), "task")
        yield ""
        yield f"line {offer.line}: a {offer.kind} of perhaps {maybe}; run it with --accept-offers"
    if read.diagnostics:
        yield ""
    for diagnostic in read.diagnostics:
        yield f"{diagnostic.severity.value}: {clean_line(diagnostic.render(read.path))}"


MARKS = {
    PlanTaskState.DONE: "x",
    PlanTaskState.IN_PROGRESS: "~",
    PlanTaskState.CANCELLED: "-",
    PlanTaskState.BLOCKED: "!",
}


def _box(task: Task) -> str:
    return f"[{MARKS.get(task.state, ' ')}]"


def _after(task: Task) -> str:
    return clean_line(f"  (after {', '.join(task.depends_on)})") if task.depends_on else ""


@plan.command(
    epilog=examples(
        "cc4tui plan graph plans/api.md",
        "cc4tui plan graph tasks.md --format mermaid >> notes.md",
        "cc4tui plan graph tasks.md --format dot | dot -Tsvg > plan.svg",
    )
)
@click.argument("plan_file", metavar="PLAN", type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    show_default=True,
    help="For people, for Markdown pages, for Graphviz.",
)
@click.option("--accept-offers", is_flag=True, help="Take what may be tasks for tasks.")
@how_to_read
def graph(
    plan_file: str, form: str, accept_offers: bool, dialect: str | None, granularity: str | None
) -> int:
    """Print who waits for whom in a plan ("-": standard input). Needs no repository."""
    from cc4tui.services.plans.graph import render

    _, read = _read(plan_file, dialect, granularity, accept_offers=accept_offers)
    _require_tasks(read)
    for line in render(read, form).splitlines():
        say(clean_line(line, LONGEST_LINE))
    for error in read.errors:
        note(f"error: {clean_line(error.render(read.path))}")
    return ExitCode.OK


def _require_tasks(read: Plan) -> None:
    if next(read.tasks(), None) is None:
        found = next((d for d in read.diagnostics if d.code in ("E01", "E02", "E09", "W05")), None)
        raise PlanError(clean_line(found.render(read.path) if found else f"{read.path}: no task"))


@plan.command(
    epilog=examples(
        "cc4tui plan fmt tasks.md                        see it in cc4tui's own format",
        "cc4tui plan fmt tasks.json --output plans/x.md  make a new plan of it",
        "cc4tui plan fmt plans/api.md --write            rewrite the file itself",
        "cc4tui plan fmt plans/api.md --check            exit 1 if that would change it",
    )
)
@click.argument("plan_file", metavar="PLAN", type=click.Path())
@click.option(
    "--to", type=click.Choice(["cc4"]), default="cc4", show_default=True, help="The format."
)
@click.option("--write", is_flag=True, help="Rewrite PLAN itself instead of printing.")
@click.option("--output", metavar="FILE", type=click.Path(), help="Write a new file.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if it differs.")
@click.option("--accept-offers", is_flag=True, help="Take what may be tasks for tasks.")
@how_to_read
def fmt(
    plan_file: str,
    to: str,
    write: bool,
    output: str | None,
    only_check: bool,
    accept_offers: bool,
    dialect: str | None,
    granularity: str | None,
) -> int:
    """Print a plan of any dialect in cc4tui's own format; reading it gives the same tasks.

    What has no place in the format stays as text: nothing is lost.
    """
    from cc4tui.services.plans.formatting import rewritten

    del to  # there is one format
    if sum((write, output is not None, only_check)) > 1:
        raise UsageError("--write, --output and --check exclude each other")
    data, read = _read(plan_file, dialect, granularity, accept_offers=accept_offers)
    _require_tasks(read)
    if read.errors:
        first = clean_line(read.errors[0].render(read.path))
        raise PlanError(f"{first}; a plan with errors is not rewritten, mend it first")
    text = rewritten(data, read).encode()
    if only_check:
        return _told_apart(plan_file, same=text == data)
    if write:
        return _write_over(plan_file, data, text)
    if output is not None:
        _write_new(output, text)
        note(f"wrote {clean_line(output)}")
        return ExitCode.OK
    write_bytes(text)
    return ExitCode.OK


def _told_apart(plan_file: str, *, same: bool) -> int:
    shown = clean_line(plan_file)
    note(f"{shown} is formatted" if same else f"{shown} would change; see `plan fmt --write`")
    return ExitCode.OK if same else ExitCode.NOT_LANDED


def _write_over(plan_file: str, before: bytes, after: bytes) -> int:
    from cc4tui.services.plans.files import replace_file

    path = Path(plan_file)
    if path.suffix.casefold() not in (".md", ".markdown"):
        raise UsageError(f"{clean_line(plan_file)} is no Markdown file; write to one with --output")
    if before != after:
        replace_file(path, before, after)
    note(f"{clean_line(plan_file)} {'rewritten' if before != after else 'is formatted'}")
    return ExitCode.OK


def _write_new(name: str, data: bytes) -> None:
    """Write a file that must not exist yet.

    Raises:
        UsageError: it exists, or cannot be written.
    """
    path = Path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise UsageError(f"{clean_line(name)} exists already; choose another name") from None
    except OSError as error:
        raise UsageError(f"{clean_line(name)} cannot be written: {error.strerror}") from None


@plan.command(
    epilog=examples(
        "cc4tui plan new plans/api.md",
        'cc4tui plan new plans/api.md --title "The API, second edition"',
    )
)
@click.argument("plan_file", metavar="PLAN", type=click.Path())
@click.option("--title", metavar="TEXT", help="What the plan is called. [default: by its file]")
def new(plan_file: str, title: str | None) -> None:
    """Begin a plan from a template ("-": print it). A file that exists is never overwritten."""
    from datetime import datetime

    from cc4tui.services.plans.template import new_plan

    path = Path(plan_file)
    name = title or path.stem.replace("-", " ").replace("_", " ").strip().capitalize()
    target = plan_file if path.suffix else f"{plan_file}.md"
    text = new_plan(name, datetime.now().astimezone().date()).encode()
    if plan_file == STANDARD_INPUT:
        write_bytes(text)
        return
    _write_new(target, text)
    note(f"wrote {clean_line(target)}; fill it in, then: cc4tui plan check {clean_line(target)}")


@plan.command("list", epilog=examples("cc4tui plan list", "cc4tui plan list --json"))
@json_option
@pass_session
def list_plans(session: Session, as_json: bool) -> None:
    """List the plans of this repository, most recently changed first."""

    async def work(center: "Runtime") -> "list[PlanSummary]":
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


def _summary_json(summary: "PlanSummary") -> dict[str, Any]:
    names = ("path", "title", "dialect", "tasks", "done", "errors", "offers")
    return {name: getattr(summary, name) for name in names}
