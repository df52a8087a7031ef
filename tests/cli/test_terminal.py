"""The app and its terminal."""

import os
import pty
import subprocess
import sys
from contextlib import contextmanager

import pytest


pytestmark = pytest.mark.integration


def read_until(master: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        seen += os.read(master, 65536)


@pytest.fixture
def environment(tmp_path):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CC4TUI_", "TMUX"))}
    folders = {"CC4TUI_STATE_DIR": tmp_path / "state", "CC4TUI_CONFIG_DIR": tmp_path / "config"}
    return inherited | {name: str(path) for name, path in folders.items()} | {"TERM": "xterm"}


@pytest.fixture
def repo(tmp_path):
    made = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", "-b", "main", str(made)], check=True)
    (made / "plan.md").write_text("# P\n\n## Batch 1: A\n- [ ] 1.1 One {agent: rehearsal}\n")
    git = ["git", "-C", str(made), "-c", "user.name=P", "-c", "user.email=p@example.org"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    return made


@pytest.fixture
def app(repo, environment):
    """Opens the app in a terminal of its own; gives the process and the terminal's other end."""

    @contextmanager
    def opened(**more: str):
        master, slave = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "cc4tui"],
            cwd=repo,
            env=environment | more,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,  # a session without a controlling terminal gets no SIGHUP
        ) as process:
            os.close(slave)
            read_until(master, b"Memory")
            try:
                yield process, master
            finally:
                process.kill()

    return opened


def test_the_app_ends_when_its_terminal_is_gone(app):
    with app() as (process, master):
        os.close(master)
        assert process.wait(timeout=30) == 129


@pytest.mark.timeout(60)
def test_who_looks_elsewhere_is_told_that_a_run_has_ended(app, repo, environment):
    """The terminal tells about its focus; the run is another shell's."""
    with app(CC4TUI_NOTIFY="desktop", TERM_PROGRAM="WezTerm") as (_, master):
        os.write(master, b"\x1b[O3")
        read_until(master, b"No run yet")
        with subprocess.Popen(
            [sys.executable, "-m", "cc4tui", "run", "plan.md"],
            cwd=repo,
            env=environment | {"CC4_REHEARSAL_SPEED": "50"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ):
            os.write(master, b"\x1b[O")  # a key counts as looking
            read_until(master, b"\x1b]9;cc4tui: plan.md: succeeded, 1 of 1 tasks done\x07")
