"""Messages between the app and the program: one JSON object per line, both ways.

Requests (``op``): ``state``, ``own``, ``stdin`` (data in base64), ``eof``, ``signal`` (sig),
``stop`` (why, at_once), ``policy`` (on_app_loss: kill or keep).
Events (``ev``): ``state``, ``exit``, ``ended``, ``refused`` (why), ``policy``, ``disowned``.
"""

import json
from typing import Any


Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"


class Decoder:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Messages completed by these bytes.

        Raises:
            ValueError: a line is not a JSON object.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        messages = [json.loads(line) for line in lines]
        if not all(isinstance(message, dict) for message in messages):
            raise ValueError("a message that is no JSON object")
        return messages
