"""Turns what supervisors record into the domain's words."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cc4tui.domain.agent import ExitStatus
from cc4tui.ports import ProcessEnd, ProcessIdentity
from cc4tui.services.processes.supervision import procfs, records


LOST = ExitStatus(None, "supervisor-lost")
"""Nobody was left who could have seen how it ended."""


def end_from(record: Mapping[str, Any]) -> ProcessEnd:
    """From an `ended` record or message."""
    return ProcessEnd(
        status=ExitStatus(record["code"], record["why"], record.get("errno")),
        killed=record["killed"],
        out_size=record["out"],
    )


def identity_from(record: Mapping[str, Any]) -> ProcessIdentity | None:
    """From an `agent` record or a state message; None when the agent could not be started."""
    if "pid" not in record:
        return None
    return ProcessIdentity(record["pid"], record["start"], record["boot"])


def supervisor_from(record: Mapping[str, Any]) -> ProcessIdentity | None:
    """The supervisor behind an `agent` record or a state message."""
    if "supervisor" not in record:
        return None
    return ProcessIdentity(record["supervisor"], record["supervisor_start"], record["boot"])


def zygote_from(record: Mapping[str, Any]) -> ProcessIdentity | None:
    """The supervisor's parent when the agent was started."""
    if "zygote" not in record:
        return None
    return ProcessIdentity(record["zygote"], record["zygote_start"], record["boot"])


def began(folder: Path) -> float | None:
    """When the agent was started, by `time.monotonic` of this boot; None when that is not known."""
    record = records.load(str(folder), records.AGENT) or {}
    if record.get("boot") != procfs.boot_id() or not isinstance(record.get("began"), float):
        return None
    return float(record["began"])


def worked_seconds(folder: Path) -> float:
    """How long the agent itself ran, whoever was there; 0 when that is not known."""
    start = records.load(str(folder), records.AGENT) or {}
    end = records.load(str(folder), records.EXIT) or {}
    if not isinstance(start.get("began"), float):
        return 0.0
    ended = end.get("ended", time.monotonic() if began(folder) else start["began"])
    return float(max(ended - start["began"], 0.0))


def recorded_end(folder: Path) -> ProcessEnd | None:
    """What `ended` says; None while the tree may still run."""
    record = records.load(str(folder), records.ENDED)
    return None if record is None else end_from(record)
