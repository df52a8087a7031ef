"""Where the program was started, for commands that need neither the database nor the pipeline."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cc4tui.paths import StatePaths


if TYPE_CHECKING:
    from cc4tui.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, found but not opened."""

    root: Path | None
    """The checkout; None in a bare repository."""
    common_dir: Path
    state: StatePaths

    @property
    def trust(self) -> "TrustStore":
        """What the person said yes to here."""
        from cc4tui.trust import TrustStore

        return TrustStore(self.state.root, self.common_dir)


def find_place(start: Path) -> Place:
    """The repository that holds `start`.

    Raises:
        UnfitError: git is missing or too old, or there is no repository.
    """
    import asyncio

    return asyncio.run(locate_place(start))


async def locate_place(start: Path) -> Place:
    """`find_place` for those who run in an event loop already."""
    from cc4tui.services.git.discovery import locate
    from cc4tui.services.git.runner import GitRunner

    runner = await GitRunner.find()
    try:
        location = await locate(runner, start)
    finally:
        runner.close()
    return Place(location.root, location.common_dir, StatePaths.of(location.common_dir))
