"""A program that ended while nobody was there, as if it were still to be waited for."""

from pathlib import Path

from cc4tui.ports import ProcessEnd, ProcessIdentity


class EndedProcess:
    """Implements `cc4tui.ports.Process` for a program whose end is known already."""

    def __init__(self, folder: Path, end: ProcessEnd) -> None:
        self._folder = folder
        self._end = end

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def identity(self) -> ProcessIdentity | None:
        """It has none any more."""
        return None

    async def ended(self) -> ProcessEnd:
        """Its end, at once."""
        return self._end

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Nothing is left to stop."""

    async def keep(self) -> None:
        """Nothing is left to keep."""

    def die_with_us(self) -> None:
        """Nothing is left to die."""

    def send(self, data: bytes) -> None:
        """Nobody reads it."""

    def close_stdin(self) -> None:
        """Nobody reads it."""
