"""A person joins in: the agent's screen in its session, or a shell, in files of the task."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cc4tui.errors import UsageError
from cc4tui.ports import RunOptions, Terminal
from cc4tui.runtime import Runtime
from cc4tui.services.git.leftovers import find_leftovers
from cc4tui.services.pipeline.attaching import SESSION
from cc4tui.services.pipeline.workspace import rescue


pytestmark = pytest.mark.integration

CLAUDE = """
import json, os, pathlib, sys, time
arguments, here = sys.argv[1:], pathlib.Path(__file__)
if "-p" not in arguments:
    print("SCREEN", arguments, os.getcwd(), os.environ["TERM"], sorted(os.listdir()), flush=True)
    for line in sys.stdin:
        pathlib.Path("by-hand.txt").write_text(line)
        print("wrote", flush=True)
    sys.exit()
prompt = json.loads(sys.stdin.readline())["message"]["content"][0]["text"]
def tell(**message):
    print(json.dumps({"session_id": "session-" + os.environ["CC4_TASK"], **message}), flush=True)
tell(type="system", subtype="init", model="m", cwd=os.getcwd(), tools=[])
tell(type="user", isReplay=True, message={"role": "user", "content": []})
pathlib.Path(os.environ["CC4_TASK"] + ".txt").write_text("made")
while "wait" in prompt and not here.with_name("go-on").exists():
    time.sleep(0.05)
tell(type="result", subtype="success", is_error=False, result="done",
     usage={"input_tokens": 1, "output_tokens": 1}, total_cost_usd=0.01, num_turns=1)
sys.stdin.read()
"""
"""Speaks as Claude Code does without a screen, and has one."""

PLAN = """\
# Plan

## Batch 1: All
- [ ] 1.1 First
- [ ] 1.2 Second {depends_on: 1.1}
  wait
- [ ] 1.3 Third {depends_on: 1.2}
"""


@pytest.fixture
def opened(project, monkeypatch) -> Callable:
    """Opens the program in this process, with a run whose second task waits for `go-on`."""
    for name, value in project.environment.items():
        if name.startswith("CC4TUI_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("PS1", "$ ")
    program = project.root.parent / "claude.py"
    program.write_text(CLAUDE)
    project.write(
        "../config/config.toml",
        f"""
        [run]
        agent = "claude"
        [agents.claude]
        command = [{sys.executable!r}, {str(program)!r}]
        """,
    )
    project.write("plan.md", PLAN)
    project.commit("plan")

    @asynccontextmanager
    async def start() -> AsyncIterator[tuple[Runtime, str]]:
        async with asyncio.timeout(100), Runtime.open(project.root) as center:
            run = await center.start_run("plan.md", RunOptions(workers=2))
            yield center, run

    return start


class Seen:
    """What a terminal shows, read all the time."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.text = ""
        self.reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        while data := await self.terminal.read(4096):
            self.text += data.decode()

    async def until(self, *words: str) -> None:
        async with asyncio.timeout(20):
            while not all(word in self.text for word in words):
                await asyncio.sleep(0.02)

    async def ended(self) -> str:
        async with asyncio.timeout(20):
            await self.reading
            return await self.terminal.ended()


async def at_work(center: Runtime, run: str, task: str) -> Path:
    """Waits until the agent of a task is at work; its worktree."""
    async with asyncio.timeout(30):
        while True:
            for record in await center.journal.attempts(run, task):
                if record.worktree and (Path(record.worktree) / f"{task}.txt").exists():
                    return Path(record.worktree)
            await asyncio.sleep(0.02)


async def test_beside_an_agent_at_work_and_in_sessions_that_have_ended(opened, project) -> None:
    async with opened() as (center, run):
        folder = await at_work(center, run, "1.2")
        with pytest.raises(UsageError, match=r"nobody has worked on 1\.3"):
            await center.attach(run, "1.3")

        beside = Seen(await center.attach(run, "1.2"))
        assert beside.terminal.title == "shell beside claude"
        beside.terminal.write(b"pwd; ls; echo $TERM\n")
        await beside.until(str(folder), "1.2.txt", "xterm-256color")

        other = Seen(await center.attach(run, "1.1"))  # its folder is the run's now
        assert "finds its session only in" in other.terminal.note
        other.terminal.write(b"pwd; ls\n")
        await other.until("/worktrees/slot-by-hand-", "1.1.txt")
        other.terminal.write(b"exit\n")
        assert await other.ended() == "It changed nothing."

        (project.root.parent / "go-on").touch()
        assert await beside.ended() == ""  # its worktree went to another task
        await center.wait(run)
        assert project.files() >= {"1.1.txt", "1.2.txt", "1.3.txt"}

        first = await center.journal.attempts(run, "1.1")
        second = await center.journal.attempts(run, "1.2")
        screen = Seen(await center.attach(run, "1.2"))
        assert screen.terminal.title == "claude, session session-1.2"
        await screen.until("SCREEN ['--resume', 'session-1.2']", str(second[0].worktree), "1.2.txt")
        assert second[0].worktree == str(folder)
        screen.terminal.write(b"a change\n")
        await screen.until("wrote")

        # A run that begins now, or another cc4tui, leaves it alone.
        private = await center._private()
        assert find_leftovers(private) == []
        await rescue(private)
        assert folder.is_dir()
        if first[0].worktree == str(folder):
            again = Seen(await center.attach(run, "1.1"))
            assert "shell in the work of 1.1" in again.terminal.title
            again.terminal.hang_up()
            assert await again.ended() == "It changed nothing."

        screen.terminal.write(b"\x04")
        told = await screen.ended()
        assert "is saved" in told
        (work,) = await center.saved()
        assert (work.task, work.files) == ("1.2", ("by-hand.txt",))
        assert work.name in told
        assert not folder.exists()
    assert not any((project.state).glob("*/terminals/*"))
    assert project.left_behind() == []


async def test_closing_the_app_ends_terminals_and_saves_what_they_changed(opened, project) -> None:
    (project.root.parent / "go-on").touch()
    async with opened() as (center, run):
        await center.wait(run)
        seen = Seen(await center.attach(run, "1.1"))
        await seen.until("SCREEN")
        seen.terminal.write(b"not lost\n")
        await seen.until("wrote")
    assert "is saved" in await seen.ended()
    (ref,) = project.git("for-each-ref", "--format=%(refname)", "refs/cc4/saved").splitlines()
    assert project.git("show", f"{ref}:by-hand.txt") == "not lost"
    assert project.left_behind() == []


@pytest.mark.parametrize("session", ["--resume", "-p", "", "a b", "a/../b", "x\n"])
def test_sessions_that_would_pass_for_something_else_are_not_taken(session: str) -> None:
    assert SESSION.fullmatch("0199-f2_a:b.c")
    assert SESSION.fullmatch(session) is None
