"""A project with a plan, and the real program run on it in a process of its own."""

import contextlib
import glob
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest


GIT = ["git", "-c", "user.name=Person", "-c", "user.email=person@example.org"]


NOT_INHERITED = ("CC4TUI_", "GIT_", "COLUMNS", "LINES")
"""Variables of whoever runs the tests; the last two would outdo the size of a terminal."""


@dataclass
class Result:
    """How a call of the program ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, name: str, task: str | None = None) -> list[dict[str, Any]]:
        """Events of one kind, of one task if named."""
        named = [event for event in self.events if event["event"] == name]
        return [event for event in named if task is None or event.get("task") == task]

    @property
    def states(self) -> dict[str, str]:
        """The last state of each task that the events tell."""
        kinds = ("landed", "merged", "failed", "skipped", "blocked", "cancelled", "no_change")
        names = {f"task_{kind}": kind for kind in kinds}
        told = [event for event in self.events if event["event"] in names]
        return {event["task"]: names[event["event"]] for event in told}

    @property
    def finished(self) -> dict[str, Any]:
        (event,) = self.of("run_finished")
        return event

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """A repository of a person, with everything of cc4tui kept below the test's folder."""

    root: Path
    state: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        base = {k: v for k, v in os.environ.items() if not k.startswith(NOT_INHERITED)}
        return base | {
            "CC4TUI_STATE_DIR": str(self.state),
            "CC4TUI_CONFIG_DIR": str(self.state.parent / "config"),
            **self.extra,
        }

    def git(self, *args: str) -> str:
        return subprocess.run(
            [*GIT, *args], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def use_for_claude(self, program: Path, run: str = "") -> None:
        """Configure a Python program that speaks like Claude Code; `run` = more of its section."""
        self.write(
            "cc4tui.toml",
            f"""
            [run]
            agent = "claude"
            {run}
            [agents.claude]
            command = [{sys.executable!r}, {str(program)!r}]
            """,
        )

    def commit(self, message: str = "more") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        """Start the program and do not wait."""
        return subprocess.Popen(
            [sys.executable, "-m", "cc4tui", *args],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def cc4tui(self, *args: str, timeout: float = 50) -> Result:
        process = self.start(*args)
        out, err = process.communicate(timeout=timeout)
        return self.result(process.returncode, out, err)

    def result(self, code: int, out: str, err: str) -> Result:
        """How a call ended that was read by somebody else."""
        assert "Traceback" not in err, err
        return Result(code, out, err)

    def run(self, plan: str = "plan.md", *args: str, **options: Any) -> Result:
        """`cc4tui run --json --yes`."""
        return self.cc4tui("run", plan, "--json", "--yes", *args, **options)

    def status(self, *args: str) -> dict[str, Any]:
        return self.cc4tui("status", "--json", *args).json

    def states(self) -> dict[str, tuple[str, str | None]]:
        """State and reason code of every task of the newest run."""
        return {t["id"]: (t["state"], t["reason_code"]) for t in self.status()["tasks"]}

    def files(self, ref: str = "main") -> set[str]:
        return set(self.git("ls-tree", "-r", "--name-only", ref).splitlines())

    def left_behind(self) -> list[str]:
        """Worktrees, branches, locks and processes that should not be there after a run."""
        left = [
            line
            for line in self.git("worktree", "list", "--porcelain").splitlines()
            if line.startswith("worktree ")
        ][1:]
        left += self.git(
            "for-each-ref", "--format=%(refname)", "refs/heads/cc4", "refs/cc4/tips"
        ).splitlines()
        left += map(str, self.found(".git/**/*.lock", self.root))
        left += map(str, self.found("**/worktrees/*/*"))
        return left + self.processes()

    def found(self, pattern: str, folder: Path | None = None) -> list[Path]:
        """What lies below a folder, the state folder by default; others may be at work there.

        `Path.rglob` fails when a folder vanishes while it looks.
        """
        top = folder or self.state
        names = glob.iglob(pattern, root_dir=top, recursive=True, include_hidden=True)  # noqa: PTH207
        return [top / name for name in names]

    def processes(self) -> list[str]:
        """Processes that work below this project's state folder."""
        found = []
        for process in psutil.process_iter():
            try:
                environment, cwd = process.environ(), process.cwd()
                command = " ".join(process.cmdline())
            except (psutil.Error, OSError):
                continue
            ours = environment.get("CC4TUI_STATE_DIR") == str(self.state)
            if (
                ours
                or cwd.startswith(str(self.state))
                or (
                    "CC4_TOKEN" in environment
                    and str(self.state) in environment.get("CC4_PROMPT_FILE", "")
                )
            ):
                found.append(f"{process.pid} {command}")
        return found

    def fsck(self) -> str:
        done = subprocess.run(
            ["git", "fsck", "--strict", "--no-dangling"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr).strip()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A small repository on branch main with one commit."""
    root = tmp_path / "repo"
    root.mkdir()
    made = Project(root, tmp_path / "state")
    made.git("init", "-q", "-b", "main")
    made.git("config", "user.name", "Person")
    made.git("config", "user.email", "person@example.org")
    made.write("README.md", "# Sample\n")
    made.commit("first")
    yield made
    for line in made.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(line.split()[0]), signal.SIGKILL)


@pytest.fixture
def agent(tmp_path: Path) -> Callable[[str], str]:
    """Writes a program in Python that acts as the agent; returns its command line."""

    def write(body: str, name: str = "agent.py") -> str:
        file = tmp_path / name
        head = (
            "import os, pathlib, subprocess, sys, time\n"
            "task, attempt = os.environ['CC4_TASK'], int(os.environ['CC4_ATTEMPT'])\n"
            "prompt = sys.stdin.read()\n"
            "def ledger(word):\n"
            f"    with open({str(tmp_path / 'ledger')!r}, 'a') as file:\n"
            "        file.write(f'{word} {task} {attempt}\\n')\n"
            "ledger('start')\n"
        )
        file.write_text(head + textwrap.dedent(body) + "\nledger('end')\n")
        return f"{sys.executable} {file}"

    return write


@pytest.fixture
def ledger(tmp_path: Path) -> Callable[[], list[str]]:
    """What the agents themselves counted: `start TASK ATTEMPT`, `end TASK ATTEMPT`."""

    def read() -> list[str]:
        file = tmp_path / "ledger"
        return file.read_text().splitlines() if file.exists() else []

    return read


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds; fails after a minute."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.02)

    return wait
