"""Where the program is: what the first frame shows of the repository."""

from pathlib import Path
from typing import NamedTuple


class RepositoryInfo(NamedTuple):
    """What the status line says of the repository."""

    name: str
    root: Path
    branch: str | None
    """None = detached HEAD."""
