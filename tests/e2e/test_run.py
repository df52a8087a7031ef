"""The main job: a plan in, landed work out."""

import itertools

import pytest


pytestmark = pytest.mark.integration

WRITES_A_FILE = """
time.sleep(0.3)
pathlib.Path(f"{task}.txt").write_text(task)
"""

TWELVE = """\
# Twelve

## Batch 1: Base
- [ ] 1.1 First
- [ ] 1.2 Second {depends_on: [1.1]}
- [ ] 1.3 Third
- [ ] 1.4 Fourth {depends_on: [1.3]}

## Batch 2: Middle
- [ ] 2.1 Fifth
- [ ] 2.2 Sixth
- [ ] 2.3 Seventh {depends_on: [2.1, 2.2]}
- [ ] 2.4 Eighth

## Batch 3: End
- [ ] 3.1 Ninth
- [ ] 3.2 Tenth
- [ ] 3.3 Eleventh
- [ ] 3.4 Twelfth {depends_on: [3.1, 3.2, 3.3]}
"""

INDEPENDENT = "# Many\n\n## Batch 1: All\n" + "".join(
    f"- [ ] 1.{number} Task {number}\n" for number in range(1, 13)
)


def test_twelve_tasks_land_in_the_order_of_their_dependencies(project, agent, ledger):
    project.write("plan.md", TWELVE)
    project.commit("plan")
    result = project.run("plan.md", "--workers", "4", "--agent-command", agent(WRITES_A_FILE))
    assert result.code == 0, result.err
    assert result.finished["counts"] == {"landed": 12}
    assert result.finished["landed"] is True
    landed = {f"{batch}.{number}.txt" for batch in (1, 2, 3) for number in (1, 2, 3, 4)}
    assert project.files() >= landed
    order = [event["task"] for event in result.of("task_merged")]
    for task, waits in {
        "1.2": ["1.1"],
        "2.3": ["2.1", "2.2"],
        "3.4": ["3.1", "3.2", "3.3"],
    }.items():
        assert all(order.index(other) < order.index(task) for other in waits)
    assert max(map(order.index, ["1.1", "1.2", "1.3", "1.4"])) < min(
        map(order.index, ["2.1", "2.2", "2.3", "2.4"])
    )
    starts = [line.split()[1] for line in ledger() if line.startswith("start")]
    assert sorted(starts) == sorted(set(starts))
    assert len(starts) == 12
    assert project.fsck() == ""
    assert project.left_behind() == []
    assert project.git("status", "--porcelain") == ""


def test_events_have_no_gaps_and_tell_what_is_stored(project, agent):
    project.write("plan.md", TWELVE)
    project.commit("plan")
    result = project.run("plan.md", "--agent-command", agent(WRITES_A_FILE))
    assert [event["seq"] for event in result.events] == list(range(1, len(result.events) + 1))
    assert result.events[0]["event"] == "run_started"
    assert result.events[-1]["event"] == "run_finished"
    status = project.status()
    assert status["status"] == "succeeded"
    assert status["counts"] == {"landed": 12}


def test_each_task_is_one_merge_commit_with_trailers(project, agent):
    project.write("plan.md", INDEPENDENT)
    project.commit("plan")
    project.run("plan.md", "--agent-command", agent(WRITES_A_FILE))
    merges = project.git("log", "--first-parent", "--merges", "--format=%(trailers:only)%x00")
    tasks = [line.split(": ")[1] for line in merges.splitlines() if line.startswith("Cc4-Task: ")]
    assert sorted(tasks) == sorted(f"1.{number}" for number in range(1, 13))


def test_the_plan_is_ticked_in_the_merge_commits(project, agent):
    project.write("plan.md", INDEPENDENT)
    project.commit("plan")
    project.run("plan.md", "--agent-command", agent(WRITES_A_FILE))
    assert (project.root / "plan.md").read_text() == INDEPENDENT.replace("[ ]", "[x]")
    assert project.git("status", "--porcelain") == ""


def test_an_untracked_plan_is_ticked_in_place(project, agent):
    project.write("plan.md", INDEPENDENT)
    project.run("plan.md", "--agent-command", agent(WRITES_A_FILE))
    assert (project.root / "plan.md").read_text() == INDEPENDENT.replace("[ ]", "[x]")
    assert project.git("status", "--porcelain") == "?? plan.md"


def test_a_plan_that_is_edited_during_the_run_keeps_the_edit_and_gets_its_ticks(project, agent):
    project.write("plan.md", INDEPENDENT)
    project.commit("plan")
    body = f"""
    plan = pathlib.Path({str(project.root / "plan.md")!r})
    if task == "1.1":
        plan.write_text(plan.read_text() + "\\nA remark of the person.\\n")
    pathlib.Path(f"{{task}}.txt").write_text(task)
    """
    result = project.run("plan.md", "--agent-command", agent(body))
    assert result.code == 0, result.err
    text = (project.root / "plan.md").read_text()
    assert text == INDEPENDENT.replace("[ ]", "[x]") + "\nA remark of the person.\n"
    assert project.git("status", "--porcelain") == "M plan.md"


