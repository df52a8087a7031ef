"""Looking at runs, their logs and diffs, and talking to a run from a second shell."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ended_run


pytestmark = pytest.mark.integration

PLAN = """# Demo of states
## Batch 1: First
- [ ] 1.1 Write a file
- [ ] 1.2 Break [@click=app.quit]x[/]
## Batch 2: Second
- [ ] 2.1 Never starts
"""
AGENT = r"""
import os, pathlib, sys
sys.stdin.read()
print("hello \x1b]52;c;AAAA\x07from", os.environ["CC4_TASK"], "\u202e")
if os.environ["CC4_TASK"] == "1.2":
    sys.exit("it broke")
pathlib.Path("made.txt").write_text("content\n")
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("ended")
    return folder, ended_run(folder, PLAN, AGENT)


@pytest.fixture
def run_id(ended: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The finished run of this module, to look at; its repository is the current folder."""
    folder, run = ended
    monkeypatch.setenv("CC4TUI_STATE_DIR", str(folder / "state"))
    monkeypatch.chdir(folder / "project")
    return run


def test_status_has_the_contracts_keys(call: Callable[..., Any], run_id: str) -> None:
    answer = call("status", "--json")
    assert answer.code == 0
    status = json.loads(answer.out)
    assert status["run"] == run_id
    assert status["plan"] == "plan.md"
    assert status["status"] == "partly_failed"
    assert status["target"] == "main"
    assert status["branch"] == f"cc4/{run_id}/merged"
    assert status["finished"] > status["started"]
    assert status["counts"] == {"landed": 1, "failed": 1, "blocked": 1}
    by_id = {task["id"]: task for task in status["tasks"]}
    assert list(by_id) == ["1.1", "1.2", "2.1"]
    keys = {
        "id", "title", "batch", "state", "reason_code", "attempts", "agent", "commit", "branch",
        "seconds", "usage", "cost_usd", "reason",
    }  # fmt: skip
    assert all(keys <= set(task) for task in by_id.values())
    assert (by_id["1.1"]["state"], by_id["1.1"]["reason_code"]) == ("landed", None)
    assert (by_id["1.2"]["state"], by_id["1.2"]["reason_code"]) == ("failed", "agent")
    assert "it broke" in by_id["1.2"]["reason"]
    assert (by_id["2.1"]["state"], by_id["2.1"]["reason_code"]) == ("blocked", "blocked_by")
    assert set(by_id["1.1"]["usage"]) == {"input_tokens", "cached_input_tokens", "output_tokens"}


def test_status_for_people(call: Callable[..., Any], run_id: str) -> None:
    lines = call("status", run_id).out.splitlines()
    assert lines[0] == f"run {run_id}  partly_failed  plan.md"
    assert lines[1] == "3 tasks: 1 landed, 1 failed, 1 blocked"
    [failed] = [line for line in lines if line.startswith("failed")]
    assert "Break [@click=app.quit]x[/]" in failed
    assert "(agent)" in failed


def test_a_unique_beginning_names_a_run(call: Callable[..., Any], run_id: str) -> None:
    assert json.loads(call("status", run_id[:3], "--json").out)["run"] == run_id
    answer = call("status", "zzz")
    assert (answer.code, answer.out) == (2, "")
    assert '"zzz" matches no run' in answer.err


def test_without_any_run(call: Callable[..., Any], repository: Path) -> None:
    assert json.loads(call("runs", "--json").out) == []
    assert "no run yet" in call("runs").err
    for command in (["status"], ["resume"], ["report"]):
        answer = call(*command)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith("cc4tui: ")


def test_logs_are_clean_on_every_line(call: Callable[..., Any], run_id: str) -> None:
    answer = call("logs", run_id, "1.2")
    assert answer.code == 0
    assert answer.out.splitlines() == ["hello from 1.2 ", "it broke"]
    assert call("logs", run_id, "1.2", "--follow").out == answer.out


def test_raw_logs_are_byte_for_byte(call: Callable[..., Any], run_id: str) -> None:
    answer = call("logs", run_id, "1.1", "--raw", "--attempt", "1")
    assert answer.out == "hello \x1b]52;c;AAAA\x07from 1.1 \u202e\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["9.9"], "has no task '9.9'; it has: 1.1, 1.2, 2.1"),
        (["2.1"], "has not been attempted yet"),
        (["1.1", "--attempt", "7"], "has no attempt 7; the last is 1"),
    ],
)
def test_logs_that_are_not_there(
    call: Callable[..., Any], run_id: str, arguments: list[str], expected: str
) -> None:
    answer = call("logs", run_id, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert expected in answer.err


def test_a_diff_can_be_applied(
    call: Callable[..., Any], run_id: str, git: Callable[..., str], tmp_path: Path
) -> None:
    answer = call("diff", run_id, "1.1")
    assert answer.code == 0
    assert "+content" in answer.out
    (tmp_path / "patch").write_text(answer.out)
    git(tmp_path, "init", "-q", "before")
    git(tmp_path / "before", "apply", str(tmp_path / "patch"))
    assert (tmp_path / "before" / "made.txt").read_text() == "content\n"
    answer = call("diff", run_id, "9.9")
    assert (answer.code, answer.out) == (2, "")


def test_the_report(call: Callable[..., Any], run_id: str) -> None:
    text = call("report", run_id).out
    assert text.startswith(f"# Run {run_id}: plan.md\n")
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections == ["## Landed", "## Not done"]
    assert "- 1.2 Break [@click=app.quit]x[/]: failed (agent); " in text


def test_retry_continues_the_run_here(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ended_run(tmp_path, PLAN, AGENT)
    monkeypatch.chdir(tmp_path / "project")
    (tmp_path / "agent.py").write_text(AGENT.replace('sys.exit("it broke")', "pass"))
    answer = call("retry", run_id, "1.1")
    assert answer.code == 2
    assert "is landed; there is nothing to retry" in answer.err
    answer = call("retry", run_id, "9.9")
    assert answer.code == 2
    (tmp_path / "agent.py").write_text(
        AGENT.replace('sys.exit("it broke")', "pathlib.Path('two').touch(); sys.exit(0)")
    )
    call("retry", run_id, "1.2")
    by_id = {t["id"]: t for t in json.loads(call("status", run_id, "--json").out)["tasks"]}
    assert by_id["1.2"]["state"] == "landed"
    assert by_id["1.2"]["attempts"] == 2
    assert by_id["1.1"]["attempts"] == 1


# --- from a second shell ---------------------------------------------------------------------


@pytest.fixture
def going_on(
    program: Callable[..., Any], call: Callable[..., Any], plan: Callable[..., Path], tmp_path: Path
) -> Iterator[Any]:
    """A process whose run has two agents that never end by themselves."""
    root = plan("# P\n## Batch 1: B\n- [ ] 1.1 one\n- [ ] 1.2 two\n- [ ] 1.3 three\n").parent
    (tmp_path / "slow.py").write_text("import time; print('on', flush=True); time.sleep(600)")
    process = program(
        "run", "plan.md", "--json", "--workers", "2", "--agent-command",
        f"{sys.executable} {tmp_path / 'slow.py'}", cwd=root,
    )  # fmt: skip
    started = 0
    while started < 2:
        started += json.loads(process.stdout.readline())["event"] == "attempt_started"
    yield process
    process.kill()
    process.communicate(timeout=30)


@pytest.fixture
def until(call: Callable[..., Any]) -> Callable[[Callable[[dict[str, Any]], bool]], dict[str, Any]]:
    """Asks for the status until it is as expected."""

    def wait(expected: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while True:
            status: dict[str, Any] = json.loads(call("status", "--json").out)
            if expected(status):
                return status
            assert time.monotonic() < deadline, status

    return wait


def test_cancel_from_a_second_shell(
    going_on: Any, call: Callable[..., Any], until: Callable[..., Any]
) -> None:
    status = json.loads(call("status", "--json").out)
    assert status["status"] == "running"
    answer = call("cancel", status["run"], "1.1")
    assert (answer.code, answer.out) == (0, f"cancelled task 1.1 of run {status['run']}\n")
    until(lambda now: now["tasks"][0]["state"] == "cancelled")
    assert call("cancel", status["run"]).code == 0
    going_on.stdout.read()
    assert going_on.wait(timeout=30) == 1
    status = json.loads(call("status", "--json").out)
    assert status["status"] == "cancelled"
    assert status["counts"] == {"cancelled": 3}


def test_a_second_run_names_the_first_ones_process(going_on: Any, call: Callable[..., Any]) -> None:
    answer = call("run", "plan.md", "--agent", "rehearsal", "--new")
    assert (answer.code, answer.out) == (3, "")
    assert f"process {going_on.pid}" in answer.err
    answer = call("clean")
    assert answer.code == 3


def test_ideas_and_lessons_can_be_written_while_a_run_goes_on(
    going_on: Any, call: Callable[..., Any]
) -> None:
    for number in range(3):
        assert call("idea", "add", f"idea {number}").code == 0
        assert call("memory", "add", f"lesson {number}").code == 0
    assert len(json.loads(call("idea", "list", "--json").out)) == 3


def test_watch_ends_with_the_run(
    going_on: Any, call: Callable[..., Any], program: Callable[..., Any], repository: Path
) -> None:
    watcher = program("status", "--watch", "--json", cwd=repository)
    assert json.loads(watcher.stdout.readline())["status"] == "running"
    follower = program("logs", "r-", "1.1", "--follow", cwd=repository)
    assert follower.stdout.readline() == "on\n"
    assert call("cancel", "r-").code == 0
    rest, err = watcher.communicate(timeout=30)
    assert (watcher.returncode, err) == (0, "")
    assert json.loads(rest.splitlines()[-1])["status"] == "cancelled"
    follower.communicate(timeout=30)
    assert follower.returncode == 0
