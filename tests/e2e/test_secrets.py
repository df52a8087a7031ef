"""A secret of the person's environment that an agent prints is nowhere to be found afterwards."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest


pytestmark = pytest.mark.integration

SECRET = "sk-live/0123456789+abcdef=="
PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 Leaks\n"

LEAKS = f"""
secret = {SECRET!r}
print("the key is", secret, flush=True)
for byte in secret.encode():
    os.write(1, bytes([byte]))
os.write(1, b"\\n")
print("refused: invalid token", secret, file=sys.stderr, flush=True)
time.sleep(0.3)
sys.stdout.write(secret[:9])
sys.stdout.flush()
if attempt == 1:
    time.sleep(0.3)
    print(secret[9:])
    sys.exit(1)
pathlib.Path("work.txt").write_text("done")
"""


@pytest.fixture
def leaky(project, agent):
    """The project with the secret in the person's environment; the agent's command line."""
    project.extra["DEPLOY_TOKEN"] = SECRET
    project.write("plan.md", PLAN)
    project.commit("plan")
    return agent(LEAKS)


def holding(folder: Path) -> list[str]:
    """Files below the folder that hold the secret."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


def test_it_reaches_no_event_no_file_and_no_prompt(project, leaky):
    check = ("--verify", "echo checked with $DEPLOY_TOKEN; test -e fixed")
    result = project.run(
        "plan.md", "--with-output", "--retries", "1", *check, "--agent-command", leaky
    )
    assert result.code == 1
    assert SECRET not in result.out + result.err
    reasons = [event["reason"] for event in result.of("attempt_finished")]
    assert "invalid token ****" in reasons[0]
    told = "\n".join(event["text"] for event in result.of("agent_output"))
    assert "the key is " + "*" * len(SECRET) in told
    assert holding(project.state) == []
    prompts = sorted(project.state.rglob("1-1-*-2/prompt"))
    assert "invalid token ****" in prompts[0].read_text()
    run = project.status()["run"]
    for args in (("logs", run, "1.1"), ("logs", run, "1.1", "--raw"), ("report", run)):
        shown = project.cc4tui(*args)
        assert shown.code == 0
        assert SECRET not in shown.out
    raw = project.cc4tui("logs", run, "1.1", "--attempt", "1", "--raw").out
    assert raw.count("*" * len(SECRET)) == 3


def test_output_files_keep_everything_else(project, leaky):
    project.run("plan.md", "--agent-command", leaky)
    [out] = project.state.rglob("1-1-*-1/out")
    mask = "*" * len(SECRET)
    assert out.read_text() == f"the key is {mask}\n{mask}\n{mask}\n"


def on_a_terminal(project, *args: str) -> str:
    """What a command writes when a person looks at it."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cc4tui", *args],
        cwd=project.root,
        env=project.environment | {"TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError), os.fdopen(master, "rb", buffering=0) as terminal:
        while data := terminal.read(65536):
            shown += data
    process.wait()
    return shown.decode(errors="replace")


def test_a_difference_is_masked_for_people_and_exact_for_programs(project, agent):
    project.extra["DEPLOY_TOKEN"] = SECRET
    project.write("plan.md", PLAN)
    project.commit("plan")
    command = agent(f"pathlib.Path('key.txt').write_text({SECRET!r} + chr(10) + 'visible')")
    assert project.run("plan.md", "--agent-command", command).code == 0
    run = project.status()["run"]
    shown = on_a_terminal(project, "diff", run, "1.1")
    assert "visible" in shown
    assert SECRET not in shown
    assert "+" + "*" * len(SECRET) in shown
    assert f"+{SECRET}\n" in project.cc4tui("diff", run, "1.1").out
    ref = f"refs/cc4/saved/{run}/1-1-x/1/1"
    project.git("update-ref", ref, "main")
    shown = on_a_terminal(project, "saved", "show", run)
    assert "visible" in shown
    assert SECRET not in shown
