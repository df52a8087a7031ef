"""Who is connected to a supervisor, and which of them owns the agent."""

import os
import socket
from collections.abc import Callable

from . import kernel, records, wire
from .reactor import Reactor


class Connection:
    """One unix stream socket that carries messages both ways; never blocks."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._decoder = wire.Decoder()

    def send(self, message: wire.Message) -> None:
        """Send an event. A peer that does not read loses it: it learns the state when it attaches
        again, and the end from the files."""
        try:
            self.sock.send(wire.encode(message))
        except OSError:
            pass

    def receive(self) -> list[wire.Message] | None:
        """Requests that arrived; None when the peer is gone or talks nonsense."""
        try:
            data = self.sock.recv(65536)
            return self._decoder.feed(data) if data else None
        except BlockingIOError:
            return []
        except (OSError, ValueError):
            return None


class Control:
    """Connections of one supervisor.

    Exactly one of them may be the owner. Its end, or the end of the process behind it, is the loss
    of the app; anybody else may only watch, and keeps nothing alive.

    Args:
        app: A pidfd of the owner's process, where there is one: a copy of the socket that leaked
            into some other process must not keep agents alive.
        request: Told each request of the owner.
        lost: Told once when the owner is gone.
        state: The state event, for whoever connects or asks.
    """

    def __init__(
        self,
        reactor: Reactor,
        owner: socket.socket,
        app: int | None,
        request: Callable[[wire.Message], None],
        lost: Callable[[], None],
        state: Callable[[], wire.Message],
    ) -> None:
        self._reactor = reactor
        self._request = request
        self._lost = lost
        self._state = state
        self._connections: list[Connection] = []
        self._app: int | None = None
        self._owner: Connection | None = self._add(owner)
        self._watch_app(app)
        self._listen()

    def broadcast(self, event: wire.Message) -> None:
        """Tell everybody who is connected."""
        for connection in self._connections:
            connection.send(event)

    def close(self) -> None:
        """Take nobody in any more."""
        try:
            os.unlink(records.SOCK)
        except FileNotFoundError:
            pass

    def _listen(self) -> None:
        """Bind a relative name: the folder may be deeper than the 107 bytes a socket's path may
        have (103 on macOS)."""
        self.close()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(records.SOCK)
        self._listener.listen(16)
        self._listener.setblocking(False)
        self._reactor.watch(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # it has gone again
            return
        if not kernel.same_user(sock):
            sock.close()
            return
        self._add(sock).send(self._state())

    def _add(self, sock: socket.socket) -> Connection:
        connection = Connection(sock)
        self._connections.append(connection)
        self._reactor.watch(sock.fileno(), lambda: self._receive(connection))
        return connection

    def _receive(self, connection: Connection) -> None:
        messages = connection.receive()
        if messages is None:
            self._drop(connection)
            return
        for message in messages:
            self._dispatch(connection, message)

    def _dispatch(self, connection: Connection, message: wire.Message) -> None:
        match message.get("op"):
            case "state":
                connection.send(self._state())
            case "own":
                self._change_owner(connection)
            case _ if connection is self._owner:
                self._request(message)

    def _change_owner(self, connection: Connection) -> None:
        """The last one to ask owns it: the lock of the repository decides who may ask, and the app
        before may be dying without its sockets being closed yet."""
        if self._owner is not None and self._owner is not connection:
            self._owner.send({"ev": "disowned"})
        self._owner = connection
        self._watch_app(kernel.peer_pidfd(connection.sock))
        connection.send(self._state())

    def _watch_app(self, app: int | None) -> None:
        self._unwatch_app()
        self._app = app
        if app is not None:
            self._reactor.watch(app, self._lose_owner)

    def _unwatch_app(self) -> None:
        if self._app is not None:
            self._reactor.unwatch(self._app)
            os.close(self._app)
            self._app = None

    def _lose_owner(self) -> None:
        self._unwatch_app()
        self._owner = None
        self._lost()

    def _drop(self, connection: Connection) -> None:
        self._connections.remove(connection)
        self._reactor.unwatch(connection.sock.fileno())
        connection.sock.close()
        if connection is self._owner:
            self._lose_owner()
