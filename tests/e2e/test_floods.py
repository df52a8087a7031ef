"""Agents that write without end: bounded disk, bounded memory, bounded work, nobody else slowed.

CC4_FLOOD_BLOCKS=500 is the long form: over 1 GB.
"""

import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest


pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 Floods\n- [ ] 1.2 Works\n"
MIB = 1024 * 1024

FLOODS = """
pathlib.Path(f"{task}.txt").write_text(task)
if task == "1.1":
    block = b"all work and no play makes a flood of lines\\n" * 25000
    for _ in range(FLOOD_MIB):
        os.write(1, block)
        os.write(2, block)
"""


@pytest.fixture
def configure(project):
    """Writes the person's own configuration."""

    def write(text: str) -> None:
        folder = project.state.parent / "config"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(text)

    return write


def watched(project, *args: str) -> tuple[int, str, float, float]:
    """Run the program; exit code, output, its most memory in bytes, its processor seconds."""
    with (project.state.parent / "told").open("w+") as told:
        process = psutil.Popen(
            [sys.executable, "-m", "cc4tui", *args],
            cwd=project.root,
            env=project.environment,
            stdout=told,
            stderr=told,
        )
        most, spent = 0.0, 0.0
        while process.poll() is None:
            try:
                most = max(most, process.memory_info().rss)
                times = process.cpu_times()
                spent = times.user + times.system
            except psutil.Error:
                break
            time.sleep(0.05)
        code = process.wait()
        told.seek(0)
        return code, told.read(), most, spent


def outputs(project, task: str) -> list[Path]:
    return [path for path in project.state.rglob(f"{task}-*-1/*") if path.name in ("out", "err")]


@pytest.mark.parametrize("told", [False, True], ids=["untold", "with-output"])
def test_a_flood_harms_nobody(project, agent, configure, told):
    size = 45 if told else int(os.environ.get("CC4_FLOOD_BLOCKS", "45"))
    configure("[run]\noutput_cap = 4\n")
    project.write("plan.md", PLAN)
    project.commit("plan")
    command = agent(FLOODS.replace("FLOOD_MIB", str(size)))
    more = ("--with-output",) if told else ()
    code, said, most, spent = watched(
        project, "run", "plan.md", "--yes", "--workers", "2", "--agent-command", command, *more
    )
    assert code == 0, said[-2000:]
    assert project.states() == {"1.1": ("landed", None), "1.2": ("landed", None)}
    found = outputs(project, "1-1")
    assert sorted(path.name for path in found) == ["err", "out"]
    for path in found:
        assert path.stat().st_size == size * 25000 * 44
        assert path.stat().st_blocks * 512 < 8 * MIB
    assert most < 200 * MIB
    assert spent < 20
    logs = project.cc4tui("logs", project.status()["run"], "1.1")
    assert "all work and no play" in logs.out
    assert len(logs.out) < 32 * MIB


def test_a_flood_before_the_result_of_a_json_agent_does_not_drown_it(project, configure, tmp_path):
    script = tmp_path / "floods.py"
    result = {"type": "result", "subtype": "success", "is_error": False, "session_id": "s"}
    script.write_text(
        "import os, pathlib\n"
        "pathlib.Path('work.txt').write_text('done')\n"
        "for _ in range(100): os.write(1, b'no JSON at all\\n' * 70000)\n"
        f"print({json.dumps(json.dumps(result))}, flush=True)\n"
    )
    command = json.dumps([sys.executable, str(script)])
    configure(f"[run]\noutput_cap = 4\nagent = 'claude'\n[agents.claude]\ncommand = {command}\n")
    project.write("plan.md", PLAN.replace("- [ ] 1.2 Works\n", ""))
    project.commit("plan")
    code, said, most, spent = watched(project, "run", "plan.md", "--yes")
    assert code == 0, said[-2000:]
    assert most < 250 * MIB
    assert spent < 40
