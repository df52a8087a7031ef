"""Real processes for the tests of the process layer, and ways to see what is left of them."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.host import Supervisors


PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for attempts; its name is unique among all tests that run at once."""
    path = tmp_path / uuid.uuid4().hex
    path.mkdir()
    return path


@pytest.fixture
def mark() -> str:
    """Digits that a test's processes carry in their command line, whatever their environment."""
    return str(random.randrange(10**11, 10**12))


@pytest.fixture
def nasty(mark: str) -> tuple[str, ...]:
    """Command of an agent that ignores signals and hides its children."""
    return (str(PROGRAMS / "nasty_agent.sh"), mark)


@pytest.fixture
def survivors(mark: str) -> Iterator[Callable[[], list[str]]]:
    """Command lines of live processes with the mark; killed after the test, should any be left."""

    def processes() -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if mark in " ".join(process.cmdline()) and process.status() != "zombie":
                    found.append(process)
        return found

    def commands() -> list[str]:
        lines = []
        for process in processes():
            with contextlib.suppress(psutil.Error):
                lines.append(f"{process.pid} {' '.join(process.cmdline())}")
        return lines

    yield commands
    while left := processes():
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()


@pytest.fixture
def python() -> Callable[..., str]:
    """Runs an interpreter of its own with these arguments; what it wrote."""

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture
def open_fds() -> Callable[[], int]:
    """Counts the descriptors that this process has open."""
    return lambda: len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
async def host(folder: Path) -> AsyncIterator[Supervisors]:
    """A host that is closed after the test; its log must be empty then."""
    log = folder / "log"
    host = Supervisors(log)
    yield host
    await host.close()
    assert not log.exists() or log.read_text() == ""


SpecMaker = Callable[..., ProcessSpec]


@pytest.fixture
def make_spec(folder: Path) -> SpecMaker:
    """Makes specs with a fresh attempt folder and token: ``make_spec("sh", "-c", "...")``."""

    def make(*argv: str, **fields: object) -> ProcessSpec:
        name = uuid.uuid4().hex[:12]
        values: dict[str, object] = {
            "folder": folder / name,
            "argv": argv,
            "env": {"PATH": os.environ["PATH"]},
            "cwd": folder,
            "token": f"token-{name}",
        }
        return ProcessSpec(**{**values, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def sh(make_spec: SpecMaker) -> SpecMaker:
    """Makes the spec of a shell command: ``sh("echo hi")``."""

    def make(command: str, **fields: object) -> ProcessSpec:
        return make_spec("/bin/sh", "-c", command, **fields)

    return make


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """Waits until a condition holds: ``await eventually(lambda: ...)``."""

    async def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come true in time"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def record() -> Callable[[Path, str], dict[str, object] | None]:
    """Reads a record of an attempt folder."""

    def read(folder: Path, name: str) -> dict[str, object] | None:
        with contextlib.suppress(FileNotFoundError):
            return json.loads((folder / name).read_text())  # type: ignore[no-any-return]
        return None

    return read


class App:
    """An app in a process of its own."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAMS / "app.py"), str(folder), *map(str, arguments)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._lines: list[str] = []

    def wait_for(self, *lines: str) -> None:
        """Read its output until each of the lines came."""
        assert self.process.stdout is not None
        while not set(lines) <= set(self._lines):
            line = self.process.stdout.readline()
            assert line, f"the app ended after {self._lines}"
            self._lines.append(line.decode().strip())

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Clean up after the test."""
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start_app(folder: Path) -> Iterator[Callable[..., App]]:
    """Starts apps: ``start_app(3, "kill", *argv, seconds=0.2)``."""
    apps: list[App] = []

    def start(count: int, policy: str, *argv: str, seconds: float = 0.2) -> App:
        apps.append(App(folder, count, policy, seconds, *argv))
        return apps[-1]

    yield start
    for app in apps:
        app.close()


@pytest.fixture
def kill_record(record: Callable[[Path, str], dict[str, object] | None]) -> Callable[..., None]:
    """Signals a process that an attempt's `agent` record names: ``supervisor`` or ``zygote``."""

    def kill(folder: Path, which: str, number: int = signal.SIGKILL) -> None:
        agent = record(folder, "agent")
        assert agent is not None
        os.kill(int(str(agent[which])), number)

    return kill
