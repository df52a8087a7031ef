"""Records of the domain as rows of the tables, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from cc4tui.domain.run import AttemptRecord, RunRecord, TaskRunRecord
from cc4tui.domain.usage import TokenUsage


if TYPE_CHECKING:
    from cc4tui.domain.spending import Work


Record = RunRecord | TaskRunRecord | AttemptRecord
R = TypeVar("R", TaskRunRecord, AttemptRecord)

_TOKENS = tuple(f.name for f in fields(TokenUsage))
_KEYS: Mapping[type[Record], frozenset[str]] = {
    RunRecord: frozenset({"id"}),
    TaskRunRecord: frozenset({"run", "task"}),
    AttemptRecord: frozenset({"run", "task", "attempt"}),
}
_SETTABLE = {kind: frozenset(f.name for f in fields(kind)) - keys for kind, keys in _KEYS.items()}


def columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a record as columns: `usage` becomes one column for each kind of token."""
    row = dict(values)
    usage = row.pop("usage", None)
    if usage is not None:
        row.update(asdict(usage))
    return row


def check_fields(kind: type[Record], values: Mapping[str, Any]) -> None:
    """Raise ValueError for what is no field of the record, or is its key."""
    wrong = values.keys() - _SETTABLE[kind]
    if wrong:
        raise ValueError(f"Not a field of {kind.__name__} that can be set: {sorted(wrong)}")


def row_of(record: Record) -> dict[str, Any]:
    """A whole record as columns."""
    return columns({f.name: getattr(record, f.name) for f in fields(record)})


def run_record(row: sa.Row[Any]) -> RunRecord:
    """A row of `runs`."""
    values = dict(row._mapping)
    del values["last_seq"]
    return RunRecord(**values)


def with_usage(kind: type[R], row: sa.Row[Any]) -> R:
    """A row of `task_runs` or `attempts`."""
    return _with_usage(kind, dict(row._mapping))


def work_of(row: sa.Row[Any]) -> Work:
    """A row of `attempts` with the batch of its task."""
    from cc4tui.domain.spending import Work

    values = dict(row._mapping)
    batch = values.pop("batch")
    return Work(_with_usage(AttemptRecord, values), batch)


def _with_usage(kind: type[R], values: dict[str, Any]) -> R:
    usage = TokenUsage(**{name: values.pop(name) for name in _TOKENS})
    return kind(**values, usage=usage)
