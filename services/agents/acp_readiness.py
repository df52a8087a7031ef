"""Asks an agent of the Agent Client Protocol what it is, and whether somebody has to log in."""

import asyncio
import contextlib
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cc4tui.domain.text import clean_line
from cc4tui.services.agents.acp import ABOUT_US, AUTH_REQUIRED, VERSION
from cc4tui.services.agents.asking import passing_program
from cc4tui.services.agents.wire import json_line, list_at, number_at, parse_object, text_at


@dataclass(frozen=True, slots=True)
class Handshake:
    """What an agent said of itself; no model was asked."""

    speaks: bool = False
    """It answered in the protocol."""
    version: str = ""
    logged_out: bool = False
    ways_in: str = ""
    """How to log in, in its own words."""


async def shake_hands(
    argv: Sequence[str], environment: Mapping[str, str], seconds: float
) -> Handshake:
    """Start the agent, begin a session in an empty folder, and end it.

    Args:
        seconds: For all of it; what was said until then counts.
    """
    said = Handshake()
    with tempfile.TemporaryDirectory(prefix="cc4tui-acp-", ignore_cleanup_errors=True) as folder:
        started = passing_program(argv, environment, stdin=PIPE, stderr=DEVNULL, cwd=folder)
        with contextlib.suppress(TimeoutError, OSError, ValueError, EOFError):
            async with started as process, asyncio.timeout(seconds):
                hello = {"protocolVersion": VERSION, **ABOUT_US}
                said = _introduced(await _answer(process, 0, "initialize", hello))
                place = {"cwd": folder, "mcpServers": []}
                refused = (await _answer(process, 1, "session/new", place)).get("error")
                out = number_at(refused, "code") == AUTH_REQUIRED
                said = Handshake(said.speaks, said.version, out, said.ways_in)
    return said


async def _answer(
    process: Process, identity: int, method: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    """The answer to one call.

    Raises:
        EOFError: it said nothing more.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    call = {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}
    process.stdin.write(json_line(call))
    await process.stdin.drain()
    while line := await process.stdout.readline():
        message = parse_object(line)
        if message is not None and message.get("id") == identity and "method" not in message:
            return message
    raise EOFError


def _introduced(answer: dict[str, Any]) -> Handshake:
    result = answer.get("result")
    ways = (text_at(way, "name") for way in list_at(result, "authMethods"))
    version = clean_line(text_at(result, "agentInfo", "version"), 40)
    return Handshake(
        "result" in answer, version, False, clean_line(", ".join(filter(None, ways)), 200)
    )
