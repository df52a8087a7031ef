"""`cc4tui clean`: what a killed run left goes, what it wrote stays."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


pytestmark = pytest.mark.integration

AGENT = """
import pathlib, sys, time
pathlib.Path("precious.txt").write_text("work of hours")
print("wrote", flush=True)
time.sleep(600)
"""


@pytest.fixture
def killed(program: Callable[..., Any], plan: Callable[..., Path], tmp_path: Path) -> Path:
    """A repository whose run was killed while an agent had unsaved work."""
    root = plan("# P\n- [ ] 1.1 precious\n").parent
    (tmp_path / "agent.py").write_text(AGENT)
    process = program(
        "run", "plan.md", "--json", "--with-output", "--agent-command",
        f"{sys.executable} {tmp_path / 'agent.py'}", cwd=root,
    )  # fmt: skip
    for line in process.stdout:
        if json.loads(line)["event"] == "agent_output":
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    return root


def test_nothing_to_clean(call: Callable[..., Any], repository: Path) -> None:
    assert call("clean").out == "nothing to clean\n"
    assert json.loads(call("clean", "--json").out) == []


def test_work_of_a_killed_run_is_saved_before_its_worktree_goes(
    call: Callable[..., Any], killed: Path, git: Callable[..., str]
) -> None:
    looked = json.loads(call("clean", "--dry-run", "--json").out)
    trees = [remnant for remnant in looked if remnant["kind"] == "worktree"]
    assert trees
    assert all(Path(tree["name"]).is_dir() for tree in trees)
    doctor = json.loads(call("doctor", "--json").out)["findings"]
    assert [f["level"] for f in doctor if f["check"] == "leftovers"] == ["warning"]

    cleaned = json.loads(call("clean", "--json").out)
    assert not any(Path(tree["name"]).exists() for tree in trees)
    assert len(git(killed, "worktree", "list").splitlines()) == 1
    [saved] = git(killed, "for-each-ref", "--format=%(refname)", "refs/cc4/saved").split()
    assert git(killed, "show", f"{saved}:precious.txt") == "work of hours"
    assert any(saved in remnant["outcome"] for remnant in cleaned)
    branches = [remnant for remnant in cleaned if remnant["kind"] == "branch"]
    assert branches
    assert not any(branch["removable"] for branch in branches), "the run can be resumed"
    assert git(killed, "fsck", "--strict", "--no-dangling") == ""


def test_a_cleaned_run_can_still_be_resumed(
    call: Callable[..., Any], killed: Path, tmp_path: Path
) -> None:
    call("clean")
    (tmp_path / "agent.py").write_text("open('precious.txt', 'w').write('again')")
    assert call("resume").code == 0
    assert (killed / "precious.txt").read_text() == "again"


def test_branches_of_ended_runs(
    call: Callable[..., Any], repository: Path, git: Callable[..., str]
) -> None:
    git(repository, "branch", "cc4/r-old/merged")
    git(repository, "branch", "cc4/r-old/task/a/1")
    git(repository, "branch", "cc4/mine")
    git(repository, "branch", "cc4/r-old/notes")
    git(repository, "checkout", "-q", "-b", "cc4/r-lost/task/b/1")
    git(repository, "commit", "-q", "--allow-empty", "-m", "unmerged")
    git(repository, "checkout", "-q", "main")
    cleaned = {r["name"]: r for r in json.loads(call("clean", "--json").out)}
    assert {name: r["outcome"] for name, r in cleaned.items()} == {
        "cc4/r-old/merged": "removed",
        "cc4/r-old/task/a/1": "removed",
        "cc4/r-lost/task/b/1": "kept",
    }
    left = git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/cc4").split()
    assert left == ["cc4/mine", "cc4/r-lost/task/b/1", "cc4/r-old/notes"]
    shown = call("clean").out
    assert "holds work that the current branch does not" in shown