def test_a_second_run_finds_nothing_to_do(project, agent, ledger):
    project.write("plan.md", INDEPENDENT)
    project.commit("plan")
    command = agent(WRITES_A_FILE)
    project.run("plan.md", "--agent-command", command)
    again = project.run("plan.md", "--agent-command", command)
    assert again.code == 0
    assert again.finished["counts"] == {"skipped": 12}
    assert len(ledger()) == 24


def test_a_plan_written_anew_in_the_same_file_is_other_work(project, agent, ledger):
    command = agent(WRITES_A_FILE)
    project.write("plan.md", "# P\n\n- [ ] 1.1 First\n- [ ] 1.2 Second\n")
    project.commit("plan")
    project.run("plan.md", "--agent-command", command)
    project.write("plan.md", "# P\n\n- [ ] 1.1 Quite another\n- [ ] 1.2 Second\n")
    project.commit("another plan")
    again = project.run("plan.md", "--agent-command", agent('open("other.txt", "w").write("x")'))
    assert again.states == {"1.1": "landed", "1.2": "skipped"}
    assert "other.txt" in project.files()


def test_what_landed_is_skipped_even_when_the_plan_says_nothing(project, agent, ledger):
    project.write("../plan.md", INDEPENDENT)
    command = agent(WRITES_A_FILE)
    plan = str(project.root.parent / "plan.md")
    project.run(plan, "--agent-command", command)
    (project.root.parent / "plan.md").write_text(INDEPENDENT)
    again = project.run(plan, "--agent-command", command)
    assert again.finished["counts"] == {"skipped": 12}


def test_land_none_leaves_the_base_branch_alone(project, agent):
    project.write("plan.md", INDEPENDENT)
    project.commit("plan")
    before = project.git("rev-parse", "main")
    result = project.run("plan.md", "--land", "none", "--agent-command", agent(WRITES_A_FILE))
    assert result.code == 0
    assert project.git("rev-parse", "main") == before
    branch = project.status()["branch"]
    assert "1.1.txt" in project.files(branch)


def test_agents_may_commit_themselves(project, agent):
    project.write("plan.md", "# P\n## Batch 1: A\n- [ ] 1.1 One\n")
    project.commit("plan")
    body = """
    pathlib.Path("a.txt").write_text("a")
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-q", "-m", "by the agent"], check=True)
    pathlib.Path("b.txt").write_text("b")
    """
    result = project.run("plan.md", "--agent-command", agent(body))
    assert result.code == 0, result.err
    assert project.files() >= {"a.txt", "b.txt"}
    assert "by the agent" in project.git("log", "--format=%s")


def test_shell_tasks_need_no_agent(project):
    plan = """\
    ---
    cc4: 1
    ---
    # P
    ## Batch 1: A
    - [ ] 1.1 Make it
      - Run: `echo made > made.txt`
      - Verify: `test -f made.txt`
    """
    project.write("plan.md", plan)
    project.commit("plan")
    result = project.run("plan.md")
    assert result.code == 0, result.err
    assert "made.txt" in project.files()
    assert result.of("task_verified", "1.1")[0]["passed"] is True


def test_the_rehearsal_agent_acts_out_a_plan(project):
    plan = "# P\n## Batch 1: A\n- [ ] 1.1 One\n  - Files: `src/one.py` (create)\n- [ ] 1.2 Two\n"
    project.write("plan.md", plan)
    project.commit("plan")
    project.extra["CC4_REHEARSAL_SPEED"] = "20"
    result = project.run("plan.md", "--agent", "rehearsal")
    assert result.code == 0, result.err
    assert "src/one.py" in project.files()


def test_workers_are_kept_busy(project, agent, ledger, tmp_path):
    """Nobody ends before four have begun; how well they are used is a benchmark."""
    project.write("plan.md", INDEPENDENT)
    project.commit("plan")
    body = f"""
    while pathlib.Path({str(tmp_path / "ledger")!r}).read_text().count("start") < 4:
        time.sleep(0.02)
    pathlib.Path(f"{{task}}.txt").write_text(task)
    """
    result = project.run("plan.md", "--workers", "4", "--agent-command", agent(body))
    assert result.finished["counts"] == {"landed": 12}
    assert 0 < result.finished["efficiency"] <= 1
    steps = [1 if line.startswith("start") else -1 for line in ledger()]
    assert max(itertools.accumulate(steps)) == 4
