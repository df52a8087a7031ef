"""Words to tasks that have ended: follow-ups, forks, other agents, hints, and tasks passed over."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cc4tui.errors import UsageError
from cc4tui.events import AttemptStarted, Event
from cc4tui.ports import MessageWay, Retry, RunOptions
from cc4tui.runtime import Runtime
from cc4tui.services.git.slug import task_slug


pytestmark = pytest.mark.integration

CLAUDE = """
import json, os, pathlib, sys, time, uuid
arguments = sys.argv[1:]
resumed = arguments[arguments.index("--resume") + 1] if "--resume" in arguments else None
session = str(uuid.uuid4()) if "--fork-session" in arguments else resumed or str(uuid.uuid4())
def tell(**message):
    print(json.dumps({"session_id": session, **message}), flush=True)
prompt = json.loads(sys.stdin.readline())["message"]["content"][0]["text"]
with open(pathlib.Path(__file__).with_name("told"), "a") as log:
    task, fork = os.environ["CC4_TASK"], "--fork-session" in arguments
    told = {"task": task, "resumed": resumed, "fork": fork, "prompt": prompt, "session": session}
    log.write(json.dumps(told) + "\\n")
tell(type="system", subtype="init", model="m", cwd=os.getcwd(), tools=[])
tell(type="user", isReplay=True, message={"role": "user", "content": []})
for line in prompt.splitlines():
    word, _, rest = line.strip().lstrip("- ").partition(" ")
    if word == "make":
        pathlib.Path(rest).write_text("made")
    if word == "wait" and os.environ["CC4_ATTEMPT"] == "1":
        pathlib.Path(__file__).with_name("waits-" + os.environ["CC4_TASK"]).touch()
        time.sleep(300)
if resumed and os.environ["CC4_TASK"] == "1.2":
    sys.exit("No conversation found with session ID")
failed = "be unable" in prompt
tell(type="result", subtype="success", is_error=failed, result="no" if failed else "done",
     usage={"input_tokens": 1, "output_tokens": 1}, total_cost_usd=0.01, num_turns=1)
sys.stdin.read()
sys.exit(1 if failed else 0)
"""
"""Speaks as Claude Code does and makes the files that it is told to make."""

PLAN = """\
# Plan

## Batch 1: All
- [ ] 1.1 First
  make a.txt
- [ ] 1.2 Second {depends_on: 1.1}
  be unable
- [ ] 1.3 Third {depends_on: 1.2}
  make c.txt
- [ ] 1.4 Fourth {depends_on: 1.1}
  be unable
