"""Asks an attempt's supervisor how its agent does, without taking it over."""

import socket
from dataclasses import dataclass
from pathlib import Path

from cc4tui.services.processes.sockets import connect
from cc4tui.services.processes.supervision import wire


_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What a living supervisor says."""

    alive: bool
    """Whether the agent itself runs; its descendants may be being ended."""
    kept: bool
    """Whether it runs on when its owner is gone."""
    stopping: str | None
    """Why it is being ended; None = it is not."""

    @property
    def works_on(self) -> bool:
        """Whether it goes on with nobody there, because that was wanted."""
        return self.kept and self.stopping is None


def look(folder: Path) -> Sight | None:
    """See how the agent of an attempt does; None when nobody watches over it any more. Blocks."""
    decoder = wire.Decoder()
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(_ANSWER_SECONDS)
            connect(sock, folder)
            while data := sock.recv(65536):
                for message in decoder.feed(data):
                    if message.get("ev") == "state":
                        return _sight(message)
    except (OSError, ValueError):
        return None
    return None


def _sight(state: wire.Message) -> Sight:
    return Sight(
        alive=bool(state.get("alive")),
        kept=state.get("on_app_loss") == "keep",
        stopping=state.get("stopping"),
    )
