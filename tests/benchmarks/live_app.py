"""The app in a terminal of its own, with agents whose output is real files; run by test_live.py.

Usage: live_app.py SCENE FOLDER SECONDS, where SCENE is ``minimal`` (a Textual app with one input
line), ``PANES:RATE``: so many agents, each writing so many lines a second, or ``terminal:yes`` and
``terminal:lines``: a program that floods the terminal that is shown. What it measured by itself is
written to FOLDER/result.json at the end; the time begins with the file FOLDER/begun.
"""

import asyncio
import importlib.util
import json
import os
import re
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widgets import Input

from cc4tui import events as e
from cc4tui.domain.agent import AgentJob
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.ports import OutputReader, ProcessSpec
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.execution import body
from cc4tui.screens.execution.run_head import RunHead
from cc4tui.screens.options import StartOptions, Tab
from cc4tui.services.agents.output import FileOutputReader
from cc4tui.services.agents.shell import ShellBackend
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.terminal import TerminalProcess


TESTS = Path(__file__).parent.parent
COLOURED = "\x1b[32m2026-11-21 10:00:00\x1b[0m INFO \x1b[1mworker-3\x1b[0m handled in {n} ms\n"
PLAIN = "plain line of ordinary output without any colour, about eighty characters long {n}\n"
TERMINALS = {
    "terminal:yes": ("/usr/bin/yes",),
    "terminal:lines": (sys.executable, __file__, "write", "50000", "/dev/tty"),
}
PULSES = 40
"""Events that are published to see how soon they show."""


