"""The next start finds out what became of an attempt, and ends what is left of it."""

import asyncio
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.agent import ExitStatus
from cc4tui.errors import ProcessError
from cc4tui.ports import ProcessEnd, ProcessIdentity, ProcessSpec
from cc4tui.services.processes import orphans
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.recovery import Reaped, reap_orphans
from cc4tui.services.processes.supervision import procfs


Spec = Callable[..., ProcessSpec]
Survivors = Callable[[], list[str]]
Eventually = Callable[..., Awaitable[None]]
Record = Callable[[Path, str], dict[str, Any] | None]

Orphan = Callable[..., subprocess.Popen[bytes]]

TOKEN = f"token-{uuid.uuid4().hex}"
"""Of every attempt in here; other test runs on this machine have another one."""

LOST = ExitStatus(None, "supervisor-lost")


@pytest.fixture
def attempt(folder: Path) -> Path:
    """The folder of an attempt that nobody supervises."""
    path = folder / "attempt"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def orphan(mark: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process that no supervisor knows; it is reaped as soon as it ends."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str, **options: Any) -> subprocess.Popen[bytes]:
        options = {"env": {}, "start_new_session": True, **options}
        argv = argv or ("/bin/sleep", f"1000.{mark}")
        started.append(subprocess.Popen(argv, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


async def reap(folder: Path, token: str = TOKEN, patience: float = 10.0) -> Reaped:
    return await asyncio.to_thread(reap_orphans, folder, token, patience)


# --- what the files tell ---------------------------------------------------------------------


async def test_an_attempt_that_was_never_started_can_never_start_any_more(
    host: Supervisors, sh: Spec
):
    spec = sh("echo never > ran")
    spec.folder.mkdir()
    assert await reap(spec.folder) == Reaped(None)
    with pytest.raises(ProcessError, match="revoked"):
        await host.spawn(spec)
    assert not (spec.cwd / "ran").exists()


async def test_a_missing_folder_is_an_attempt_that_was_never_started(folder: Path):
    assert await reap(folder / "none") == Reaped(None)
    assert not (folder / "none").exists()


async def test_a_finished_attempt_tells_its_end_again_and_again(host: Supervisors, sh: Spec):
    spec = sh("echo out; exit 3")
    end = await (await host.spawn(spec)).ended()
    assert await reap(spec.folder, spec.token) == Reaped(end)
    assert await reap(spec.folder, spec.token) == Reaped(end)


async def test_an_attempt_that_could_not_be_executed_tells_its_errno(
    host: Supervisors, make_spec: Spec
):
    spec = make_spec("no-such-program")
    await (await host.spawn(spec)).ended()
    reaped = await reap(spec.folder, spec.token)
    assert reaped.end == ProcessEnd(ExitStatus(None, "exec", errno.ENOENT), 0, 0)


async def test_a_known_exit_without_a_known_end(attempt: Path, record: Record):
    """The supervisor was killed while it swept what the agent had left."""
    (attempt / "exit").write_text('{"code": 4, "why": "timeout", "errno": null}')
    (attempt / "out").write_text("12345")
    end = ProcessEnd(ExitStatus(4, "timeout"), 0, 5)
    assert await reap(attempt) == Reaped(end)
    ended = record(attempt, "ended")
    assert ended is not None
    assert (ended["code"], ended["why"], ended["out"]) == (4, "timeout", 5)


async def test_a_start_without_a_known_exit_is_lost(attempt: Path, record: Record):
    (attempt / "out").write_text("123")
    assert await reap(attempt) == Reaped(ProcessEnd(LOST, 0, 3))
    assert record(attempt, "exit") == {"code": None, "why": "supervisor-lost", "errno": None}
    assert (await reap(attempt)).end == ProcessEnd(LOST, 0, 3)


@pytest.mark.parametrize("torn", ["", "{", "[]", '"x"', "\x00\x00"])
async def test_records_that_a_power_cut_tore_count_as_missing(attempt: Path, torn: str):
    (attempt / "out").touch()
    for name in ("agent", "exit", "ended", "spec"):
        (attempt / name).write_text(torn)
    assert (await reap(attempt)).end == ProcessEnd(LOST, 0, 0)


async def test_what_cannot_be_written_is_told_all_the_same(
    attempt: Path, orphan: Orphan, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cc4tui.services.processes.recovery.records.save", full)
    process = orphan(env={"CC4_TOKEN": TOKEN})
    assert await reap(attempt) == Reaped(ProcessEnd(LOST, 1, 0), killed=1)
    assert process.wait() == -9


# --- what still runs -------------------------------------------------------------------------


async def test_orphans_are_found_by_their_token(attempt: Path, orphan: Orphan):
    processes = [orphan(env={"A": "1", "CC4_TOKEN": TOKEN, "B": "2"}) for _ in range(5)]
    reaped = await reap(attempt)
    assert reaped.killed == 5
    assert reaped.end == ProcessEnd(LOST, 5, 0)
    assert [process.wait() for process in processes] == [-9] * 5


@pytest.mark.parametrize("name", ["sent", "out", "err"])
async def test_orphans_are_found_by_what_they_inherited(attempt: Path, orphan: Orphan, name: str):
    with (attempt / name).open("ab") as file:
        process = orphan(stdout=file)
    assert (await reap(attempt)).killed == 1
    assert process.wait() == -9


async def test_strangers_are_left_alone(attempt: Path, folder: Path, orphan: Orphan):
    (attempt / "out").touch()
    with (attempt / "out").open("rb") as output, (folder / "other").open("wb") as other:
        strangers = [
            orphan(stdin=output),  # somebody reads the output
            orphan(stdout=other, cwd=attempt),
            orphan(env={"CC4_TOKEN": f"{TOKEN}t"}),
            orphan(env={"CC4_TOKEN": ""}),
            orphan(env={"XCC4_TOKEN": TOKEN, "A": f"CC4_TOKEN={TOKEN}"}),
            orphan(env={"CC4_TOKEN": TOKEN.upper()}),
        ]
    assert (await reap(attempt)).killed == 0
    assert [process.poll() for process in strangers] == [None] * 6


@pytest.mark.parametrize("token", [""])
async def test_no_token_is_no_licence_to_kill(attempt: Path, token: str):
    with pytest.raises(ValueError, match="token"):
        await reap(attempt, token)


async def test_orphans_of_a_folder_that_was_deleted(folder: Path, orphan: Orphan):
    process = orphan(env={"CC4_TOKEN": TOKEN})
    reaped = await reap(folder / "gone")
    assert reaped == Reaped(ProcessEnd(LOST, 1, 0), killed=1)
    assert process.wait() == -9


async def test_orphans_that_breed_while_they_are_swept(
    attempt: Path, survivors: Survivors, mark: str, orphan: Orphan, eventually: Eventually
):
    script = f"trap '' TERM; while :; do setsid sleep 1000.{mark} & sleep 0.005; done"
    breeder = orphan("/bin/sh", "-c", script, env={**os.environ, "CC4_TOKEN": TOKEN})
    await eventually(lambda: len(survivors()) > 10)
    assert (await reap(attempt)).killed > 5
    assert breeder.wait() == -9
    assert survivors() == []


async def test_a_pid_that_was_reused_between_look_and_kill_is_spared(attempt: Path, orphan: Orphan):
    """The sweep pins the process and looks again; by then it is somebody else."""
    stranger = orphan()

    class Once(orphans.Marks):
        looks = 0

        def on(self, pid: int) -> bool:
            if pid != stranger.pid:
                return False
            self.looks += 1
            return self.looks == 1

    marks = Once(attempt, TOKEN)
    assert orphans.kill_marked(marks, 5) == orphans.Killed(0)
    assert marks.looks == 4  # found, pinned, and two looks that agree
    assert stranger.poll() is None


def test_an_identity_that_is_not_the_process_s_protects_it(
    orphan: Orphan,
):
    process = orphan()
    start, boot = procfs.start_time(process.pid), procfs.boot_id()
    assert start is not None
    for wrong in (
        ProcessIdentity(process.pid, start - 1, boot),
        ProcessIdentity(process.pid, start, "another boot"),
        ProcessIdentity(2**22 - 1, start, boot),
    ):
        assert not orphans.is_running(wrong)
        orphans.kill_process(wrong)
    right = ProcessIdentity(process.pid, start, boot)
    assert orphans.is_running(right)
    orphans.kill_process(right)
    assert process.wait() == -9
    assert not orphans.is_running(right)


def test_a_zombie_does_not_run(orphan: Orphan):
    process = orphan()
    start = procfs.start_time(process.pid)
    assert start is not None
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert procfs.start_time(process.pid) == start
    assert not orphans.is_running(ProcessIdentity(process.pid, start, procfs.boot_id()))


# --- supervisors that still live -------------------------------------------------------------


async def test_a_supervisor_without_an_app_is_asked_to_stop(
    folder: Path, sh: Spec, survivors: Survivors, mark: str, eventually: Eventually
):
    host = Supervisors(folder / "log")
    spec = sh(f"trap 'exit 5' INT; echo ready; while :; do sleep 0.05; done #{mark}")
    await host.spawn(spec)
    await eventually(lambda: (spec.folder / "out").read_bytes() == b"ready\n")
    await host.detach()
    reaped = await reap(spec.folder, spec.token)
    assert reaped.end is not None
    assert reaped.end.status == ExitStatus(5, "recovered")
    assert survivors() == []


@pytest.mark.integration
async def test_agents_that_are_just_being_ended_are_waited_for(
    start_app: Callable[..., Any], folder: Path, nasty: tuple[str, ...], survivors: Survivors,
    eventually: Eventually,
):  # fmt: skip
    """The next start comes at once after the crash: the tree has 2.5 s left."""
    app = start_app(1, "kill", *nasty, "hidden")
    app.wait_for("started 0")
    await eventually(lambda: (folder / "0" / "out").read_bytes() == b"ready\n")
    app.kill()
    reaped = await reap(folder / "0", f"{folder.name}-0")
    assert reaped.end is not None
    assert reaped.end.status == ExitStatus(-9, "app-gone")
    assert survivors() == []


@pytest.mark.integration
async def test_a_supervisor_that_does_not_answer_is_killed(
    folder: Path, make_spec: Spec, nasty: tuple[str, ...], survivors: Survivors,
    kill_record: Callable[..., None], eventually: Eventually,
):  # fmt: skip
    host = Supervisors(folder / "log")
    spec = make_spec(*nasty, "hidden")
    await host.spawn(spec)
    await eventually(lambda: len(survivors()) >= 10)
    await host.detach()
    kill_record(spec.folder, "supervisor", signal.SIGSTOP)
    reaped = await reap(spec.folder, spec.token, patience=0.5)
    assert survivors() == []
    assert reaped.end is not None
    assert reaped.end.status == ExitStatus(-9, "supervisor-lost")


async def test_a_lock_that_cannot_be_had_is_told(attempt: Path):
    with (attempt / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ProcessError, match="held by a process that does not end"):
            await reap(attempt, patience=0.1)


async def test_two_recoveries_at_once_come_to_the_same_end(attempt: Path, orphan: Orphan):
    (attempt / "out").write_text("1")
    orphan(env={"CC4_TOKEN": TOKEN})
    first, second = await asyncio.gather(reap(attempt), reap(attempt))
    assert first.end == second.end == ProcessEnd(LOST, 1, 1)
    assert first.killed + second.killed == 1


async def test_hundreds_of_finished_attempts_cost_nothing(folder: Path):
    for number in range(300):
        (folder / str(number)).mkdir()
        (folder / str(number) / "ended").write_text(
            json.dumps({"code": 0, "why": "exited", "errno": None, "killed": 0, "out": number})
        )
    began = time.thread_time()
    reaped = [reap_orphans(folder / str(number), str(number)) for number in range(300)]
    assert time.thread_time() - began < 1
    assert [one.end.out_size for one in reaped if one.end is not None] == list(range(300))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process it then may not signal")
def test_a_process_of_another_user_is_told_and_left(orphan: Orphan):
    """Somebody who is not root sweeps; a program of root's stays."""
    program = (
        "import os, sys; from pathlib import Path\n"
        "from cc4tui.services.processes import orphans\n"
        "class Marks(orphans.Marks):\n"
        "    def on(self, pid): return pid == int(sys.argv[1])\n"
        "marks = Marks(Path('/'), 't')\n"
        "os.setuid(65534)\n"
        "print(orphans.kill_marked(marks, 5))\n"
    )
    stranger = orphan()
    command = [sys.executable, "-c", program, str(stranger.pid)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == f"Killed(killed=0, left=({stranger.pid},))\n"
    assert stranger.poll() is None
