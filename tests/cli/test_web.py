"""`cc4tui web`: the app reaches a browser of the person who was told the link, and nobody else."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.cli.conftest import Call


pytestmark = pytest.mark.integration


@asynccontextmanager
async def served(repository: Path) -> AsyncIterator[str]:
    """The link that a real server prints."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cc4tui", "web", "--port", str(port)),
        cwd=repository, stdout=subprocess.PIPE, env={**os.environ, "COLUMNS": "40"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            link = (await process.stdout.readline()).decode().strip()
            while not await listens(port):  # the link is printed a moment before
                await asyncio.sleep(0.02)
            yield link
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0


async def listens(port: int) -> bool:
    """Whether somebody answers there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def shown(socket_: aiohttp.ClientWebSocketResponse, text: str) -> None:
    """Wait until the app has drawn it."""
    seen = b""
    while text.encode() not in seen:
        message = await socket_.receive(30)
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        if message.type is aiohttp.WSMsgType.BINARY:
            seen += message.data


async def test_the_app_in_a_browser(repository: Path) -> None:
    jar = aiohttp.CookieJar(unsafe=True)  # keeps those of addresses in digits, as browsers do
    async with served(repository) as link, aiohttp.ClientSession(cookie_jar=jar) as browser:
        page, _, key = link.partition("?key=")
        assert len(key) >= 24
        drive = f"{page}ws?width=100&height=30"
        for refused in (page, drive, f"{page}?key=wrong", f"{page}ws?key={key}"):
            assert (await browser.get(refused)).status == 403
        answer = await browser.get(link)
        assert answer.status == 200
        assert str(answer.url) == page  # the key stays in no history
        assert "textual" in await answer.text()
        for headers in ({"Origin": "http://elsewhere.example"}, {"Host": "elsewhere.example"}):
            assert (await browser.get(drive, headers=headers)).status == 403
        async with browser.ws_connect(drive, origin=page.rstrip("/")) as app:
            await shown(app, "Plans")
            await app.send_json(["stdin", "?"])
            await shown(app, "Keys")


def test_other_machines_are_let_in_only_when_asked(repository: Path, call: Call) -> None:
    refused = call("web", "--host", "192.0.2.7")
    assert refused.code == 2
    assert "--beyond-this-machine" in refused.err
    assert call("web", "--host", "0.0.0.0", "--beyond-this-machine").code == 2
    asked = call("web", "--host", "192.0.2.7", "--beyond-this-machine")
    assert asked.code != 0
    assert "without encryption" in asked.err
    assert "cannot listen on 192.0.2.7" in asked.err


def test_without_textual_serve_it_says_what_to_install(
    repository: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    answer = call("web")
    assert answer.code != 0
    assert "pip install 'cc4tui[web]'" in answer.err
