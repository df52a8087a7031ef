"""The real program in a real terminal: what an agent and a plan say reaches it as text only."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyte
import pytest


pytestmark = pytest.mark.integration

TITLE = "[@click=app.quit]x[/] a [/] b"
PAYLOADS = (b"owned", b"aGFjaw==", b"q544e")
"""What stands within sequences: dropped whole, none of it may arrive."""
OBEYED = (
    b"\x1b[6n",
    b"\x1b]52;",
    b"\x1b]0;",
    b"\x1b]8;",
    b"\xc2\x9b",
    b"\xc2\x9d",
    b"\xe2\x80\xae",
)
"""Queries, clipboard, title, links, C1 and bidi as bytes."""
EVIL = (
    TITLE + " \x1b]52;c;aGFjaw==\x07\x1b]0;owned\x07\x1b[6n\x1bP+q544e\x1b\\\x9b6n\x9d0;owned\x9c"
    "\x1b]8;;https://owned.example\x1b\\link\x1b]8;;\x1b\\\u202edlrow \x1b[31mred\x1b[0m"
)
AGENT = f"""
import os, pathlib, sys
print({EVIL!r}, flush=True)
sys.stderr.write({EVIL!r} + chr(10))
pathlib.Path({TITLE.split()[0].replace("/", "_")!r} + ".txt").write_text({EVIL!r})
"""
PLAN = f"""# Plan {EVIL}

## Batch 1: Only {EVIL}

