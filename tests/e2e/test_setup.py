"""Worktrees are made fit for work: set-up commands, copies, links, kept files, a port each."""

import re

import pytest


pytestmark = pytest.mark.integration

MANY = "# Many\n\n## Batch 1: All\n" + "".join(f"- [ ] 1.{n} Task {n}\n" for n in range(1, 10))
ONE = "# One\n\n## Batch 1: All\n- [ ] 1.1 Only\n"

NEEDS_ALL = """
assert (pathlib.Path(".venv") / "ready").read_text() == "ready\\n"
assert pathlib.Path(".env").read_text() == "API_TOKEN=s3cret-of-the-file\\n"
assert pathlib.Path("node_modules/left-pad").read_text() == "pad"
port = int(os.environ["CC4_PORT"])
print("token", pathlib.Path(".env").read_text())
status = subprocess.check_output(["git", "status", "--porcelain"])
assert status == b"", status
pathlib.Path(".env").write_text("spoilt")
pathlib.Path("node_modules").unlink()
pathlib.Path(f"{task}.txt").write_text(str(port))
subprocess.run(["git", "add", "-A"], check=True)
subprocess.run(["git", "commit", "-qm", task], check=True)
time.sleep(0.2)
"""

MAKES_MORE = "echo x >> {log}; echo litter > litter; echo >> README.md"
SETUP = "mkdir .venv; echo ready > .venv/ready; " + MAKES_MORE


@pytest.fixture
def furnished(project, tmp_path):
    """A project whose tasks need more than git holds; the log of its set-ups."""
    log = tmp_path / "setups"
    log.touch()
    project.write(".gitignore", ".venv/\nnode_modules/\n")
    project.write("cc4tui.toml", config(SETUP.format(log=log)))
    project.write("plan.md", MANY)
    project.commit("plan")
    project.write(".env", "API_TOKEN=s3cret-of-the-file\n")
    project.write("node_modules/left-pad", "pad")
    return log


def config(setup):
    return f"""
    [run]
    setup = [{setup!r}]
    copy = [".env"]
    link = ["node_modules"]
    verify = ['test -e .venv/ready && test -e .env && test -n "$CC4_PORT"']
    """


def test_every_worktree_is_fit_and_nothing_of_it_is_committed(project, agent, furnished):
    result = project.run("plan.md", "--workers", "3", "--agent-command", agent(NEEDS_ALL))
    assert result.code == 0, result.err + result.out
    assert result.finished["counts"] == {"landed": 9}
    work = {f"1.{n}.txt" for n in range(1, 10)}
    assert project.files() == {".gitignore", "README.md", "cc4tui.toml", "plan.md", *work}
    assert (project.root / "README.md").read_text() == "# Sample\n"
    setups = len(furnished.read_text().split())
    assert setups <= 6  # three workers, two spare worktrees, one for the checks
    started = result.of("setup_started")
    assert len(started) == len(result.of("setup_finished"))
    assert setups - len(started) in (0, 1)  # the one for the checks, unless an agent had it before
    by_worktree = {e["worktree"]: e["task"] for e in result.of("attempt_started")}
    ports = {(project.root / f"{task}.txt").read_text() for task in by_worktree.values()}
    assert len(ports) == len(by_worktree)
    assert (project.root / "node_modules/left-pad").read_text() == "pad"
    outputs = [path.read_text() for path in project.state.rglob("out")]
    assert any("token API_TOKEN=***" in text for text in outputs)
    assert not any("s3cret-of-the-file" in text for text in outputs)
    assert project.left_behind() == []


def test_it_runs_again_when_its_inputs_change(project, agent, furnished):
    changes = """
    assert pathlib.Path(".venv/ready").exists()
    pathlib.Path("package-lock.json" if task == "1.1" else f"{task}.txt").write_text(task)
    """
    project.write("plan.md", re.sub(r"(Task [2-9])", r"\1 {depends_on: [1.1]}", MANY))
    project.commit("plan")
    result = project.run("plan.md", "--mode", "local", "--agent-command", agent(changes))
    assert result.code == 0, result.err
    where = [event["worktree"] for event in result.of("setup_started")]
    used = {event["worktree"] for event in result.of("attempt_started")}
    again = {
        event["worktree"]: where.count(event["worktree"]) for event in result.of("setup_started")
    }
    first = result.of("attempt_started")[0]["worktree"]
    assert again == dict.fromkeys(used, 1) | {first: 2}


def test_a_failing_command_is_told_in_one_sentence(project, agent, ledger):
    project.extra["DEPLOY_TOKEN"] = "hush-hush-0123456789"
    project.write("cc4tui.toml", '[run]\nsetup = ["echo no $DEPLOY_TOKEN for you >&2; exit 3"]\n')
    project.write("plan.md", ONE)
    project.commit("plan")
    result = project.run("plan.md", "--agent-command", agent("pathlib.Path('a').touch()"))
    assert result.code == 1
    assert project.states() == {"1.1": ("failed", "setup")}
    [failed] = result.of("task_failed")
    assert failed["reason"].startswith("the set-up of the worktree failed: `echo no $DEPLOY_TOKEN")
    assert "failed with exit code 3; the end of its output: no ****" in failed["reason"]
    assert ledger() == []
    assert result.of("setup_finished")[0]["passed"] is False
    assert "hush-hush" not in result.out + result.err
    assert project.left_behind() == []


def test_a_command_without_end_meets_its_limit_and_leaves_nothing(project, agent, ledger):
    project.write("cc4tui.toml", '[run]\nsetup = ["sleep 600 & sleep 600"]\nverify_timeout = 0.5\n')
    project.write("plan.md", ONE)
    project.commit("plan")
    result = project.run("plan.md", "--agent-command", agent("pass"))
    assert project.states() == {"1.1": ("failed", "setup")}
    assert "did not end in time" in result.of("task_failed")[0]["reason"]
    assert ledger() == []
    assert project.processes() == []


def test_a_run_that_is_stopped_stops_its_set_up(project, agent, ledger, tmp_path):
    project.write("cc4tui.toml", f'[run]\nsetup = ["touch {tmp_path}/begun; sleep 600"]\n')
    project.write("plan.md", ONE)
    project.commit("plan")
    process = project.start("run", "plan.md", "--json", "--yes", "--agent-command", agent("pass"))
    for line in process.stdout:
        if '"setup_started"' in line:
            break
    process.send_signal(2)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 130, err
    assert project.states() == {"1.1": ("ready", "stopped")}
    assert ledger() == []
    assert project.processes() == []


def test_what_is_to_be_copied_must_be_there_before_anything_starts(project, agent):
    project.write("cc4tui.toml", '[run]\ncopy = [".env"]\n')
    project.write("plan.md", ONE)
    project.commit("plan")
    result = project.run("plan.md", "--agent-command", agent("pass"))
    assert result.code == 2
    assert "run.copy: there is no .env in" in result.err
    assert result.out == ""
