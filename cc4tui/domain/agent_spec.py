"""A configured agent: all that is known of agents before one is started."""

from collections.abc import Mapping
from dataclasses import dataclass, field


POLICIES = ("ask", "accept-edits", "yolo", "read-only")
"""What an agent may do without asking: look around, change files too, everything; or only look."""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A configured agent: which driver, which program, with what."""

    name: str
    driver: str
    """claude, command, shell, rehearsal, ..."""
    command: tuple[str, ...] = ()
    model: str | None = None
    effort: str | None = None
    """How hard it is to think where the plan does not say."""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the allow-list of variables that is passed through."""
    policy: str = "yolo"
    """What it may do by itself: one of POLICIES."""
