"""Programs that are started only to be asked something, and leave nothing behind."""

import asyncio
import contextlib
import os
import secrets
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from cc4tui.services.processes.orphans import Marks, kill_marked
from cc4tui.services.processes.supervision.records import TOKEN_VARIABLE


LINE_LIMIT = 16 * 1024 * 1024
"""Bytes of a line that is read of it."""
_SWEEP_SECONDS = 2.0
_NO_FOLDER = Path("/nonexistent")
"""It has no attempt, and so no files by which to know what it started."""


@contextlib.asynccontextmanager
async def passing_program(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int,
    stderr: int,
    cwd: str | None = None,
) -> AsyncIterator[Process]:
    """A program with standard output as a pipe; at the end it and all it started are killed.

    It needs no supervisor: it is given no work, so there is nothing of it to save. What left its
    process group is found by a token in the environment (Linux; elsewhere it stays).

    Raises:
        OSError: it cannot be started.
    """
    token = secrets.token_hex(16)
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env={**environment, TOKEN_VARIABLE: token},
        stdin=stdin,
        stdout=PIPE,
        stderr=stderr,
        start_new_session=True,
        limit=LINE_LIMIT,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.to_thread(kill_marked, Marks(_NO_FOLDER, token), _SWEEP_SECONDS)
        await process.wait()
