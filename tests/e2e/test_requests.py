"""Agents that ask, and people who answer them, interrupt them and tell them things."""

import json
import sys
from pathlib import Path

import pytest


pytestmark = pytest.mark.integration

OBEDIENT = Path(__file__).parents[1] / "agents" / "acp_agent.py"


def config(policy):
    return f"""
    [run]
    agent = "obedient"
    [agents.obedient]
    driver = "acp"
    command = [{sys.executable!r}, {str(OBEDIENT)!r}]
    policy = "{policy}"
    """


def plan(tasks):
    """Each task's lines are what the agent obeys."""
    text = "# Plan\n\n## Batch 1: All\n"
    for number, lines in enumerate(tasks, 1):
        text += f"- [ ] 1.{number} Task\n" + "".join(f"  {line}\n\n" for line in lines)
    return text


@pytest.fixture
def asking(project):
    """A project with the obedient agent, and a function that starts a run of such tasks."""

    def start(policy, *tasks: list[str]):
        project.write("cc4tui.toml", config(policy))
        project.write("plan.md", plan(tasks))
        project.commit("plan")
        return project.start("run", "plan.md", "--json", "--yes")

    return start


def until(process, name, count=1):
    """Events up to the n-th of that name."""
    found = []
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == name:
            found.append(event)
            if len(found) == count:
                return found
    raise AssertionError(f"no {name}: {process.stderr.read()}")


def test_a_task_over_the_protocol_lands(project, asking):
    process = asking("yolo", ["say hello", "ask a.txt"], ["write b.txt"])
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err + out
    assert project.files() >= {"a.txt", "b.txt"}
    assert '"request_opened"' not in out
    assert project.left_behind() == []
