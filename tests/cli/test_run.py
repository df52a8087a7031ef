"""`cc4tui run` on real repositories with real agents: what lands and what is told."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.forecast import Forecast
from cc4tui.ports import RunOptions
from cc4tui.runtime import Runtime


pytestmark = pytest.mark.integration

AGENT = """
import os, pathlib, sys
prompt = sys.stdin.read()
task = os.environ["CC4_TASK"]
assert os.environ["CC4_TASK_TITLE"] in prompt
if "fail" in os.environ["CC4_TASK_TITLE"]:
    sys.exit("I cannot do this")
if "idle" not in os.environ["CC4_TASK_TITLE"]:
    pathlib.Path(f"task-{task}.txt").write_text(prompt)
print("did", task)
"""
TWO = "# Two\n- [ ] 1.1 first thing\n- [ ] 1.2 second thing\n  - Depends on: 1.1\n"


@pytest.fixture
def agent(tmp_path: Path) -> str:
    """A program as the agent: writes a file named after its task."""
    path = tmp_path / "agent.py"
    path.write_text(AGENT)
    return f"{sys.executable} {path}"


@pytest.fixture
def slow_agent(tmp_path: Path) -> str:
    """An agent that works until it is told to stop."""
    path = tmp_path / "slow.py"
    path.write_text("import time; print('working', flush=True); time.sleep(600)")
    return f"{sys.executable} {path}"


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def names(text: str) -> list[str]:
    return [event["event"] for event in events(text)]


def test_a_plan_lands_and_the_lines_tell_it(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str, git: Callable[..., str]
) -> None:
    root = plan(TWO).parent
    answer = call("run", "plan.md", "--agent-command", agent)
    assert answer.code == 0
    assert "no security boundary" in answer.err
    verbs = [line.split()[1] for line in answer.out.splitlines()]
    assert verbs == ["run", "started", "merged", "started", "merged", "run"]
    assert "2 landed on main" in answer.out
    assert git(root, "show", "main:task-1.1.txt")
    assert git(root, "show", "main:task-1.2.txt")
    assert (root / "task-1.2.txt").exists()


def test_a_second_run_has_nothing_left_to_do(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str, git: Callable[..., str]
) -> None:
    root = plan(TWO).parent
    assert call("run", "plan.md", "--agent-command", agent).code == 0
    tip = git(root, "rev-parse", "main")
    answer = call("run", "plan.md", "--agent-command", agent)
    assert (answer.code, answer.err) == (0, ""), "the limit is said once"
    assert "2 skipped" in answer.out
    assert git(root, "rev-parse", "main") == tip


def test_json_is_one_event_per_line_without_gaps(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    plan(TWO)
    answer = call("run", "plan.md", "--agent-command", agent, "--json")
    assert answer.code == 0
    told = events(answer.out)
    assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
    assert {event["v"] for event in told} == {1}
    assert len({event["run"] for event in told}) == 1
    assert told[0]["event"] == "run_started"
    assert told[-1]["event"] == "run_finished"
    assert told[-1]["status"] == "succeeded"
    assert names(answer.out).count("attempt_started") == 2
    assert "2 landed on main" in answer.err


def test_with_output_tells_what_agents_say(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    plan("# One\n- [ ] 1.1 only thing\n")
    answer = call("run", "plan.md", "--agent-command", agent, "--json", "--with-output")
    said = [event for event in events(answer.out) if event["event"] == "agent_output"]
    texts = [event["text"].strip() for event in said if event["kind"] == "text"]
    assert texts == ["did 1.1"]
    assert all("seq" not in event for event in said)


def test_a_failure_is_exit_1_and_told_with_its_reason(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    plan("# Three\n- [ ] 1.1 good\n- [ ] 1.2 fail\n- [ ] 1.3 later\n  - Depends on: 1.2\n")
    answer = call("run", "plan.md", "--agent-command", agent)
    assert answer.code == 1
    assert "failed    1.2 fail: " in answer.out
    assert "I cannot do this" in answer.out
    assert "blocked   1.3 later" in answer.out
    assert "1 landed, 1 failed, 1 blocked on main" in answer.out


def test_no_change_is_not_a_success(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    plan("# One\n- [ ] 1.1 idle\n")
    answer = call("run", "plan.md", "--agent-command", agent)
    assert answer.code == 1
    assert "no change 1.1 idle" in answer.out


def test_land_none_leaves_the_branch(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str, git: Callable[..., str]
) -> None:
    root = plan(TWO).parent
    tip = git(root, "rev-parse", "main")
    answer = call("run", "plan.md", "--agent-command", agent, "--land", "none")
    assert answer.code == 0
    assert git(root, "rev-parse", "main") == tip
    [branch] = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads/cc4").split()
    assert "task-1.2.txt" in git(root, "ls-tree", "--name-only", branch)


def test_dry_run_starts_nothing(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    plan(TWO)
    answer = call("run", "plan.md", "--agent-command", agent, "--dry-run")
    assert answer.code == 0
    assert answer.out.splitlines()[:2] == ["wave 1, 1 task:", "  1.1 first thing  (ready)"]
    waves = json.loads(call("run", "plan.md", "--agent-command", agent, "--dry-run", "--json").out)
    assert [[task["id"] for task in wave] for wave in waves] == [["1.1"], ["1.2"]]
    assert json.loads(call("runs", "--json").out) == []


def test_a_dry_run_needs_no_agent(call: Callable[..., Any], plan: Callable[..., Path]) -> None:
    plan(TWO)
    answer = call("run", "plan.md", "--agent", "codex", "--dry-run")
    assert answer.code == 0, answer.err
    assert "1.1" in answer.out


def test_dry_run_says_why_a_task_waits_and_what_does_not_run(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    plan(
        "# P\n- [ ] T001 [P] a in `x.py`\n- [ ] T002 [P] b in `x.py`\n"
        "- [ ] T003 [P] c\n- [x] T004 [P] d\n"
    )
    dry = ("run", "plan.md", "--agent-command", agent, "--dry-run", "--workers")
    answer = call(*dry, "2").out.splitlines()
    assert answer[0] == "wave 1, 2 tasks:"
    assert answer[3:] == [
        "wave 2, 1 task:",
        "  T002 b in `x.py`  (T001 names x.py, too)",
        "not run, 1 task:",
        "  T004 d  (done in the plan)",
    ]
    assert "  T003 c  (no worker is free before)" in call(*dry, "1").out.splitlines()


def test_a_plan_from_outside_and_from_a_subfolder(
    call: Callable[..., Any],
    repository: Path,
    tmp_path: Path,
    agent: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "outside.md").write_text("# One\n- [ ] 1.1 outside\n")
    assert call("run", str(tmp_path / "outside.md"), "--agent-command", agent).code == 0
    (repository / "sub").mkdir()
    (repository / "sub" / "inside.md").write_text("# One\n- [ ] 1.7 inside\n")
    monkeypatch.chdir(repository / "sub")
    assert call("run", "inside.md", "--agent-command", agent).code == 0
    plans = [run["plan"] for run in json.loads(call("runs", "--json").out)]
    assert plans == ["sub/inside.md", str(tmp_path / "outside.md")]


# --- nothing is started ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"# Empty\nno task\n", "E02"),
        (b"# P\n- [ ] 1.1 a\n  - Depends on: 99\n", "E04"),
        (b"# P\n- [ ] 1.1 a\n  - Depends on: 1.2\n- [ ] 1.2 b\n  - Depends on: 1.1\n", "E06"),
        (b"# P\n- [ ] 1.1 a\n- [ ] 1.1 b\n", "E05"),
        (b"# P\n- [ ] 1.1 \xff\n", "E01"),
    ],
)
def test_an_unusable_plan_is_exit_2(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str, text: bytes, expected: str
) -> None:
    plan("").write_bytes(text)
    answer = call("run", "plan.md", "--agent-command", agent)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("cc4tui: plan.md:")
    assert expected in answer.err
    assert answer.err.count("\n") == 1
    assert json.loads(call("runs", "--json").out) == []


def test_a_missing_plan_is_exit_2(call: Callable[..., Any], repository: Path) -> None:
    answer = call("run", "nope.md")
    assert (answer.code, answer.out) == (2, "")
    assert "nope.md cannot be read" in answer.err


def test_surroundings_are_looked_at_before_the_plan(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    answer = call("run", "nope.md")
    assert answer.code == 3
    assert "is not in a git repository" in answer.err
    subprocess.run(["git", "init", "-q", "."], check=True)
    answer = call("run", "nope.md")
    assert answer.code == 3
    assert "no commit yet" in answer.err


def test_without_git_is_exit_3(
    call: Callable[..., Any], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = call("run", "nope.md")
    assert answer.code == 3
    assert "git was not found" in answer.err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--agent", "nobody"], "nobody"),
        (["--agent-command", "'"], "--agent-command"),
        (["--agent-command", ""], "--agent-command"),
        (["--batch", "9"], "no batch"),
        (["--task", "9"], "no task"),
        (["--mode", "dagger"], "worktree, local"),
        (["--base", "nowhere"], "--base"),
    ],
)
def test_wrong_options_are_exit_2_and_start_nothing(
    call: Callable[..., Any], plan: Callable[..., Path], options: list[str], expected: str
) -> None:
    plan(TWO)
    more = [] if options[0].startswith("--agent") else ["--agent", "rehearsal"]
    answer = call("run", "plan.md", *options, *more)
    assert (answer.code, answer.out) == (2, "")
    assert expected in answer.err
    assert answer.err.count("\n") == 1
    assert json.loads(call("runs", "--json").out) == []


# --- trust -----------------------------------------------------------------------------------


WITH_COMMANDS = "# P\n- [ ] 1.1 make a file\n  - Run: `touch made`\n"


def test_a_plans_commands_need_trust(call: Callable[..., Any], plan: Callable[..., Path]) -> None:
    root = plan(WITH_COMMANDS).parent
    answer = call("run", "plan.md")
    assert answer.code == 3
    assert "  touch made" in answer.err
    assert "`cc4tui trust plan.md` or add --yes" in answer.err
    assert not (root / "made").exists()
    assert call("run", "plan.md", "--yes").code == 0
    assert (root / "made").exists()
    plan(WITH_COMMANDS.replace("made`", "made; touch more`"))
    assert call("run", "plan.md", "--redo").code == 3


def test_trust_then_run(call: Callable[..., Any], plan: Callable[..., Path]) -> None:
    plan(WITH_COMMANDS)
    answer = call("trust")
    assert answer.code == 0
    assert "touch made" in answer.err
    assert answer.out == "trusted 1 command of this repository\n"
    assert call("trust").out.startswith("nothing to trust")
    assert call("run", "plan.md").code == 0
    assert call("trust", "--revoke").out.startswith("forgot 1 answer")
    assert call("run", "plan.md", "--redo").code == 3


@pytest.mark.parametrize(("key", "code"), [("n", 3), ("\r", 3), ("y", 0)])
def test_in_a_terminal_trust_is_asked_for(
    terminal: Callable[..., Any], plan: Callable[..., Path], key: str, code: int
) -> None:
    root = plan(WITH_COMMANDS).parent
    asked = terminal("run", "plan.md")
    asked.shows("Trust them? [y/N]")
    asked.type(key + "\r")
    assert asked.ended() == code
    assert b"  touch made" in asked.raw
    assert (root / "made").exists() == (code == 0)


def test_a_repositorys_configuration_does_nothing_before_trust(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str, tmp_path: Path
) -> None:
    root = plan("# P\n- [ ] 1.1 thing\n").parent
    (root / "cc4tui.toml").write_text(
        f'[run]\nverify = ["touch {tmp_path}/pwned"]\n[agents.claude]\ncommand = ["./evil"]\n'
    )
    answer = call("run", "plan.md", "--agent-command", agent)
    assert answer.code == 3
    assert f"run.verify: touch {tmp_path}/pwned" in answer.err
    assert "agents.claude.command" in answer.err
    shown = json.loads(call("config", "--json").out)
    assert shown["run"]["verify"] == []
    assert len(shown["untrusted"]) == 2
    assert not (tmp_path / "pwned").exists()
    assert call("run", "plan.md", "--agent-command", agent, "--yes").code == 0
    assert (tmp_path / "pwned").exists()
    assert json.loads(call("config", "--json").out)["untrusted"] == []


def test_a_plan_without_commands_needs_no_question(
    call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    plan(TWO)
    assert call("run", "plan.md", "--agent-command", agent).code == 0


# --- signals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_cleanly_and_the_run_resumes(
    program: Callable[..., Any],
    call: Callable[..., Any],
    plan: Callable[..., Path],
    slow_agent: str,
    agent: str,
    git: Callable[..., str],
    number: signal.Signals,
    code: int,
) -> None:
    root = plan(TWO).parent
    arguments = ["run", "plan.md", "--json", "--with-output", "--agent-command", slow_agent]
    process = program(*arguments, cwd=root)
    for line in process.stdout:
        if json.loads(line)["event"] == "agent_output":
            break
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "continue it with: cc4tui resume" in err
    assert "Traceback" not in err
    assert len(git(root, "worktree", "list").splitlines()) == 1
    status = json.loads(call("status", "--json").out)
    assert status["status"] == "interrupted"
    answer = call("run", "plan.md", "--agent-command", agent)
    assert answer.code == 0
    assert "merged    1.1 first thing" in answer.out, "titles are known in a continued run too"
    assert [run["run"] for run in json.loads(call("runs", "--json").out)] == [status["run"]]


STUBBORN = """
import pathlib, signal, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path("work.txt").write_text("precious")
print("deaf", flush=True)
while True:
    time.sleep(600)
