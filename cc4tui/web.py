"""The app in a browser: each page drives an app of its own in a process of its own."""

import hmac
import secrets
import shlex
import socket
import sys
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

from cc4tui.errors import UnfitError


COOKIE = "cc4tui"


def serve(root: Path, host: str, port: int) -> None:
    """Serve the app of a repository until Ctrl-C; what a page ran is stopped when it is closed.

    Raises:
        UnfitError: the port is taken, or the address is none of this machine's.
    """
    try:
        socket.create_server((host, port), family=family(host)).close()
    except OSError as error:
        raise UnfitError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    # -P: the repository is the current folder, and what it holds is no part of us.
    command = shlex.join([sys.executable, "-P", "-m", "cc4tui", "-C", str(root)])
    GuardedServer(command, host, port, title="cc4tui").serve()


def family(host: str) -> socket.AddressFamily:
    """Of an address in digits."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class GuardedServer(Server):
    """Lets in whoever has the link.

    Everybody on this machine reaches its loopback address, and so does every page that is open in
    the person's browser; but whoever reaches the app runs programs as this person. So the link
    carries a key, a cookie keeps it, and no other page may connect.
    """

    def __init__(self, command: str, host: str, port: int, title: str) -> None:
        shown = f"[{host}]" if ":" in host else host
        super().__init__(command, host, port, title, f"http://{shown}:{port}")
        self._key = secrets.token_urlsafe(24)

    def initialize_logging(self) -> None:
        """Say nothing of each request."""

    async def on_startup(self, app: web.Application) -> None:
        """Tell the link."""
        self.console.print(f"{self.public_url}/?key={self._key}", soft_wrap=True, markup=False)
        self.console.print("Open this link in a browser; Ctrl-C ends it.")

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        key = request.query.get("key")
        if key is not None and request.path == "/" and self._fits(key):
            welcome = web.HTTPFound("/")
            welcome.set_cookie(COOKIE, self._key, httponly=True, samesite="Strict")
            raise welcome
        ours = request.headers.get("Origin") in (None, self.public_url)
        named = f"http://{request.host}" == self.public_url
        if not (ours and named and self._fits(request.cookies.get(COOKIE, ""))):
            raise web.HTTPForbidden(text="Open the link that `cc4tui web` printed.\n")
        return await handler(request)

    def _fits(self, key: str) -> bool:
        return hmac.compare_digest(key.encode(), self._key.encode())
