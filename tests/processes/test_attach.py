"""Programs that run on without the app, on purpose, and are taken over by the next one."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.domain.agent import ExitStatus
from cc4tui.errors import ProcessError
from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.recovery import reap_orphans
from cc4tui.services.processes.sockets import connect


Spec = Callable[..., ProcessSpec]
Survivors = Callable[[], list[str]]
Eventually = Callable[..., Awaitable[None]]
Record = Callable[[Path, str], dict[str, Any] | None]

COUNTER = "trap 'exit 5' INT; i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"


@pytest.fixture
async def next_host(folder: Path) -> Any:
    """The host of the next start of the app."""
    host = Supervisors(folder / "next-log")
    yield host
    await host.close()


@pytest.fixture
def observe(folder: Path) -> Any:
    """Connects to a supervisor without owning it; reads and writes JSON lines."""
    opened: list[Any] = []

    def open_it(attempt: Path) -> Any:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(5)
        connect(sock, attempt)
        file = sock.makefile("rw")
        opened.extend([file, sock])
        return file

    yield open_it
    for thing in opened:
        thing.close()


def is_gap_free(output: bytes) -> bool:
    numbers = [int(line) for line in output.split(b"\n")[:-1]]
    return numbers == list(range(1, len(numbers) + 1))


async def test_detached_programs_run_on_and_are_attached_again(
    folder: Path, next_host: Supervisors, sh: Spec, eventually: Eventually
):
    host = Supervisors(folder / "log")
    spec = sh(COUNTER)
    process = await host.spawn(spec)
    waiter = asyncio.create_task(process.ended())
    await host.detach()
    with pytest.raises(ProcessError, match="left to itself"):
        await waiter
    out = spec.folder / "out"
    before = out.stat().st_size
    await eventually(lambda: out.stat().st_size > before + 20)
    again = await next_host.attach(spec.folder)
    assert again is not None
    assert again.identity == process.identity
    again.stop("enough")
    end = await again.ended()
    assert end.status == ExitStatus(5, "enough")
    assert is_gap_free(out.read_bytes())
    assert out.stat().st_size == end.out_size


async def test_standard_input_survives_the_change_of_owner(
    folder: Path, next_host: Supervisors, sh: Spec
):
    host = Supervisors(folder / "log")
    spec = sh("cat; exit 3", stdin="pipe")
    (await host.spawn(spec)).send(b"first ")
    await host.detach()
    again = await next_host.attach(spec.folder)
    assert again is not None
    again.send(b"second")
    again.close_stdin()
    assert (await again.ended()).status.code == 3
    assert (spec.folder / "out").read_bytes() == b"first second"


@pytest.mark.integration
async def test_kept_programs_survive_a_crash_and_the_next_start_owns_them(
    start_app: Callable[..., Any], next_host: Supervisors, folder: Path, eventually: Eventually,
    mark: str, survivors: Survivors,
):  # fmt: skip
    app = start_app(2, "keep", "/bin/sh", "-c", f"{COUNTER} #{mark}")
    app.wait_for("started 0", "started 1")
    app.kill()
    processes = [await next_host.attach(folder / str(number)) for number in range(2)]
    await eventually(lambda: len(survivors()) == 2)  # a shell forks before it becomes `sleep`
    await next_host.close()
    assert survivors() == []
    ends = [await process.ended() for process in processes if process is not None]
    assert [end.status for end in ends] == [ExitStatus(5, "closing")] * 2
    assert is_gap_free((folder / "1" / "out").read_bytes())


async def test_an_end_without_anybody_watching_is_learnt_later(
    folder: Path, next_host: Supervisors, sh: Spec, eventually: Eventually, record: Record
):
    host = Supervisors(folder / "log")
    spec = sh("sleep 0.3; echo late; exit 6")
    await host.spawn(spec)
    await host.detach()
    await eventually(lambda: record(spec.folder, "ended") is not None)
    assert await next_host.attach(spec.folder) is None
    reaped = await asyncio.to_thread(reap_orphans, spec.folder, spec.token)
    assert reaped.end is not None
    assert reaped.end.status == ExitStatus(6, "exited")
    assert reaped.end.out_size == len("late\n")


async def test_the_policy_can_be_taken_back(
    folder: Path, sh: Spec, observe: Any, eventually: Eventually, record: Record
):
    """Attached programs stay kept until their new owner says otherwise; then they die with it."""
    host = Supervisors(folder / "log")
    spec = sh(COUNTER)
    await host.spawn(spec)
    await host.detach()
    owner = observe(spec.folder)
    for request in ({"op": "own"}, {"op": "policy", "on_app_loss": "kill"}):
        owner.write(json.dumps(request) + "\n")
        owner.flush()
    while (event := json.loads(await asyncio.to_thread(owner.readline)))["ev"] != "policy":
        assert event["on_app_loss"] == "keep"
    assert event["on_app_loss"] == "kill"


async def test_whoever_only_watches_owns_nothing(
    host: Supervisors, sh: Spec, observe: Any, survivors: Survivors, mark: str
):
    spec = sh(f"exec sleep 1000.{mark}")
    process = await host.spawn(spec)
    watcher = observe(spec.folder)
    assert json.loads(watcher.readline())["pid"] == process.identity.pid  # type: ignore[union-attr]
    for request in (
        {"op": "stop", "why": "not mine", "at_once": True},
        {"op": "signal", "sig": signal.SIGKILL},
        {"op": "policy", "on_app_loss": "keep"},
        {"op": "state"},
    ):
        watcher.write(json.dumps(request) + "\n")
    watcher.flush()
    state = json.loads(watcher.readline())
    assert (state["ev"], state["alive"], state["stopping"]) == ("state", True, None)
    assert state["on_app_loss"] == "kill"
    process.stop("mine")
    assert (await process.ended()).status == ExitStatus(-2, "mine")
    assert [json.loads(line)["ev"] for line in watcher] == ["exit", "ended"]


@pytest.mark.integration
async def test_whoever_only_watches_keeps_nothing_alive(
    start_app: Callable[..., Any], folder: Path, survivors: Survivors, mark: str, observe: Any,
    eventually: Eventually,
):  # fmt: skip
    app = start_app(1, "kill", "/bin/sh", "-c", f"exec sleep 1000.{mark}")
    app.wait_for("started 0")
    watcher = observe(folder / "0")
    app.kill()
    await eventually(lambda: survivors() == [])
    assert json.loads(watcher.readlines()[-1])["why"] == "app-gone"


async def test_nonsense_from_a_watcher_harms_nobody_but_itself(
    host: Supervisors, sh: Spec, observe: Any
):
    spec = sh("read line; exit 7", stdin="pipe")
    process = await host.spawn(spec)
    for nonsense in ("{\n", "[1]\n", "\x00\xff\n", '{"op": 1}\n{"op": null}\n{}\nnull\n'):
        watcher = observe(spec.folder)
        watcher.write(nonsense)
        watcher.flush()
        assert json.loads(watcher.readline())["ev"] == "state"
        assert watcher.readline() == ""
    process.send(b"\n")
    assert (await process.ended()).status.code == 7


async def test_the_last_one_to_ask_owns_it(
    host: Supervisors, next_host: Supervisors, sh: Spec, survivors: Survivors, mark: str
):
    spec = sh(f"exec sleep 1000.{mark}")
    first = await host.spawn(spec)
    second = await next_host.attach(spec.folder)
    assert second is not None
    with pytest.raises(ProcessError, match="left to another instance"):
        await first.ended()
    first.stop("not mine any more")
    await host.close()
    assert len(survivors()) == 1
    second.stop("mine")
    assert (await second.ended()).status == ExitStatus(-2, "mine")


async def test_attaching_through_a_deep_folder(folder: Path, next_host: Supervisors, sh: Spec):
    host = Supervisors(folder / "log")
    spec = sh("exec sleep 1000", folder=folder / ("d" * 150) / "attempt")
    await host.spawn(spec)
    await host.detach()
    process = await next_host.attach(spec.folder)
    assert process is not None
    process.stop("done")
    assert (await process.ended()).status.code == -2


@pytest.mark.parametrize("content", [None, "", "{", "{}", '{"token": "t", "interrupt_seconds": 1}'])
async def test_there_is_nothing_to_attach_to(
    next_host: Supervisors, folder: Path, content: str | None
):
    attempt = folder / "attempt"
    if content is not None:
        attempt.mkdir()
        (attempt / "spec").write_text(content)
    assert await next_host.attach(attempt) is None


async def test_a_socket_that_nobody_listens_on(next_host: Supervisors, folder: Path):
    attempt = folder / "attempt"
    attempt.mkdir()
    (attempt / "spec").write_text('{"token": "t", "interrupt_seconds": 1}')
    with socket.socket(socket.AF_UNIX) as sock:
        os.chdir(attempt)
        sock.bind("sock")
    assert await next_host.attach(attempt) is None


@pytest.mark.integration
async def test_detached_programs_outlive_their_zygote_too(
    folder: Path, next_host: Supervisors, sh: Spec, kill_record: Callable[..., None]
):
    host = Supervisors(folder / "log")
    spec = sh(COUNTER)
    await host.spawn(spec)
    await host.detach()
    kill_record(spec.folder, "zygote")
    process = await next_host.attach(spec.folder)
    assert process is not None
    kill_record(spec.folder, "supervisor")
    assert (await process.ended()).status.why == "supervisor-lost"
