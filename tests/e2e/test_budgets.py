"""An agent that uses up its budget is stopped with its work saved; the rest of the run is not."""

import pytest


pytestmark = pytest.mark.integration

SPENDER = """
import json, pathlib, sys, time
prompt = sys.stdin.readline()
say = lambda message: print(json.dumps(message), flush=True)
say({"type": "system", "subtype": "init", "session_id": "s1", "model": "m"})
pathlib.Path("half.txt").write_text("half")
rounds = 3 if "modest" in prompt else 1000
for number in range(rounds):
    usage = {"input_tokens": 1000, "output_tokens": 1}
    message = {"id": f"m{number}", "model": "m", "content": [], "usage": usage}
    say({"type": "assistant", "message": message})
    time.sleep(2 if number == 7 else 0.2)  # what is written at once may be read at once
usage = {"input_tokens": 1000 * rounds, "output_tokens": 40}
say({"type": "result", "subtype": "success", "is_error": False, "session_id": "s1",
     "usage": usage, "total_cost_usd": 0.5})
"""


@pytest.fixture
def spender(project, tmp_path):
    """Configures an agent that speaks like Claude Code and uses 1000 tokens a round."""
    file = tmp_path / "spender.py"
    file.write_text(SPENDER)

    def configure(run=""):
        project.use_for_claude(file, run)

    return configure


def test_a_task_beyond_its_budget_is_stopped_and_not_tried_again(project, spender):
    spender("retries = 2")
    project.write(
        "plan.md",
        "# P\n\n## Batch 1: A\n- [ ] 1.1 Lavish {budget: 10k}\n"
        "- [ ] 1.2 A modest one {budget: 3500}\n",
    )
    project.commit("plan")
    result = project.run("plan.md", "--keep-going")
    assert result.code == 1
    assert project.states() == {"1.1": ("failed", "budget"), "1.2": ("landed", None)}
    [failed] = result.of("task_failed")
    assert failed["reason"].startswith("the budget of task 1.1 is used up: 1")
    assert failed["reason"].endswith(" of 10,000 tokens")
    warnings = [event["reason"] for event in result.of("budget_warned", "1.1")]
    assert len(warnings) == 1
    assert "nearly used up: 8," in warnings[0]
    assert len(result.of("attempt_started", "1.1")) == 1
    tasks = {task["id"]: task for task in project.status()["tasks"]}
    assert project.git("show", f"{tasks['1.1']['branch']}:half.txt") == "half"
    assert tasks["1.2"]["cost_usd"] == 0.5
    assert not tasks["1.2"]["cost_estimated"]
    used = project.cc4tui("usage", "--json").json
    assert used["by"] == ["day", "agent"]
    [row] = used["rows"]
    assert (row["agent"], row["attempts"], row["cost_usd"], row["unpriced"]) == (
        "claude",
        2,
        0.5,
        1,
    )
    assert row["input_tokens"] == used["total"]["input_tokens"] >= 13_000


def test_a_run_beyond_its_budget_starts_no_further_agent(project, spender):
    spender('budget = "5m"')
    project.write("plan.md", "# P\n\n## Batch 1: A\n- [ ] 1.1 Lavish\n- [ ] 1.2 Another\n")
    project.commit("plan")
    result = project.run("plan.md", "--workers", "1", "--keep-going", "--budget", "5k")
    assert result.code == 1
    assert project.states() == {"1.1": ("failed", "budget"), "1.2": ("failed", "budget")}
    assert [event["task"] for event in result.of("attempt_started")] == ["1.1"]
    assert "the budget of the run is used up" in result.of("task_failed", "1.2")[0]["reason"]
