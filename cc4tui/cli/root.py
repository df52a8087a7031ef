"""The root of the command line: what it knows of the commands without importing one."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click

import cc4tui
from cc4tui.cli.session import Session, examples
from cc4tui.domain.text import clean_line
from cc4tui.errors import UnfitError


COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "demo": (
        "demo",
        "demo",
        "Run a sample plan on a sample repository, acted out by the rehearsal agent.",
    ),
    "web": ("web", "web", "Serve the app of this repository to a browser on this machine."),
    "run": ("execution", "run", "Run a plan."),
    "resume": ("execution", "resume", "Continue an unfinished run (default: the newest)."),
    "runs": ("runs", "runs", "List the runs of this repository, newest first."),
    "status": ("runs", "status", "Show a run and its tasks (default: the newest)."),
    "cancel": ("runs", "cancel", "Cancel a run, or one task of it; works from any shell."),
    "requests": ("talking", "requests", "List what agents wait for an answer to."),
    "answer": ("talking", "answer", "Allow or deny what agents ask, or answer their questions."),
    "tell": ("talking", "tell", "Hand a message to the agent of a task."),
    "fork": ("talking", "fork", "Go on from an attempt with other words, in a new task."),
    "retry": ("runs", "retry", "Try a task again that ended without success."),
    "skip": ("runs", "skip", "Pass over a task that nobody works on: what waits for it may start."),
    "logs": ("logs", "logs", "Print what an agent said and did."),
    "diff": ("logs", "diff", "Print what a task changed, as a unified diff."),
    "report": ("report", "report", "Print what a run did, as Markdown (default: the newest run)."),
    "usage": (
        "usage",
        "usage",
        "Show tokens, time and cost of all runs of this repository, or of one.",
    ),
    "saved": (
        "saved",
        "saved",
        "Find work again that no branch held: of interrupted, cancelled or replaced attempts.",
    ),
    "plan": ("plans", "plan", "Look at plans without running them; write them anew."),
    "idea": ("notes", "idea", "Catch ideas before they are lost, and turn them into tasks."),
    "memory": ("notes", "memory", "Keep what was learned, and find it again."),
    "doctor": ("upkeep", "doctor", "Check git, configuration, state, agents and leftovers."),
    "clean": (
        "cleaning",
        "clean",
        "Remove what dead or ended runs left, as far as nothing is lost by it.",
    ),
    "trust": (
        "trusting",
        "trust",
        "Say yes to the commands of cc4tui.toml and of the plans (default: all of the repository).",
    ),
    "paths": ("settings", "paths", "Show where cc4tui keeps what it knows of this repository."),
    "config": (
        "settings",
        "config",
        "Show the configuration that counts here, and which file or variable each part is from.",
    ),
    "completion": (
        "completion",
        "completion",
        "Print the script that completes commands and options in your shell.",
    ),
}
"""Module, function and first sentence by command.

A module is imported when its command is asked for. The sentences are those of the commands'
docstrings, so that `--help` imports none of them.
"""


class Root(click.Group):
    """Loads commands on demand, so that `--version` costs no import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a person's first day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"cc4tui.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (*_, told) in COMMANDS.items()])


@click.group(
    cls=Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "cc4tui                      open the app on this repository",
        "cc4tui demo                 try it: no account, no network, no agent needed",
        "cc4tui run plans/api.md     run a plan without the app",
        "cc4tui status --json        what the newest run did",
    ),
)
@click.option(
    "-C", "place", metavar="PATH", type=click.Path(path_type=Path), help="Work as if started there."
)
@click.version_option(cc4tui.__version__, message="cc4tui %(version)s")
@click.pass_context
def root(context: click.Context, place: Path | None) -> int | None:
    """Run the tasks of Markdown plans in parallel with coding agents.

    Each task is done in its own git worktree, checked, merged in order and landed on your branch.
    Without a command the app opens.
    """
    if place is not None:
        _enter(place)
    context.obj = Session(Path.cwd())
    if context.invoked_subcommand is not None:
        return None
    from cc4tui.cli.screen import open_app

    return open_app(context.obj.start)


def _enter(place: Path) -> None:
    """Make `place` the current folder, as `git -C` does, so that every path counts from there."""
    folder = place if place.is_dir() else place.parent
    try:
        place.lstat()
        os.chdir(folder)
    except OSError as error:
        raise UnfitError(f"-C {clean_line(str(place))}: {error.strerror}") from None
