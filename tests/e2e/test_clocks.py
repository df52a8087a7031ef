"""Agents that say nothing, fall silent, never end, or stay when they are finished."""

import json
import sys
import time

import pytest


pytestmark = pytest.mark.integration

PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 One\n"

RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "session_id": "s",
    "result": "",
}
FINISHED = {"type": "turn.completed", "usage": {"input_tokens": 3, "output_tokens": 5}}


@pytest.fixture
def configure(project):
    """Writes the person's own configuration."""

    def write(text: str) -> None:
        folder = project.state.parent / "config"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(text)

    return write


def finished_but_stays(tmp_path, driver: str, word: dict[str, object]) -> str:
    """Configuration of an agent that does its work, says so, and ignores being asked to end."""
    script = tmp_path / "lingers.py"
    script.write_text(
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "pathlib.Path('work.txt').write_text('done')\n"
        f"print({json.dumps(json.dumps(word))}, flush=True)\n"
        "time.sleep(300)\n"
    )
    return f"[agents.{driver}]\ncommand = {json.dumps([sys.executable, str(script)])}\n"


@pytest.mark.parametrize(("driver", "word"), [("claude", RESULT), ("codex", FINISHED)])
def test_an_agent_that_stays_after_its_result_is_ended_and_its_work_counts(
    project, configure, tmp_path, driver, word
):
    agents = finished_but_stays(tmp_path, driver, word)
    configure(f"[run]\nafter_result = 1\nagent = '{driver}'\n{agents}")
    project.write("plan.md", PLAN)
    project.commit("plan")
    began = time.monotonic()
    result = project.run()
    assert result.code == 0, result.out
    assert time.monotonic() - began > 1
    assert project.states() == {"1.1": ("landed", None)}
    assert "work.txt" in project.files()
    assert project.processes() == []


def test_a_program_without_an_event_stream_may_start_silently(project, agent, configure):
    configure("[run]\nfirst_output = 0.5\n")
    project.write("plan.md", PLAN)
    project.commit("plan")
    body = "time.sleep(2)\npathlib.Path('work.txt').write_text('done')"
    assert project.run("plan.md", "--agent-command", agent(body)).code == 0


def test_an_agent_that_never_says_anything_is_stopped(project, agent, configure):
    command = json.dumps(agent("time.sleep(300)").split())
    configure(
        f"[run]\nagent = 'claude'\nfirst_output = 1.5\n[agents.claude]\ncommand = {command}\n"
    )
    project.write("plan.md", PLAN)
    project.commit("plan")
    result = project.run()
    assert project.states() == {"1.1": ("failed", "silence")}
    [ended] = result.of("attempt_finished")
    assert (ended["outcome"], ended["reason_code"]) == ("timed_out", "silence")
    assert ended["reason"] == "wrote nothing in its first 1.5 s; stopped"
    [started] = result.of("attempt_started")
    assert (started["timeout"], started["first_output"], started["silence"]) == (7200, 1.5, 1800)
    assert project.processes() == []


def test_an_agent_that_falls_silent_is_stopped_and_its_work_is_kept(project, agent, configure):
    configure("[run]\nsilence = 3\n")
    project.write("plan.md", PLAN)
    project.commit("plan")
    body = """
    pathlib.Path("half.txt").write_text("half")
    for _ in range(20):
        print("x", end="", file=sys.stderr, flush=True)
        time.sleep(0.2)
    time.sleep(300)
    """
    result = project.run("plan.md", "--agent-command", agent(body))
    [err] = project.found("**/1-1-*-1/err")
    assert err.read_text().startswith("x" * 20), "it was not stopped while it said something"
    assert project.states() == {"1.1": ("failed", "silence")}
    assert result.of("task_failed")[0]["reason"] == "wrote nothing for 3 s; stopped"
    assert "half.txt" in project.files(project.status()["tasks"][0]["branch"])


def test_the_whole_time_has_a_limit_however_much_is_said(project, agent):
    project.write("plan.md", PLAN)
    project.commit("plan")
    body = """
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        print("busy", flush=True)
        time.sleep(0.05)
    """
    result = project.run("plan.md", "--timeout", "1.5", "--agent-command", agent(body))
    assert project.states() == {"1.1": ("failed", "timeout")}
    assert result.of("task_failed")[0]["reason"] == "no end after 1.5 s; stopped"
