"""Disks that are full, folders that vanish, a zygote that hangs, systems that are not Linux."""

import asyncio
import os
import resource
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.agent import ExitStatus
from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.recovery import reap_orphans


Spec = Callable[..., ProcessSpec]
Survivors = Callable[[], list[str]]
Eventually = Callable[..., Awaitable[None]]
Record = Callable[[Path, str], dict[str, Any] | None]


def supervisor_of(record: Record, folder: Path) -> int:
    agent = record(folder, "agent")
    assert agent is not None
    return int(agent["supervisor"])


# --- the disk --------------------------------------------------------------------------------


async def test_a_supervisor_that_cannot_write_ends_the_tree_and_tells_the_end(
    folder: Path, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors, record: Record,
    eventually: Eventually,
):  # fmt: skip
    log = folder / "log"
    host = Supervisors(log)
    spec = make_spec(*nasty, "hidden", interrupt_seconds=0.1)
    process = await host.spawn(spec)
    await eventually(lambda: (spec.folder / "out").read_bytes() == b"ready\n")
    resource.prlimit(supervisor_of(record, spec.folder), resource.RLIMIT_FSIZE, (0, 0))
    process.stop("stopped")
    end = await process.ended()
    await host.close()
    assert end.status == ExitStatus(-9, "stopped")
    assert end.out_size == len("ready\n")
    assert survivors() == []
    assert record(spec.folder, "exit") is None
    reaped = await asyncio.to_thread(reap_orphans, spec.folder, spec.token)
    assert reaped.end is not None
    assert reaped.end.status.why == "supervisor-lost"


async def test_what_a_supervisor_cannot_write_is_in_the_log(
    folder: Path, sh: Spec, record: Record, eventually: Eventually
):
    log = folder / "log"
    host = Supervisors(log)
    spec = sh("read line; exit 3", stdin="pipe")
    process = await host.spawn(spec)
    shutil.rmtree(spec.folder)
    process.send(b"\n")
    assert (await process.ended()).status == ExitStatus(3, "exited")
    await host.close()
    assert "could not write exit" in log.read_text()
    assert "No such file or directory" in log.read_text()


async def test_a_full_disk_under_the_log_kills_nobody(sh: Spec, record: Record):
    host = Supervisors(Path("/dev/full"))
    spec = sh("read line; exit 3", stdin="pipe")
    process = await host.spawn(spec)
    shutil.rmtree(spec.folder)
    process.send(b"\n")
    assert (await process.ended()).status == ExitStatus(3, "exited")
    await host.close()


async def test_a_vanished_folder_of_a_lost_supervisor(
    sh: Spec, survivors: Survivors, mark: str, record: Record
):
    host = Supervisors()
    spec = sh(f"trap '' INT; sleep 1000.{mark} & sleep 1001.{mark}")
    process = await host.spawn(spec)
    supervisor = supervisor_of(record, spec.folder)
    shutil.rmtree(spec.folder)
    os.kill(supervisor, signal.SIGKILL)
    assert (await process.ended()).status == ExitStatus(None, "supervisor-lost")
    await host.close()
    assert survivors() == []


# --- the zygote ------------------------------------------------------------------------------


@pytest.mark.integration
async def test_a_zygote_that_hangs_is_replaced_and_its_agents_run_on(
    host: Supervisors, sh: Spec, kill_record: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cc4tui.services.processes.host._ANSWER_SECONDS", 0.5)
    old = sh("read line; exit 5", stdin="pipe")
    process = await host.spawn(old)
    kill_record(old.folder, "zygote", signal.SIGSTOP)
    new = await host.spawn(sh("exit 4"))
    assert (await new.ended()).status.code == 4
    process.send(b"\n")
    assert (await process.ended()).status.code == 5


async def test_a_zygote_that_may_not_fork_any_more(sh: Spec, record: Record):
    """Its limit of open files is used up: the request is refused, not lost."""
    host = Supervisors()
    first = sh("exec sleep 1000")
    process = await host.spawn(first)
    agent = record(first.folder, "agent")
    assert agent is not None
    resource.prlimit(int(agent["zygote"]), resource.RLIMIT_NOFILE, (6, 6))
    second = await host.spawn(sh("exit 4"))  # by the next zygote
    assert (await second.ended()).status.code == 4
    process.stop("done")
    assert (await process.ended()).status == ExitStatus(-2, "done")
    await host.close()


# --- not Linux -------------------------------------------------------------------------------

ELSEWHERE = """
import sys
sys.platform = "darwin"
sys.path.append({folder!r})
import os, signal, socket
for module, names in (
    (os, ["pidfd_open", "memfd_create", "O_PATH", "MFD_CLOEXEC"]),
    (signal, ["pidfd_send_signal"]),
    (socket, ["SO_PEERCRED", "MSG_CMSG_CLOEXEC", "MSG_NOSIGNAL"]),
):
    for name in names:
        delattr(module, name) if hasattr(module, name) else None
"""

ZYGOTE_ELSEWHERE = (
    ELSEWHERE
    + """
import supervision.zygote
supervision.zygote.main(int(sys.argv[1]), int(sys.argv[2]))
"""
)


@pytest.fixture
def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zygotes run as if the system was not Linux."""
    from cc4tui.services.processes import launcher

    program = folder / "elsewhere.py"
    program.write_text(ZYGOTE_ELSEWHERE.format(folder=str(launcher._PROGRAM.parent.parent)))
    monkeypatch.setattr(launcher, "_PROGRAM", program)


@pytest.mark.usefixtures("elsewhere")
async def test_elsewhere_programs_start_and_stop(
    host: Supervisors, sh: Spec, survivors: Survivors, mark: str, eventually: Eventually
):
    end = await (await host.spawn(sh("echo hi; exit 3"))).ended()
    assert (end.status, end.out_size) == (ExitStatus(3, "exited"), 3)
    spec = sh(
        f"trap '' INT; sleep 1000.{mark} & sleep 1001.{mark} & echo ready; wait",
        interrupt_seconds=0.1,
    )
    process = await host.spawn(spec)
    await eventually(lambda: (spec.folder / "out").read_bytes() == b"ready\n")
    process.stop("stopped")
    assert (await process.ended()).status.why == "stopped"
    assert survivors() == []


@pytest.mark.usefixtures("elsewhere")
async def test_elsewhere_the_end_of_the_lifeline_is_the_loss_of_the_app(
    folder: Path, sh: Spec, survivors: Survivors, mark: str, eventually: Eventually, record: Record
):
    host = Supervisors(folder / "log")
    spec = sh(f"trap 'exit 4' INT; echo ready; while :; do sleep 0.02; done #{mark}")
    process = await host.spawn(spec)
    await eventually(lambda: (spec.folder / "out").read_bytes() == b"ready\n")
    process.abandon()
    await eventually(lambda: record(spec.folder, "ended") is not None)
    assert survivors() == []
    ended = record(spec.folder, "ended")
    assert ended is not None
    assert (ended["code"], ended["why"]) == (4, "app-gone")
    assert (await process.ended()).status == ExitStatus(4, "app-gone")
    await host.close()
    assert (folder / "log").read_text() == ""


def test_elsewhere_everything_can_be_imported(python: Callable[..., str]):
    program = ELSEWHERE.format(folder=os.devnull) + (
        "import cc4tui.services.processes.host, cc4tui.services.processes.recovery\n"
        "from cc4tui.services.processes import launcher\n"
        "fd = launcher._unnamed_file(b'order')\n"
        "print(os.pread(fd, 9, 0), os.get_inheritable(fd))\n"
    )
    assert python("-c", program) == "b'order' False\n"
