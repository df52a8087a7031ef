"""Every way a task can end has its own state and reason, and harms nothing else."""

import pytest


pytestmark = pytest.mark.integration


def plan(*lines: str) -> str:
    return "# P\n\n## Batch 1: A\n" + "".join(f"- [ ] {line}\n" for line in lines)


BEHAVE = """
def begun(other):
    return f"start {other} 1" in pathlib.Path(LEDGER).read_text()
match task:
    case "1.1":
        pathlib.Path("good.txt").write_text("good")
    case "1.2":
        print("I give up", file=sys.stderr)
        sys.exit(3)
    case "1.3":
        pass
    case "1.4":
        pathlib.Path("late.txt").write_text("late")
        time.sleep(600)
    case "1.5" | "1.6":
        while not begun("1.6" if task == "1.5" else "1.5"):
            time.sleep(0.01)
        pathlib.Path("README.md").write_text(f"# {task}\\n")
"""


def test_each_ending_has_its_own_state_and_reason(project, agent, tmp_path):
    names = ["Good", "Fails", "Does nothing", "Hangs {timeout: 3s}", "One side", "Other side"]
    lines = [f"1.{n} {name}" for n, name in enumerate(names, 1)]
    project.write("plan.md", plan(*lines).replace("[ ] 1.1", "[ ] 1.9 Done before\n- [ ] 1.1", 1))
    text = (project.root / "plan.md").read_text().replace("- [ ] 1.9", "- [x] 1.9")
    (project.root / "plan.md").write_text(text)
    project.commit("plan")
    command = agent(BEHAVE.replace("LEDGER", repr(str(tmp_path / "ledger"))))
    result = project.run("plan.md", "--workers", "6", "--agent-command", command)
    assert result.code == 1
    states = project.states()
    assert states["1.9"] == ("skipped", None)
    assert states["1.1"] == ("landed", None)
    assert states["1.2"] == ("failed", "agent")
    assert states["1.3"] == ("no_change", None)
    assert states["1.4"] == ("failed", "timeout")
    assert {states["1.5"], states["1.6"]} == {("landed", None), ("failed", "conflict")}
    conflict = result.of("merge_conflict")[0]
    assert conflict["files"] == ["README.md"]
    assert conflict["with"] in (["1.5"], ["1.6"])
    assert result.finished["status"] == "partly_failed"
    assert "I give up" in result.of("task_failed", "1.2")[0]["reason"]
    assert project.processes() == []


def test_work_of_failed_tasks_stays_on_their_branch(project, agent):
    project.write("plan.md", plan("1.1 Fails after work"))
    project.commit("plan")
    body = "pathlib.Path('half.txt').write_text('half')\nsys.exit(1)"
    project.run("plan.md", "--agent-command", agent(body))
    branch = project.status()["tasks"][0]["branch"]
    assert "half.txt" in project.files(branch)


def test_dependents_of_a_failed_task_are_blocked_with_the_reason(project, agent):
    project.write("plan.md", plan("1.1 Fails", "1.2 Waits {depends_on: [1.1]}", "1.3 Free"))
    project.commit("plan")
    body = "sys.exit(1) if task == '1.1' else pathlib.Path(task).write_text(task)"
    result = project.run("plan.md", "--agent-command", agent(body))
    assert project.states() == {
        "1.1": ("failed", "agent"),
        "1.2": ("blocked", "blocked_by"),
        "1.3": ("landed", None),
    }
    assert result.of("task_blocked", "1.2")[0]["by"] == "1.1"


def test_retries_try_again_and_tell_the_agent_what_went_wrong(project, agent, ledger):
    project.write("plan.md", plan("1.1 Second time lucky"))
    project.commit("plan")
    body = """
    if attempt == 1:
        print("no luck today", file=sys.stderr)
        sys.exit(1)
    pathlib.Path("prompt.txt").write_text(prompt)
    """
    result = project.run("plan.md", "--retries", "1", "--agent-command", agent(body))
    assert result.code == 0, result.err
    assert [line for line in ledger() if line.startswith("start")] == ["start 1.1 1", "start 1.1 2"]
    assert "no luck today" in (project.root / "prompt.txt").read_text()