- [ ] 1.1 Add {EVIL}
"""


class Terminal:
    """A program in a pseudo terminal, with everything it wrote and the screen it made."""

    def __init__(self, argv: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.written = b""
        self._screen = pyte.Screen(120, 36)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def until(self, *words: str, gone: str = "\0", seconds: float = 40) -> None:
        """Read until all of these stand on the screen, and that one does not."""
        end = time.monotonic() + seconds
        while gone in self.text or not all(word in self.text for word in words):
            assert time.monotonic() < end, f"{words} did not appear:\n{self.text}"
            self._read(0.2)

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the program has ended
                return
            self.written += data
            self._stream.feed(data)

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    strange = ("CC4TUI_", "GIT_", "COLUMNS", "LINES")  # the last two outdo a terminal's own size
    kept = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
    return kept | {
        "CC4TUI_STATE_DIR": str(tmp_path / "state"),
        "CC4TUI_CONFIG_DIR": str(tmp_path / "config"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }


@pytest.fixture
def repository(tmp_path: Path, environment: dict[str, str]) -> Path:
    """A repository in which a hostile agent has done a hostile plan's task."""
    root = tmp_path / "repo"
    root.mkdir()
    (root / "plan.md").write_text(PLAN)
    (tmp_path / "agent.py").write_text(AGENT)
    git = ["git", "-c", "user.name=Person", "-c", "user.email=person@example.org"]
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", EVIL[:20]]):
        subprocess.run([*git, *args], cwd=root, check=True)
    command = f"{sys.executable} {tmp_path / 'agent.py'}"
    done = subprocess.run(
        [sys.executable, "-m", "cc4tui", "run", "plan.md", "--yes", "--agent-command", command],
        cwd=root,
        env=environment,
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def terminal(repository: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    opened = Terminal([sys.executable, "-m", "cc4tui"], repository, environment)
    yield opened
    opened.close()


def assert_only_text(terminal: Terminal, dropped: Sequence[bytes] = PAYLOADS) -> None:
    for bad in (*dropped, *OBEYED):
        at = terminal.written.find(bad)
        assert at < 0, f"{bad!r} arrived: {terminal.written[max(at - 60, 0) : at + 60]!r}"


def test_nothing_that_a_terminal_obeys_arrives(terminal: Terminal) -> None:
    terminal.until("Execution")
    terminal.press(b"3")
    terminal.until("succeeded", "Add [@click=app")
    terminal.press(b"t\r")
    terminal.until("red", "link")
    assert TITLE in terminal.text
    assert_only_text(terminal)
    terminal.press(b"d")
    terminal.until("the integration branch", "A [@click=app.quit]x[_].txt")
    terminal.press(b"\x1b")
    terminal.until("link", gone="the integration branch")
    terminal.press(b"l")
    terminal.until("raw output", "link")
    for tab in (b"2", b"1", b"4", b"3"):
        terminal.press(tab)
    terminal.until("raw output")
    assert_only_text(terminal, dropped=())  # a diff hides nothing: sequences are spelled out there
    assert terminal.process.poll() is None


@pytest.fixture
def crowded(repository: Path, environment: dict[str, str]) -> Path:
    """The same with hostile ideas, lessons, saved work, names of files, and a plant."""

    def ours(*args: str) -> None:
        call = [sys.executable, "-m", "cc4tui", *args]
        subprocess.run(call, cwd=repository, env=environment, capture_output=True, check=True)

    def git(*args: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=P", "-c", "user.email=p@x", *args],
            cwd=repository,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    ours("idea", "add", EVIL)
    ours("memory", "add", EVIL)
    git("checkout", "-q", "-b", "[@click=app.quit]x-\u202edlrow".replace("[", "("))
    name = f"{TITLE} \x1b]52;c;x\x07\u202e.txt".replace("/", "_")  # git quotes what is odd in it
    (repository / name).write_text(EVIL)
    git("add", "-A")
    commit = git("commit-tree", git("write-tree"), "-p", "HEAD", "-m", EVIL)
    git("update-ref", "refs/cc4/saved/r-abc/t/1/1", commit)
    git("reset", "-q")
    (repository / "plan.md").write_text(PLAN + f"- [ ] 1.2 Plants {EVIL}\n")
    agent = repository.parent / "plants.py"
    agent.write_text(
        "import pathlib, subprocess\n"
        f"git = ['git', '-C', {str(repository)!r}, 'config']\n"
        f"subprocess.run([*git, 'alias.x', {EVIL!r}], check=True)\n"
        "pathlib.Path('n.txt').write_text('n')\n"
    )
    call = [sys.executable, "-m", "cc4tui", "run", "plan.md", "--yes", "--agent-command"]
    command = f"{sys.executable} {agent}"
    done = subprocess.run(
        [*call, command], cwd=repository, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 1, done.stderr
    return repository


@pytest.mark.timeout(180)
def test_nothing_arrives_from_any_tab_dialog_or_notification(
    crowded: Path, environment: dict[str, str]
) -> None:
    """Lists, details, saved work with its difference, the quarantine, errors: text only."""
    terminal = Terminal([sys.executable, "-m", "cc4tui"], crowded, environment)
    try:
        terminal.until("Execution")
        for keys, words, gone in (
            (b"1", ("inbox 1", "[@click=app"), "\0"),
            (b"e", ("edit the idea",), "\0"),
            (b"\x1b", ("inbox 1",), "edit the idea"),
            (b"2", ("plan.md", "2 tasks"), "inbox 1"),
            (b"l", ("Plants [@click=app",), "\0"),
            (b"r", ("workers", "agent"), "\0"),
            (b"\x1b", ("Plants [@",), "workers"),
            (b"4", ("lessons 1", "[@click=app"), "Plants [@"),
            (b"\r", ("scroll",), "\0"),
            (b"\x1b", ("lessons 1",), "scroll"),
            (b"\x1b[C", ("took",), "\0"),
            (b"\x1b[C", ("saved work 2", "1 file"), "\0"),
            (b"j", ("refs/cc4/saved/r-abc",), "\0"),
            (b"\r", ("diff --git",), "\0"),
            (b"\x1b", ("saved work 2",), "diff --git"),
            (b"b", ("Bring it back?",), "\0"),
            (b"b", ("Restored as the branch",), "Bring it back?"),
            (b"3", ("Landing waits", "alias.x"), "saved work 2"),
            (b"a", ("Reject the run", "none -> [@click=app"), "\0"),
            (b"\x1b", ("Landing waits",), "Reject the run"),
        ):
            terminal.press(keys)
            terminal.until(*words, gone=gone)
            assert_only_text(terminal)
        assert terminal.process.poll() is None
    finally:
        terminal.close()
