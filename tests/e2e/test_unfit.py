"""Bad input: one sentence, its exit code, nothing started."""

import shutil

import pytest


pytestmark = pytest.mark.integration

GOOD = "# P\n## Batch 1: A\n- [ ] 1.1 One\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# Nothing here\n\nJust prose.\n", "no task"),
        (GOOD + "- [ ] 1.2 Two {depends_on: [9.9]}\n", "9.9"),
        (GOOD + "- [ ] 1.2 Two {depends_on: [1.3]}\n- [ ] 1.3 x {depends_on: [1.2]}\n", "1.2"),
        (GOOD + "- [ ] 1.1 Another\n", "1.1"),
    ],
    ids=["no tasks", "unknown dependency", "cycle", "duplicate id"],
)
def test_an_unusable_plan_is_exit_2(project, agent, ledger, text: str, told: str):
    project.write("plan.md", text)
    result = project.run("plan.md", "--agent-command", agent("pass"))
    assert result.code == 2
    assert told in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert result.out == ""
    assert ledger() == []


def test_a_plan_that_is_not_utf_8_is_exit_2(project, agent):
    (project.root / "plan.md").write_bytes(b"# P\n- [ ] 1.1 caf\xe9\n")
    result = project.run("plan.md", "--agent-command", agent("pass"))
    assert result.code == 2
    assert "UTF-8" in result.err


def test_a_missing_plan_is_exit_2(project):
    result = project.run("nowhere.md")
    assert result.code == 2
    assert "nowhere.md" in result.err


def test_a_mode_that_is_not_built_is_exit_2(project, agent):
    project.write("plan.md", GOOD)
    result = project.run("plan.md", "--mode", "container", "--agent-command", agent("pass"))
    assert result.code == 2
    assert "worktree" in result.err


def test_no_repository_is_exit_3(project, tmp_path, agent):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "plan.md").write_text(GOOD)
    result = project.cc4tui("-C", str(folder), "run", "plan.md", "--yes")
    assert result.code == 3
    assert "git" in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_a_repository_without_a_commit_is_exit_3(project, tmp_path):
    folder = tmp_path / "unborn"
    folder.mkdir()
    (folder / "plan.md").write_text(GOOD)
    project.git("init", "-q", str(folder))
    result = project.cc4tui("-C", str(folder), "run", "plan.md", "--yes")
    assert result.code == 3
    assert "commit" in result.err


def test_git_missing_is_exit_3(project, tmp_path):
    project.write("plan.md", GOOD)
    (tmp_path / "bin").mkdir()
    project.extra["PATH"] = str(tmp_path / "bin")
    assert shutil.which("git", path=project.extra["PATH"]) is None
    result = project.run("plan.md")
    assert result.code == 3
    assert "git" in result.err


def test_commands_of_a_plan_need_trust(project):
    project.write("plan.md", "# P\n## Batch 1: A\n- [ ] 1.1 One\n  - Run: `touch made`\n")
    project.commit("plan")
    refused = project.cc4tui("run", "plan.md", "--json")
    assert refused.code == 3
    assert "touch made" in refused.err
    assert refused.out == ""
    assert project.run("plan.md").code == 0