def test_failed_checks_keep_the_integration_branch_as_it_was(project, agent):
    project.write("plan.md", plan("1.1 Breaks", "1.2 Fine"))
    project.commit("plan")
    body = """
    name = "broken" if task == "1.1" else "fine"
    pathlib.Path(name).write_text(task)
    """
    check = ("--verify", "test ! -e broken")
    result = project.run("plan.md", *check, "--agent-command", agent(body))
    assert project.states() == {"1.1": ("failed", "checks"), "1.2": ("landed", None)}
    assert result.of("task_verified", "1.1")[0]["passed"] is False
    assert "broken" not in project.files()


def test_checks_see_the_merged_tree(project, agent):
    project.write("plan.md", plan("1.1 One", "1.2 Two {depends_on: [1.1]}"))
    project.commit("plan")
    check = ("--verify", 'test "$(ls *.txt | wc -l)" = "$(git log --merges --oneline | wc -l)"')
    body = "pathlib.Path(f'{task}.txt').write_text(task)"
    result = project.run("plan.md", *check, "--agent-command", agent(body))
    assert [e["passed"] for e in result.of("task_verified")] == [True, True], result.err


def test_a_landing_that_would_overwrite_a_file_is_refused(project, agent):
    project.write("plan.md", plan("1.1 Writes a.txt"))
    project.commit("plan")
    (project.root / "a.txt").write_bytes(b"mine\r\n")
    (project.root / "README.md").write_bytes(b"dirty\r\n")
    command = agent("pathlib.Path('a.txt').write_text('agent')")
    result = project.run("plan.md", "--agent-command", command)
    assert result.code == 1
    assert project.states() == {"1.1": ("merged", "conflict")}
    assert "a.txt" in result.finished["reason"]
    assert result.finished["landed"] is False
    assert (project.root / "a.txt").read_bytes() == b"mine\r\n"
    assert (project.root / "README.md").read_bytes() == b"dirty\r\n"
    (project.root / "a.txt").unlink()
    again = project.run("plan.md", "--agent-command", command)
    assert again.code == 0, again.err
    assert project.states() == {"1.1": ("landed", None)}
    assert (project.root / "a.txt").read_text() == "agent"
    assert (project.root / "README.md").read_bytes() == b"dirty\r\n"
    assert project.left_behind() == []


def test_a_base_branch_that_moved_is_merged_first(project, agent):
    project.write("plan.md", plan("1.1 One"))
    project.commit("plan")
    body = f"""
    git = ["git", "-C", {str(project.root)!r}]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "moved"], check=True)
    pathlib.Path("a.txt").write_text("a")
    """
    result = project.run("plan.md", "--agent-command", agent(body))
    assert result.code == 0, result.err
    assert "moved" in project.git("log", "--format=%s")
    assert "a.txt" in project.files()


def test_unrelated_changes_in_the_checkout_survive(project, agent):
    project.write("plan.md", plan("1.1 One"))
    project.commit("plan")
    (project.root / "README.md").write_bytes(b"dirty \xff\r\n")
    (project.root / "untracked.bin").write_bytes(bytes(range(256)))
    project.write("staged.txt", "staged")
    project.git("add", "staged.txt")
    result = project.run("plan.md", "--agent-command", agent("pathlib.Path('a').write_text('a')"))
    assert result.code == 0, result.err
    assert (project.root / "README.md").read_bytes() == b"dirty \xff\r\n"
    assert (project.root / "untracked.bin").read_bytes() == bytes(range(256))
    status = set(project.git("status", "--porcelain").splitlines())
    assert status == {"M README.md", "A  staged.txt", "?? untracked.bin"}
