"""Signals, and what another process can ask of the one that runs."""

import json
import signal

import pytest


pytestmark = pytest.mark.integration

PLAN = "# P\n\n## Batch 1: A\n" + "".join(f"- [ ] 1.{n} Task {n}\n" for n in range(1, 5))

WAITS = """
pathlib.Path(f"{task}.txt").write_text(task)
gate = pathlib.Path(os.environ["CC4_PROMPT_FILE"]).parents[5] / "gate"
for _ in range(2000):
    if gate.exists() and (gate.read_text() in ("", task) or task in gate.read_text().split()):
        break
    time.sleep(0.02)
"""


@pytest.fixture
def waiting(project, agent):
    """A run whose agents wait for a file named `gate` that lists who may end."""
    project.write("plan.md", PLAN)
    project.commit("plan")
    command = agent(WAITS)
    process = project.start(
        "run", "plan.md", "--json", "--yes", "--workers", "2", "--agent-command", command
    )
    yield process, command
    process.kill()
    process.communicate()


def read_until(process, event: str, count: int = 1) -> list[dict]:
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if sum(found["event"] == event for found in events) == count:
            return events
    raise AssertionError(f"it ended before {event}: {process.stderr.read()}")


def test_ctrl_c_stops_cleanly_and_the_run_continues_later(project, waiting, ledger):
    process, command = waiting
    read_until(process, "attempt_started", 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=50)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert project.status()["status"] == "interrupted"
    assert project.processes() == []
    (project.root.parent / "gate").write_text("1.1 1.2 1.3 1.4")
    again = project.run("plan.md", "--agent-command", command)
    assert again.code == 0, again.err
    assert again.finished["counts"] == {"landed": 4}
    assert project.left_behind() == []
    ends = [line for line in ledger() if line.startswith("end")]
    assert len(ends) == 4


def test_sigterm_is_the_same_with_its_own_code(project, waiting):
    process, _ = waiting
    read_until(process, "attempt_started")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=50)
    assert process.returncode == 143
    assert project.processes() == []


def test_a_killed_run_is_recovered_by_the_same_command(project, waiting, ledger):
    process, command = waiting
    read_until(process, "attempt_started", 2)
    process.kill()
    process.communicate()
    (project.root.parent / "gate").write_text("1.1 1.2 1.3 1.4")
    again = project.run("plan.md", "--agent-command", command)
    assert again.code == 0, again.err
    assert again.of("run_recovered")[0]["retried"] == 2
    assert again.finished["counts"] == {"landed": 4}
    assert project.left_behind() == []
    assert project.fsck() == ""


def test_a_second_run_in_the_same_repository_is_refused(project, waiting):
    process, command = waiting
    read_until(process, "attempt_started")
    second = project.run("plan.md", "--agent-command", command)
    assert second.code == 3
    assert str(process.pid) in second.err


def test_cancel_of_a_task_reaches_the_owner(project, waiting):
    process, _ = waiting
    run = read_until(process, "attempt_started", 2)[0]["run"]
    assert project.cc4tui("cancel", run, "1.1").code == 0
    read_until(process, "task_cancelled")
    (project.root.parent / "gate").write_text("1.2 1.3 1.4")
    process.communicate(timeout=50)
    assert process.returncode == 1
    states = project.states()
    assert states["1.1"] == ("cancelled", "stopped")
    assert {states[task][0] for task in ("1.2", "1.3", "1.4")} == {"landed"}


def test_retry_of_a_cancelled_task_reaches_the_owner(project, waiting):
    process, _ = waiting
    run = read_until(process, "attempt_started", 2)[0]["run"]
    project.cc4tui("cancel", run, "1.1")
    read_until(process, "task_cancelled")
    assert project.cc4tui("retry", run, "1.1").code == 0
    (project.root.parent / "gate").write_text("1.1 1.2 1.3 1.4")
    process.communicate(timeout=50)
    assert process.returncode == 0
    assert project.states()["1.1"] == ("landed", None)


def test_cancel_of_the_run_ends_everything(project, waiting):
    process, _ = waiting
    run = read_until(process, "attempt_started", 2)[0]["run"]
    assert project.cc4tui("cancel", run).code == 0
    process.communicate(timeout=50)
    assert process.returncode == 1
    assert project.status()["status"] == "cancelled"
    assert project.processes() == []


def test_ideas_and_lessons_are_written_while_a_run_goes_on(project, waiting):
    process, _ = waiting
    read_until(process, "attempt_started")
    assert project.cc4tui("idea", "add", "rate-limit it", "--tag", "api").code == 0
    assert project.cc4tui("memory", "add", "the build needs node 20").code == 0
    ideas = project.cc4tui("idea", "list", "--json").json
    assert [idea["text"] for idea in ideas] == ["rate-limit it"]
    found = project.cc4tui("memory", "search", "node", "--json").json
    assert [lesson["text"] for lesson in found] == ["the build needs node 20"]


def test_status_of_a_run_that_goes_on(project, waiting):
    process, _ = waiting
    read_until(process, "attempt_started", 2)
    status = project.status()
    assert status["status"] == "running"
    assert status["counts"]["running"] == 2
