"""Agents that are talked to, and a cc4tui that goes away: on purpose, or killed."""

import json
import signal
import sys
from pathlib import Path

import pytest


pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

TALKER = """
import json, os, pathlib, sys, time
message = json.loads(sys.stdin.readline())
say = lambda **message: print(json.dumps(message), flush=True)
say(type="system", subtype="init", session_id="s1", model="m")
say(**{**message, "isReplay": True})
pathlib.Path("work.txt").write_text(message["message"]["content"][0]["text"])
with open(pathlib.Path(os.environ["CC4_PROMPT_FILE"]).with_name("starts"), "a") as file:
    file.write("start")
gate = pathlib.Path(os.environ["CC4_PROMPT_FILE"]).with_name("gate")
while not gate.exists():
    time.sleep(0.05)
say(type="result", subtype="success", is_error=False, session_id="s1", total_cost_usd=0.25,
    usage={"input_tokens": 10, "output_tokens": 5})
sys.stdin.read()  # as Claude Code does: it stays until its input ends
"""


def detached(project, driver, command, lines):
    project.write(
        "cc4tui.toml",
        f"""
        [run]
        agent = "talker"
        [agents.talker]
        driver = "{driver}"
        command = [{sys.executable!r}, {str(command)!r}]
        """,
    )
    project.write("plan.md", "# P\n\n## Batch 1: A\n- [ ] 1.1 Talk\n" + lines)
    project.commit("plan")
    process = project.start("run", "plan.md", "--json", "--yes", "--detach")
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "attempt_started":
            return process, event
    raise AssertionError(process.stderr.read())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_claude_works_on_and_is_taken_over_without_being_told_twice(
    project, tmp_path, wait_for, number
):
    program = tmp_path / "talker.py"
    program.write_text(TALKER)
    process, started = detached(project, "claude", program, "")
    folder = Path(started["folder"])
    wait_for(lambda: (folder / "starts").exists())
    process.send_signal(number)
    process.communicate(timeout=40)
    assert project.processes() != []
    (folder / "gate").touch()
    again = project.run("plan.md")
    assert again.code == 0, again.err + again.out
    assert again.of("run_recovered")[0]["adopted"] == 1
    assert (folder / "starts").read_text() == "start"
    [task] = project.status()["tasks"]
    assert (task["state"], task["attempts"], task["cost_usd"]) == ("landed", 1, 0.25)
    assert "Talk" in project.git("show", "main:work.txt")
    assert project.left_behind() == []


def test_an_agent_that_cannot_go_on_alone_is_stopped_and_its_task_stays_open(project, wait_for):
    agent = Path(__file__).parents[1] / "agents" / "acp_agent.py"
    lines = "  write a.txt\n\n  sleep 100\n"
    process, started = detached(project, "acp", agent, lines)
    wait_for(lambda: (Path(started["worktree"]) / "a.txt").exists())
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 130, err
    assert project.states() == {"1.1": ("ready", "stopped")}
    assert project.processes() == []
