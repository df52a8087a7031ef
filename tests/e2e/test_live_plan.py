"""A person edits the plan while it is being run."""

import subprocess
import sys

import pytest


pytestmark = pytest.mark.integration

PLAN = """\
---
cc4: 1
---
# P

## Batch 1: A
- [ ] 1.1 One
- [ ] 1.2 Two {depends_on: [1.1]}
- [ ] 1.3 Three {depends_on: [1.1]}
"""

EDITS = """
plan = pathlib.Path({plan!r})
if task == "1.1":
    plan.write_text({after!r})
    time.sleep(2.5)
pathlib.Path(f"{{task}}.txt").write_text(prompt)
"""


def edited_run(project, agent, after: str, before: str = PLAN):
    project.write("plan.md", before)
    project.commit("plan")
    body = EDITS.format(plan=str(project.root / "plan.md"), after=after)
    return project.run("plan.md", "--agent-command", agent(body))


def test_a_task_that_is_added_joins_the_run(project, agent):
    result = edited_run(project, agent, PLAN + "- [ ] 1.4 Four {depends_on: [1.2]}\n")
    assert result.code == 0, result.err
    (change,) = result.of("plan_changed")
    assert change["added"] == ["1.4"]
    assert change["applied"] is True
    assert result.finished["counts"] == {"landed": 4}
    assert "1.4.txt" in project.files()
    text = (project.root / "plan.md").read_text()
    assert "- [x] 1.4 Four" in text
    assert project.left_behind() == []


def test_a_task_that_is_removed_is_cancelled(project, agent):
    after = PLAN.replace("- [ ] 1.3 Three {depends_on: [1.1]}\n", "")
    result = edited_run(project, agent, after)
    assert result.of("plan_changed")[0]["removed"] == ["1.3"]
    assert result.states == {"1.1": "landed", "1.2": "landed", "1.3": "cancelled"}


def test_a_task_that_is_changed_gets_its_new_words(project, agent):
    after = PLAN.replace("1.2 Two", "1.2 Quite another thing")
    result = edited_run(project, agent, after)
    assert result.of("plan_changed")[0]["changed"] == ["1.2"]
    assert "Quite another thing" in (project.root / "1.2.txt").read_text()


def test_an_edit_that_breaks_the_plan_is_told_and_not_applied(project, agent):
    result = edited_run(project, agent, PLAN + "- [ ] 1.5 Five {depends_on: [9.9]}\n")
    (change,) = result.of("plan_changed")
    assert change["applied"] is False
    assert "9.9" in change["reason"]
    assert result.finished["counts"] == {"landed": 3}


BETWEEN = """
import asyncio, sys
from pathlib import Path
from cc4tui.cli.main import main
from cc4tui.services.pipeline.making import RunMaker
create = RunMaker.create
async def edited(self, *args):
    run = await create(self, *args)
    Path("plan.md").write_text(AFTER)
    return run
RunMaker.create = edited
main()
"""


def test_an_edit_right_after_the_plan_was_read_is_not_missed(project, agent):
    """The file never changes while it is watched, and yet it is not what the run goes by."""
    after = PLAN + "- [ ] 1.4 Four {depends_on: [1.2]}\n"
    project.write("plan.md", PLAN)
    project.commit("plan")
    command = agent("pathlib.Path(f'{task}.txt').write_text(prompt); time.sleep(1)")
    done = subprocess.run(
        [sys.executable, "-c", BETWEEN.replace("AFTER", repr(after)), "run", "plan.md", "--yes",
         "--agent-command", command],
        cwd=project.root, env=project.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert project.states()["1.4"] == ("landed", None)


def test_an_edit_between_two_processes_of_a_run_is_seen(project, agent, wait_for, ledger):
    project.write("plan.md", PLAN)
    project.commit("plan")
    gate = project.root.parent / "gate"
    body = f"""
ledger("up")
while not pathlib.Path({str(gate)!r}).exists():
    time.sleep(0.02)
pathlib.Path(f"{{task}}.txt").write_text(prompt)
time.sleep(1)
"""
    first = project.start("run", "plan.md", "--yes", "--agent-command", agent(body))
    wait_for(lambda: any(line.startswith("up") for line in ledger()))
    first.kill()
    first.communicate(timeout=30)
    project.write("plan.md", PLAN.replace("1.3 Three", "1.3 Quite another thing"))
    gate.touch()
    again = project.cc4tui("resume", "--json", "--yes")
    assert again.code == 0, again.err
    assert again.of("plan_changed")[0]["changed"] == ["1.3"]
    assert "Quite another thing" in project.git("show", "main:1.3.txt")


def test_a_plan_of_offers_keeps_its_tasks_when_it_is_edited(project, agent):
    before = "# P\n\n| # | Scenario |\n|---|---|\n| 1 | One |\n| 2 | Two |\n| 3 | Three |\n"
    project.write("plan.md", before)
    project.commit("plan")
    body = EDITS.replace('"1.1"', '"1"').format(
        plan=str(project.root / "plan.md"), after=before + "| 4 | Four |\n"
    )
    result = project.run("plan.md", "--accept-offers", "--agent-command", agent(body))
    assert result.code == 0, result.err
    (change,) = result.of("plan_changed")
    assert (change["added"], change["removed"]) == (["4"], [])
    assert result.finished["counts"] == {"landed": 4}
