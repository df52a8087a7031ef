"""Where every call begins, and where every failure becomes an exit code."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cc4tui.cli.failures import guarded
from cc4tui.cli.output import forgive_encoding


COMPLETION_VARIABLE = "_CC4TUI_COMPLETE"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    forgive_encoding()
    given = sys.argv[1:] if arguments is None else list(arguments)
    sys.exit(guarded(lambda: _run(given)))


def _run(given: list[str]) -> object:
    """Do what the words say; without a word there is nothing to parse, and click is not needed."""
    if not given and COMPLETION_VARIABLE not in os.environ:
        from cc4tui.cli.screen import open_app

        return open_app(Path.cwd())
    from cc4tui.cli.root import root

    return root.main(
        args=given, prog_name="cc4tui", complete_var=COMPLETION_VARIABLE, standalone_mode=False
    )
