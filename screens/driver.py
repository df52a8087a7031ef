"""The terminal, as Textual drives it, with three things mended.

The alt key, stops by others, and a terminal that goes away.
"""

import sys
from collections.abc import Iterable

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver


ALT_ALIASES = {"\x1bb": "b", "\x1bf": "f", "\x1b\x7f": "backspace"}
"""Alt with these keys has other keys' names in Textual; what was typed is told as the character."""


class KeyParser(XTermParser):
    """Keeps alt on every key.

    Terminals without the keyboard protocol of kitty send an escape before the key. Textual tells of
    it with some letters only: to the programs at terminals inside the app `alt+enter` and `alt+.`
    would be `enter` and `.`, and `alt+1` the sign that a Mac writes with it.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if len(sequence) == 2 and isinstance(ANSI_SEQUENCES_KEYS.get(sequence), str):
            sequence, alt = sequence[1], True
        for event in super()._sequence_to_key_events(sequence, alt):
            if alt and not event.key.startswith("alt+"):
                yield events.Key(f"alt+{event.key}", event.character)
            elif sequence in ALT_ALIASES:
                yield events.Key(event.key, sequence)
            else:
                yield event


class TerminalWriter(WriterThread):
    """Goes on taking what is written when the terminal is gone.

    Textual's ends with its first error. Nobody empties its queue then, and as soon as that is full
    the app waits for ever, while it leaves, too.
    """

    def run(self) -> None:
        """Write until `stop`; what nobody can see any more is dropped."""
        there = True
        while (text := self._queue.get()) is not None:
            there = there and self._written(text)
        if there:
            self._written("")

    def _written(self, text: str) -> bool:
        try:
            self._file.write(text)
            if self._queue.empty():
                self._file.flush()
        except (OSError, ValueError):  # ValueError: the file was closed
            return False
        return True


class TerminalDriver(LinuxDriver):
    """Takes the terminal again after every stop.

    Textual expects to be stopped by SIGTSTP, for which it lets the terminal go first. Continued
    after a SIGSTOP, it would start a second time beside the first: two threads then read the
    keys, and one of them never ends.
    """

    _taking_again = False

    def _sigcont_application(self, *args: object) -> None:
        if self._taking_again:  # stopped meanwhile, because the terminal was another's
            return
        if not self._auto_restart or self._must_signal_resume:
            super()._sigcont_application(*args)
            return
        self._taking_again = True
        try:
            self.suspend_application_mode()
            self._must_signal_resume = True
            self.resume_application_mode()
        finally:
            self._taking_again = False


def mended(chosen: type[Driver]) -> type[Driver]:
    """The driver that Textual has chosen, for a terminal or a browser, with what stands here."""
    known = vars(sys.modules[chosen.__module__])  # it makes both by these names
    known["XTermParser"] = KeyParser
    if "WriterThread" in known:
        known["WriterThread"] = TerminalWriter
    return TerminalDriver if chosen is LinuxDriver else chosen
