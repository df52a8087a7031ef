"""`cc4tui saved ...`: work that no branch held, and the way back to it."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import iso, moment, note, print_json, say, table, write_bytes
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.domain.text import clean, clean_line
from cc4tui.ports import SavedWork


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime

SHOWN_FILES = 3
"""Paths in a line of the list; `show` has all."""


@click.group(epilog=examples("cc4tui saved list", "cc4tui saved restore r-7f3/2-1"))
def saved() -> None:
    """Find work again that no branch held: of interrupted, cancelled or replaced attempts."""


@saved.command("list", epilog=examples("cc4tui saved list", "cc4tui saved list --json"))
@json_option
@pass_session
def list_saved(session: Session, as_json: bool) -> None:
    """Show what is saved, newest first."""

    async def work(center: "Runtime") -> list[SavedWork]:
        return await center.saved()

    found = session.run(work)
    if as_json:
        print_json([_json(one) for one in found])
    elif not found:
        note("nothing had to be saved in this repository")
    else:
        table(
            ((one.name, moment(one.date), one.task, _files(one), one.subject) for one in found),
            ("NAME", "DATE", "TASK", "FILES", "WHAT"),
        )


@saved.command("show", epilog=examples("cc4tui saved show r-7f3/2-1/1/1"))
@click.argument("name")
@pass_session
def show_saved(session: Session, name: str) -> None:
    """Print what it changes, as a unified diff."""

    async def work(center: "Runtime") -> str:
        return await center.saved_diff(name, exact=not sys.stdout.isatty())

    text = session.run(work)
    if not text.strip():
        note(f"{clean_line(name)} changes nothing")
    elif sys.stdout.isatty():
        say(clean(text).rstrip("\n"))
    else:
        write_bytes(text.encode("utf-8", "surrogateescape"))


@saved.command(
    "restore",
    epilog=examples(
        "cc4tui saved restore r-7f3/2-1/1/1",
        "cc4tui saved restore r-7f3 --branch x --worktree ../look",
    ),
)
@click.argument("name")
@click.option("--branch", help="Name of the branch. [default: saved/<run>-<task>]")
@click.option(
    "--worktree", type=click.Path(path_type=Path), help="A new folder to check the branch out in."
)
@json_option
@pass_session
def restore_saved(
    session: Session, name: str, branch: str | None, worktree: Path | None, as_json: bool
) -> None:
    """Make a branch of it; no file of yours is touched."""
    folder = worktree.absolute() if worktree is not None else None

    async def work(center: "Runtime") -> str:
        return await center.restore_saved(name, branch, worktree=folder)

    made = session.run(work)
    if as_json:
        print_json({"name": name, "branch": made, "worktree": str(folder) if folder else None})
    elif folder is not None:
        say(f"restored as the branch {clean_line(made, 400)} in {clean_line(str(folder), 400)}")
    else:
        shown = clean_line(shlex.quote(made), 400)
        say(f"restored as the branch {shown}; look at it with: git switch {shown}")


def _files(work: SavedWork) -> str:
    shown = ", ".join(work.files[:SHOWN_FILES])
    more = len(work.files) - SHOWN_FILES
    return f"{shown} and {more} more" if more > 0 else shown or "-"


def _json(work: SavedWork) -> dict[str, Any]:
    return {
        "name": work.name,
        "run": work.run,
        "task": work.task,
        "attempt": work.attempt,
        "ref": f"refs/cc4/saved/{work.name}",
        "commit": work.commit,
        "date": iso(work.date),
        "subject": work.subject,
        "files": list(work.files),
    }
