"""What a `Write` does to the tables, inside the writer's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cc4tui.domain.run import AttemptRecord, RunRecord, TaskRunRecord
from cc4tui.errors import NotFoundError, StaleWriteError, UsageError
from cc4tui.storage import event_log, prepared
from cc4tui.storage.records import check_fields, columns, row_of
from cc4tui.storage.tables import attempts, runs, task_runs


if TYPE_CHECKING:
    from cc4tui.events import Event
    from cc4tui.ports import AttemptUpdate, TaskUpdate, Write


_SET_RUN = sa.update(runs).where(runs.c.id == sa.bindparam("of_run"))
_SET_ATTEMPT = sa.update(attempts).where(
    attempts.c.run == sa.bindparam("of_run"),
    attempts.c.task == sa.bindparam("of_task"),
    attempts.c.attempt == sa.bindparam("of_attempt"),
)
_ADD_ATTEMPT = sa.insert(attempts)
_TASK_NOW = sa.select(task_runs.c.state, task_runs.c.fence).where(
    task_runs.c.run == sa.bindparam("of_run"), task_runs.c.task == sa.bindparam("of_task")
)


def check(write: Write) -> None:
    """Raise ValueError for what could never be stored, before it is queued."""
    from cc4tui.events import AgentOutput

    check_fields(RunRecord, write.run_values)
    for task in write.tasks:
        check_fields(TaskRunRecord, task.values)
    for attempt in write.attempts:
        check_fields(AttemptRecord, attempt.values)
    for event in write.events:
        if event.run != write.run or isinstance(event, AgentOutput):
            raise ValueError(f"Not an event to store with run {write.run}: {event}")


def apply(connection: sa.Connection, write: Write) -> tuple[Event, ...]:
    """Store all of it; whatever raises undoes all of it. The fences come first: they may refuse."""
    for task in write.tasks:
        _update_task(connection, write.run, task)
    if write.new_tasks:
        connection.execute(sa.insert(task_runs), [row_of(task) for task in write.new_tasks])
    for attempt in write.attempts:
        _put_attempt(connection, write.run, attempt)
    if write.run_values:
        _update_run(connection, write)
    return event_log.append(connection, write.run, write.events) if write.events else ()


def create_run(connection: sa.Connection, run: RunRecord, tasks: Sequence[TaskRunRecord]) -> None:
    """Insert a run and its tasks."""
    if connection.scalar(sa.select(runs.c.id).where(runs.c.id == run.id)) is not None:
        raise UsageError(f"There is a run {run.id} already")
    doubles = len(tasks) - len({task.task for task in tasks})
    if doubles:
        raise UsageError(f"The plan of run {run.id} has {doubles} task ids twice")
    connection.execute(sa.insert(runs), row_of(run) | {"last_seq": 0})
    if tasks:
        connection.execute(sa.insert(task_runs), [row_of(task) for task in tasks])


def require_run(connection: sa.Connection, run: str) -> None:
    """Raise NotFoundError when there is no such run."""
    if connection.scalar(sa.select(runs.c.id).where(runs.c.id == run)) is None:
        raise NotFoundError(f"There is no run {run}")


@lru_cache(maxsize=64)
def _fenced(states: int, fenced: bool) -> sa.Update:
    """The UPDATE of a claim: it matches its row only in one of some states, and with one fence."""
    statement = sa.update(task_runs).where(
        task_runs.c.run == sa.bindparam("of_run"), task_runs.c.task == sa.bindparam("of_task")
    )
    if states:
        within = (task_runs.c.state == sa.bindparam(f"of_state_{n}") for n in range(states))
        statement = statement.where(sa.or_(*within))
    if fenced:
        statement = statement.where(task_runs.c.fence == sa.bindparam("of_fence"))
    return statement


def _update_task(connection: sa.Connection, run: str, update: TaskUpdate) -> None:
    statement = _fenced(len(update.expect), update.fence is not None)
    of: dict[str, Any] = {"of_run": run, "of_task": update.task}
    of |= {f"of_state_{n}": state for n, state in enumerate(sorted(update.expect))}
    if update.fence is not None:
        of["of_fence"] = update.fence
    # An update without values is a check only; it still has to set something.
    values = columns(update.values) or {"task": update.task}
    if prepared.run(connection, statement, of | values).rowcount != 1:
        raise _refusal(connection, run, update)


def _refusal(
    connection: sa.Connection, run: str, update: TaskUpdate
) -> StaleWriteError | NotFoundError:
    """Why no row matched, with what is there now."""
    now = connection.execute(_TASK_NOW, {"of_run": run, "of_task": update.task}).one_or_none()
    if now is None:
        return NotFoundError(f"There is no task {update.task} in run {run}")
    wanted = " or ".join(sorted(update.expect)) or "any state"
    fence = "any fence" if update.fence is None else f"fence {update.fence}"
    return StaleWriteError(
        f"Task {update.task} of run {run} is {now.state} with fence {now.fence}, "
        f"not {wanted} with {fence}: somebody else has it"
    )


def _put_attempt(connection: sa.Connection, run: str, update: AttemptUpdate) -> None:
    of = {"of_run": run, "of_task": update.task, "of_attempt": update.attempt}
    values = columns(update.values) or {"attempt": update.attempt}
    if prepared.run(connection, _SET_ATTEMPT, of | values).rowcount == 1:
        return
    record = AttemptRecord(run=run, task=update.task, attempt=update.attempt, **update.values)
    try:
        prepared.run(connection, _ADD_ATTEMPT, row_of(record))
    except connection.dialect.loaded_dbapi.IntegrityError as error:
        raise NotFoundError(f"There is no task {update.task} in run {run}") from error


def _update_run(connection: sa.Connection, write: Write) -> None:
    of = {"of_run": write.run}
    if prepared.run(connection, _SET_RUN, of | dict(write.run_values)).rowcount != 1:
        raise NotFoundError(f"There is no run {write.run}")
