"""A run's own copies of its plan: the one it goes by, and those that it went by before."""

from pathlib import Path


class PlanCopies:
    """The files ``plan``, ``plan.next`` and ``plan.<n>`` of a run's folder.

    An edit is written down before the run takes it over, and what it replaces stays: tasks of
    either text may be in the database when the program dies in between.
    """

    def __init__(self, folder: Path) -> None:
        self.current = folder / "plan"
        """What a resumed run goes by."""
        self._next = folder / "plan.next"

    def holds(self, data: bytes) -> bool:
        """Whether the run goes by exactly this text."""
        return self.current.read_bytes() == data

    def propose(self, data: bytes) -> None:
        """An edit that the run is about to take over."""
        self._next.write_bytes(data)

    def accept(self) -> None:
        """The run has taken it over."""
        earlier = self.current.with_name(f"plan.{len(self._earlier()) + 1}")
        earlier.write_bytes(self.current.read_bytes())
        self._next.replace(self.current)

    def withdraw(self) -> None:
        """The run has not taken it over."""
        self._next.unlink(missing_ok=True)

    @property
    def proposed(self) -> bool:
        """Whether an edit was being taken over when the program died."""
        return self._next.exists()

    def others(self) -> list[Path]:
        """Copies that some task may still go by, the newest first."""
        return [*([self._next] if self.proposed else []), *self._earlier()]

    def _earlier(self) -> list[Path]:
        named = [(path.suffix[1:], path) for path in self.current.parent.glob("plan.*")]
        numbered = [(int(number), path) for number, path in named if number.isdigit()]
        return [path for _, path in sorted(numbered, reverse=True)]
