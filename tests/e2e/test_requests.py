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

    started = []

    def start(policy, *tasks: list[str]):
        project.write("cc4tui.toml", config(policy))
        project.write("plan.md", plan(tasks))
        project.commit("plan")
        started.append(project.start("run", "plan.md", "--json", "--yes"))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


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


def test_a_person_answers_from_another_shell(project, asking):
    process = asking("ask", ["ask a.txt"], ["ask b.txt"])
    asked = {event["task"]: event for event in until(process, "request_opened", 2)}
    waiting = project.cc4tui("requests", "--json").json
    assert {one["task"]: one["summary"] for one in waiting} == {
        "1.1": "edit a.txt",
        "1.2": "edit b.txt",
    }
    assert "edit a.txt" in project.cc4tui("requests").out
    allowed = project.cc4tui("answer", asked["1.1"]["request"], "allow")
    assert (allowed.code, allowed.out) == (0, "allowed: wants: edit a.txt\n")
    denied = project.cc4tui("answer", asked["1.2"]["request"], "deny", "--text", "not that")
    assert denied.code == 0
    out, err = process.communicate(timeout=50)
    assert process.returncode == 1, err
    assert project.states() == {"1.1": ("landed", None), "1.2": ("no_change", None)}
    assert "b.txt" not in project.files()
    answers = [json.loads(line) for line in out.splitlines() if '"request_answered"' in line]
    decided = {event["task"]: (event["decision"], event["by"]) for event in answers}
    assert decided == {"1.1": ("allowed", "person"), "1.2": ("denied", "person")}
    gone = project.cc4tui("answer", asked["1.1"]["request"], "allow")
    assert gone.code == 2
    assert "cc4tui requests" in gone.err


def test_a_rule_for_the_repository_answers_this_run_and_the_next(project, asking):
    process = asking("ask", ["ask a.txt", "ask b.txt"])
    until(process, "request_opened")
    neither = project.cc4tui("answer", "allow")
    assert (neither.code, "--all" in neither.err) == (2, True)
    every = project.cc4tui("answer", "--all", "allow", "--always", "repository")
    assert (every.code, every.out) == (0, "allowed: wants: edit a.txt\n")
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    assert out.count('"request_opened"') == 0
    assert project.files() >= {"a.txt", "b.txt"}
    again = asking("ask", ["ask c.txt"])
    out, err = again.communicate(timeout=50)
    assert again.returncode == 0, err
    assert '"request_opened"' not in out


@pytest.mark.parametrize(
    ("policy", "state"), [("accept-edits", "landed"), ("read-only", "no_change")]
)
def test_policies_answer_without_asking(project, asking, policy, state):
    process = asking(policy, ["ask a.txt"])
    out, _ = process.communicate(timeout=50)
    assert '"request_opened"' not in out
    assert project.states()["1.1"][0] == state


def test_a_message_reaches_a_running_agent_and_an_interrupt_sends_it_elsewhere(project, asking):
    process = asking("yolo", ["say begins", "sleep 60", "write late.txt"])
    run = until(process, "attempt_started")[0]["run"]
    told = project.cc4tui("tell", run, "1.1", "write other.txt", "--interrupt")
    assert told.code == 0
    assert told.out.startswith(f"told task 1.1 of run {run}: its agent hears it at once")
    _, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    assert "other.txt" in project.files()
    assert "late.txt" not in project.files()


def test_a_failed_task_goes_on_from_where_it_was_left(project, asking):
    process = asking("yolo", ["write a.txt", "fail -32603"])
    process.communicate(timeout=50)
    assert project.states() == {"1.1": ("failed", "agent")}
    run = project.status()["run"]
    project.cc4tui("trust")
    result = project.cc4tui("tell", run, "1.1", "write b.txt")
    assert result.code == 0, result.err + result.out
    assert project.files() >= {"a.txt", "b.txt"}
    prompts = sorted(project.state.rglob("prompt"))
    assert prompts[-1].read_text() == "write b.txt"  # the session knows the rest
    assert project.left_behind() == []


def test_an_agent_that_does_not_listen_is_told_when_its_attempt_has_ended(project, agent):
    command = agent("""
    pathlib.Path(f"{attempt}.txt").write_text(prompt)
    while attempt == 1 and not pathlib.Path(os.environ["CC4_PROMPT_FILE"]).with_name("go").exists():
        time.sleep(0.05)
    """)
    project.write("plan.md", plan([["Do it"]]))
    project.commit("plan")
    process = project.start("run", "plan.md", "--json", "--yes", "--agent-command", command)
    started = until(process, "attempt_started")[0]
    project.cc4tui("tell", started["run"], "1.1", "and mind the gap")
    until(process, "message_sent")
    Path(started["folder"], "go").touch()
    _, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    assert project.files() >= {"1.txt", "2.txt"}
    assert "- and mind the gap" in project.git("show", "main:2.txt")
    assert "go on with it" in project.git("show", "main:2.txt")
