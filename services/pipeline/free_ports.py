"""Finds ports that nothing listens on, so that agents' servers do not meet each other."""

import socket
from collections.abc import Collection


FIRST, LAST = 20_000, 32_000
"""Below the ports that systems give to outgoing connections."""
PORTS_PER_SLOT = 10
"""A worktree gets this many in a row, of which it is told the first."""


def first_free(wanted: int | None, taken: Collection[int], offset: int) -> int:
    """The first port of a free row.

    Args:
        wanted: The one it had; it stays if nothing listens there now.
        taken: First ports of others.
        offset: Where to begin to look: users of different offsets rarely meet.
    """
    rows = (LAST - FIRST) // PORTS_PER_SLOT
    starts = (FIRST + (offset + number) % rows * PORTS_PER_SLOT for number in range(rows))
    candidates = starts if wanted is None else (wanted, *starts)
    for start in candidates:
        if start not in taken and all(_is_free(start + n) for n in range(PORTS_PER_SLOT)):
            return start
    return wanted or FIRST + offset % rows * PORTS_PER_SLOT


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        # Without it a server that has just ended would keep its port for a minute.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
