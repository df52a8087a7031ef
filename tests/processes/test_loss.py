"""Somebody of the tree is killed: app, zygote, supervisor, in any order, at any moment."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from cc4tui.domain.agent import ExitStatus
from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.host import Supervisors


Spec = Callable[..., ProcessSpec]
Survivors = Callable[[], list[str]]
Eventually = Callable[..., Awaitable[None]]
KillRecord = Callable[..., None]
Record = Callable[[Path, str], dict[str, Any] | None]
StartApp = Callable[..., Any]

pytestmark = pytest.mark.integration

GONE_SECONDS = 20.0
"""By then nothing is left after the app was lost."""


# --- the app ---------------------------------------------------------------------------------


async def test_a_killed_app_takes_its_agents_with_it(
    start_app: StartApp, nasty: tuple[str, ...], survivors: Survivors, eventually: Eventually,
    record: Record, folder: Path,
):  # fmt: skip
    app = start_app(3, "kill", *nasty, "hidden", "spawner", seconds=60)
    app.wait_for("started 0", "started 1", "started 2")
    await eventually(lambda: len(survivors()) >= 24)
    app.kill()
    await eventually(lambda: survivors() == [], GONE_SECONDS)
    for number in range(3):
        await eventually(lambda n=number: record(folder / str(n), "ended") is not None)
        ended = record(folder / str(number), "ended")
        assert ended is not None
        assert ended["code"] == -9
        assert ended["why"] == "app-gone"
    assert (folder / "log").read_text() == ""


async def test_an_agent_may_finish_its_last_words_when_the_app_is_gone(
    start_app: StartApp, survivors: Survivors, mark: str, eventually: Eventually, record: Record,
    folder: Path,
):  # fmt: skip
    script = (
        f"trap 'sleep 0.5; echo aborted; exit 9' INT; echo up; while :; do sleep 0.05; done #{mark}"
    )
    app = start_app(1, "kill", "/bin/sh", "-c", script, seconds=2)
    app.wait_for("started 0")
    await eventually(lambda: (folder / "0" / "out").read_bytes() == b"up\n")
    app.kill()
    await eventually(lambda: record(folder / "0", "ended") is not None, GONE_SECONDS)
    ended = record(folder / "0", "ended")
    assert ended is not None
    assert (ended["code"], ended["out"]) == (9, len("up\naborted\n"))
    assert survivors() == []


@pytest.mark.parametrize("attempt", range(8))
async def test_an_app_killed_while_it_starts_agents(
    start_app: StartApp, nasty: tuple[str, ...], survivors: Survivors, eventually: Eventually,
    folder: Path, attempt: int,
):  # fmt: skip
    """Between the request and the fork, between fork and exec, with the zygote not up yet."""
    app = start_app(6, "kill", *nasty, "hidden")
    app.wait_for("ready")
    await asyncio.sleep(attempt * 0.02 + random.uniform(0, 0.02))
    app.kill()
    await eventually(lambda: not zygotes_of(folder), GONE_SECONDS)
    assert survivors() == []
    assert not (folder / "log").exists() or (folder / "log").read_text() == ""


def zygotes_of(folder: Path) -> list[str]:
    """Zygotes and supervisors of this test: their standard error is the log."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "fd" / "2").readlink() == folder / "log":
                found.append(process.name)
        except OSError:
            continue
    return found


