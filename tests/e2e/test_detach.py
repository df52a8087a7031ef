"""Agents that work on without cc4tui, on purpose: adopted, judged and landed by the next start."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest


pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

PLAN = "# P\n\n## Batch 1: A\n" + "".join(f"- [ ] 1.{n} Task {n}\n" for n in range(1, 5))

WAITS = """
pathlib.Path(f"{task}.txt").write_text(task)
gate = pathlib.Path(os.environ["CC4_PROMPT_FILE"]).parents[5] / "gate"
while not gate.exists() or (gate.read_text() and task not in gate.read_text().split()):
    time.sleep(0.02)
    if gate.exists() and f"fail-{task}" in gate.read_text().split():
        sys.exit("out of ideas")
print("done with", task)
"""


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not _holds(condition):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except FileNotFoundError:
        return False


class Detached:
    """A run with `--detach` whose agents wait for a file named `gate` that lists who may end."""

    def __init__(self, project, command: str, *options: str) -> None:
        self.project = project
        self.command = command
        project.write("plan.md", PLAN)
        project.commit("plan")
        arguments = ("plan.md", "--json", "--yes", "--workers", "2", "--agent-command", command)
        self.process = project.start("run", *arguments, "--detach", *options)
        self.run = ""
        self.folders: dict[str, Path] = {}
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            self.run = event["run"]
            if event["event"] == "attempt_started":
                task = event["task"]
                self.folders[task] = Path(event["folder"])
                until((Path(event["worktree"]) / f"{task}.txt").read_text)
            if len(self.folders) == 2:
                return
        raise AssertionError(self.process.stderr.read())

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=50)
        return self.process.returncode

    def open_gate(self, *tasks: str) -> None:
        half = self.project.root.parent / "gate.half"  # agents must not read an empty one
        half.write_text(" ".join(tasks))
        half.rename(half.with_name("gate"))

    def has_ended(self, task: str) -> bool:
        return (self.folders[task] / "ended").exists()

    def agents(self) -> list[psutil.Process]:
        """Those of 1.1 and 1.2."""
        records = [(folder / "agent").read_text() for _, folder in sorted(self.folders.items())]
        return [psutil.Process(json.loads(record)["pid"]) for record in records]


@pytest.fixture
def detached(project, agent):
    made = Detached(project, agent(WAITS))
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_agents_work_on_and_the_next_start_lands_them(project, detached, ledger, number):
    code = detached.end(number)
    assert code == (-9 if number == signal.SIGKILL else 128 + number)
    assert all(agent.is_running() for agent in detached.agents())
    detached.open_gate("1.1")
    until(lambda: detached.has_ended("1.1"))
    assert not detached.has_ended("1.2")
    assert "end 1.1 1" in ledger()
    detached.open_gate()
    again = project.run("plan.md", "--agent-command", detached.command)
    assert again.code == 0, again.err
    assert again.of("run_recovered")[0]["adopted"] == 2
    assert again.of("run_recovered")[0]["retried"] == 0
    assert sorted(ledger()) == sorted(
        f"{word} 1.{n} 1" for word in ("start", "end") for n in range(1, 5)
    )
    assert project.files() >= {f"1.{n}.txt" for n in range(1, 5)}
    assert project.left_behind() == []
    assert project.fsck() == ""


def test_a_failure_while_nobody_was_there_is_told_and_not_tried_again(project, detached, ledger):
    detached.end(signal.SIGKILL)
    detached.open_gate("fail-1.1")
    until(lambda: detached.has_ended("1.1"))
    detached.open_gate()
    again = project.run("plan.md", "--keep-going", "--agent-command", detached.command)
    assert again.code == 1
    assert project.states()["1.1"] == ("failed", "agent")
    assert "out of ideas" in again.of("task_failed", "1.1")[0]["reason"]
    assert "start 1.1 2" not in ledger()
    assert again.finished["counts"] == {"failed": 1, "landed": 3}


def test_an_agent_that_was_killed_while_nobody_was_there_was_only_cut_short(
    project, detached, ledger
):
    detached.end(signal.SIGKILL)
    detached.agents()[0].kill()
    until(lambda: detached.has_ended("1.1"))
    detached.open_gate()
    again = project.run("plan.md", "--agent-command", detached.command)
    assert again.code == 0, again.err
    assert "end 1.1 2" in ledger()


def test_a_supervisor_that_died_is_lost_and_its_work_is_saved(project, detached, ledger):
    detached.end(signal.SIGKILL)
    record = json.loads((detached.folders["1.1"] / "agent").read_text())
    psutil.Process(record["supervisor"]).kill()
    until(lambda: detached.has_ended("1.1"))
    detached.open_gate()
    again = project.run("plan.md", "--agent-command", detached.command)
    assert again.code == 0, again.err
    recovered = again.of("run_recovered")[0]
    assert (recovered["adopted"], recovered["retried"]) == (1, 1)
    assert again.of("attempt_finished", "1.1")[0]["outcome"] == "lost"
    assert "end 1.1 2" in ledger()
    assert "start 1.2 2" not in ledger()
    saved = project.cc4tui("saved", "list", "--json").json
    assert [(work["task"], work["files"]) for work in saved] == [("1.1", ["1.1.txt"])]


def test_another_plan_runs_while_detached_agents_work(project, agent, detached, ledger):
    detached.end(signal.SIGTERM)
    project.write("other.md", "# O\n\n## Batch 1: A\n- [ ] 9.1 Other\n")
    project.commit("other")
    other = project.run("other.md", "--agent-command", agent("pathlib.Path('o').touch()", "o.py"))
    assert other.code == 0, other.err
    assert all(one.is_running() for one in detached.agents())
    detached.open_gate()
    until(lambda: detached.has_ended("1.1") and detached.has_ended("1.2"))
    cleaned = project.cc4tui("clean", "--json").json
    assert {one["outcome"] for one in cleaned} == {"kept"}
    again = project.cc4tui("resume", detached.run, "--json")
    assert again.code == 0, again.err
    assert again.of("run_recovered")[0]["adopted"] == 2
    assert "start 1.1 2" not in ledger()
    assert project.left_behind() == []


def test_cancelling_a_detached_run_ends_its_agents_and_keeps_their_work(project, detached):
    detached.end(signal.SIGTERM)
    assert project.cc4tui("cancel", detached.run).code == 0
    assert project.processes() == []
    status = project.status(detached.run)
    assert status["status"] == "cancelled"
    assert status["finished"] is not None
    saved = project.cc4tui("saved", "list", "--json").json
    assert sorted(work["task"] for work in saved) == ["1.1", "1.2"]


def test_attached_without_the_flag_agents_end_with_their_new_owner(project, detached):
    detached.end(signal.SIGTERM)
    second = project.start("resume", detached.run, "--json")
    assert second.stdout is not None
    for line in second.stdout:
        if json.loads(line)["event"] == "run_recovered":
            break
    agents = detached.agents()
    until(lambda: len(project.processes()) > len(agents))
    second.kill()
    second.communicate()
    until(lambda: not any(one.is_running() for one in agents))


def test_doctor_lists_agents_that_work_on_and_leaves_them_alone(project, detached):
    detached.end(signal.SIGTERM)
    assert project.cc4tui("doctor", "--fix").code == 0
    left = project.cc4tui("doctor", "--json").json["leftovers"]
    agents = [one for one in left if one["kind"] == "process"]
    assert len(agents) >= 2
    assert not any(one["removable"] for one in left)
    assert all(f"cc4tui resume {detached.run}" in one["why"] for one in left)
    assert all(one.is_running() for one in detached.agents())
