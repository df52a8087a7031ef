"""Claims: each task is taken exactly once, and a late writer is refused."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cc4tui.domain.run import TRANSITIONS, TaskRunState
from cc4tui.errors import StaleWriteError
from cc4tui.events import TaskReady, TaskStateChanged
from cc4tui.ports import AttemptUpdate, TaskUpdate, Write
from cc4tui.storage.store import SqlStore, open_store


READY = frozenset({TaskRunState.READY})
TASKS = ("t0", "t1", "t2")


def claim(run: str, task: str, fence: int, who: str) -> Write:
    """What a worker writes to take a task."""
    values = {"state": TaskRunState.RUNNING, "fence": fence + 1, "agent": who}
    start = {"agent": who, "fence": fence + 1, "token": who, "folder": who}
    return Write(
        run,
        tasks=(TaskUpdate(task, READY, fence, values),),
        attempts=(AttemptUpdate(task, fence + 1, start),),
        events=(TaskStateChanged(run=run, task=task, state="running", reason=who),),
    )


@pytest.mark.parametrize("claimers", [1, 2, 16])
async def test_each_task_is_claimed_exactly_once(store: SqlStore, new_run: Any, claimers: int):
    tasks = 40
    await store.create_run(*new_run(tasks=tasks))
    won: list[str] = []

    async def work(who: str) -> None:
        for n in range(tasks):
            try:
                await store.commit(claim("r1", f"t{n}", 0, who))
            except StaleWriteError:
                continue
            won.append(f"t{n}")

    async with asyncio.TaskGroup() as group:
        for number in range(claimers):
            group.create_task(work(f"w{number}"))

    assert Counter(won) == {f"t{n}": 1 for n in range(tasks)}
    attempts = await store.attempts("r1")
    assert len(attempts) == len(await store.events("r1")) == tasks
    owner = {task.task: task.agent for task in await store.task_runs("r1")}
    assert {a.task: a.agent for a in attempts} == owner


async def test_a_late_finisher_with_an_old_fence_is_refused(store: SqlStore, new_run: Any):
    await store.create_run(*new_run())
    running = frozenset({TaskRunState.RUNNING})
    await store.commit(claim("r1", "t0", 0, "first"))
    lost = TaskUpdate("t0", running, 1, {"state": TaskRunState.READY})
    await store.commit(Write("r1", tasks=(lost,)))
    await store.commit(claim("r1", "t0", 1, "second"))

    late = TaskUpdate("t0", running, 1, {"state": TaskRunState.MERGING})
    with pytest.raises(StaleWriteError, match="running with fence 2, not running with fence 1"):
        await store.commit(Write("r1", tasks=(late,)))
    (task, *_) = await store.task_runs("r1")
    assert (task.agent, task.state) == ("second", TaskRunState.RUNNING)


CLAIMER = """
import asyncio, sys
from pathlib import Path
from cc4tui.domain.run import TaskRunState as S
from cc4tui.errors import StaleWriteError
from cc4tui.events import TaskReady
from cc4tui.ports import TaskUpdate, Write
from cc4tui.storage.store import open_store

async def main():
    store = await open_store(Path(sys.argv[1]))
    print("open", flush=True)
    sys.stdin.readline()
    won = []
    async def work(first):
        for n in range(first, first + 120):
            task = f"t{n % 120}"
            values = {"state": S.RUNNING, "fence": 1, "agent": sys.argv[2]}
            update = TaskUpdate(task, frozenset({S.READY}), 0, values)
            try:
                await store.commit(
                    Write("r1", tasks=(update,), events=(TaskReady(run="r1", task=task),))
                )
            except StaleWriteError:
                continue
            won.append(task)
    async with asyncio.TaskGroup() as group:
        for worker in range(4):
            group.create_task(work(worker * 30))
    await store.close()
    print(" ".join(won))

