"""Real repositories, and the command line called the way a person calls it."""

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyte
import pytest

from cc4tui.cli.main import main


@dataclass(frozen=True)
class Answer:
    """What one call of the program gave back."""

    code: int
    out: str
    err: str


Call = Callable[..., Answer]


def ended_run(folder: Path, plan: str, agent: str) -> str:
    """Make a repository and a run of `plan` in it that ends without full success; its id."""
    root = folder / "project"
    root.mkdir()
    env = os.environ | {"CC4TUI_STATE_DIR": str(folder / "state")}
    (root / "plan.md").write_text(plan)
    (folder / "agent.py").write_text(agent)
    who = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
    for command in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "Start"]):
        subprocess.run(["git", *who, *command], cwd=root, check=True, timeout=60)
    command = f"{sys.executable} {folder / 'agent.py'}"
    run = [sys.executable, "-m", "cc4tui", "run", "plan.md", "--json", "--agent-command", command]
    done = subprocess.run(run, cwd=root, env=env, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    return str(json.loads(done.stdout.splitlines()[-1])["run"])


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """State, configuration and git identity of this test only."""
    for name in list(os.environ):
        if name.startswith(("CC4", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CC4TUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CC4TUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("CC4_REHEARSAL_SPEED", "50")


@pytest.fixture
def git() -> Callable[..., str]:
    """Runs git in a folder and returns what it printed."""

    def run(folder: Path, *args: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
        command = ["git", *identity, "-C", str(folder), *args]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit on main; also the current folder."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "README.md").write_text("# project\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Start")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def call(capsysbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Calls the program in this process."""

    def run(*arguments: str) -> Answer:
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsysbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(int(ended.value.code), out.decode(), err.decode())

    return run


@pytest.fixture
def program() -> Callable[..., "subprocess.Popen[str]"]:
    """Starts the program as a process of its own."""

    def start(
        *arguments: str, env: Mapping[str, str] = {}, **more: object
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [sys.executable, "-m", "cc4tui", *arguments],
            env=os.environ | env,
            text=True,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **more,
            },
        )

    return start


@pytest.fixture
def plan(repository: Path) -> Callable[..., Path]:
    """Writes a plan into the repository, outside of what git knows."""

    def write(text: str, name: str = "plan.md") -> Path:
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


class Terminal:
    """A program in a terminal that is emulated."""

    def __init__(self, *arguments: str) -> None:
        self.raw = b""
        self._screen = pyte.Screen(120, 36)
        self._stream = pyte.ByteStream(self._screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
            os.execv(sys.executable, [sys.executable, "-m", "cc4tui", *arguments])

    def shows(self, text: str, seconds: float = 30) -> None:
        """Wait until the text is on the screen."""
        deadline = time.monotonic() + seconds
        while not any(text in line for line in self._screen.display):
            assert time.monotonic() < deadline, "\n".join(self._screen.display)
            assert self._read(), "\n".join(self._screen.display)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.fd, keys.encode())

    def ended(self) -> int:
        """Wait for the end of the program; its exit code."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        if not select.select([self.fd], [], [], 30)[0]:
            return False
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield start
    for one in opened:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
        os.close(one.fd)
