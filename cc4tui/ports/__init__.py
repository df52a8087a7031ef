"""The borders of the pipeline: storage, agents, processes, and what screens may ask for.

A module of it is imported when one of its names is asked for: all of them hold thirty dataclasses,
and the first frame needs one.
"""

from importlib import import_module
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from cc4tui.ports.agents import AgentBackend, AgentStream, Conversation, ScreenBackend
    from cc4tui.ports.center import (
        Against,
        CommandCenter,
        Decision,
        Instance,
        MessageWay,
        OpenRequest,
        OutputNote,
        OutputReader,
        OutputSize,
        PlanSummary,
        Retry,
        RunOptions,
        SavedWork,
        TaskChanges,
        Terminal,
        TrustQuestion,
    )
    from cc4tui.ports.place import RepositoryInfo
    from cc4tui.ports.processes import (
        Process,
        ProcessEnd,
        ProcessHost,
        ProcessIdentity,
        ProcessSpec,
    )
    from cc4tui.ports.runs import RunView
    from cc4tui.ports.storage import (
        AttemptUpdate,
        Journal,
        Notebook,
        Request,
        Store,
        TaskUpdate,
        Write,
    )
else:

    def __getattr__(name: str) -> object:
        if name in __all__:
            for module in _MODULES:
                found = getattr(import_module(f"cc4tui.ports.{module}"), name, None)
                if found is not None:
                    return globals().setdefault(name, found)
        raise AttributeError(f"cc4tui.ports has no {name}")


__all__ = [
    "Against",
    "AgentBackend",
    "AgentStream",
    "AttemptUpdate",
    "CommandCenter",
    "Conversation",
    "Decision",
    "Instance",
    "Journal",
    "MessageWay",
    "Notebook",
    "OpenRequest",
    "OutputNote",
    "OutputReader",
    "OutputSize",
    "PlanSummary",
    "Process",
    "ProcessEnd",
    "ProcessHost",
    "ProcessIdentity",
    "ProcessSpec",
    "RepositoryInfo",
    "Request",
    "Retry",
    "RunOptions",
    "RunView",
    "SavedWork",
    "ScreenBackend",
    "Store",
    "TaskChanges",
    "TaskUpdate",
    "Terminal",
    "TrustQuestion",
    "Write",
]

_MODULES = ("place", "runs", "agents", "processes", "storage", "center")
"""In the order of what they cost to import."""
