"""Calls a person who looks elsewhere: by the terminal's bell, or a notification of the desktop."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from cc4tui.domain.run import RunRecord, RunStatus
from cc4tui.domain.text import clean_line
from cc4tui.screens.looks import RUN_LOOKS
from cc4tui.screens.options import Notify


if TYPE_CHECKING:
    from textual.app import App

LENGTH = 200
_BELL = "\x07"
_END = "\x1b\\"
_NINE = ("iTerm.app", "WezTerm", "ghostty", "WarpTerminal")
"""Values of TERM_PROGRAM of terminals that take OSC 9."""


class Attention:
    """Knows what the person was called for already.

    Args:
        call: Reaches them with a sentence.
        looks: Whether they look at the app: then nobody is called.
        since: When the app began.
    """

    def __init__(
        self, call: Callable[[str], None], looks: Callable[[], bool], since: datetime
    ) -> None:
        self._call = call
        self._looks = looks
        self._counts: dict[str, int] = {}
        self._since = since
        self._going: set[str] = set()
        self._told: set[str] = set()

    def waits(self, what: str, count: int) -> None:
        """So many things wait for them; more than before are worth a call.

        Args:
            what: What kind: counted apart from the others.
            count: How many now.
        """
        more = count > self._counts.get(what, 0)
        self._counts[what] = count
        total = sum(self._counts.values())
        if more:
            self._say(f"{total} thing{' waits' if total == 1 else 's wait'} for you")

    def run_moved(self, run: RunRecord, done: int, total: int) -> None:
        """The run that is shown went on; its end is worth a call, however soon it came."""
        if run.finished is None and run.status is RunStatus.RUNNING:
            self._going.add(run.id)
            return
        unseen = run.finished is not None and run.finished >= self._since
        if run.id in self._going or (unseen and run.id not in self._told):
            self._going.discard(run.id)
            self._told.add(run.id)
            word = RUN_LOOKS[run.status].word
            self._say(f"{run.plan}: {word}, {done} of {total} tasks done")

    def _say(self, sentence: str) -> None:
        if not self._looks():
            self._call(sentence)


def caller(app: "App[None]", how: Notify) -> Callable[[str], None]:
    """What reaches a person in front of this terminal, or does nothing."""

    def call(sentence: str) -> None:
        driver = app._driver
        if how is Notify.OFF or driver is None or app.is_headless or app.is_web:
            return
        driver.write(sequence(f"cc4tui: {sentence}", how, os.environ))

    return call


def sequence(sentence: str, how: Notify, environment: Mapping[str, str]) -> str:
    """What is written to the terminal; just the bell where no notification is understood.

    Unknown terminals get nothing but the bell: some print what they do not understand.
    """
    text = clean_line(sentence, LENGTH).replace(";", ",")
    if how is Notify.BELL:
        return _BELL
    terminal = environment.get("TERM", "")
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("TMUX") or terminal.startswith("tmux"):
        inner = f"\x1b]9;{text}{_BELL}".replace("\x1b", "\x1b\x1b")
        return f"{_BELL}\x1bPtmux;{inner}{_END}"
    if terminal == "xterm-kitty" or "KITTY_WINDOW_ID" in environment:
        return f"\x1b]99;;{text}{_END}"
    if terminal.startswith(("foot", "rxvt")) or "VTE_VERSION" in environment:
        return f"\x1b]777;notify;cc4tui;{text}{_END}"
    if program in _NINE or terminal == "xterm-ghostty":
        return f"\x1b]9;{text}{_BELL}"
    return _BELL