def fixtures(name: str, path: str) -> Any:
    """A conftest as a module: the fakes of the screens' tests."""
    spec = importlib.util.spec_from_file_location(name, TESTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Minimal(App[None]):
    """The least that answers a key."""

    def compose(self) -> ComposeResult:
        yield Input()


class WatchedHead(RunHead):
    """Tells what it draws."""

    def render_line(self, y: int) -> Strip:
        """Draw one of the lines."""
        strip = super().render_line(y)
        assert isinstance(self.app, Live)
        self.app.drawn(strip.text)
        return strip


class Live(CommandCenterApp):
    """The app on agents that flood or are quiet; notes when a published event is painted."""

    def __init__(self, folder: Path, panes: int, rate: int, seconds: float) -> None:
        fakes = fixtures("screen_fakes", "screens/conftest.py")
        stories = fixtures("stories", "screens/execution/conftest.py")
        self.folder, self.rate, self.seconds = folder, rate, seconds
        center = fakes.FakeCenter()
        center.agent_output = self.output  # type: ignore[method-assign]
        self.tasks = [f"1.{n}" for n in range(1, panes + 1)]
        self.stage = stories.Stage(center, {task: f"Task {task}" for task in self.tasks}, panes)
        self.stage.center = center
        for task in self.tasks:
            (folder / task).mkdir()
            self.stage.start(task, folder=str(folder / task))
        body.RunHead = WatchedHead  # type: ignore[misc]
        super().__init__(center, StartOptions(tab=Tab.EXECUTION))
        self.latencies: list[float] = []
        self._waiting: tuple[str, float] | None = None
        self._drawn = False

    def output(self, run: str, task: str, attempt: int, *_: object) -> OutputReader:
        """A reader of the real kind, on a file that this program writes."""
        spec = AgentSpec(name="shell", driver="shell")
        job = AgentJob(run, task, task, attempt, "plan.md", "", self.folder, self.folder)
        return FileOutputReader(self.folder / task, ShellBackend().stream(spec, job))

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        if self._waiting is not None and renderable is not None and self._drawn:
            self.latencies.append(time.perf_counter() - self._waiting[1])
            self._waiting, self._drawn = None, False

    def drawn(self, text: str) -> None:
        """The head of the run was drawn, with this line."""
        self._drawn = self._drawn or (self._waiting is not None and self._waiting[0] in text)

    async def on_mount(self) -> None:
        """Measure beside the app."""
        await super().on_mount()
        self.run_worker(self.measure())

    async def measure(self) -> None:
        """Let agents write, publish events, and count."""
        await asyncio.sleep(1.5)
        writers = await self.flood() if self.rate else []
        cpu, begun = time.process_time(), time.perf_counter()
        (self.folder / "begun").touch()
        for pulse in range(PULSES):
            await asyncio.sleep(self.seconds / PULSES)
            await self.publish(pulse)
        spent, lasted = time.process_time() - cpu, time.perf_counter() - begun
        for writer in writers:
            writer.kill()
            await writer.wait()
        written, taken = await self.taken()
        result = {
            "cpu_share": spent / lasted,
            "cpu": spent,
            "lines_per_second": written / lasted,
            "lines": written,
            "taken": taken,
            "latencies": sorted(self.latencies),
        }
        (self.folder / "result.json").write_text(json.dumps(result))
        self.exit()

    async def flood(self) -> list[asyncio.subprocess.Process]:
        """One process for all agents: this one's time belongs to the app."""
        files = [str(self.folder / task / "out") for task in self.tasks]
        program = [sys.executable, __file__, "write", str(self.rate), *files]
        return [await asyncio.create_subprocess_exec(*program)]

    async def publish(self, pulse: int) -> None:
        """Tell a cost that was never told before; the head of the run shows the sum."""
        if self._waiting is None and self.rate:
            event = self.stage.tell(
                e.UsageReported, "1.1", attempt=1, input_tokens=1, cached_input_tokens=None,
                output_tokens=None, cost_usd=100.5 + pulse,
            )  # fmt: skip
            self._waiting = (f"${100 + pulse}.", time.perf_counter())
            self.stage.publish(event)

    async def taken(self) -> tuple[int, float]:
        """Lines that were written, and the share of their bytes that the panes have taken."""
        from cc4tui.screens.execution import ExecutionTab

        panes = self.query_one(ExecutionTab).grid.panes
        sizes = {task: self.size_of(task) for task in self.tasks}
        held = {pane.task_id: pane.feed.source.size() for pane in panes if pane.feed is not None}
        shown = [task for task in sizes if task in held]
        total = sum(sizes[task] for task in shown)
        lines = sum(sizes.values()) // ((len(COLOURED) + len(PLAIN)) // 2)
        return lines, sum(held[task] for task in shown) / total if total else 1.0

    def size_of(self, task: str) -> int:
        """Bytes that an agent wrote."""
        path = self.folder / task / "out"
        return path.stat().st_size if path.exists() else 0


class Attached(Live):
    """The app with a terminal in which a program writes as fast as it is let."""

    def __init__(self, folder: Path, argv: tuple[str, ...], seconds: float) -> None:
        super().__init__(folder, 1, 0, seconds)
        self.argv = argv
        self.lates: list[float] = []

    async def measure(self) -> None:
        """Show the terminal, and see how long whatever else waits for its turn."""
        from cc4tui.screens.execution import ExecutionTab

        attach = fixtures("attach_fakes", "screens/execution/test_execution_attach.py")
        await asyncio.sleep(1.0)
        host, token = Supervisors(self.folder / "log"), uuid.uuid4().hex
        env = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}
        spec = ProcessSpec(self.folder / token, self.argv, env, self.folder, token)
        terminal = attach.ProgramTerminal(await TerminalProcess.start(host, spec), "")
        self.stage.center.terminals["1.1"] = terminal
        tab = self.query_one(ExecutionTab)
        tab.action_attach()
        while (session := tab.terminals.shown) is None:
            await asyncio.sleep(0.05)
        (self.folder / "begun").touch()
        await self.look(2.0)  # its history fills
        held, rows = resident(), session.emulator.scrolled
        cpu, begun = time.process_time(), time.perf_counter()
        await self.look(self.seconds)
        lasted = time.perf_counter() - begun
        result = {
            "cpu_share": (time.process_time() - cpu) / lasted,
            "rows": (session.emulator.scrolled - rows) / lasted,
            "grown": resident() - held,
            "latencies": sorted(self.lates),
        }
        (self.folder / "result.json").write_text(json.dumps(result))
        terminal.hang_up()
        await terminal.end
        await host.close()
        self.exit()

    async def look(self, seconds: float) -> None:
        """Note how late the loop is, a hundred times a second."""
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            await asyncio.sleep(0.01)
            self.lates.append(time.perf_counter() - begun - 0.01)


def resident() -> int:
    """Bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def write(rate: int, paths: list[str]) -> None:
    """Append `rate` lines a second to each file, in twenty pieces, until killed."""
    block = "".join((COLOURED if n % 2 else PLAIN).format(n=n) for n in range(max(rate // 20, 1)))
    files = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for path in paths]
    due = time.monotonic()
    while True:
        for file in files:
            os.write(file, block.encode())
        due += 1 / 20
        time.sleep(max(due - time.monotonic(), 0))


def main() -> None:
    """See the module."""
    scene, *rest = sys.argv[1:]
    if scene == "write":
        write(int(rest[0]), rest[1:])
    elif scene in TERMINALS:
        Attached(Path(rest[0]), TERMINALS[scene], float(rest[1])).run()
    elif scene == "minimal":
        Path(rest[0], "begun").touch()
        Minimal().run()
    else:
        match = re.fullmatch(r"(\d+):(\d+)", scene)
        assert match is not None
        Live(Path(rest[0]), int(match[1]), int(match[2]), float(rest[1])).run()


if __name__ == "__main__":
    main()