LEAKING_APP = """
import asyncio, os, sys, time
from pathlib import Path
from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.host import Supervisors

async def main():
    folder, *argv = sys.argv[1:]
    spec = ProcessSpec(Path(folder), argv, os.environ, Path("/"), "t", interrupt_seconds=0.2)
    await Supervisors().spawn(spec)
    pid = os.fork()
    if pid == 0:
        os.close(1)
        time.sleep(60)
        os._exit(0)
    print(pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_copy_of_the_lifeline_in_another_process_keeps_nothing_alive(
    folder: Path, nasty: tuple[str, ...], survivors: Survivors, eventually: Eventually
):
    """A program that the app forked without closing descriptors holds every control socket."""
    app = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", LEAKING_APP, str(folder / "a"), *nasty,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert app.stdout is not None
    leak = int(await app.stdout.readline())
    await eventually(lambda: len(survivors()) >= 9)
    app.kill()
    await app.wait()
    try:
        await eventually(lambda: survivors_without(survivors, leak) == [], GONE_SECONDS)
        os.kill(leak, 0)  # the copy was there all the time
    finally:
        os.kill(leak, signal.SIGKILL)


def survivors_without(survivors: Survivors, pid: int) -> list[str]:
    return [line for line in survivors() if not line.startswith(f"{pid} ")]


# --- a supervisor ----------------------------------------------------------------------------


async def test_a_killed_supervisor_is_told_and_its_tree_ended(
    host: Supervisors, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors,
    eventually: Eventually, kill_record: KillRecord, record: Record,
):  # fmt: skip
    spec = make_spec(*nasty, "hidden", "spawner")
    process = await host.spawn(spec)
    await eventually(lambda: len(survivors()) >= 11)
    await eventually(lambda: (spec.folder / "out").read_bytes() == b"ready\n")
    kill_record(spec.folder, "supervisor")
    end = await process.ended()
    assert survivors() == []
    assert end.status == ExitStatus(-9, "supervisor-lost")
    assert end.killed >= 9
    assert end.out_size == len("ready\n")
    assert record(spec.folder, "ended") is not None


async def test_a_supervisor_that_was_killed_while_it_waited_is_not_missed(
    host: Supervisors, sh: Spec, eventually: Eventually
):
    """One is forked ahead; what is started next finds it dead, and starts all the same."""
    await (await host.spawn(sh("exit 3"))).ended()
    zygote = host._zygote
    assert zygote is not None
    children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children")
    await eventually(lambda: len(children.read_text().split()) == 1)
    os.kill(int(children.read_text()), signal.SIGKILL)
    ends = [await (await host.spawn(sh(f"exit {code}"))).ended() for code in (4, 5)]
    assert [end.status.code for end in ends] == [4, 5]
    await host.close()
    assert zygote.is_gone()


async def test_a_host_that_is_closed_has_ended_the_supervisor_that_waited(
    host: Supervisors, sh: Spec, eventually: Eventually
):
    await (await host.spawn(sh("exit 3"))).ended()
    zygote = host._zygote
    assert zygote is not None
    children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children")
    await eventually(lambda: len(children.read_text().split()) == 1)
    ahead = int(children.read_text())
    os.kill(ahead, signal.SIGSTOP)  # as if it got no time
    closing = asyncio.create_task(host.close())
    await asyncio.sleep(0.5)
    assert not closing.done()
    os.kill(ahead, signal.SIGCONT)
    await closing
    assert zygote.is_gone()
    assert not psutil.pid_exists(ahead)


async def test_a_killed_supervisor_takes_no_neighbour_with_it(
    host: Supervisors, make_spec: Spec, sh: Spec, kill_record: KillRecord
):
    lost, other = sh("exec sleep 1000"), sh("sleep 0.5; exit 8")
    processes = [await host.spawn(spec) for spec in (lost, other)]
    kill_record(lost.folder, "supervisor")
    assert (await processes[0].ended()).status.why == "supervisor-lost"
    assert (await processes[1].ended()).status == ExitStatus(8, "exited")
    assert (await (await host.spawn(sh("exit 2"))).ended()).status.code == 2


async def test_all_supervisors_killed_at_once(
    host: Supervisors, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors,
    eventually: Eventually, kill_record: KillRecord,
):  # fmt: skip
    specs = [make_spec(*nasty, "hidden") for _ in range(4)]
    processes = [await host.spawn(spec) for spec in specs]
    await eventually(lambda: len(survivors()) >= 40)
    for spec in specs:
        kill_record(spec.folder, "supervisor")
    ends = await asyncio.gather(*(process.ended() for process in processes))
    assert survivors() == []
    assert {end.status for end in ends} == {ExitStatus(-9, "supervisor-lost")}


# --- the zygote ------------------------------------------------------------------------------


async def test_agents_run_on_without_a_zygote_and_a_new_one_starts_others(
    host: Supervisors, make_spec: Spec, sh: Spec, nasty: tuple[str, ...], survivors: Survivors,
    eventually: Eventually, kill_record: KillRecord,
):  # fmt: skip
    old = make_spec(*nasty, "hidden", interrupt_seconds=0.1)
    reader = sh("read line; echo $line; exit 5", stdin="pipe")
    process, fed = await host.spawn(old), await host.spawn(reader)
    await eventually(lambda: len(survivors()) >= 10)
    kill_record(old.folder, "zygote")
    new = await host.spawn(sh("exit 4"))
    assert (await new.ended()).status == ExitStatus(4, "exited")
    assert len(survivors()) >= 10
    fed.send(b"still here\n")
    assert (await fed.ended()).status.code == 5
    process.stop("stopped")
    assert (await process.ended()).status == ExitStatus(-9, "stopped")
    assert survivors() == []


async def test_a_zygote_killed_while_it_is_asked(host: Supervisors, sh: Spec, folder: Path):
    """Each program runs exactly once, or is told lost; never twice."""
    await host.start()
    for number in range(10):
        specs = [sh(f"echo {number} >> $0; exec sleep 0.1") for _ in range(3)]
        specs = [
            sh(f"echo {n} >> ran; sleep 0.05; exit 3") for n in range(number * 3, number * 3 + 3)
        ]
        spawns = [asyncio.create_task(host.spawn(spec)) for spec in specs]
        await asyncio.sleep(random.uniform(0, 0.02))
        for zygote in psutil.Process().children():
            zygote.kill()
        ends = [await (await spawn).ended() for spawn in spawns]
        assert {end.status for end in ends} == {ExitStatus(3, "exited")}
    ran = sorted(map(int, (folder / "ran").read_text().split()))
    assert ran == list(range(30))


@pytest.mark.parametrize("order", [("zygote", "supervisor"), ("supervisor", "zygote")])
async def test_zygote_and_supervisor_killed(
    host: Supervisors, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors,
    eventually: Eventually, kill_record: KillRecord, order: tuple[str, str],
):  # fmt: skip
    """Nobody adopts the tree any more: it is found by its marks."""
    spec = make_spec(*nasty, "spawner")
    process = await host.spawn(spec)
    await eventually(lambda: len(survivors()) >= 10)
    for which in order:
        kill_record(spec.folder, which)
    end = await process.ended()
    assert survivors() == []
    assert end.status.why == "supervisor-lost"
    assert end.status.code in (None, -9)


# --- all of it -------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100))
async def test_random_kills_of_everybody(
    start_app: StartApp, nasty: tuple[str, ...], survivors: Survivors, eventually: Eventually,
    folder: Path, kill_record: KillRecord, seed: int,
):  # fmt: skip
    """After any order of kills the next start's sweep leaves nothing."""
    from cc4tui.services.processes.recovery import reap_orphans

    chance = random.Random(seed)
    app = start_app(3, "kill", *nasty, "spawner")
    if chance.random() < 0.7:
        app.wait_for("started 0", "started 1", "started 2")
    await asyncio.sleep(chance.uniform(0, 0.3))
    victims = ["app", "zygote", "supervisor", "supervisor", "supervisor"]
    chance.shuffle(victims)
    for victim in victims[: chance.randint(1, 5)]:
        if victim == "app":
            app.kill()
        else:
            try:
                kill_record(folder / str(chance.randrange(3)), victim)
            except (AssertionError, ProcessLookupError):
                continue  # not up yet, or gone already
        await asyncio.sleep(chance.choice([0, 0, 0.005, 0.1]))
    app.kill()
    began = time.monotonic()
    for number in range(3):
        await asyncio.to_thread(reap_orphans, folder / str(number), f"{folder.name}-{number}")
    assert survivors() == []
    assert time.monotonic() - began < GONE_SECONDS
    await eventually(lambda: not zygotes_of(folder), GONE_SECONDS)
