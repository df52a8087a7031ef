"""A person edits the plan while it is being run."""

import json
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
plan, seen = pathlib.Path({plan!r}), pathlib.Path({seen!r})
if task in ("1", "1.1"):
    if {after!r}:
        plan.write_text({after!r})
    while not seen.exists():
        time.sleep(0.02)
pathlib.Path(f"{{task}}.txt").write_text(prompt)
"""
"""The first task goes on when the run has told that it saw the edit."""


@pytest.fixture
def editor(project, agent, tmp_path):
    """The command line of an agent that edits the plan, and a function that ends such a run."""
    seen = tmp_path / "seen"

    def command(after: str = "") -> str:
        plan = str(project.root / "plan.md")
        return agent(EDITS.format(plan=plan, after=after, seen=str(seen)))

    def ended(process: "subprocess.Popen[str]"):
        lines = []
        for line in process.stdout:
            lines.append(line)
            if json.loads(line)["event"] == "plan_changed":
                seen.touch()
        _, err = process.communicate(timeout=50)
        return project.result(process.returncode, "".join(lines), err)

    return command, ended


@pytest.fixture
def edited_run(project, editor):
    """A run whose plan is edited while its first task is at work."""
    command, ended = editor

    def run(after: str, *options: str, before: str = PLAN):
        project.write("plan.md", before)
        project.commit("plan")
        arguments = ("run", "plan.md", "--json", "--yes", *options)
        return ended(project.start(*arguments, "--agent-command", command(after)))

    return run


def test_a_task_that_is_added_joins_the_run(project, edited_run):
    result = edited_run(PLAN + "- [ ] 1.4 Four {depends_on: [1.2]}\n")
    assert result.code == 0, result.err
    (change,) = result.of("plan_changed")
    assert change["added"] == ["1.4"]
    assert change["applied"] is True
    assert result.finished["counts"] == {"landed": 4}
    assert "1.4.txt" in project.files()
    text = (project.root / "plan.md").read_text()
    assert "- [x] 1.4 Four" in text
    assert project.left_behind() == []


def test_a_task_that_is_removed_is_cancelled(project, edited_run):
    after = PLAN.replace("- [ ] 1.3 Three {depends_on: [1.1]}\n", "")
    result = edited_run(after)
    assert result.of("plan_changed")[0]["removed"] == ["1.3"]
    assert result.states == {"1.1": "landed", "1.2": "landed", "1.3": "cancelled"}


def test_a_task_that_is_changed_gets_its_new_words(project, edited_run):
    after = PLAN.replace("1.2 Two", "1.2 Quite another thing")
    result = edited_run(after)
    assert result.of("plan_changed")[0]["changed"] == ["1.2"]
    assert "Quite another thing" in (project.root / "1.2.txt").read_text()


def test_an_edit_that_breaks_the_plan_is_told_and_not_applied(project, edited_run):
    result = edited_run(PLAN + "- [ ] 1.5 Five {depends_on: [9.9]}\n")
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


def test_an_edit_right_after_the_plan_was_read_is_not_missed(project, editor):
    """The file never changes while it is watched, and yet it is not what the run goes by."""
    after = PLAN + "- [ ] 1.4 Four {depends_on: [1.2]}\n"
    project.write("plan.md", PLAN)
    project.commit("plan")
    command, ended = editor
    program = BETWEEN.replace("AFTER", repr(after))
    process = subprocess.Popen(
        [sys.executable, "-c", program, "run", "plan.md", "--json", "--yes",
         "--agent-command", command()],
        cwd=project.root, env=project.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    done = ended(process)
    assert done.code == 0, done.err
    assert project.states()["1.4"] == ("landed", None)


def test_an_edit_between_two_processes_of_a_run_is_seen(project, editor, wait_for, ledger):
    project.write("plan.md", PLAN)
    project.commit("plan")
    command, ended = editor
    first = project.start("run", "plan.md", "--yes", "--agent-command", command())
    wait_for(lambda: "start 1.1 1" in ledger())
    first.kill()
    first.communicate(timeout=50)
    project.write("plan.md", PLAN.replace("1.3 Three", "1.3 Quite another thing"))
    again = ended(project.start("resume", "--json", "--yes"))
    assert again.code == 0, again.err
    assert again.of("plan_changed")[0]["changed"] == ["1.3"]
    assert "Quite another thing" in project.git("show", "main:1.3.txt")


def test_a_plan_of_offers_keeps_its_tasks_when_it_is_edited(project, edited_run):
    before = "# P\n\n| # | Scenario |\n|---|---|\n| 1 | One |\n| 2 | Two |\n| 3 | Three |\n"
    result = edited_run(before + "| 4 | Four |\n", "--accept-offers", before=before)
    assert result.code == 0, result.err
    (change,) = result.of("plan_changed")
    assert (change["added"], change["removed"]) == (["4"], [])
    assert result.finished["counts"] == {"landed": 4}
