"""The end of a program is the end of its whole tree, whatever it does about it."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from cc4tui.domain.agent import ExitStatus
from cc4tui.ports import ProcessEnd, ProcessSpec
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.process import SupervisedProcess


Spec = Callable[..., ProcessSpec]
Survivors = Callable[[], list[str]]
Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
def running(
    host: Supervisors, eventually: Eventually
) -> Callable[[ProcessSpec], Awaitable[SupervisedProcess]]:
    """Starts a program and waits until it has said ``ready``."""

    async def start(spec: ProcessSpec) -> SupervisedProcess:
        process = await host.spawn(spec)
        await eventually(lambda: b"ready" in (spec.folder / "out").read_bytes())
        return process

    return start


Running = Callable[[ProcessSpec], Awaitable[SupervisedProcess]]


async def stopped(process: SupervisedProcess, why: str = "stopped") -> tuple[ProcessEnd, float]:
    """Stop it; how it ended and how long that took. That it ends at all takes no 30 s."""
    began = time.monotonic()
    process.stop(why)
    async with asyncio.timeout(30):
        return await process.ended(), time.monotonic() - began


async def test_sigint_comes_first_and_is_waited_for(running: Running, sh: Spec):
    spec = sh("trap 'sleep 0.5; echo tidied; exit 5' INT; echo ready; while :; do sleep 0.05; done")
    end, _ = await stopped(await running(spec), "timeout")
    assert end.status == ExitStatus(5, "timeout")
    assert (spec.folder / "out").read_text() == "ready\ntidied\n"


async def test_sigterm_follows_and_reaches_children_in_other_sessions(
    running: Running, sh: Spec, survivors: Survivors, mark: str
):
    """A launcher that ignores signals, its second process in its group, a shell in a session."""
    spec = sh(
        "(trap 'echo inner; exit' TERM; trap '' INT; while :; do sleep 0.05; done) &"
        f"(setsid sh -c 'trap \"echo orphan; exit\" TERM; while :; do sleep 0.05; done #{mark}' &);"
        "trap '' INT TERM; echo ready; while :; do sleep 0.05; done",
        interrupt_seconds=0.3,
    )
    end, seconds = await stopped(await running(spec))
    assert sorted((spec.folder / "out").read_text().split()) == ["inner", "orphan", "ready"]
    assert end.status == ExitStatus(-9, "stopped")
    assert seconds > 0.7
    assert survivors() == []


@pytest.mark.parametrize("tricks", [(), ("hidden",), ("spawner",), ("hidden", "spawner")])
async def test_an_agent_that_does_everything_to_stay(
    running: Running,
    make_spec: Spec,
    nasty: tuple[str, ...],
    survivors: Survivors,
    eventually: Eventually,
    tricks: tuple[str, ...],
):
    process = await running(make_spec(*nasty, *tricks, interrupt_seconds=0.2))
    await eventually(lambda: len(survivors()) >= 9 + len(tricks))
    end, _ = await stopped(process)
    assert survivors() == []
    assert end.status.code == -9
    assert end.killed >= 8


async def test_stopping_one_leaves_the_others_alone(
    running: Running, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors
):
    processes = [await running(make_spec(*nasty, interrupt_seconds=0.1)) for _ in range(3)]
    each = len(survivors()) // 3
    await stopped(processes[1])
    assert len(survivors()) >= 2 * each - 2  # its `sleep 0.05` comes and goes
    identities = [process.identity for process in processes]
    alive = [identity is not None and psutil.pid_exists(identity.pid) for identity in identities]
    assert alive == [True, False, True]


async def test_what_a_program_leaves_behind_ends_with_it(
    host: Supervisors, sh: Spec, survivors: Survivors, mark: str
):
    spec = sh(
        f"nohup sleep 1000.{mark} & setsid -f sleep 1001.{mark} </dev/null >/dev/null; exit 0"
    )
    end = await (await host.spawn(spec)).ended()
    assert survivors() == []
    assert end.status == ExitStatus(0, "exited")
    assert end.killed == 2


async def test_output_is_over_when_the_end_is_told(
    host: Supervisors, sh: Spec, eventually: Eventually
):
    """A daemon that writes on would change files after they were read."""
    spec = sh("(setsid sh -c 'while :; do echo more; done' &); sleep 0.2; exit 0")
    end = await (await host.spawn(spec)).ended()
    assert end.out_size == (spec.folder / "out").stat().st_size > 0


async def test_many_children_at_once(host: Supervisors, sh: Spec, survivors: Survivors, mark: str):
    spec = sh(f"for i in $(seq 50); do (setsid sleep 1000.{mark} &) ; done; exit 1")
    end = await (await host.spawn(spec)).ended()
    assert survivors() == []
    assert end.status.code == 1
    assert end.killed == 50


async def test_a_chain_of_forks_that_never_stands_still(
    running: Running, make_spec: Spec, survivors: Survivors, mark: str
):
    """Each process starts the next one and ends: there is hardly ever a pid to aim at."""
    program = (
        "import os, time\n"
        "print('ready', flush=True)\n"
        "end = time.monotonic() + 600\n"
        "while time.monotonic() < end:\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
        "    os.setsid()\n"
    )
    holder = (
        f"trap '' INT TERM; (/usr/bin/env python3 -c \"$0\" {mark} &); while :; do sleep 0.05; done"
    )
    spec = make_spec("/bin/sh", "-c", holder, program, interrupt_seconds=0.1)
    end, _ = await stopped(await running(spec))
    assert survivors() == []
    assert end.status.code == -9


async def test_a_program_that_stopped_itself(running: Running, sh: Spec):
    process = await running(sh("echo ready; kill -STOP $$; exit 3", interrupt_seconds=0.2))
    end, _ = await stopped(process)
    assert end.status.code == -9


async def test_stopping_again_and_after_the_end_changes_nothing(running: Running, sh: Spec):
    process = await running(
        sh("trap '' INT; echo ready; while :; do sleep 0.05; done", interrupt_seconds=0.5)
    )
    process.stop("first")
    process.stop("second")
    end = await process.ended()
    process.stop("third")
    assert end.status.why == "first"
    assert await process.ended() == end


async def test_at_once_does_not_wait(
    running: Running, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors
):
    process = await running(make_spec(*nasty, interrupt_seconds=60))
    process.stop("cancelled")
    process.stop("in a hurry", at_once=True)
    async with asyncio.timeout(20):
        end = await process.ended()
    assert end.status == ExitStatus(-9, "cancelled")
    assert survivors() == []


async def test_an_end_before_the_stop_stays_what_it_was(host: Supervisors, sh: Spec):
    process = await host.spawn(sh("exit 6"))
    await process.ended()
    process.stop("too late")
    assert (await process.ended()).status == ExitStatus(6, "exited")


async def test_closing_the_host_stops_everything(
    folder: Path, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors
):
    host = Supervisors(folder / "log")
    specs = [make_spec(*nasty, interrupt_seconds=0.2) for _ in range(3)]
    processes = [await host.spawn(spec) for spec in specs]
    await host.close()
    assert survivors() == []
    assert {(await process.ended()).status.why for process in processes} == {"closing"}


async def test_a_signal_reaches_the_program_only(running: Running, sh: Spec):
    spec = sh("trap 'echo usr1; exit 0' USR1; echo ready; while :; do sleep 0.05; done")
    process = await running(spec)
    process.signal(signal.SIGUSR1)
    process.signal(12345)
    assert (await process.ended()).status.code == 0
    process.signal(signal.SIGKILL)
    assert (spec.folder / "out").read_text() == "ready\nusr1\n"


async def test_sigterm_to_a_supervisor_is_a_stop(
    running: Running, sh: Spec, kill_record: Callable[..., None]
):
    spec = sh("echo ready; while :; do sleep 0.05; done")
    process = await running(spec)
    kill_record(spec.folder, "supervisor", signal.SIGTERM)
    assert (await process.ended()).status == ExitStatus(-2, "supervisor-term")


@pytest.mark.integration
async def test_a_supervisor_that_an_agent_stopped_is_replaced_by_its_zygote(
    running: Running,
    make_spec: Spec,
    nasty: tuple[str, ...],
    survivors: Survivors,
    kill_record: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
):
    """An agent runs as the same user: it can SIGSTOP whoever watches over it."""
    monkeypatch.setattr("cc4tui.services.processes.process._STOP_SECONDS", 0.5)
    monkeypatch.setattr("cc4tui.services.processes.process._ANSWER_SECONDS", 0.5)
    spec = make_spec(*nasty, "hidden", interrupt_seconds=0.1)
    process = await running(spec)
    kill_record(spec.folder, "supervisor", signal.SIGSTOP)
    end, _ = await stopped(process)
    assert survivors() == []
    assert end.status == ExitStatus(-9, "supervisor-lost")


async def test_a_slow_stop_is_no_reason_to_replace_a_supervisor(
    running: Running, sh: Spec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cc4tui.services.processes.process._STOP_SECONDS", -1.0)
    monkeypatch.setattr("cc4tui.services.processes.process._ANSWER_SECONDS", 0.3)
    process = await running(
        sh("trap '' INT; echo ready; while :; do sleep 0.05; done", interrupt_seconds=1.1)
    )
    end, _ = await stopped(process)
    assert end.status == ExitStatus(-15, "stopped")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to run a program as somebody else")
async def test_a_process_of_another_user_is_ended_by_root(
    host: Supervisors, sh: Spec, survivors: Survivors, mark: str
):
    spec = sh(
        f"setpriv --reuid 65534 --clear-groups setsid sleep 1000.{mark} & exit 0",
        folder=Path("/tmp") / mark,
    )
    try:
        end = await (await host.spawn(spec)).ended()
        assert survivors() == []
        assert end.killed <= 1  # it may end before it has become a sleep
    finally:
        for path in spec.folder.iterdir():
            path.unlink()
        spec.folder.rmdir()
