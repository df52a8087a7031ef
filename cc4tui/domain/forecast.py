"""How a run would go, as far as it can be known before it starts."""

from dataclasses import dataclass

from cc4tui.domain.plan import Diagnostic


@dataclass(frozen=True, slots=True)
class ForecastTask:
    """A task in the order in which it would start."""

    id: str
    title: str
    agent: str
    wave: int
    """From 0: what starts together if all tasks take equally long."""
    held_by: str | None = None
    """The task that it would wait for only because both name the same file."""
    files: tuple[str, ...] = ()
    """Those that both name."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A task that would not run, and why."""

    id: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """A file or folder that several tasks name which nothing else puts in order."""

    path: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Order, clashes and time of a run of a plan."""

    plan: str
    workers: int
    tasks: tuple[ForecastTask, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    seconds: tuple[float, float] | None = None
    """The run would take between the first and the second; None when nobody can know."""
    samples: int = 0
    """Finished tasks of past runs that `seconds` rests on."""
    unknown_agents: tuple[str, ...] = ()
    """Agents with too few finished tasks to tell how long they take."""
    problems: tuple[Diagnostic, ...] = ()
    """Of the plan; with an error among them it cannot run."""
    unfit: tuple[str, ...] = ()
    """Why it could not start here as it is: sentences."""
    cut: bool = False
    """Too many tasks clash for all of the order to be worked out."""

    @property
    def waves(self) -> int:
        """Waves there are."""
        return max((task.wave + 1 for task in self.tasks), default=0)

    @property
    def held(self) -> tuple[ForecastTask, ...]:
        """Tasks that wait for a file."""
        return tuple(task for task in self.tasks if task.held_by is not None)


@dataclass(frozen=True, slots=True)
class DryRunTask:
    """What a run would do with one task."""

    id: str
    title: str
    waits_for: tuple[str, ...]
    reason: str
    """Why it is in its wave, or not in any."""
    runs: bool = True