"""


@pytest.fixture
def opened(project, agent, monkeypatch) -> Callable:
    """Opens the program in this process, with a claude of our own and a plain program."""
    for name, value in project.environment.items():
        if name.startswith("CC4TUI_"):
            monkeypatch.setenv(name, value)
    program = project.root.parent / "claude.py"
    program.write_text(CLAUDE)
    plain = agent('pathlib.Path(f"{task}-{attempt}.txt").write_text(prompt)').split()
    project.write(
        "../config/config.toml",
        f"""
        [agents.claude]
        command = [{sys.executable!r}, {str(program)!r}]
        [agents.plain]
        driver = "command"
        command = {json.dumps(plain)}
        """,
    )
    project.write("plan.md", PLAN)
    project.commit("plan")

    @asynccontextmanager
    async def start() -> AsyncIterator[tuple[Runtime, str]]:
        async with asyncio.timeout(100), Runtime.open(project.root) as center:
            run = await center.start_run("plan.md", RunOptions(keep_going=True))
            await center.wait(run)
            yield center, run

    return start


def told(project) -> list[dict]:
    """What the agents were told, in order."""
    return [json.loads(line) for line in (project.root.parent / "told").read_text().splitlines()]


async def states(center: Runtime, run: str) -> dict[str, str]:
    view = await center.run_view(run)
    return {task.task: task.state.value for task in view.tasks}


async def test_tasks_that_have_ended_are_gone_on_with(opened, project) -> None:
    async with opened() as (center, run):
        before = {"1.1": "landed", "1.2": "failed", "1.3": "blocked", "1.4": "failed"}
        assert await states(center, run) == before
        first = told(project)[0]

        assert await center.message_way(run, "1.1") is MessageWay.FOLLOW_UP
        await center.tell_agent(run, "1.1", "make more.txt")
        await center.wait(run)
        after = told(project)[-1]
        assert after["prompt"] == "make more.txt"  # the session knows the rest
        assert (after["task"], after["resumed"], after["fork"]) == (
            "1.1+1",
            first["session"],
            False,
        )

        await center.fork_attempt(run, "1.1", "make fork.txt")
        await center.wait(run)
        after = told(project)[-1]
        assert (after["task"], after["prompt"]) == ("1.1+2", "make fork.txt")
        assert (after["resumed"], after["fork"]) == (first["session"], True)
        with pytest.raises(UsageError, match="no attempt 9"):
            await center.fork_attempt(run, "1.1", "x", 9)

        with pytest.raises(UsageError, match="nobody"):
            await center.retry_task(run, "1.2", Retry(agent="nobody"))
        await center.retry_task(run, "1.2", Retry(agent="plain", hint="mind the gap"))
        await center.wait(run)
        assert "- mind the gap" in project.git("show", "main:1.2-2.txt")

        await center.skip_task(run, "1.4", "not needed")
        await center.wait(run)
        with pytest.raises(UsageError, match="nothing to skip"):
            await center.skip_task(run, "1.1")
        assert await states(center, run) == {
            "1.1": "landed",
            "1.2": "landed",
            "1.3": "landed",
            "1.4": "skipped",
            "1.1+1": "landed",
            "1.1+2": "landed",
        }
        view = await center.run_view(run)
        assert view.run.status.value == "succeeded"
        assert [task.agent for task in view.tasks if task.task == "1.2"] == ["plain"]
        assert [(task.title, task.attempts) for task in view.tasks][-2:] == [
            ("make more.txt", 1),
            ("make fork.txt", 1),
        ]
        made = {"a.txt", "c.txt", "more.txt", "fork.txt", "1.2-2.txt"}
        assert project.files() == {"README.md", "plan.md"} | made
    assert project.left_behind() == []


@pytest.mark.usefixtures("opened")
def test_after_a_crash_agents_go_on_in_their_sessions(project, wait_for) -> None:
    """Killed with everything it ran; one of the sessions cannot be found again."""
    lines = "".join(f"- [ ] 1.{n} Task\n  make {n}.txt\n\n  wait\n" for n in (1, 2))
    project.write("cut.md", f"# P\n\n## Batch 1: A\n{lines}")
    process = project.start("run", "cut.md", "--yes")
    both = [project.root.parent / f"waits-1.{n}" for n in (1, 2)]
    wait_for(lambda: all(file.exists() for file in both))
    database = next(project.state.rglob("cc4tui.db"))
    known = "select count(session) from attempts"
    wait_for(lambda: sqlite3.connect(database).execute(known).fetchone() == (2,))
    process.kill()
    process.communicate()
    again = project.cc4tui("resume")
    assert again.code == 0, again.err + again.out
    assert project.files() >= {"1.txt", "2.txt"}
    first = {one["task"]: one["session"] for one in told(project)[:2]}
    later = [(one["task"], one["resumed"]) for one in told(project)[2:]]
    assert sorted(later, key=str) == sorted(
        [("1.1", first["1.1"]), ("1.2", first["1.2"]), ("1.2", None)], key=str
    )
    [words] = [one["prompt"] for one in told(project) if one["resumed"] == first["1.1"]]
    assert "make" not in words  # the session knows the rest, and the folder has it
    assert project.left_behind() == []


async def test_a_task_that_runs_is_sent_elsewhere(opened, project, agent) -> None:
    """An agent that does not listen can only be ended; what it did stays."""
    agent(
        """
        pathlib.Path(f"{attempt}.txt").write_text(prompt)
        while attempt == 1:
            time.sleep(0.05)
        """
    )
    project.write("one.md", "# P\n\n## Batch 1: A\n- [ ] 1.1 Task {agent: plain}\n")
    async with opened() as (center, _):
        events: asyncio.Queue[Event] = asyncio.Queue()

        async def follow() -> None:
            async for event in center.subscribe():
                events.put_nowait(event)

        async with asyncio.TaskGroup() as group:
            following = group.create_task(follow())
            await asyncio.sleep(0)
            run = await center.start_run("one.md", RunOptions())
            while not isinstance(event := await events.get(), AttemptStarted):
                pass
            while not any(file.read_text() for file in project.found("**/1.txt")):
                await asyncio.sleep(0.02)
            assert await center.message_way(run, "1.1") is MessageWay.QUEUED
            await center.tell_agent(run, "1.1", "rather that", interrupt=True)
            await center.wait(run)
            following.cancel()
        assert event.run == run
        assert await states(center, run) == {"1.1": "landed"}
    assert "- rather that" in project.git("show", "main:2.txt")
    assert "1.txt" in project.files()


AT_WORK = """
pathlib.Path("half.txt").write_text("half")
pathlib.Path("README.md").write_text("changed")
here = pathlib.Path(__file__).parent
(here / f"works-{task}").touch()
while not (here / "go").exists():
    time.sleep(0.02)
pathlib.Path(f"end-{task}.txt").write_text(pathlib.Path("half.txt").read_text())
"""


async def test_a_task_at_work_is_forked_from_what_it_has_done(
    project, agent, monkeypatch, wait_for
) -> None:
    for name, value in project.environment.items():
        if name.startswith("CC4TUI_"):
            monkeypatch.setenv(name, value)
    command = agent(AT_WORK)
    here = Path(command.split()[-1]).parent
    project.write("plan.md", "# P\n\n## Batch 1: A\n- [ ] 1.1 First\n")
    project.commit("plan")
    async with asyncio.timeout(100), Runtime.open(project.root) as center:
        run = await center.start_run("plan.md", RunOptions(agent_command=command))
        await asyncio.to_thread(wait_for, (here / "works-1.1").exists)
        while (await center.journal.attempts(run))[-1].step != "spawned":
            await asyncio.sleep(0.02)
        await center.fork_attempt(run, "1.1", "another way")
        await asyncio.to_thread(wait_for, (here / "works-1.1+1").exists)
        begun = f"cc4/{run}/task/{task_slug('1.1+1')}/1"
        assert project.git("show", f"{begun}:half.txt") == "half"
        assert project.git("show", f"{begun}:README.md") == "changed"
        (here / "go").touch()
        view = await center.wait(run)
        assert {task.task: task.state.value for task in view.tasks} == {
            "1.1": "landed",
            "1.1+1": "landed",
        }
    assert {"half.txt", "end-1.1.txt", "end-1.1+1.txt"} <= project.files()
    assert project.fsck() == ""
    assert project.left_behind() == []
