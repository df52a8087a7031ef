"""Tells how much CPU time a program spent until its first frame is painted; for test_start.py.

Usage: start_app.py minimal|app|posting|harlequin RESULT, the last two by a Python that has them.
"""

import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from textual.app import App


def watched(result: Path) -> None:
    """End the app after its first frame, and keep the CPU time it took from the very start."""
    display = App._display

    def displayed(self: App[Any], screen: Any, renderable: Any) -> None:
        display(self, screen, renderable)
        if type(renderable).__name__ == "LayoutUpdate" and not result.exists():
            result.write_text(str(time.process_time()))
            self.exit()

    App._display = displayed  # type: ignore[method-assign]


def main() -> None:
    """See the module."""
    which, result = sys.argv[1:]
    watched(Path(result))
    if which == "minimal":
        from textual.widgets import Static

        class Minimal(App[None]):
            def compose(self) -> Any:
                yield Static("x" * 200)

        Minimal().run()
    elif which != "app":
        sys.argv = [which]
        (program,) = entry_points(group="console_scripts", name=which)
        program.load()()
    else:
        from cc4tui.cli.main import main as command_line

        command_line([])


if __name__ == "__main__":
    main()
