"""Keeps an agent's output from filling the disk: its head and its tail stay, the middle is freed.

The agent writes into the files itself and goes on appending; sizes and offsets stay true, so
whoever reads along finds a hole instead of what is gone.
"""

import os
import time
from collections.abc import Callable

from . import kernel


BLOCK = 64 * 1024
"""Holes begin and end at multiples of this: of every usual size of a block on a disk."""
_LONGEST_SECONDS = 0.5
_SHORTEST_SECONDS = 0.01

Punch = Callable[[int, int, int], None]


class CappedFile:
    """One output file.

    Args:
        fd: The file, open for writing.
        limit: Bytes it may take up on the disk, more or less: what is written between two looks
            comes on top. Half of it is for the head.
        punch: Frees a range of a file.
    """

    def __init__(self, fd: int, limit: int, punch: Punch = kernel.punch_hole) -> None:
        self._fd = fd
        self._limit = max(limit, 4 * BLOCK)
        self._punch = punch
        self._head = self._limit // 2 // BLOCK * BLOCK
        self._hole_end = self._head
        self.room = self._limit
        """Bytes until the next hole is due."""

    def enforce(self) -> None:
        """Free what is too much.

        Raises:
            OSError: the system or the file system cannot.
        """
        size = os.fstat(self._fd).st_size
        if size < self._hole_end:  # somebody has cut it
            self._hole_end = self._head
        kept = size - (self._hole_end - self._head)
        if kept > self._limit:
            end = (size - self._limit // 4) // BLOCK * BLOCK
            self._punch(self._fd, self._hole_end, end - self._hole_end)
            kept -= end - self._hole_end
            self._hole_end = end
        self.room = self._limit - kept


class OutputCap:
    """The cap on both outputs of one agent.

    Args:
        fds: The files.
        limit: Bytes for each.
    """

    def __init__(
        self,
        fds: tuple[int, ...],
        limit: int,
        clock: Callable[[], float] = time.monotonic,
        punch: Punch = kernel.punch_hole,
    ) -> None:
        self._files = [CappedFile(fd, limit, punch) for fd in fds]
        self._clock = clock
        self._looked = clock()
        self._room = min(file.room for file in self._files)
        self.seconds = _LONGEST_SECONDS
        """How long the next look may wait."""

    def enforce(self) -> None:
        """Look, free what is too much, and decide by the speed of growth when to look again.

        Raises:
            OSError: the system or the file system cannot free it.
        """
        for file in self._files:
            try:
                file.enforce()
            except InterruptedError:
                continue
        now, room = self._clock(), min(file.room for file in self._files)
        speed = (self._room - room) / max(now - self._looked, 0.001)
        self._looked, self._room = now, room
        half_way = room / speed / 2 if speed > 0 else _LONGEST_SECONDS
        self.seconds = min(max(half_way, _SHORTEST_SECONDS), _LONGEST_SECONDS)
