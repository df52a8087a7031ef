"""A limited agent's task waits with its state kept; the others go on, and so does it by itself."""

import json
from datetime import datetime

import pytest


pytestmark = pytest.mark.integration

LIMITED = """
import json, pathlib, sys, time
folder = pathlib.Path({folder!r})
prompt = sys.stdin.readline()
session = sys.argv[sys.argv.index("--resume") + 1] if "--resume" in sys.argv else "s-1"
say = lambda message: print(json.dumps(dict(message, session_id=session)), flush=True)
say({{"type": "system", "subtype": "init", "model": "m"}})
with open(folder / "calls", "a") as calls:
    calls.write(json.dumps([time.time(), sys.argv[1:], prompt]) + "\\n")
until = folder / "until"
if not until.exists():
    until.write_text(str(int(time.time()) + {seconds}))
done = {{"type": "result", "subtype": "success", "usage": {{"input_tokens": 5}}}}
if time.time() < float(until.read_text()):
    pathlib.Path("half.txt").write_text("half")
    info = {{"status": "rejected", "resetsAt": float(until.read_text()),
             "rateLimitType": "five_hour"}}
    say({{"type": "rate_limit_event", "rate_limit_info": info}})
    say(dict(done, is_error=True, api_error_status=429, result="You've hit your limit"))
    sys.exit(1)
pathlib.Path("whole.txt").write_text("whole")
say(dict(done, is_error=False))
"""

PLAN = """\
# P

## Batch 1: A
- [ ] 1.1 Limited
- [ ] 1.2 Waits as well
- [ ] 1.3 Has others {fallback: nowhere rehearsal}
"""


@pytest.fixture
def limited(project, tmp_path):
    """Configures an agent that speaks like Claude Code and is limited for some seconds."""
    folder = tmp_path / "limited"
    folder.mkdir()

    def configure(seconds, run=""):
        file = folder / "agent.py"
        file.write_text(LIMITED.format(folder=str(folder), seconds=seconds))
        project.use_for_claude(file, run)
        return folder

    return configure


def calls(folder):
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def test_a_limited_task_waits_without_a_worker_and_goes_on_where_it_was(project, limited):
    folder = limited(seconds=4)
    project.write(
        "plan.md",
        "# P\n\n## Batch 1: A\n- [ ] 1.1 Limited\n- [ ] 1.2 Not limited {agent: rehearsal}\n",
    )
    project.commit("plan")
    project.extra["CC4_REHEARSAL_SPEED"] = "20"
    result = project.run("plan.md", "--workers", "1")
    assert result.code == 0, result.out + result.err
    [parked] = result.of("task_parked", "1.1")
    until = datetime.fromisoformat(parked["until"]).timestamp()
    assert parked["agent"] == "claude"
    assert "hit your limit" in parked["reason"]
    [first, second] = calls(folder)
    assert second[0] >= until > first[0]
    assert second[1][second[1].index("--resume") + 1] == "s-1"
    assert "limit" in second[2]
    ended, other = result.of("attempt_finished", "1.1")[0], result.of("attempt_started", "1.2")[0]
    assert ended["retry_in"] > 0
    started = result.of("attempt_started", "1.1")[1]
    assert ended["seq"] < other["seq"] < started["seq"]
    assert {"half.txt", "whole.txt"} <= project.files()
    assert project.left_behind() == []


def test_parking_outlives_the_process_a_retry_ends_it_and_a_fallback_needs_no_wait(
    project, limited
):
    folder = limited(seconds=3600)
    project.write("plan.md", PLAN)
    with (project.root / "cc4tui.toml").open("a") as file:
        file.write('\n[agents.nowhere]\ndriver = "command"\ncommand = ["/no/such/program"]\n')
    project.extra["CC4_REHEARSAL_SPEED"] = "20"
    project.commit("plan")
    process = project.start("run", "plan.md", "--json", "--yes", "--workers", "1")
    parked, events = {}, []
    while len(parked) < 2 or events[-1]["event"] != "task_merged":
        events.append(json.loads(process.stdout.readline()))
        if events[-1]["event"] == "task_parked":
            parked[events[-1]["task"]] = events[-1]["until"]
    assert events[-1]["task"] == "1.3"
    [other] = [e for e in events if e["event"] == "attempt_started" and e["task"] == "1.3"]
    assert (other["agent"], other["instead_of"]) == ("rehearsal", "claude")
    assert "hit your limit" in other["because"]
    process.kill()
    process.communicate()
    assert len(set(parked.values())) == 1

    process = project.start("resume", "--json", "--yes")
    while json.loads(process.stdout.readline())["event"] != "run_recovered":
        pass
    tasks = project.status()["tasks"][:2]
    assert [(t["state"], t["reason_code"], t["agent"]) for t in tasks] == [
        ("ready", "quota", "claude")
    ] * 2
    until = datetime.fromisoformat(parked["1.1"]).timestamp()
    assert [datetime.fromisoformat(t["until"]).timestamp() for t in tasks] == pytest.approx(
        [until, until], abs=1.0
    )
    (folder / "until").write_text("0")  # credits were bought
    project.cc4tui("retry", events[0]["run"], "1.1")
    out, err = process.communicate(timeout=40)
    assert process.returncode == 0, out + err
    assert {(t["state"], t["until"]) for t in project.status()["tasks"]} == {("landed", None)}
    assert len(calls(folder)) == 3
    assert project.left_behind() == []


def test_a_new_run_is_parked_from_its_start_unless_a_person_says_otherwise(project, limited):
    folder = limited(seconds=3600)
    for name in ("one", "two", "three"):
        project.write(f"{name}.md", f"# P\n\n## Batch 1: A\n- [ ] 1.1 Of {name}\n")
    project.commit("plans")

    def until_parked(plan):
        process, events = project.start("run", plan, "--json", "--yes"), []
        while not events or events[-1]["event"] != "task_parked":
            events.append(json.loads(process.stdout.readline()))
        process.kill()
        process.communicate()
        return events[0]["run"], events[-1], [event["event"] for event in events]

    run, first, _ = until_parked("one.md")
    _, second, told = until_parked("two.md")
    assert "attempt_started" not in told
    assert second["until"] == first["until"]
    assert second["reason"].endswith(f"by run {run})")
    assert len(calls(folder)) == 1
    (folder / "until").write_text("0")  # credits were bought
    result = project.run("three.md", "--ignore-limits")
    assert result.code == 0, result.out + result.err
    assert result.of("task_parked") == []
    assert len(calls(folder)) == 2
