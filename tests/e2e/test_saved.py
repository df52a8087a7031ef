"""Work of an interrupted attempt, from the kill to the branch that brings it back."""

import signal

import pytest


pytestmark = pytest.mark.integration

PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 Precious\n"
HANGS = """
if attempt == 1:
    pathlib.Path("precious.txt").write_text("work of hours")
    print("wrote", flush=True)
    time.sleep(600)
pathlib.Path("second.txt").write_text("second try")
"""


@pytest.fixture
def interrupted(project, agent, wait_for):
    """A project whose first attempt was killed with its program, and that was then finished."""
    project.write("plan.md", PLAN)
    project.commit("plan")
    args = ("run", "plan.md", "--yes", "--json", "--agent-command", agent(HANGS))
    process = project.start(*args)
    wait_for(lambda: any(file.read_text() for file in project.found("**/precious.txt")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    result = project.cc4tui(*args)
    assert result.code == 0, result.err
    return project


def test_interrupted_work_is_listed_shown_and_restored(interrupted):
    project = interrupted
    [entry] = project.cc4tui("saved", "list", "--json").json
    assert (entry["task"], entry["attempt"], entry["files"]) == ("1.1", 1, ["precious.txt"])
    assert entry["run"] == project.status()["run"]
    assert entry["ref"] == f"refs/cc4/saved/{entry['name']}"
    assert project.git("rev-parse", entry["ref"]) == entry["commit"]
    assert "precious.txt" in project.cc4tui("saved", "list").out
    assert "+work of hours" in project.cc4tui("saved", "show", entry["name"]).out
    before = project.git("status", "--porcelain"), project.git("rev-parse", "HEAD")
    made = project.cc4tui("saved", "restore", entry["run"], "--json").json
    assert made["branch"] == f"saved/{entry['run']}-{entry['name'].split('/')[1]}"
    assert (project.git("status", "--porcelain"), project.git("rev-parse", "HEAD")) == before
    assert "precious.txt" in project.files(made["branch"])
    told = project.cc4tui("saved", "restore", entry["run"], "--branch", "again").out
    assert "git switch again" in told
    assert "precious.txt" in project.files("again")
    folder = project.root.parent / "look"
    args = ("--branch", "seen", "--worktree", str(folder))
    assert str(folder) in project.cc4tui("saved", "restore", entry["run"], *args).out
    assert (folder / "precious.txt").read_text() == "work of hours"


def test_what_is_not_there_is_said(project):
    assert project.cc4tui("saved", "list", "--json").json == []
    assert "nothing had to be saved" in project.cc4tui("saved", "list").err
    result = project.cc4tui("saved", "show", "r-none")
    assert result.code == 2
    assert "cc4tui saved list" in result.err
