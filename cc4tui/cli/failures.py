"""Turns every failure into one sentence and an exit code. A traceback only with CC4TUI_DEBUG=1.

click is imported for a failure only: the app opens without it.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from cc4tui.cli.output import OutputClosedError, note, silence_stdout
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError, ExitCode


if TYPE_CHECKING:
    import click


SIGPIPE_EXIT = 141
"""What a shell reports for a program that wrote into a closed pipe."""


def guarded(call: Callable[[], object]) -> int:
    """Run a command and return its exit code; failures are told on standard error."""
    try:
        result = call()
        sys.stdout.flush()
    except (OutputClosedError, BrokenPipeError):
        silence_stdout()
        return SIGPIPE_EXIT
    except BaseException as error:
        return _told(innermost(error))
    return result if isinstance(result, int) else ExitCode.OK


def innermost(error: BaseException) -> BaseException:
    """The first failure inside (nested) groups, preferring one that was made for a person."""
    import click

    leaves = _leaves(error)
    for leaf in leaves:
        if isinstance(leaf, Cc4tuiError | click.ClickException | OutputClosedError):
            return leaf
    return leaves[0]


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _told(error: BaseException) -> int:
    import click

    if debugging() and not isinstance(error, SystemExit):
        traceback.print_exception(error)
    match error:
        case SystemExit():
            return error.code if isinstance(error.code, int) else ExitCode.NOT_LANDED
        case OutputClosedError():
            silence_stdout()
            return SIGPIPE_EXIT
        case KeyboardInterrupt() | click.Abort():
            return ExitCode.INTERRUPTED
        case click.exceptions.NoArgsIsHelpError():  # `cc4tui plan`: which of them, is the question
            note(error.format_message())
            return ExitCode.USAGE
        case click.UsageError():
            note(f"cc4tui: {_usage(error)}")
            return ExitCode.USAGE
        case click.ClickException():
            note(f"cc4tui: {clean_line(error.format_message())}")
            return ExitCode.USAGE
        case Cc4tuiError():
            note(f"cc4tui: {clean_line(str(error), 4000)}")
            return error.exit_code
        case _:
            note(f"cc4tui: {_unexpected(error)}")
            return ExitCode.NOT_LANDED


def _usage(error: "click.UsageError") -> str:
    message = clean_line(error.format_message()).rstrip(".")
    command = error.ctx.command_path if error.ctx else "cc4tui"
    return f"{message}; see `{command} --help`"


def _unexpected(error: BaseException) -> str:
    what = clean_line(str(error)) or "no message"
    return (
        f"unexpected {type(error).__name__}: {what}; set CC4TUI_DEBUG=1 to see where, and report it"
    )


def debugging() -> bool:
    """Whether the person asked for tracebacks."""
    return os.environ.get("CC4TUI_DEBUG", "") not in ("", "0")
