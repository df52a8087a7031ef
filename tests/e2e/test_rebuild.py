"""A database that cannot be read any more: set aside, and the runs told again from git."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest


pytestmark = pytest.mark.integration

PLAN = """\
---
cc4: 1
---
# Rebuilt

## Batch 1: B
- [ ] 1.1 One
- [ ] 1.2 Two

## Batch 2: C
- [ ] 2.1 Three
"""
WRITES = "pathlib.Path(f'{task}.txt').write_text(task)"


def database(project: Any) -> Path:
    (found,) = project.state.glob("*/cc4tui.db")
    return found


def ruin(project: Any) -> None:
    """Nothing of it can be read."""
    database(project).write_bytes(os.urandom(50_000))
    for end in ("-wal", "-shm"):
        database(project).with_name(f"cc4tui.db{end}").unlink(missing_ok=True)


def ruin_events(project: Any) -> None:
    """One table cannot be read, and it is known."""
    with closing(sqlite3.connect(database(project))) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'events'"
        (page,) = connection.execute(query).fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with database(project).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\x5a" * 4096)
    database(project).with_name("cc4tui.db-damage-seen").touch()


@pytest.fixture
def planned(project: Any) -> Any:
    project.write("plan.md", PLAN)
    project.commit("plan")
    return project


@pytest.mark.parametrize("damage", [ruin, ruin_events])
def test_a_run_that_has_ended_is_told_again(planned, agent, ledger, damage):
    first = planned.run("plan.md", "--agent-command", agent(WRITES))
    assert first.code == 0
    damage(planned)
    told = planned.cc4tui("status", "--json")
    assert "was damaged" in told.err
    assert "1 run told again from their folders and git" in told.err
    assert told.err.count("\n") == 1
    assert told.json["run"] == first.finished["run"]
    assert told.json["status"] == "succeeded"
    assert [task["state"] for task in told.json["tasks"]] == ["landed"] * 3
    assert all(task["merged_as"] for task in told.json["tasks"])
    again = planned.run("plan.md", "--agent-command", agent(WRITES))
    assert again.code == 0
    assert set(again.states.values()) == {"skipped"}
    assert again.err.count("damaged") == 0
    assert len([line for line in ledger() if line.startswith("end")]) == 3


@pytest.mark.parametrize("damage", [ruin, ruin_events])
def test_a_run_that_was_cut_goes_on_without_doing_anything_twice(planned, agent, ledger, damage):
    waits = "pathlib.Path(f'{task}.txt').write_text(task)\nif task == '2.1': time.sleep(30)"
    process = planned.start("run", "plan.md", "--json", "--yes", "--agent-command", agent(waits))
    for line in process.stdout:
        if "attempt_started" in line and '"task": "2.1"' in line:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    damage(planned)
    done = planned.run("plan.md", "--agent-command", agent(WRITES))
    assert done.code == 0, done.err
    assert "was damaged" in done.err
    assert set(planned.states().values()) == {("landed", None)}
    ends = [line.split()[1] for line in ledger() if line.startswith("end")]
    assert sorted(ends) == ["1.1", "1.2", "2.1"]
    assert "start 2.1 2" in ledger(), "the number of the attempt that was cut is not used again"
    assert planned.left_behind() == []
    assert planned.fsck() == ""
