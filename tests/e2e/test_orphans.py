"""Processes that outlived their program, its zygote and its supervisors are ended by `clean`."""

import contextlib
import signal

import psutil
import pytest


pytestmark = pytest.mark.integration

PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 Leaves something behind\n"
DAEMON = """
pathlib.Path("precious.txt").write_text("work of hours")
subprocess.Popen(["sleep", "300"], start_new_session=True)
pathlib.Path(MARK).touch()
time.sleep(300)
"""


def command_of(process):
    """A git that ended meanwhile has none."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


@pytest.mark.parametrize("command", [("clean",), ("doctor", "--fix")], ids=["clean", "doctor"])
def test_what_survived_everything_is_ended_and_its_work_is_saved(
    project, agent, tmp_path, wait_for, command
):
    mark = tmp_path / "mark"
    project.write("plan.md", PLAN)
    project.commit("plan")
    body = DAEMON.replace("MARK", repr(str(mark)))
    process = project.start("run", "plan.md", "--yes", "--agent-command", agent(body))
    wait_for(mark.exists)
    ours = psutil.Process(process.pid)
    watchers = [p for p in ours.children(recursive=True) if "supervision" in command_of(p)]
    assert len(watchers) >= 2, "the one that forks and that of the agent; one may be ahead"
    for watcher in watchers:
        with contextlib.suppress(psutil.NoSuchProcess):
            watcher.send_signal(signal.SIGSTOP)
    for watcher in [*watchers, ours]:
        with contextlib.suppress(psutil.NoSuchProcess):
            watcher.send_signal(signal.SIGKILL)
    process.communicate()
    assert any("sleep 300" in line for line in project.processes())
    look = ("clean", "--dry-run", "--json") if command == ("clean",) else ("doctor", "--json")
    listed = project.cc4tui(*look).json
    found = listed if look[0] == "clean" else listed["leftovers"]
    assert any("sleep 300" in one["name"] for one in found if one["kind"] == "process")
    assert {"process", "worktree", "branch", "record"} == {one["kind"] for one in found}
    assert all(one["safe"] for one in found if one["removable"])
    assert any("sleep 300" in line for line in project.processes()), "looking ends nothing"
    result = project.cc4tui(*command)
    assert result.code == 0, result.err
    assert project.processes() == []
    left = project.cc4tui("clean", "--dry-run", "--json").json
    assert {one["kind"] for one in left} <= {"branch"}
    assert not any(one["removable"] for one in left)
    assert project.status()["counts"] == {"ready": 1}
    [saved] = project.cc4tui("saved", "list", "--json").json
    assert saved["files"] == ["precious.txt"]
