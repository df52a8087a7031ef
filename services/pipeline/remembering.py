"""What a run is, in a file of its folder: for the day on which the database cannot be read."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from cc4tui.domain.run import RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.services.git.files import read_regular, write_atomic


FILE = "record"


def remember_run(folder: Path, run: RunRecord, tasks: Sequence[TaskRunRecord]) -> None:
    """Write down what a run is, beside its plan.

    Raises:
        OSError: the folder cannot be written.
    """
    kept = {"run": asdict(run), "tasks": [asdict(task) for task in tasks]}
    data = json.dumps(kept, default=str).encode("utf-8", "surrogateescape")
    write_atomic(folder / FILE, data)


def remembered_runs(journal: Path) -> list[tuple[RunRecord, list[TaskRunRecord]]]:
    """Every run that was written down, oldest first; what cannot be read is left out."""
    found = []
    for folder in journal.glob("*/"):
        data = read_regular(folder / FILE)
        try:
            kept = json.loads(data or b"")
            found.append((_run(kept["run"]), [_task(task) for task in kept["tasks"]]))
        except (ValueError, TypeError, KeyError):
            continue
    return sorted(found, key=lambda pair: pair[0].started)


def _run(values: dict[str, Any]) -> RunRecord:
    values["status"] = RunStatus(values["status"])
    values["started"] = datetime.fromisoformat(values["started"])
    return RunRecord(**_known(RunRecord, values))


def _task(values: dict[str, Any]) -> TaskRunRecord:
    values["state"] = TaskRunState(values["state"])
    values |= {name: tuple(values[name]) for name in ("waits_for", "files")}
    del values["usage"], values["reason_code"]
    return TaskRunRecord(**_known(TaskRunRecord, values))


def _known(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """Without what another version added."""
    names = {item.name for item in fields(kind)}
    return {name: value for name, value in values.items() if name in names}
