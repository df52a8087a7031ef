"""The whole product with the real agents, offline."""

import contextlib
import json
import sqlite3
from pathlib import Path

import psutil
import pytest


pytestmark = [pytest.mark.integration, pytest.mark.agents, pytest.mark.timeout(200)]

PLAN = """\
---
cc4: 1
agent: claude
---
# Real agents

## Batch 1: All
- [ ] 1.1 One <<write path=a.py lines=8>> <<commit add a>>
- [ ] 1.2 Two <<write path=b.py lines=8>> <<tokens in=1000 out=200>>
- [ ] 1.3 Three <<fail 401>>
- [ ] 1.4 Four <<write path=d.py text="x = 1">> <<edit path=d.py old="x = 1" new="x = 2">>
- [ ] 1.5 Five <<reply nothing was done>>
- [ ] 1.6 S <<tokens in=4500>> <<write path=f.py>> <<tokens in=4500>> <<bash sleep 60>> {budget: 8k}
"""


def test_real_agents_land_their_work_and_failures_touch_no_neighbour(project, claude_environment):
    project.extra |= {**claude_environment, "CLAUDE_CODE_MAX_RETRIES": "1"}
    project.write("plan.md", PLAN)
    project.commit("plan")
    result = project.run("plan.md", "--workers", "4", timeout=150)
    assert result.code == 1, result.err
    tasks = {task["id"]: task for task in project.status()["tasks"]}
    assert {number: task["state"] for number, task in tasks.items()} == {
        "1.1": "landed",
        "1.2": "landed",
        "1.3": "failed",
        "1.4": "landed",
        "1.5": "no_change",
        "1.6": "failed",
    }
    assert tasks["1.6"]["reason_code"] == "budget"
    assert "f.py" in project.files(tasks["1.6"]["branch"])  # what it did is kept
    assert tasks["1.3"]["reason_code"] == "login"
    assert "API key" in tasks["1.3"]["reason"]
    assert (project.root / "d.py").read_text().strip() == "x = 2"
    assert "add a" in project.git("log", "--format=%s")
    assert tasks["1.1"]["usage"]["output_tokens"] > 0
    assert tasks["1.1"]["cost_usd"] > 0
    names = [event["event"] for event in result.events]
    assert names[: names.index("attempt_finished")].count("attempt_started") >= 4
    assert project.fsck() == ""
    assert project.processes() == []


KILLED = """\
---
cc4: 1
agent: claude
---
# Killed

## Batch 1: All
- [ ] 1.1 One <<write path=a.txt text=one>> <<bash test -e again || { touch again; sleep 60; }>>
- [ ] 1.2 Two <<write path=b.txt text=two>> <<bash sleep 60>>
"""


def test_claude_goes_on_in_its_session_after_kills(project, claude_environment, wait_for):
    """Of an agent alone, which a person then tells to go on; then of cc4tui with the other one."""
    project.extra |= claude_environment
    project.write("plan.md", KILLED)
    project.commit("plan")
    process = project.start("run", "plan.md", "--json", "--yes")
    started = {}
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "attempt_started":
            started[event["task"]] = psutil.Process(event["pid"])
        if len(started) == 2:
            break

    def at_work(task: str) -> bool:
        children = started[task].children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            return any(child.name() == "sleep" for child in children)
        return False

    wait_for(lambda: at_work("1.1") and at_work("1.2"))
    started["1.2"].kill()
    assert any(json.loads(line)["event"] == "task_failed" for line in process.stdout)
    process.kill()
    process.communicate()
    assert project.cc4tui("resume").code == 1  # 1.2 stays as it is
    assert project.states() == {"1.1": ("landed", None), "1.2": ("failed", "agent")}
    run = project.status()["run"]
    done = project.cc4tui("tell", run, "1.2", "rather <<write path=c.txt lines=1>>")
    assert done.code == 0, done.err + done.out
    assert {"a.txt", "b.txt", "c.txt"} <= project.files()
    with contextlib.closing(sqlite3.connect(next(project.state.rglob("cc4tui.db")))) as known:
        rows = known.execute("select task, session from attempts order by task").fetchall()
    assert [task for task, _ in rows] == ["1.1", "1.1", "1.2", "1.2"]
    assert len({session for _, session in rows}) == 2
    assert project.left_behind() == []


def test_four_different_agents_at_once_land_all_their_tasks(project, agent_environment):
    agents = ("claude", "codex", "gemini", "opencode")
    project.extra |= agent_environment(*agents)
    tasks = [
        f"- [ ] 1.{number} Task {number} <<write path=src/{number}.py text=one>>"
        f" <<edit path=src/{number}.py old=one new=two>>"
        f" <<commit task {number}>> {{agent: {agents[number % 4]}}}\n"
        for number in range(1, 13)
    ]
    project.write("plan.md", "# Four\n\n## Batch 1: All\n" + "".join(tasks))
    project.commit("plan")
    result = project.run("plan.md", "--workers", "4", timeout=170)
    assert result.code == 0, result.err + result.out
    assert result.finished["counts"] == {"landed": 12}
    started = [event["agent"] for event in result.of("attempt_started")]
    assert {name: started.count(name) for name in started} == dict.fromkeys(agents, 3)
    assert project.files() == {"README.md", "plan.md"} | {f"src/{n}.py" for n in range(1, 13)}
    assert {(project.root / f"src/{n}.py").read_text().strip() for n in range(1, 13)} == {"two"}
    subjects = project.git("log", "--no-merges", "--format=%s").splitlines()
    assert sorted(subjects) == sorted(["first", "plan", *(f"task {n}" for n in range(1, 13))])
    for task in project.status()["tasks"]:
        assert task["usage"]["output_tokens"] == 160, task
        assert (task["cost_usd"] is None) == (task["agent"] in ("codex", "gemini"))
    assert project.fsck() == ""
    assert project.left_behind() == []


def test_a_limited_agent_goes_on_in_its_session_once_it_may(project, claude_environment):
    project.extra |= {**claude_environment, "CLAUDE_CODE_MAX_RETRIES": "1"}
    steps = "<<write path=a.py text=one>> <<fail 429 times=2>> <<write path=b.py text=two>>"
    project.write("plan.md", f"# Limited\n\n## Batch 1: All\n- [ ] 1.1 One {steps}\n")
    project.commit("plan")
    process = project.start("run", "plan.md", "--json", "--yes")
    events = [json.loads(process.stdout.readline())]
    while events[-1]["event"] != "task_parked":
        events.append(json.loads(process.stdout.readline()))
    assert events[-1]["agent"] == "claude"
    project.cc4tui("retry", events[-1]["run"], "1.1")
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    events += [json.loads(line) for line in out.splitlines()]
    first, second = [event for event in events if event["event"] == "attempt_started"]
    assert first["worktree"] == second["worktree"]
    assert "--resume" in (Path(second["folder"]) / "spec").read_text()
    assert {"a.py", "b.py"} <= project.files()
    assert project.left_behind() == []
