"""Tells what went wrong, to whoever looks after the app."""

import os


def note(text: str) -> None:
    """Append to standard error, which is the app's log file. When that is impossible (disk full)
    nothing happens: a supervisor has better things to do than to die of it."""
    try:
        os.write(2, f"[cc4tui supervision {os.getpid()}] {text.rstrip()}\n".encode())
    except OSError:
        pass