asyncio.run(main())
"""


@pytest.mark.integration
async def test_two_processes_claim_each_task_exactly_once(
    store: SqlStore, path: Path, new_run: Any, child: Any
):
    await store.create_run(*new_run(tasks=120))
    claimers = [child(CLAIMER, path, who) for who in ("a", "b")]
    for process in claimers:
        assert await asyncio.to_thread(process.stdout.readline) == "open\n"
    for process in claimers:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = {
        who: (await asyncio.to_thread(process.communicate))[0].split()
        for who, process in zip("ab", claimers, strict=True)
    }
    assert [process.returncode for process in claimers] == [0, 0]
    assert Counter(won["a"] + won["b"]) == {f"t{n}": 1 for n in range(120)}
    for task in await store.task_runs("r1"):
        assert task.task in won[task.agent]
    assert [event.seq for event in await store.events("r1")] == list(range(1, 121))


class Fences(RuleBasedStateMachine):
    """The tables against a model of three tasks: right, stale and mixed writes, and restarts."""

    def __init__(self, path: Path, run: Any) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.path = path
        self.store = self.loop.run(open_store(path))
        self.loop.run(self.store.create_run(*run))
        self.states = dict.fromkeys(TASKS, (TaskRunState.READY, 0))
        self.attempts: set[tuple[str, int]] = set()
        self.events: list[str | None] = []
        self.run_reason = ""

    @rule(task=st.sampled_from(TASKS))
    def claim(self, task: str) -> None:
        """With the fence that the task has."""
        state, fence = self.states[task]
        write = claim("r1", task, fence, "w")
        if state is not TaskRunState.READY:
            self.refuse(write)
            return
        self.loop.run(self.store.commit(write))
        self.states[task] = (TaskRunState.RUNNING, fence + 1)
        self.attempts.add((task, fence + 1))
        self.events.append(task)

    @rule(task=st.sampled_from(TASKS), data=st.data())
    def move(self, task: str, data: st.DataObject) -> None:
        """Along the table of states, naming several states that it may be in."""
        state, fence = self.states[task]
        if not TRANSITIONS[state]:
            return
        after = data.draw(st.sampled_from(sorted(TRANSITIONS[state])))
        others = data.draw(st.sets(st.sampled_from(sorted(TRANSITIONS))))
        update = TaskUpdate(task, frozenset(others | {state}), fence, {"state": after})
        self.loop.run(self.store.commit(Write("r1", tasks=(update,))))
        self.states[task] = (after, fence)

    @rule(task=st.sampled_from(TASKS), off=st.integers(-3, 3).filter(bool))
    def late(self, task: str, off: int) -> None:
        """With a fence that is not the task's."""
        state, fence = self.states[task]
        values = {"state": TaskRunState.LANDED, "fence": 99}
        self.refuse(Write("r1", tasks=(TaskUpdate(task, frozenset({state}), fence + off, values),)))

    @rule(good=st.sampled_from(TASKS), bad=st.sampled_from(TASKS))
    def mixed(self, good: str, bad: str) -> None:
        """One good update beside a stale one: neither is stored."""
        fine = TaskUpdate(good, frozenset(), None, {"reason": "never seen"})
        stale = TaskUpdate(bad, frozenset(), self.states[bad][1] + 1, {"reason": "never seen"})
        self.refuse(
            Write(
                "r1",
                run_values={"reason": "never seen"},
                tasks=(fine, stale),
                events=(TaskReady(run="r1", task="never seen"),),
            )
        )

    @rule(count=st.integers(1, 4), durable=st.booleans())
    def tell(self, count: int, durable: bool) -> None:
        """Events and a field of the run."""
        facts = tuple(TaskReady(run="r1", task=f"e{n}") for n in range(count))
        self.run_reason = f"told {len(self.events)}"
        write = Write("r1", {"reason": self.run_reason}, events=facts, durable=durable)
        stored = self.loop.run(self.store.commit(write))
        first = len(self.events) + 1
        assert [event.seq for event in stored] == list(range(first, first + count))
        self.events += [fact.task for fact in facts]

    @precondition(lambda self: self.events)
    @rule()
    def restart(self) -> None:
        """Everything is on the disk."""
        self.loop.run(self.store.close())
        self.store = self.loop.run(open_store(self.path))

    def refuse(self, write: Write) -> None:
        """The write must fail; that it stored nothing is the invariant."""
        with pytest.raises(StaleWriteError):
            self.loop.run(self.store.commit(write))

    @invariant()
    def tables_are_as_the_model(self) -> None:
        """After every step."""
        tasks = self.loop.run(self.store.task_runs("r1"))
        assert {t.task: (t.state, t.fence) for t in tasks} == self.states
        attempts = self.loop.run(self.store.attempts("r1"))
        assert {(a.task, a.attempt) for a in attempts} == self.attempts
        events = self.loop.run(self.store.events("r1"))
        assert [(e.seq, e.task) for e in events] == list(enumerate(self.events, 1))
        run = self.loop.run(self.store.run("r1"))
        assert run is not None
        assert run.reason == self.run_reason

    def teardown(self) -> None:
        """Close what was opened."""
        self.loop.run(self.store.close())
        self.loop.close()


def test_fences_hold_whatever_happens(tmp_path_factory: pytest.TempPathFactory, new_run: Any):
    run_state_machine_as_test(
        lambda: Fences(tmp_path_factory.mktemp("fences") / "cc4tui.db", new_run("r1", len(TASKS))),
        settings=settings(max_examples=15, stateful_step_count=20, deadline=None),
    )
