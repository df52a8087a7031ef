"""Notes when an agent had written how much: its output can be shown as it was at any time."""

import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from cc4tui.ports import OutputNote, OutputSize


log = logging.getLogger(__name__)

NAME = "times"
"""File of an attempt's folder; a line each: seconds since 1970, bytes of `out`, bytes of `err`."""
EVERY = 1.0
"""Seconds between two notes, at least."""


def sizes(folder: Path) -> OutputSize:
    """How much an attempt has written so far."""
    return OutputSize(*(_size(folder / name) for name in ("out", "err")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class OutputTimes:
    """Appends to an attempt's notes; a disk that is full costs notes and nothing else.

    Args:
        folder: Of the attempt.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._last: OutputSize | None = None
        self._due = 0.0

    def note(self, size: OutputSize, *, last: bool = False) -> None:
        """Note the size, if it is another one and it is time again; the last one always."""
        if size == self._last or (time.monotonic() < self._due and not last):
            return
        self._last, self._due = size, time.monotonic() + EVERY
        line = f"{time.time():.2f} {size.out} {size.err}\n".encode()
        try:
            descriptor = os.open(
                self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.info("%s cannot be written: %s", self._path, error)


def read_times(folder: Path) -> list[OutputNote]:
    """All notes of an attempt, the oldest first. Blocks: call it in a thread."""
    try:
        lines = (folder / NAME).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    return [note for line in lines if (note := _parsed(line)) is not None]


def _parsed(line: str) -> OutputNote | None:
    """A note; None for one that was cut off."""
    try:
        when, out, err = line.split()
        return datetime.fromtimestamp(float(when), UTC), OutputSize(int(out), int(err))
    except (ValueError, OverflowError, OSError):
        return None
