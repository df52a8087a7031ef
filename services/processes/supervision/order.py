"""What the app asks a supervisor to start."""

import json
import os
from typing import Any

from . import records


class Order:
    """A program with its surroundings, as the app wrote it into an unnamed file.

    Text arrives as latin-1 of the raw bytes: argv, environment and paths are bytes to the kernel,
    and the app and this program may disagree about the encoding of the locale.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.argv = [_raw(word) for word in document["argv"]]
        self.cwd = _raw(document["cwd"])
        self.stdin: str = document["stdin"]
        self.interrupt_seconds: float = document["interrupt_seconds"]
        self.on_app_loss: str = document["on_app_loss"]
        self.output_cap: int | None = document["output_cap"]
        self.env = {_raw(name): _raw(value) for name, value in document["env"].items()}
        self.env[records.TOKEN_VARIABLE.encode()] = _raw(document["token"])

    @classmethod
    def read(cls, fd: int) -> "Order":
        """From the start of the file, wherever its offset stands: it may be read a second time."""
        return cls(json.loads(os.pread(fd, os.fstat(fd).st_size, 0)))


def _raw(text: str) -> bytes:
    return text.encode("latin-1")
