"""The driver of docs/writing-an-agent.md works as it stands there, from an installed package."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs" / "writing-an-agent.md"
TINKER = """\
#!{python}
import json, pathlib, sys
prompt = sys.stdin.read()
assert sys.argv[1:] == ["--json", "--model", "small"], sys.argv
say = lambda **message: print(json.dumps(message), flush=True)
say(session="t-1")
print("not JSON at all")
say(say="I tinker")
pathlib.Path("tinkered.txt").write_text(prompt)
say(edit="tinkered.txt")
say(tokens=[1200, 80])
if "fail" in prompt:
    sys.exit("error: out of screws")
say(done=True)
"""


def block(kind: str) -> str:
    [code] = re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[:1]
    return code


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the package of the page, as an installer would leave it."""
    folder = tmp_path / "site"
    info = folder / "cc4tui_tinker-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "cc4tui_tinker.py").write_text(block("python"))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cc4tui-tinker\nVersion: 1.0\n")
    entry = re.search(r"^tinker = \"(.*)\"$", block("toml"), re.MULTILINE)
    (info / "entry_points.txt").write_text(f"[cc4tui.agents]\ntinker = {entry[1]}\n")
    return folder


def test_the_example_is_short_and_runs_whole_tasks(site: Path, tmp_path: Path) -> None:
    assert len([line for line in block("python").splitlines() if line.strip()]) <= 60
    program = tmp_path / "tinker"
    program.write_text(TINKER.format(python=sys.executable))
    program.chmod(0o755)
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "plan.md").write_text("# P\n\n## Batch 1: A\n- [ ] 1.1 Tinker\n- [ ] 1.2 fail\n")
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text(
        textwrap.dedent(f"""
        [run]
        agent = "tinker"
        [agents.tinker]
        driver = "tinker"
        command = ["{program}"]
        model = "small"
        """)
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(site),
        "CC4TUI_STATE_DIR": str(tmp_path / "state"),
        "CC4TUI_CONFIG_DIR": str(config),
        "GIT_AUTHOR_NAME": "P",
        "GIT_AUTHOR_EMAIL": "p@example.org",
        "GIT_COMMITTER_NAME": "P",
        "GIT_COMMITTER_EMAIL": "p@example.org",
    }

    def call(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, check=False
        )

    for git in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        assert call("git", *git).returncode == 0
    done = call(sys.executable, "-m", "cc4tui", "run", "plan.md", "--json", "--with-output")
    assert done.returncode == 1, done.stderr
    assert '"I tinker"' in done.stdout
    assert '"not JSON at all"' in done.stdout
    assert '"input_tokens": 1200' in done.stdout
    assert "tinker ended with exit code 1: error: out of screws" in done.stdout
    assert (repository / "tinkered.txt").exists()
    program.unlink()
    gone = call(sys.executable, "-m", "cc4tui", "run", "plan.md", "--new", "--redo")
    assert gone.returncode == 2
    assert "install it with: pip install tinker" in gone.stderr
