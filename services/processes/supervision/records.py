"""The files of an attempt folder, shared by the supervisor and by whoever reads them later.

They outlive every process that writes them. A power cut may take the last ones along: it ends the
agent as well, and an attempt whose end is not known is saved and tried again.
"""

import json
import os
from typing import Any


SPEC = "spec"
"""What was asked for, without the values of the environment; written by the app."""
LOCK = "lock"
"""Held by flock while a supervisor lives: the one test of its life that pid reuse cannot fake."""
SOCK = "sock"
AGENT = "agent"
"""Identity of the agent and its supervisor, once it was started."""
OUT = "out"
ERR = "err"
SENT = "sent"
"""Inherited by the agent's tree as descriptor `MARK_FD`, so that a sweep finds what it left."""
EXIT = "exit"
"""How the agent ended; written before anything else happens."""
ENDED = "ended"
"""Written when the whole tree is gone."""
REVOKED = "revoked"
"""Written by a later app: whoever finds it must not start the agent any more."""

OUTPUT_CAP = "output-cap"
"""Why an agent ended that wrote more than it may, where the middle of a file cannot be freed."""

MARK_FD = 198
TOKEN_VARIABLE = "CC4_TOKEN"  # noqa: S105
"""Environment variable that marks every process of one attempt."""

Record = dict[str, Any]


def save(folder: str, name: str, record: Record, *, durable: bool) -> None:
    """Write a file whole or not at all.

    Args:
        durable: Wait until the disk has it, so that it survives a power cut as well.

    Raises:
        OSError: the disk is full, the folder is gone, ...
    """
    path = os.path.join(folder, name)
    scratch = f"{path}.{os.getpid()}.tmp"
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, json.dumps(record).encode() + b"\n")
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(scratch, path)


def load(folder: str, name: str) -> Record | None:
    """The record, or None when there is none (a file cut short by a power cut counts as none)."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            record = json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def size(folder: str, name: str) -> int:
    """Bytes in a file; 0 when there is none."""
    try:
        return os.stat(os.path.join(folder, name)).st_size
    except OSError:
        return 0
