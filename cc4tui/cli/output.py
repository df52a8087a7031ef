"""Writing to the terminal: data goes to standard output, everything else to standard error."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from cc4tui.domain.text import clean_line


class OutputClosedError(Exception):
    """Whoever read standard output has gone: `cc4tui runs | head`."""


def say(text: str = "", *, stream: TextIO | None = None) -> None:
    """Write a line (or several) that is clean already.

    Raises:
        OutputClosedError: nobody reads any more.
    """
    try:
        out = stream or sys.stdout
        out.write(f"{text}\n")
        out.flush()
    except BrokenPipeError:
        raise OutputClosedError from None


def note(text: str) -> None:
    """Tell a person something on standard error; a closed one is nobody's loss."""
    try:
        say(text, stream=sys.stderr)
    except OutputClosedError:
        return


def print_json(value: Any) -> None:
    """One JSON document on one line."""
    say(json_text(value))


def json_text(value: Any) -> str:
    """One JSON document. ASCII only, so that no name can reach the terminal raw."""
    return json.dumps(value, default=_plain)


def write_bytes(data: bytes) -> None:
    """Bytes as they are; for pipes only."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise OutputClosedError from None


def table(rows: Iterable[Sequence[object]], head: Sequence[str] = ()) -> None:
    """Write columns as `columns` makes them."""
    for line in columns(rows, head):
        say(line)


def columns(rows: Iterable[Sequence[object]], head: Sequence[str] = ()) -> list[str]:
    """Columns as wide as their longest cell; the last one is not padded. Cells are cleaned."""
    cells = [[clean_line(str(cell), 200) for cell in row] for row in rows]
    if head and cells:
        cells.insert(0, list(head))
    if not cells:
        return []
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    padded = ([cell.ljust(w) for cell, w in zip(row, widths, strict=True)] for row in cells)
    return ["  ".join(row).rstrip() for row in padded]


def moment(when: datetime | None) -> str:
    """A time as the person's clock shows it."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M") if when else "-"


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3:05``, ``1:02:03``."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def iso(when: datetime | None) -> str | None:
    """A time as JSON has it: UTC, in seconds."""
    from datetime import UTC

    if when is None:
        return None
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dollars(cost: float | None, estimated: bool) -> str:
    """``$0.41``; ``about $0.41`` when it comes from the price list; ``unknown``."""
    if cost is None:
        return "unknown"
    return f"about ${cost:.2f}" if estimated else f"${cost:.2f}"


def counted(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def forgive_encoding() -> None:
    """A terminal that cannot show a character gets an escape for it, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Let the interpreter's last flush of a closed standard output go nowhere."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
