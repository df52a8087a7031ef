"""The one way from the command line to the screens."""

import os
import sys
from pathlib import Path

from cc4tui.errors import UsageError


def open_app(start: Path, plan: str | None = None) -> int:
    """Open the app on the repository that holds `start`; returns its exit code.

    Args:
        start: Any folder of the repository.
        plan: A plan to start at once.

    Raises:
        UsageError: there is no terminal to open it in.
        UnfitError: there is no repository, or it cannot be used.
    """
    if not has_terminal():
        raise UsageError(
            "the app needs a terminal; without one use `cc4tui run PLAN`, or see `cc4tui --help`"
        )
    from cc4tui.app import run_app

    return run_app(start, plan)


def has_terminal() -> bool:
    """Whether a person can see and type: here, or in the browser that `cc4tui web` serves."""
    if os.environ.get("TEXTUAL_DRIVER", "").startswith("textual.drivers.web_driver:"):
        return True
    capable = os.environ.get("TERM", "") not in ("", "dumb")
    return capable and sys.stdin.isatty() and sys.stdout.isatty()
