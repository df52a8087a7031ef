"""Errors that a person reads: one sentence with the way out, and the exit code it ends with."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line returns; documented in docs/cli.md."""

    OK = 0
    """Everything asked for landed, or there was nothing left to do."""
    NOT_LANDED = 1
    """At least one task did not land, the landing was refused, or `plan fmt --check` differs."""
    USAGE = 2
    """Wrong usage or an unusable plan; nothing started."""
    UNFIT = 3
    """Unfit surroundings (no git, no repository, not trusted, ...); nothing started."""
    INTERRUPTED = 130
    """Ended by SIGINT, after a clean stop."""
    TERMINATED = 143
    """Ended by SIGTERM, after a clean stop."""


class Cc4tuiError(Exception):
    """Base of every error that is shown to a person as one sentence."""

    exit_code = ExitCode.NOT_LANDED


class UsageError(Cc4tuiError):
    """The call or its input cannot be used; nothing was started."""

    exit_code = ExitCode.USAGE


class PlanError(UsageError):
    """The plan cannot be run: no task, an unknown dependency, a cycle, a duplicate id, ..."""


class UnfitError(Cc4tuiError):
    """The surroundings do not allow a run: no git, no repository, not trusted, locked, ..."""

    exit_code = ExitCode.UNFIT


class ConfigError(UnfitError):
    """A configuration that cannot be used; the message names the file (or variable) and the key."""


class BlockedError(UnfitError):
    """The state cannot be used for now: a full disk, a lock, a file that cannot be written.

    Nothing of the call is stored; the same call works once what blocks it is gone.
    """


class NotFoundError(UsageError):
    """A run, task, idea or lesson that was named does not exist."""


class StaleWriteError(Cc4tuiError):
    """A fenced write found another state or fence than expected: somebody else owns the row."""


class ProcessError(Cc4tuiError):
    """A program could not be put under supervision, or was lost to it."""


class LeftRunningError(ProcessError):
    """A program runs on without us: it was left on purpose, or another instance took it over."""


class GitError(Cc4tuiError):
    """A git call failed.

    Args:
        command: The git subcommand with its arguments, as a person would type it.
        returncode: git's exit status; negative when a signal ended it.
        stderr: What git said.
    """

    def __init__(self, command: str, returncode: int, stderr: str) -> None:
        self.command = command
        self.returncode = returncode
        self.stderr = stderr.strip()
        super().__init__(f"`git {command}` failed: {self._cause() or f'exit {returncode}'}")

    def _cause(self) -> str:
        """The line that says what was wrong: what to do follows it, and may name no file."""
        lines = self.stderr.splitlines()
        told = [line for line in lines if line.startswith(("fatal: ", "error: "))]
        return (told or lines or [""])[-1]


def sentence(error: BaseException) -> str:
    """What went wrong, for a person; the first cause where several came together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Cc4tuiError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}"
    return f"internal error: {type(error).__name__}: {error}"