"""


def test_a_second_signal_gives_a_deaf_agent_no_time_and_saves_its_work(
    program: Callable[..., Any], plan: Callable[..., Path], tmp_path: Path, git: Callable[..., str]
) -> None:
    root = plan(TWO).parent
    (tmp_path / "deaf.py").write_text(STUBBORN)
    command = f"{sys.executable} {tmp_path / 'deaf.py'}"
    arguments = ["run", "plan.md", "--json", "--with-output", "--agent-command", command]
    process = program(*arguments, cwd=root)
    for line in process.stdout:
        if json.loads(line)["event"] == "agent_output":
            break
    process.send_signal(signal.SIGINT)
    assert "once more" in next(line for line in process.stderr if "stopping" in line)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, "the first signal names the code"
    assert "stopping at once" in err
    assert names(out)[-1] == "run_finished"
    assert len(git(root, "worktree", "list").splitlines()) == 1
    refs = git(root, "for-each-ref", "--format=%(refname)", "refs/cc4/saved", "refs/heads/cc4")
    held = [ref for ref in refs.split() if "work.txt" in git(root, "ls-tree", "--name-only", ref)]
    assert held, refs


def test_a_reader_that_goes_away_does_not_end_the_run(
    program: Callable[..., Any], call: Callable[..., Any], plan: Callable[..., Path], agent: str
) -> None:
    root = plan(TWO).parent
    process = program("run", "plan.md", "--json", "--agent-command", agent, cwd=root)
    process.stdout.readline()
    process.stdout.close()
    assert "nobody reads the output" in process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert json.loads(call("status", "--json").out)["counts"] == {"landed": 2}


def test_an_agent_that_waits_for_trust_is_known_but_not_touched(
    call: Callable[..., Any], plan: Callable[..., Path], tmp_path: Path
) -> None:
    root = plan("# P\n- [ ] 1.1 thing {agent: mine}\n- [ ] 1.2 other\n").parent
    program = root / "codex"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    program.chmod(0o755)
    (root / "cc4tui.toml").write_text(
        '[run]\nagent = "codex"\n[agents.codex]\ncommand = ["./codex"]\n'
        '[agents.mine]\ndriver = "command"\ncommand = ["/no/such"]\n'
    )

    async def ahead() -> tuple[Forecast, list[str]]:
        async with Runtime.open(root) as center:
            told = await center.forecast("plan.md", RunOptions())
            return told, [agent.name for agent in await center.agents()]

    told, names = asyncio.run(ahead())
    assert [task.agent for task in told.tasks] == ["mine", "codex"]
    assert len(told.unfit) == 2
    assert all("not trusted yet; you are asked when the run starts" in why for why in told.unfit)
    assert names[0] == "codex"
    assert "mine" in names
    assert not (tmp_path / "pwned").exists()
    assert call("trust").code == 0
    told, _ = asyncio.run(ahead())
    assert any("/no/such does not exist" in why for why in told.unfit)
