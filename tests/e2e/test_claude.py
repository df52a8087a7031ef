"""The whole product with the real Claude Code, offline."""

import pytest


pytestmark = [pytest.mark.integration, pytest.mark.agents, pytest.mark.timeout(180)]

PLAN = """\
---
cc4: 1
agent: claude
---
# Real agents

## Batch 1: All
- [ ] 1.1 One <<write path=a.py lines=8>> <<commit add a>>
- [ ] 1.2 Two <<write path=b.py lines=8>> <<tokens in=1000 out=200>>
- [ ] 1.3 Three <<fail 401>>
- [ ] 1.4 Four <<write path=d.py text="x = 1">> <<edit path=d.py old="x = 1" new="x = 2">>
- [ ] 1.5 Five <<reply nothing was done>>
"""


def test_real_agents_land_their_work_and_failures_touch_no_neighbour(project, claude_environment):
    project.extra |= {**claude_environment, "CLAUDE_CODE_MAX_RETRIES": "1"}
    project.write("plan.md", PLAN)
    project.commit("plan")
    result = project.run("plan.md", "--workers", "4", timeout=150)
    assert result.code == 1, result.err
    tasks = {task["id"]: task for task in project.status()["tasks"]}
    assert {number: task["state"] for number, task in tasks.items()} == {
        "1.1": "landed",
        "1.2": "landed",
        "1.3": "failed",
        "1.4": "landed",
        "1.5": "no_change",
    }
    assert tasks["1.3"]["reason_code"] == "login"
    assert "API key" in tasks["1.3"]["reason"]
    assert (project.root / "d.py").read_text().strip() == "x = 2"
    assert "add a" in project.git("log", "--format=%s")
    assert tasks["1.1"]["usage"]["output_tokens"] > 0
    assert tasks["1.1"]["cost_usd"] > 0
    names = [event["event"] for event in result.events]
    assert names[: names.index("attempt_finished")].count("attempt_started") == 4
    assert project.fsck() == ""
    assert project.processes() == []
