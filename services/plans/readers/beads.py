"""beads: one issue a line in ``issues.jsonl``."""

import json
from typing import Any

from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source


NAME = "beads"


def detect(source: Source) -> str | None:
    """The first line that is not blank is an object with id, title and status."""
    first = next((line for line in source.lines if line.strip()), "")
    value = json_line(first)
    if value is None or not {"id", "title", "status"} <= value.keys():
        return None
    return "JSON lines with id, title and status"


def json_line(line: str) -> dict[str, Any] | None:
    """A line as an object; None when it is none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read(source: Source, plan: PlanDraft, _options: Options) -> None:
    """Epics with children are batches, tombstones are left out (R19)."""
    from cc4tui.services.plans.readers.beads_issues import read_issues

    plan.ordered = False
    read_issues(source.lines, plan)


READER = Reader(NAME, detect, read)
