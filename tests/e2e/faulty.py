"""The program, started by tests so that it dies at chosen transactions of its journal.

CC4_FAULT_FILE names a file with one line for every death so far. The program kills itself before or
after the first transaction of a kind that has no line yet; CC4_FAULT_BY=task counts the same
transaction of another task as another kind. After each death it is started again, as a fork of a
process that has everything imported: the deaths are many, and imports are most of a start.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import cc4tui.runtime
from cc4tui.cli.main import main
from cc4tui.events import Event
from cc4tui.ports import Write
from cc4tui.storage.store import SqlStore


FILE = Path(os.environ["CC4_FAULT_FILE"])
BY_TASK = os.environ.get("CC4_FAULT_BY") == "task"


def kind(write: Write) -> str:
    """What a transaction is: its steps, states and events."""
    values = [one.values for one in (*write.attempts, *write.tasks)] + [write.run_values]
    parts = {
        str(value[key]) for value in values for key in ("step", "state", "status") if key in value
    }
    parts |= {event.name for event in write.events}
    tasks = sorted({one.task for one in (*write.attempts, *write.tasks)}) if BY_TASK else []
    return "+".join([*tasks, *sorted(parts)])


def die_once(point: str) -> None:
    """SIGKILL unless this point was met before."""
    if point in FILE.read_text().splitlines():
        return
    with FILE.open("a") as file:
        file.write(f"{point}\n")
    os.kill(os.getpid(), signal.SIGKILL)


real_commit, real_create = SqlStore.commit, SqlStore.create_run


async def commit(self: SqlStore, write: Write) -> tuple[Event, ...]:
    """Die before, or after, the transaction and before whatever it announces."""
    die_once(f"before {kind(write)}")
    events = await real_commit(self, write)
    die_once(f"after {kind(write)}")
    return events


async def create_run(self: SqlStore, *records: Any) -> None:
    """The first transaction of a run."""
    die_once("before create_run")
    await real_create(self, *records)
    die_once("after create_run")


def start() -> int:
    """One start of the program, as a process of its own; its wait status."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    os.setsid()
    main()
    raise AssertionError("main exits")


SqlStore.commit = commit  # type: ignore[method-assign]
SqlStore.create_run = create_run  # type: ignore[method-assign]
assert cc4tui.runtime
while True:
    status = start()
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
