"""`cc4tui status --watch`: a run as it changes, drawn in place where there is a terminal."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence

from cc4tui.cli.output import say
from cc4tui.domain.run import RunStatus
from cc4tui.ports import RunView


LOOK_SECONDS = 0.5
"""How often it is looked again."""


class Drawing:
    """Lines that are drawn over the ones before; too many, or too long ones, are cut."""

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def draw(self, lines: Sequence[str], *, whole: bool = False) -> None:
        """Put these lines in place of the last ones.

        Args:
            whole: These are the last ones: none is cut.
        """
        room = shutil.get_terminal_size().lines - 1
        kept = [*lines]
        if len(kept) > room and not whole:
            kept[room - 1 :] = [f"... and {len(kept) - room + 1} lines more"]
        if kept == self._drawn and not whole:
            return
        up = f"\x1b[{len(self._drawn)}F" if self._drawn else ""
        text = "\n".join(kept)
        say(f"{up}\x1b[J" + (text if whole else f"\x1b[?7l{text}\x1b[?7h"))
        self._drawn = kept


async def watch(
    look: Callable[[], Awaitable[RunView]],
    lines: Callable[[RunView], Sequence[str]],
    *,
    in_place: bool,
) -> None:
    """Show a run whenever something is new, until it ends.

    On a terminal that goes for its countdowns, too; elsewhere only for what is stored.

    Args:
        look: Gives the run as it is now.
        lines: Renders it.
        in_place: For people: one drawing on a terminal, elsewhere a blank line between them.
    """
    drawing = Drawing() if in_place and sys.stdout.isatty() else None
    shown: RunView | None = None
    while True:
        view = await look()
        over = view.run.status is not RunStatus.RUNNING
        if drawing is not None:
            drawing.draw(lines(view), whole=over)
        elif view != shown:
            say("\n".join(["", *lines(view)] if shown and in_place else lines(view)))
        if over:
            return
        shown = view
        await asyncio.sleep(LOOK_SECONDS)
