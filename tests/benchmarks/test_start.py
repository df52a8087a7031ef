"""What starting costs: CPU time against the interpreter, SQLAlchemy and a minimal app."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

ROUNDS = 7
PEERS = {
    "posting": ("posting==2.11.1", "tree-sitter<0.26"),  # 0.26 crashes with its Textual
    "harlequin": ("harlequin==2.17.0",),
}
SQLALCHEMY = """
try:
    import sqlalchemy.ext.asyncio
except ImportError:
    pass  # without greenlet it fails at its last line, having imported everything
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """State of its own; compiled modules are kept, as they are for a person."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CC4TUI_", "PYTHON"))}
    return environment | {"CC4TUI_STATE_DIR": str(tmp_path / "state"), "TERM": "xterm-256color"}


@pytest.fixture
def repository(tmp_path: Path, environment: dict[str, str]) -> Path:
    """A repository with one finished run."""
    root = tmp_path / "repo"
    root.mkdir()
    (root / "plan.md").write_text("# P\n\n- [ ] 1.1 Write a file\n")
    git = ["git", "-c", "user.name=P", "-c", "user.email=p@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        subprocess.run([*git, *arguments], cwd=root, check=True)
    command = ["-m", "cc4tui", "run", "plan.md", "--yes", "--agent-command", "sh -c 'echo x>f'"]
    subprocess.run([sys.executable, *command], cwd=root, env=environment, check=True)
    return root


def cpu(cwd: Path, environment: dict[str, str], *arguments: str) -> float:
    """CPU seconds of a process and all its children: the least of some rounds."""
    found = []
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=cwd, env=environment, stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        found.append(used.ru_utime + used.ru_stime)
    return min(found)


def test_commands_start(
    repository: Path, environment: dict[str, str], measured: Callable[..., None]
) -> None:
    nothing = cpu(repository, environment, "-c", "pass")
    sqlalchemy = cpu(repository, environment, "-c", SQLALCHEMY)
    found = {
        name: cpu(repository, environment, "-m", "cc4tui", *name.split())
        for name in ("--version", "--help", "plan check plan.md", "status")
    }
    for name, spent in found.items():
        if name != "status":
            measured(f"cc4tui {name}, CPU s above an empty interpreter", spent - nothing, "")
    ratio = found["status"] / sqlalchemy
    measured("cc4tui status, against import sqlalchemy.ext.asyncio", ratio, "<= 1.33",
             f"{found['status']:.2f} s CPU")  # fmt: skip
    assert ratio <= 1.6
    assert found["--version"] - nothing < sqlalchemy / 2


def first_frame(
    which: str, cwd: Path, environment: dict[str, str], result: Path, python: str = sys.executable
) -> float:
    """CPU seconds until the first frame was painted, in a terminal."""
    result.unlink(missing_ok=True)
    program = [python, str(Path(__file__).with_name("start_app.py")), which, str(result)]
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(program[0], program, environment)
    try:
        while os.read(master, 1 << 16):
            pass
    except OSError:  # it has ended
        pass
    os.waitpid(pid, 0)
    os.close(master)
    return float(result.read_text())


def test_the_first_frame(
    repository: Path, environment: dict[str, str], tmp_path: Path, measured: Callable[..., None]
) -> None:
    found: dict[str, list[float]] = {"minimal": [], "app": []}
    for _ in range(ROUNDS):
        for which, times in found.items():
            times.append(first_frame(which, repository, environment, tmp_path / "frame"))
    ratio = min(found["app"]) / min(found["minimal"])
    measured("CPU time to the first frame, against a minimal Textual app", ratio, "<= 1.4",
             f"{min(found['app']):.2f} s")  # fmt: skip
    assert ratio <= 1.7


def peer_python(peer: str) -> str:
    """The Python of an environment with somebody else's app, made once in the person's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cc4tui-tests"
    folder = cache / PEERS[peer][0].replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)]
        fill = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        for command in (make, [*fill, *PEERS[peer]]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no message"])[-1]
                pytest.skip(f"{PEERS[peer][0]} could not be installed: {last}")
        (folder / "installed").touch()
    return str(python)


@pytest.mark.parametrize("peer", PEERS)
def test_the_first_frame_against_others(
    repository: Path,
    environment: dict[str, str],
    tmp_path: Path,
    measured: Callable[..., None],
    peer: str,
) -> None:
    """Against Textual apps of the same size."""
    python = peer_python(peer)
    frame, home = tmp_path / "frame", {"HOME": str(tmp_path)}
    theirs, ours = [], []
    for _ in range(3):
        theirs.append(first_frame(peer, repository, environment | home, frame, python))
        ours.append(first_frame("app", repository, environment, frame))
    ratio = min(ours) / min(theirs)
    measured(f"CPU time to the first frame, against {peer}", ratio, "<= 0.7",
             f"{min(theirs):.2f} s there")  # fmt: skip
    assert ratio <= 0.7
