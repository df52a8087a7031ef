"""Where the program is: what the first frame shows of the repository."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RepositoryInfo:
    """What the status line says of the repository."""

    name: str
    root: Path
    branch: str | None
    """None = detached HEAD."""
