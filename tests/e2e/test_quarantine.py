"""Agents that plant commands in the repository: nothing lands, and nothing of it ever runs."""

import signal

import pytest


pytestmark = pytest.mark.integration

PLAN = (
    "# P\n\n## Batch 1: A\n- [ ] 1.1 Plants\n- [ ] 1.2 Runs beside\n"
    "\n## Batch 2: B\n- [ ] 2.1 Later\n"
)

PLANTS = """
pathlib.Path(f"{task}.txt").write_text(task)
git = ["git", "-C", ROOT]
beside, planted = pathlib.Path(ROOT, "../beside"), pathlib.Path(ROOT, "../planted")
if task == "1.1":
    while not beside.exists():
        time.sleep(0.01)
    PLANT
    planted.touch()
elif task == "1.2":
    beside.touch()
    while not planted.exists():
        time.sleep(0.01)
"""

HOOK = """
    hook = pathlib.Path(ROOT, ".git/hooks/post-merge")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\\ntouch {CANARY}\\n")
    hook.chmod(0o755)
"""


def config(key: str, value: str = "touch {CANARY}; cat") -> str:
    return f"subprocess.run([*git, 'config', {key!r}, f{value!r}], check=True)"


@pytest.fixture
def planting(project, agent, tmp_path):
    """The command line of an agent that plants something while another one runs."""

    def make(plant: str) -> str:
        head = f"ROOT, CANARY = {str(project.root)!r}, {str(tmp_path / 'canary')!r}\n"
        lines = plant.strip("\n").splitlines()
        indented = "\n".join(line if line.startswith("    ") else f"    {line}" for line in lines)
        return agent(head + PLANTS.strip("\n").replace("    PLANT", indented))

    return make


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (config("core.fsmonitor"), "core.fsmonitor"),
        (config("filter.x.clean"), "filter.x.clean"),
        (config("core.sshCommand"), "core.sshcommand"),
        (HOOK, "post-merge"),
    ],
    ids=["fsmonitor", "filter", "ssh", "hook"],
)
def test_what_was_planted_never_runs_and_the_landing_waits(
    project, planting, tmp_path, plant, told
):
    project.write("plan.md", PLAN)
    project.commit("plan")
    before = project.git("rev-parse", "main")
    command = planting(plant)
    result = project.run("plan.md", "--workers", "2", "--agent-command", command)
    assert result.code == 1
    states = project.states()
    assert states["1.1"] == states["1.2"] == ("merged", "quarantined")
    assert states["2.1"] == ("merged", None)
    [event] = result.of("run_quarantined")
    assert event["tasks"] == ["1.1", "1.2"]
    run = project.status()["run"]
    for text in (event["reason"], result.finished["reason"], project.status()["reason"]):
        assert told in text
        assert f"cc4tui resume {run} --accept-changes" in text
    assert result.finished["landed"] is False
    assert not (tmp_path / "canary").exists()
    assert project.git("rev-parse", "main") == before
    again = project.cc4tui("resume", run, "--json")
    assert again.code == 1
    assert project.states()["1.1"] == ("merged", "quarantined")
    assert not (tmp_path / "canary").exists()


def test_a_person_who_undoes_it_gets_everything_landed(project, planting):
    project.write("plan.md", PLAN)
    project.commit("plan")
    project.run("plan.md", "--agent-command", planting(config("core.fsmonitor")))
    project.git("config", "--unset", "core.fsmonitor")
    again = project.cc4tui("resume", "--json")
    assert again.code == 0, again.err
    assert set(project.states().values()) == {("landed", None)}
    assert project.left_behind() == []


def test_a_person_who_accepts_it_gets_everything_landed(project, planting):
    project.write("plan.md", PLAN)
    project.commit("plan")
    project.run("plan.md", "--agent-command", planting(config("alias.st", "status")))
    again = project.cc4tui("resume", "--accept-changes", "--json")
    assert again.code == 0, again.err
    assert set(project.states().values()) == {("landed", None)}
    assert {"1.1.txt", "1.2.txt", "2.1.txt"} <= project.files()


def test_a_run_that_lands_nowhere_waits_too(project, planting, tmp_path):
    project.write("plan.md", PLAN)
    project.commit("plan")
    command = planting(config("core.hooksPath", str(tmp_path / "hooks")))
    result = project.run("plan.md", "--land", "none", "--agent-command", command)
    assert result.code == 1
    assert project.states()["1.1"] == ("merged", "quarantined")


def test_a_crash_right_after_the_planting_hides_nothing(project, agent, tmp_path, wait_for):
    project.write("plan.md", "# P\n\n## Batch 1: A\n- [ ] 1.1 Plants\n")
    project.commit("plan")
    body = f"""
    pathlib.Path("a.txt").write_text("a")
    if attempt == 1:
        git = ["git", "-C", {str(project.root)!r}]
        subprocess.run([*git, "config", "core.fsmonitor", "evil"], check=True)
        pathlib.Path({str(tmp_path / "planted")!r}).touch()
        time.sleep(300)
    """
    command = agent(body)
    process = project.start("run", "plan.md", "--yes", "--agent-command", command)
    wait_for((tmp_path / "planted").exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    result = project.run("plan.md", "--agent-command", command)
    assert result.code == 1
    assert project.states() == {"1.1": ("merged", "quarantined")}
