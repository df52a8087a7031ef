"""`cc4tui doctor`: is everything there, and was anything left behind."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

import cc4tui
from cc4tui.cli.cleaning import because, find, remnant_json, remove, would
from cc4tui.cli.output import counted, print_json, say, table
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.errors import Cc4tuiError, ExitCode


if TYPE_CHECKING:
    from cc4tui.cli.place import Place
    from cc4tui.config import Config
    from cc4tui.services.doctor import Finding
    from cc4tui.services.remnants import Remnant


@click.command(
    epilog=examples(
        "cc4tui doctor",
        "cc4tui doctor --json",
        "cc4tui doctor --fix",
        "cc4tui doctor --probe codex",
    )
)
@click.option("--fix", is_flag=True, help="First do what `cc4tui clean` does.")
@click.option(
    "--probe",
    metavar="[AGENT]",
    is_flag=False,
    flag_value="",
    help="Have an agent (default: the one of runs) do a tiny task; costs a few tokens.",
)
@json_option
@pass_session
def doctor(session: Session, fix: bool, probe: str | None, as_json: bool) -> int:
    """Check git, configuration, state, agents and leftovers."""
    from cc4tui.services.doctor import Level

    if fix:
        session.run(remove)

    leftovers: list[Remnant] = []
    findings = asyncio.run(_examine(session.start, leftovers))
    if probe is not None:
        findings.append(_probed(session.start, probe))
    healthy = all(finding.level is not Level.ERROR for finding in findings)
    if as_json:
        print_json(
            {
                "healthy": healthy,
                "version": cc4tui.__version__,
                "findings": [
                    {"check": f.check, "level": f.level.value, "message": f.message, **f.facts}
                    for f in findings
                ],
                "leftovers": [remnant_json(remnant) for remnant in leftovers],
            }
        )
    else:
        table((f.level.value, f.check, f.message) for f in findings)
        if leftovers:
            say()
            table((r.kind, r.name, would(r), because(r)) for r in leftovers)
    return ExitCode.OK if healthy else ExitCode.UNFIT


def _probed(start: Path, agent: str) -> "Finding":
    from cc4tui.cli.place import find_place
    from cc4tui.cli.probing import probe
    from cc4tui.errors import UnfitError

    try:
        place = find_place(start)
    except UnfitError:
        place = None
    config = _configuration(place)[1]
    if config is None:
        raise UnfitError("the configuration cannot be used; see `cc4tui doctor`")
    return asyncio.run(probe(config, agent))


async def _examine(start: Path, leftovers: "list[Remnant]") -> "list[Finding]":
    return [finding async for finding in _findings(start, leftovers)]


async def _findings(start: Path, leftovers: "list[Remnant]") -> "AsyncIterator[Finding]":
    """Every check; one that fails keeps no other from being made.

    Args:
        leftovers: Gets what runs left behind.
    """
    from cc4tui.services import doctor as checks
    from cc4tui.services.agents.registry import backend_for

    yield checks.check_system()
    git = await checks.check_git()
    yield git
    place: Place | None = None
    usable = False
    if git.level is checks.Level.OK:
        finding, place = await _repository(start)
        usable = finding.level is checks.Level.OK
        yield finding
    finding, config = _configuration(place)
    yield finding
    if place is not None:
        yield checks.check_state(place.state.prepare, place.state.folder)
        for found in await _database(start, leftovers) if usable else ():
            yield found
    yield checks.check_isolation()
    if config is not None:
        for found in await checks.check_agents(
            config.agents.values(), backend_for, config.run.agent, os.environ
        ):
            yield found


async def _repository(start: Path) -> "tuple[Finding, Place | None]":
    from cc4tui.cli.place import locate_place
    from cc4tui.services.doctor import Finding, Level
    from cc4tui.services.git.repository import Repository
    from cc4tui.services.git.runner import GitRunner

    try:
        place = await locate_place(start)
    except Cc4tuiError as error:
        return Finding("repository", Level.WARNING, str(error)), None
    runner = await GitRunner.find()
    try:
        await Repository.open(start, runner)
    except Cc4tuiError as error:
        return Finding("repository", Level.ERROR, str(error)), place
    finally:
        runner.close()
    return Finding("repository", Level.OK, str(place.root or place.common_dir)), place


def _configuration(place: "Place | None") -> "tuple[Finding, Config | None]":
    """The configuration as it counts now: without the repository's commands until trusted."""
    from cc4tui.config import load_config
    from cc4tui.services.doctor import Finding, Level

    try:
        loaded = load_config(place.root if place else None)
    except Cc4tuiError as error:
        return Finding("configuration", Level.ERROR, str(error)), None
    open_question = place and place.trust.question(loaded.repository_commands, ())
    sources = sorted(set(loaded.sources.values()))
    text = ", ".join(sources) or "built-in values only"
    if open_question:
        text += "; the repository's own commands wait for `cc4tui trust`"
    return Finding("configuration", Level.OK, text), loaded.safe if open_question else loaded.full


async def _database(start: Path, leftovers: "list[Remnant]") -> "list[Finding]":
    from cc4tui.runtime import Runtime
    from cc4tui.services.doctor import Finding, Level

    try:
        async with Runtime.open(start) as center:
            runs = await center.journal.runs()
            ideas, lessons = await center.notebook.ideas(), await center.notebook.lessons()
            remnants = await find(center)
    except Cc4tuiError as error:
        return [Finding("database", Level.ERROR, str(error))]
    leftovers += remnants or []
    text = f"{len(runs)} runs, {len(ideas)} ideas, {len(lessons)} lessons"
    return [Finding("database", Level.OK, text), _leftovers(remnants)]


def _leftovers(remnants: "list[Remnant] | None") -> "Finding":
    from cc4tui.services.doctor import Finding, Level

    if remnants is None:
        return Finding("leftovers", Level.OK, "not looked for: a run is going on")
    removable = [remnant for remnant in remnants if remnant.removable]
    if not removable:
        return Finding("leftovers", Level.OK, f"none to remove, {len(remnants)} kept for a reason")
    text = f"{counted(len(removable), 'leftover')}; `cc4tui clean` deals with them safely"
    return Finding("leftovers", Level.WARNING, text)
