"""Where the program's own warnings go: a file of the state folder, never the screen."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path


MAX_BYTES = 1 << 20


class PrivateFileHandler(RotatingFileHandler):
    """Makes its files readable by their owner only."""

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return TextIOWrapper(os.fdopen(handle, "ab"), "utf-8", "backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that a full disk refuses is lost; telling it would write over the screen."""


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Write the warnings of all modules of cc4tui to a private file until the block is left.

    A terminal that shows the app must not get a line from anybody else, and a script that reads
    standard error expects people's sentences there.
    """
    handler = PrivateFileHandler(path, maxBytes=MAX_BYTES, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    logger = logging.getLogger("cc4tui")
    propagate, level = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG if os.environ.get("CC4TUI_DEBUG") else logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate, logger.level = propagate, level
        with suppress(OSError):  # the disk is full: the last lines are lost
            handler.close()
