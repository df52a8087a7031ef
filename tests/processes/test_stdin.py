"""Standard input: nothing, a pipe that is fed, or a file."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.host import Supervisors


Spec = Callable[..., ProcessSpec]
Eventually = Callable[..., Awaitable[None]]


async def test_nothing_is_an_immediate_end_of_file(host: Supervisors, sh: Spec):
    spec = sh("readlink /proc/self/fd/0; cat")
    await (await host.spawn(spec)).ended()
    assert (spec.folder / "out").read_text() == "/dev/null\n"


async def test_a_file_is_read_from_its_start_and_cannot_be_written(
    host: Supervisors, sh: Spec, folder: Path
):
    prompt = folder / "prompt ü"
    prompt.write_bytes(b"\x00\xff" * 500_000)
    spec = sh("wc -c; echo x 2>/dev/null >&0 || echo refused", stdin=str(prompt))
    await (await host.spawn(spec)).ended()
    assert (spec.folder / "out").read_text().split() == ["1000000", "refused"]


async def test_what_is_sent_arrives_as_it_is_sent(
    host: Supervisors, sh: Spec, eventually: Eventually
):
    spec = sh("while read line; do echo got $line; done; echo over", stdin="pipe")
    process = await host.spawn(spec)
    out = spec.folder / "out"
    process.send(b"one\n")
    await eventually(lambda: out.read_text() == "got one\n")
    process.send("zwö\n".encode())
    await eventually(lambda: out.read_text() == "got one\ngot zwö\n")
    process.close_stdin()
    assert (await process.ended()).status.code == 0
    assert out.read_text().endswith("over\n")


async def test_megabytes_to_a_slow_reader_arrive_whole_before_the_end(host: Supervisors, sh: Spec):
    """More than a pipe holds, with the end asked for while most of it still waits."""
    data = bytes(range(256)) * 12_000
    spec = sh("sleep 0.3; sha256sum", stdin="pipe")
    process = await host.spawn(spec)
    process.send(data)
    process.close_stdin()
    await process.ended()
    assert (spec.folder / "out").read_text().split()[0] == hashlib.sha256(data).hexdigest()


async def test_a_reader_that_goes_away_is_no_failure(host: Supervisors, sh: Spec):
    process = await host.spawn(sh("exec 0<&-; sleep 0.3; exit 4", stdin="pipe"))
    for _ in range(20):
        process.send(b"x" * 10_000)
    process.close_stdin()
    assert (await process.ended()).status.code == 4


async def test_after_the_end_sending_does_nothing(host: Supervisors, sh: Spec):
    process = await host.spawn(sh("exit 0", stdin="pipe"))
    await process.ended()
    process.send(b"late")
    process.close_stdin()


async def test_without_a_pipe_sending_does_nothing(host: Supervisors, sh: Spec):
    process = await host.spawn(sh("sleep 0.1; cat"))
    process.send(b"nobody reads this")
    process.close_stdin()
    assert (await process.ended()).out_size == 0


async def test_a_program_that_waits_for_input_ends_when_stopped(host: Supervisors, sh: Spec):
    process = await host.spawn(sh("exec cat", stdin="pipe"))
    process.send(b"x" * 1_000_000)
    process.stop("enough")
    async with asyncio.timeout(20):
        assert (await process.ended()).status.why == "enough"
