"""The app and its terminal."""

import os
import pty
import subprocess
import sys

import pytest


pytestmark = pytest.mark.integration


def read_until(master: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        seen += os.read(master, 65536)


def test_the_app_ends_when_its_terminal_is_gone(tmp_path):
    repo = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
    identity = ["-c", "user.name=P", "-c", "user.email=p@example.org"]
    commit = ["git", "-C", str(repo), *identity, "commit", "-q", "--allow-empty", "-m", "first"]
    subprocess.run(commit, check=True)
    master, slave = pty.openpty()
    environment = {**os.environ, "CC4TUI_STATE_DIR": str(tmp_path / "state"), "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-m", "cc4tui"],
        cwd=repo,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,  # a session without a controlling terminal gets no SIGHUP
    ) as process:
        os.close(slave)
        read_until(master, b"Memory")
        os.close(master)
        assert process.wait(timeout=30) == 129
